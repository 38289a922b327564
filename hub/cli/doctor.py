"""`sitegate doctor`: looks at everything the hub needs and says what to do about each fault."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import typer

from hub.application.terminals import TerminalKey
from hub.authority.certificates import WARN_DAYS as CERTIFICATE_WARN_DAYS
from hub.authority.day import certificate_files, token_source
from hub.authority.transport import Transport
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.errors import SitegateError
from hub.i18n import error_text, text
from hub.settings import AuthoritySettings, BrokerAddress, Settings, is_loopback, parse_broker_url
from hub.storage.engine import is_read_through, reading
from hub.storage.house import DATABASE, KEYS, House, lock_house, open_house
from hub.storage.notices import channel_states
from hub.storage.register import Register
from hub.storage.soundness import is_sound
from hub.terminals.broker import broker_program
from hub.terminals.certificates import CA_WARN_DAYS, WARN_DAYS, Certificates
from hub.terminals.external import ExternalBroker
from hub.terminals.serial import is_address, port_names
from hub.web.vendored import PACKAGE, VERSION, lacking

DISK_MIN = 500 * 1024 * 1024
EARLIEST_CLOCK_S = 1_767_225_600  # 1 January 2026: a clock before that was never set
BROKER_ANSWER_S = 5.0
SQLITE_MIN = (3, 38, 0)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: "ok", "warning" or "fault", and the texts' key or error code."""

    subject: str
    state: str
    code: str
    values: dict[str, object]


def _attempt(subject: str, check: Callable[[], dict[str, object]]) -> Finding:
    try:
        return Finding(subject, "ok", f"doctor.{subject}", check())
    except SitegateError as error:
        return Finding(subject, "fault", error.code, error.extra)


def examine(settings: Settings) -> Iterator[Finding]:
    """Yields what was found, in the order in which one would look."""
    newest = sqlite3.sqlite_version
    state = "ok" if sqlite3.sqlite_version_info >= SQLITE_MIN else "fault"
    yield Finding("sqlite", state, "doctor.sqlite", {"version": newest})
    now = now_ms() // 1000
    yield Finding("clock", "ok" if now > EARLIEST_CLOCK_S else "fault", "doctor.clock", {})
    folder: Path = settings.data
    if not (folder / DATABASE).exists():
        yield Finding("data", "warning", "doctor.data_missing", {"folder": str(folder)})
    else:
        yield from _examine_house(settings, folder)
    yield from _examine_broker(settings)
    for wanted in settings.serial.ports:
        yield from _examine_port(wanted)
    yield from _examine_authority(settings)
    yield _examine_pages()


def _examine_pages() -> Finding:
    """Without the browser code of others pages work, and are less quick to show what is new."""
    missing = lacking()
    if missing:
        return Finding("pages", "warning", "HUB-1870", {"reason": ", ".join(missing)})
    return Finding("pages", "ok", "doctor.pages", {"package": PACKAGE, "version": VERSION})


def _examine_port(wanted: str) -> Iterator[Finding]:
    """Looks without opening: a running hub has its ports for itself."""
    names = port_names([wanted])
    if not names:
        values: dict[str, object] = {"port": wanted, "reason": os.strerror(errno.ENOENT)}
        yield Finding("serial", "warning", "HUB-1232", values)
    for name in names:
        if is_address(name) or os.access(name, os.R_OK | os.W_OK):
            yield Finding("serial", "ok", "doctor.serial", {"port": name})
        else:
            values = {"port": name, "reason": os.strerror(errno.EACCES)}
            yield Finding("serial", "fault", "HUB-1232", values)


