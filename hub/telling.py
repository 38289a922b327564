"""All of a running hub that tells people: it looks for alerts, and carries messages.

Threads: *alerts*, which looks twice a minute, and *notices*, which hands messages over.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import time
from typing import Final

from sqlalchemy import Engine

from hub.application.alert_readings import Certificate, FactsPort, Limits
from hub.application.alerting import Alerting, Wanted
from hub.application.mailing import Content, Notice, Sender
from hub.application.posting import Posting, StepThread
from hub.authority.certificates import CertificateFiles
from hub.authority.day import certificate_files
from hub.clock import Clock
from hub.domain.alert_times import Recipient, Timing
from hub.domain.alerts import MINUTE_MS, Kind
from hub.errors import SitegateError, UsageError
from hub.i18n import text
from hub.notices.channels import senders
from hub.settings import Settings
from hub.storage.alerts import Alerts
from hub.storage.notices import Post, Write
from hub.storage.secrets import Vault
from hub.terminals.certificates import Certificates

STOP_S: Final = 5.0


def wanted_of(settings: Settings, base_url: str) -> Wanted:
    """Returns what the settings say about alerts.

    Args:
        base_url: where the pages are, without the slash at its end.
    """
    said = settings.alerts
    return Wanted(
        Limits(
            said.receipt_minutes,
            said.silent_minutes,
            said.refusals,
            said.reader_resets,
            said.journal_percent,
            said.plan_at,
            said.certificate_days,
        ),
        {Kind.AUTHORITY: said.authority_minutes * MINUTE_MS},
        Timing(
            said.quiet_from,
            said.quiet_until,
            said.digest_minutes,
            time.fromisoformat(said.digest_at) if said.digest_at else None,
        ),
        tuple(
            Recipient(
                one.channel, one.to, one.language, one.step, frozenset(one.sites), one.at_once
            )
            for one in said.recipients
        ),
        said.escalate_minutes * MINUTE_MS,
        base_url,
    )


def certificates_of(settings: Settings, clock: Clock) -> Callable[[int], list[Certificate]]:
    """Returns what looks how long each certificate of the hub is good.

    One that cannot be read is left out: `sitegate doctor` and the first call say what is wrong.
    """
    broker = Certificates(settings.data, settings.broker.host, clock)

    def look(now_ms: int) -> list[Certificate]:
        found: list[Certificate] = []
        for name, files in _files(settings):
            try:
                found.append(Certificate(name, files.read().days_left(now_ms)))
            except SitegateError:
                continue
        if settings.broker.encrypted and not settings.broker.external:
            try:
                standing = broker.standing()
            except SitegateError:
                standing = None
            if standing is not None:
                found.append(Certificate("broker", standing.days))
                found.append(Certificate("broker_ca", standing.ca_days))
        return found

    return look


def _files(settings: Settings) -> list[tuple[str, CertificateFiles]]:
    found: list[tuple[str, CertificateFiles]] = []
    if settings.authority.url and settings.authority.profile == "signed":
        try:
            found.append(("authority", certificate_files(settings.authority)))
        except SitegateError:
            found = []
    said = settings.in_out
    if said.url and said.certificate:
        files = CertificateFiles(
            said.certificate, said.certificate_key, said.certificate_password_file
        )
        found.append(("in_out", files))
    return found


class Telling:
    """What leaves the hub as a message; `start` and `stop` once each.

    Args:
        settings: see `docs/settings.md`.
        engine: to read.
        vault: seals and opens what is attached.
        write: carries out a change.
        clock: UTC milliseconds.
        changed: called after something a page shows has changed, in any thread.
        base_url: where the pages are, without the slash at its end.
        facts: what alerts look at; None: nobody looks, messages are carried all the same.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        vault: Vault,
        write: Write,
        clock: Clock,
        changed: Callable[[], None],
        base_url: str,
        facts: FactsPort | None = None,
    ) -> None:
        self._wanted = wanted_of(settings, base_url)
        self._clock = clock
        self._senders = senders(settings, clock)
        posting = Posting(Post(engine, write, vault), self._senders, clock, changed)
        self._post = StepThread("notices", posting, clock)
        self._look = None
        if facts is not None:
            self.alerting = Alerting(
                Alerts(write, vault),
                facts,
                self._wanted,
                clock,
                lambda: secrets.token_urlsafe(16),
                self.wake,
                changed,
            )
            self._look = StepThread("alerts", self.alerting, clock)

    @property
    def wanted(self) -> Wanted:
        """What the settings say about alerts."""
        return self._wanted

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that are set up."""
        return tuple(self._senders)

    def start(self) -> None:
        """Starts looking, and handing over what waits."""
        self._post.start()
        if self._look is not None:
            self._look.start()

    def stop(self) -> None:
        """Ends after what is under way; what waits goes at the next start."""
        if self._look is not None:
            self._look.stop(STOP_S)
        self._post.stop(STOP_S)

    def wake(self) -> None:
        """There may be a new message; returns at once."""
        self._post.wake()

    def try_out(self, to: Recipient) -> None:
        """Sends a test past the outbox, see `send_test`."""
        send_test(self._senders, to, self._clock())


def send_test(by_channel: Mapping[str, Sender], to: Recipient, now_ms: int) -> None:
    """Sends a message that says that it is a test; returns once the other side has taken it.

    Args:
        by_channel: the senders that are set up.
        to: who gets it.
        now_ms: UTC milliseconds.

    Raises:
        UsageError: HUB-1800, the channel is not set up.
        SitegateError: what the sender of the channel raises.
    """
    sender = by_channel.get(to.channel)
    if sender is None:
        raise UsageError("HUB-1800", channel=to.channel)
    language = to.language
    body = text("alerts.mail.test.body", language).split("\n\n")
    content = Content(text("alerts.mail.test.subject", language), tuple(body), data={"test": True})
    handle = secrets.token_urlsafe(16)
    sender.send(Notice(handle, to.channel, to.to, language, now_ms, content))
