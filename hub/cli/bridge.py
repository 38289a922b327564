"""`sitegate bridge`: a gate's USB cable at this computer, the hub elsewhere."""

from __future__ import annotations

import json
import os
import signal
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.errors import UsageError
from hub.i18n import error_text, text
from hub.settings import Settings
from hub.terminals.bridge import OTHER, REFUSED, UNREACHABLE, UNTRUSTED, Bridge, BrokerLogin
from hub.terminals.certificates import client_context
from protocol.limits import KEY_SIZE
from protocol.mac import broker_password
from protocol.topics import valid_terminal_id

DEFAULT_PORT = 1883
_ERRORS = {
    OTHER: "HUB-1233",
    REFUSED: "HUB-1234",
    UNTRUSTED: "HUB-1235",
    UNREACHABLE: "HUB-1236",
}


@dataclass(slots=True)
class _Given:
    """What is known of gate and broker, from the file and then from the options."""

    terminal: str = ""
    password: str = ""
    host: str = ""
    port: int = DEFAULT_PORT
    tls: bool = False
    ca: str = ""


@app.command("bridge")
def bridge(
    port: Annotated[str, typer.Option("--port", help="Serial port the gate's cable is in.")],
    gate: Annotated[
        Path | None,
        typer.Option("--gate", help="The gate's settings file, as terminal add wrote it (secret)."),
    ] = None,
    broker: Annotated[
        str, typer.Option("--broker", help="HOST:PORT of the hub's broker, if not as in the file.")
    ] = "",
    password: Annotated[
        str,
        typer.Option("--password", envvar="BROKER_PASSWORD", help="The gate's broker password."),
    ] = "",
    ca: Annotated[
        Path | None,
        typer.Option("--ca", help="Certificate (PEM) of the hub's authority; turns TLS on."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Carry a gate's records from a USB cable to a hub elsewhere, until Ctrl-C."""
    settings = given_settings()
    given = _read_gate(gate) if gate is not None else _Given()
    if broker:
        given.host, given.port = _address(broker)
    if ca is not None:
        given.tls, given.ca = True, _read(ca)
    given.password = password or given.password
    for option, found in (("--broker", given.host), ("--password", given.password)):
        if not found:
            raise UsageError("HUB-1002", key=option, reason="--gate / " + option)
    login = BrokerLogin(given.terminal, given.password, given.host, given.port, _context(given))
    told = _Teller(settings, quiet=as_json)
    carrier = Bridge([port], login, told)
    over = _until_signal()
    carrier.start()
    try:
        address = f"{given.host}:{given.port}"
        if as_json:
            print_json({"port": port, "broker": address, "tls": given.tls, "pid": os.getpid()})
        else:
            language = chosen_language(settings)
            typer.echo(text("cli.bridge_running", language, port=port, broker=address))
        over.wait()
    finally:
        carrier.stop()


class _Teller:
    """Says each change once; a refusal that goes on is not said again."""

    def __init__(self, settings: Settings, *, quiet: bool) -> None:
        self._language = chosen_language(settings)
        self._quiet = quiet
        self._last: tuple[str, str] | None = None

    def __call__(self, event: str, terminal: str) -> None:
        if (event, terminal) == self._last:
            return
        self._last = event, terminal
        code = _ERRORS.get(event)
        if code is not None:
            told = error_text(code, self._language, terminal=terminal)
            typer.echo(f"{code}: {told.happened}\n  {told.kept}\n  {told.next}", err=True)
        elif not self._quiet:
            typer.echo(text(f"cli.bridge_{event}", self._language, terminal=terminal))


def _until_signal() -> threading.Event:
    over = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        over.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return over


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("HUB-1231", file=str(path), reason=type(error).__name__) from None


def _read_gate(path: Path) -> _Given:
    """Returns what the file says of gate and broker; it needs the key or only the password."""
    try:
        fields: Any = json.loads(_read(path))
        given = _Given(terminal=str(fields["terminal"]))
        if "password" in fields:
            given.password = str(fields["password"])
        else:
            key = bytes.fromhex(fields["key"])
            given.password = broker_password(key) if len(key) == KEY_SIZE else ""
        broker = fields.get("broker", {})
        given.host, given.port = str(broker.get("host", "")), int(broker.get("port", DEFAULT_PORT))
        given.tls, given.ca = broker.get("tls", False) is True, str(broker.get("ca", ""))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError("HUB-1231", file=str(path), reason=type(error).__name__) from None
    if not valid_terminal_id(given.terminal) or not given.password:
        raise UsageError("HUB-1231", file=str(path), reason="terminal, key")
    return given


def _address(broker: str) -> tuple[str, int]:
    host, colon, number = broker.rpartition(":")
    if not colon or not host or not number.isdecimal() or not 1 <= int(number) <= 65535:
        raise UsageError("HUB-1002", key="--broker", reason="HOST:PORT")
    return host.strip("[]"), int(number)


def _context(given: _Given) -> ssl.SSLContext | None:
    """Returns what TLS needs: only the hub's own authority is believed, never the public ones."""
    if not given.tls:
        return None
    try:
        return client_context(given.ca)
    except (ssl.SSLError, ValueError):
        raise UsageError("HUB-1002", key="ca", reason="PEM") from None