def _examine_broker(settings: Settings) -> Iterator[Finding]:
    outside = parse_broker_url(settings.broker.external)
    if outside is not None:
        values: dict[str, object] = {"host": outside.host, "port": outside.port}
        try:
            _reach(settings, outside)
            yield Finding("broker", "ok", "doctor.broker_external", values)
        except SitegateError as error:
            yield Finding("broker", "fault", error.code, error.extra)
        except OSError as error:
            reason = getattr(error, "verify_message", "") or type(error).__name__
            yield Finding("broker", "fault", "HUB-1022", {**values, "reason": reason})
        return
    yield _attempt("broker", lambda: {"program": broker_program()})
    host = settings.broker.host
    if not settings.broker.encrypted:
        state = "ok" if is_loopback(host) else "warning"
        yield Finding("certificate", state, "doctor.certificate_off", {"host": host})
        return
    yield from _examine_certificate(Certificates(settings.data, host, now_ms))


def _reach(settings: Settings, outside: BrokerAddress) -> None:
    """Connects to an existing broker, with TLS up to the end of the handshake."""
    certificates = Certificates(settings.data, outside.host, now_ms)
    context = ExternalBroker(settings.broker, certificates, "").context()
    with socket.create_connection((outside.host, outside.port), BROKER_ANSWER_S) as connection:
        if context is not None:
            context.wrap_socket(connection, server_hostname=outside.host).close()


def _examine_certificate(certificates: Certificates) -> Iterator[Finding]:
    try:
        standing = certificates.standing()
    except SitegateError as error:
        yield Finding("certificate", "fault", error.code, error.extra)
        return
    if standing is None:
        yield Finding("certificate", "ok", "doctor.certificate_none", {})
    elif standing.foreign:
        yield Finding("certificate", "fault", "HUB-1024", {"reason": "CA"})
    elif standing.days < WARN_DAYS:
        state = "fault" if standing.days < 0 else "warning"
        yield Finding("certificate", state, "HUB-1023", {"days": standing.days})
    elif standing.missing:
        reason = ", ".join(standing.missing)
        yield Finding("certificate", "warning", "HUB-1024", {"reason": reason})
    elif standing.ca_days < CA_WARN_DAYS:
        yield Finding("certificate", "warning", "HUB-1025", {"days": standing.ca_days})
    else:
        values: dict[str, object] = {"days": standing.days, "ca_days": standing.ca_days}
        yield Finding("certificate", "ok", "doctor.certificate", values)


def _examine_house(settings: Settings, folder: Path) -> Iterator[Finding]:
    try:
        house = open_house(folder)
    except SitegateError as error:
        yield Finding("data", "fault", error.code, error.extra)
        return
    with closing(house):
        yield _examine_database(folder)
        free = shutil.disk_usage(folder).free
        state = "ok" if free > DISK_MIN else "warning"
        yield Finding("disk", state, "doctor.disk", {"free_mb": free // 1024**2})
        mode = (folder / KEYS).stat().st_mode & 0o077
        yield Finding("keys", "warning" if mode else "ok", "doctor.keys", {"file": KEYS})
        yield from _examine_register(house)
        yield from _examine_messages(settings, house)
    try:
        lock_house(folder).close()
        running = "no"
    except SitegateError:
        running = "yes"
    yield Finding("hub", "ok", f"doctor.hub_{running}", {})


def _examine_database(folder: Path) -> Finding:
    """Reads a large database through, which opening it did not."""
    path = folder / DATABASE
    try:
        sound = is_read_through(path) or _reads_well(path)
    except sqlite3.OperationalError as error:
        reason = type(error).__name__
        return Finding("data", "fault", "HUB-1003", {"folder": str(folder), "reason": reason})
    if not sound:
        return Finding("data", "fault", "HUB-1004", {"reason": "quick_check"})
    return Finding("data", "ok", "doctor.data", {"folder": str(folder)})


def _reads_well(path: Path) -> bool:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return is_sound(connection)


def _examine_register(house: House) -> Iterator[Finding]:
    with reading(house.engine) as connection:
        register = Register(connection, house.vault)
        counts = register.counts()
        try:
            terminals: list[TerminalKey] = register.terminals()
        except SitegateError as error:
            yield Finding("terminals", "fault", error.code, error.extra)
            return
    state = "ok" if counts["badge"] else "warning"
    yield Finding("register", state, "doctor.register", {**counts})
    state = "ok" if terminals else "warning"
    yield Finding("terminals", state, "doctor.terminals", {"count": len(terminals)})


def _examine_messages(settings: Settings, house: House) -> Iterator[Finding]:
    """Says what a running hub found when it last sent; nobody is called."""
    with reading(house.engine) as connection:
        states = channel_states(connection)
    for state in states.values():
        values: dict[str, object] = {
            "channel": state.channel, "code": state.code, "count": state.waiting,
        }  # fmt: skip
        if state.failures:
            yield Finding("messages", "warning", "HUB-1816", values)
        else:
            yield Finding("messages", "ok", "doctor.messages", values)
    if not settings.alerts.recipients:
        yield Finding("messages", "ok", "doctor.messages_none", {})


def _examine_authority(settings: Settings) -> Iterator[Finding]:
    wanted = settings.authority
    if not wanted.url:
        yield Finding("authority", "warning", "doctor.authority_unset", {})
        return
    try:
        Transport(
            wanted.url, wanted.connect_timeout_s, wanted.read_timeout_s, wanted.ca_file or None
        )
    except SitegateError as error:
        yield Finding("authority", "fault", error.code, error.extra)
        return
    if wanted.profile == "signed":
        yield from _examine_signing(wanted)
    url = urlsplit(wanted.url)
    port = url.port or (443 if url.scheme == "https" else 80)
    values: dict[str, object] = {"host": url.hostname, "port": port}
    try:
        socket.create_connection((url.hostname, port), wanted.connect_timeout_s).close()
        yield Finding("authority", "ok", "doctor.authority", values)
    except OSError:
        yield Finding("authority", "warning", "HUB-1301", values)


def _examine_signing(wanted: AuthoritySettings) -> Iterator[Finding]:
    """Looks at the certificate for the authority; asks nobody for a token."""
    subject = "authority_certificate"
    now = now_ms()
    try:
        files = certificate_files(wanted)
        token_source(wanted, now_ms)
        credential = files.read()
        credential.check_valid(now)
    except SitegateError as error:
        yield Finding(subject, "fault", error.code, error.extra)
        return
    days = credential.days_left(now)
    if days < CERTIFICATE_WARN_DAYS:
        yield Finding(subject, "warning", "HUB-1338", {"days": days})
    else:
        yield Finding(subject, "ok", "doctor.authority_certificate", {"days": days})
    for file in files.secret():
        if Path(file).stat().st_mode & 0o077:
            yield Finding(subject, "warning", "doctor.authority_certificate_keys", {"file": file})


def tell(finding: Finding, language: str) -> str:
    """Returns the finding as one or more lines for a person."""
    mark = {"ok": "ok     ", "warning": "look   ", "fault": "FAULT  "}[finding.state]
    if finding.code.startswith("doctor."):
        return mark + text(finding.code, language, **finding.values)
    told = error_text(finding.code, language, **finding.values)
    return f"{mark}{finding.code}: {told.happened}\n       {told.kept}\n       {told.next}"


@app.command("doctor")
def doctor(as_json: JsonFlag = False) -> None:
    """Look at everything the hub needs; exit code 1 when something is at fault."""
    settings = given_settings()
    findings = list(examine(settings))
    faults = [finding for finding in findings if finding.state == "fault"]
    if as_json:
        print_json(
            {
                "ok": not faults,
                "findings": [
                    {"subject": f.subject, "state": f.state, "code": f.code, "values": f.values}
                    for f in findings
                ],
            }
        )
    else:
        for finding in findings:
            typer.echo(tell(finding, chosen_language(settings)))
    if faults:
        raise typer.Exit(1)
