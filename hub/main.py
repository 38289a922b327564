"""The composition root: one hub, its threads, and the order in which they start and end.

Threads: *writer* (the only one that writes), *link* (paho's loop), *broker* (watches nats-server),
*register* (sees that another process changed the register), *forwarder* (talks to the authority),
*feedback* (tells the gates what came of their taps), *serial* with one for each open port (gates on
a cable, if any are set), *pins* (a reader on the hub's own pins, if one is set), *roll-call* (who
is on site, to disk), *roll-call-keeper* (ticks, to the database), *alerts* (looks twice a minute),
*notices* (hands messages over), *reports* (makes those that are due) and the main thread with the
web server. Whoever has news calls `Changes.notify`.
"""

from __future__ import annotations

import secrets
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from hub.application.enrolment import PINS, Enrolment
from hub.application.feedback import Feedback
from hub.application.ingest import Ingest
from hub.application.overview import AuthorityStatus
from hub.application.prompt import LIMIT_S
from hub.application.roll_call_desk import RollCallDesk
from hub.application.rosters import build_rosters
from hub.application.terminals import DESK
from hub.application.updates import FirmwareOrder, Updates
from hub.clock import Clock, now_ms
from hub.errors import SitegateError
from hub.reports.roll_call_apart import roll_call_paper
from hub.reports.roll_call_page import roll_call_page
from hub.scheduling import Scheduling
from hub.sending import Sending
from hub.settings import Settings, link_base
from hub.storage.alert_facts import AlertFacts
from hub.storage.balance import Books
from hub.storage.engine import is_read_through, reading
from hub.storage.feedback import DayReader
from hub.storage.firmware import (
    firmware_versions,
    keep_crash,
    keep_firmware_seen,
    keep_progress,
    newest_order,
    orders,
    packs,
)
from hub.storage.gate_news import keep_health, stored_health
from hub.storage.house import DATABASE, House, lock_house, open_house
from hub.storage.inbox import InboxGroup, load_streams
from hub.storage.incidents import add_incident
from hub.storage.overview import Overview
from hub.storage.projector import Projector
from hub.storage.register import Register
from hub.storage.roll_call import keep_acts
from hub.storage.roll_call_files import Journal, Shelf
from hub.storage.roll_call_lists import PromptLists
from hub.storage.soundness import Soundness
from hub.storage.terminals import Terminals
from hub.storage.writer import Writer
from hub.telling import Telling, certificates_of, wanted_of
from hub.terminals.broker import Broker
from hub.terminals.care import FirmwareCare
from hub.terminals.certificates import Certificates
from hub.terminals.external import ExternalBroker, external_password
from hub.terminals.mqtt import MqttLink
from hub.terminals.pins import PinReader
from hub.terminals.serial import SerialDesk
from hub.terminals.session import TerminalDesk
from hub.terminals.watch import TerminalWatch
from hub.web.live import Changes
from hub.web.office import Office
from protocol.mac import broker_password
from protocol.messages import HEALTH

T = TypeVar("T")
REGISTER_POLL_S = 1.0
"""How often it is looked whether another process changed the register; this one says so at once."""
RENEW_CHECK_MS = 3600 * 1000
SWITCH_INTERVAL_S = 0.0005
"""The writer gives up the interpreter lock for every statement; with Python's default of 5 ms it
would wait that long to get it back from a busy link thread."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parts of a running hub are."""

    broker_host: str
    broker_port: int
    broker_pid: int | None


def roll_call_desk(
    office: Office, changed: Callable[[], None], limit_s: float = LIMIT_S
) -> RollCallDesk:
    """Returns the roll calls of a data folder; they write nothing until they are started.

    Args:
        office: where they are kept.
        changed: called after whatever a page shows has changed.
        limit_s: how long the database may take to answer, seconds.
    """
    return RollCallDesk(
        PromptLists(office.folder / DATABASE, office.clock, limit_s),
        lambda acts: office.write(lambda connection: keep_acts(connection, office.vault, acts)),
        Journal(office.folder),
        Shelf(office.folder, roll_call_page, roll_call_paper, office.settings.language),
        office.clock,
        changed,
        lambda: secrets.token_urlsafe(16),
    )


class Hub:
    """One hub on one data folder; `start` and `stop` once each.

    Args:
        settings: see `docs/settings.md`.
        clock: UTC milliseconds.

    Raises:
        PermanentError: the data folder, its lock, the broker or a port cannot be used.
    """

    def __init__(self, settings: Settings, clock: Clock = now_ms) -> None:
        self._settings = settings
        self._clock = clock
        self._house: House = open_house(settings.data)
        try:
            self._lock = lock_house(settings.data)
        except BaseException:
            self._house.close()
            raise
        self.changes = Changes(self._house.committed)
        self._writer = Writer(self._house.engine)
        self.watch = TerminalWatch(
            self._record_incident, self.changes.notify, clock, self._keep_health
        )
        certificates = Certificates(settings.data, settings.broker.host, clock)
        self._broker: Broker | ExternalBroker = (
            ExternalBroker(settings.broker, certificates, external_password(self._house.vault))
            if settings.broker.external
            else Broker(
                settings.data / "broker",
                settings.broker.host,
                settings.broker.port,
                secrets.token_hex(16),
                died=lambda: self.watch.incident(None, "HUB-1205"),
                certificates=certificates if settings.broker.encrypted else None,
            )
        )
        self._renew_at_ms = 0
        self._link: MqttLink | None = None
        self._updates = Updates(self._update_changed, clock)
        care = FirmwareCare(
            self._updates, self._publish, self.watch, self._keep_crash, self._firmware_seen
        )
        self._desk = TerminalDesk(
            self._writer.put,
            self._publish,
            self.watch,
            clock,
            self._greeted,
            self._heard_with_next_key,
            care,
        )
        ports = settings.serial.ports
        self._serial = SerialDesk(ports, self._desk.deliver) if ports else None
        self._feedback = Feedback(DayReader(self._house.engine), self._desk, clock)
        self._stopping = threading.Event()
        self._register_news = threading.Event()
        self._register_thread = threading.Thread(
            target=self._watch_register, name="register", daemon=True
        )
        self._register_version = -1
        self._newest_order = 0
        self.enrolment = Enrolment(clock, lambda: secrets.token_urlsafe(16), self.changes.notify)
        vault = self._house.vault
        self._pins = (
            PinReader(lambda uid: self.enrolment.read(PINS, vault.tag(uid.reveal())))
            if settings.desk.pins
            else None
        )
        self._projector = Projector(
            self._writer,
            self._projected,
            self._reported,
            settings.in_out.window_s * 1000,
            self.enrolment.tapped,
        )
        self.sending = Sending(
            settings, self._house, self._writer, clock, self._registered, self._every_gate_heard
        )
        self.office = Office(
            self._house.engine,
            self._write,
            self._house.vault,
            clock,
            self._office_changed,
            settings,
            settings.data,
        )
        self.roll_call = roll_call_desk(self.office, self.changes.notify)
        database = settings.data / DATABASE
        self._soundness = Soundness(
            database,
            lambda: self.watch.incident(None, "HUB-1004", "quick_check"),
            soon=not is_read_through(database),
        )
        self.overview = Overview(self._house.engine, self._house.vault)
        self.books = Books(self._house.engine)
        self.telling = self._telling()
        self.scheduling = Scheduling(
            settings, self._house, self._write, clock, self.telling.wake, self.changes.notify
        )

    def _telling(self) -> Telling:
        settings, engine, vault = self._settings, self._house.engine, self._house.vault
        base_url = link_base(settings)
        facts = AlertFacts(
            engine,
            self.overview,
            self.watch.gates,
            self.authority_status,
            self.sending.plans.days,
            certificates_of(settings, self._clock),
            wanted_of(settings, base_url).limits,
            self._clock(),
        )
        return Telling(
            settings, engine, vault, self._write, self._clock, self.changes.notify, base_url, facts
        )

    # ------------------------------------------------------------ life

    def start(self) -> Addresses:
        """Starts everything but the web server; returns when terminals can connect."""
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        with reading(self._house.engine) as connection:
            ingest = Ingest(load_streams(connection), self._desk)
        self._writer.start(InboxGroup(ingest, self._clock, self._projector.wake))
        try:
            self._take_register()
            self._remember_gates()
            self._take_orders()
            self._broker.start()
            self._link = MqttLink(
                self._broker.connect_host,
                self._broker.port,
                self._broker.hub_user,
                self._broker.hub_password,
                self._serial.deliver_mqtt if self._serial else self._desk.deliver,
                self._link_changed,
                self._broker.context(),
            )
            self._link.start()
            if self._serial is not None:
                self._serial.start()
            self._feedback.start()
            if self._pins is not None:
                self._pins.start()
            self.sending.start()
        except BaseException:
            self.stop()
            raise
        self._register_thread.start()
        self.roll_call.start()
        self.telling.start()
        self.scheduling.start()
        self._soundness.start()
        self._projector.wake()
        return Addresses(self._broker.host, self._broker.port, self._broker.pid)

    def stop(self) -> None:
        """Ends everything in order; what was acked is on disk, what was not comes again."""
        self._stopping.set()
        self._register_news.set()
        self._soundness.stop()
        self.roll_call.stop()
        self.scheduling.stop()
        self.telling.stop()
        self.sending.stop()
        self._feedback.stop()
        if self._pins is not None:
            self._pins.stop()
        if self._serial is not None:
            self._serial.stop()
        if self._link is not None:
            self._link.stop()
        self._broker.stop()
        if self._register_thread.is_alive():
            self._register_thread.join()
        self._writer.stop()
        self._house.close()
        self._lock.close()

    # ------------------------------------------------------------ terminals

    def _publish(self, topic: str, payload: bytes) -> None:
        if self._link is not None:
            self._link.publish(topic, payload)
        if self._serial is not None:
            self._serial.publish(topic, payload)

    def _heard_with_next_key(self, terminal: str, key: bytes) -> None:
        def keep(connection: Connection) -> bool:
            found = Terminals(connection, self._house.vault)
            return found.heard_with_next_key(terminal, key, self._clock())

        self._writer.call(keep)

    def _greeted(self, terminal: str, site_id: int) -> None:
        self._feedback.greeted(terminal, site_id)

    def _link_changed(self, up: bool) -> None:
        if up:
            self._desk.offer_rosters()
        else:
            self.watch.all_silent()
            if self._serial is not None:
                self._serial.broker_lost()

    def _record_incident(self, at_ms: int, code: str, terminal: str | None, detail: str) -> None:
        log.warning("incident", code=code, terminal=terminal, detail=detail)
        self._writer.call(
            lambda connection: add_incident(connection, at_ms, code, terminal, detail)
        )

    def _reported(self, code: str, terminal: str) -> None:
        log.warning("incident", code=code, terminal=terminal, detail="")
        self.watch.counted(code, terminal)

    def _keep_health(self, terminal: str, said_ms: int, numbers: dict[str, int]) -> None:
        self._writer.call(lambda connection: keep_health(connection, terminal, said_ms, numbers))

    def _remember_gates(self) -> None:
        """Tells the watch what each gate said before this start."""
        with reading(self._house.engine) as connection:
            firmware, health = firmware_versions(connection), stored_health(connection)
        for gate in self.watch.gates():
            said = health.get(gate.terminal_id)
            # What an older Sitegate kept may lack a number that this one needs.
            whole = said is not None and all(name in said.numbers for name, *_ in HEALTH)
            self.watch.remember(
                gate.terminal_id,
                firmware.get(gate.terminal_id, ""),
                said.said_ms if said else None,
                said.numbers if said and whole else None,
            )

    def _write(self, change: Callable[[Connection], T]) -> T:
        return self._writer.call(change).result()

    def _office_changed(self) -> None:
        """Somebody changed something on a page: gates hear of it, and whoever looks at a board."""
        self._register_news.set()
        self.changes.notify()

    def acted(self) -> None:
        """An act without a badge is on disk: it has its effect as soon as a tap would."""
        self._projector.wake()

    # ------------------------------------------------------------ register

    def _take_register(self) -> bool:
        """Gives broker, desk and watch the terminals and rosters of the register as it is now;
        returns whether it had changed."""
        with reading(self._house.engine) as connection:
            register = Register(connection, self._house.vault)
            version = register.version()
            if version == self._register_version:
                return False
            terminals = register.terminals()
            site_ids = [site_id for site_id, _ in register.sites()]
            rosters = build_rosters(version, register.badges(), site_ids)
        self._broker.configure(
            (user, broker_password(key))
            for terminal in terminals
            for user, key in terminal.logins()
        )
        self.watch.replace([(key.terminal, key.name, key.direction) for key in terminals])
        self._desk.replace(terminals, rosters)
        self._projector.register_changed()
        self._register_version = version
        self.changes.notify()
        return True

    def _watch_register(self) -> None:
        # At first too: an import may have been made while the hub was stopped.
        news = True
        while True:
            try:
                if news:
                    self.sending.register_changed()
                news = False
                self._register_news.wait(REGISTER_POLL_S)
                self._register_news.clear()
                if self._stopping.is_set():
                    return
                news = self._take_register()
                self._renew_certificate()
                self._take_orders()
                if self.sending.look_for_steps():
                    self.changes.notify()
            except (SitegateError, DatabaseError) as error:
                log.error("register not taken", error=type(error).__name__)
                if self._stopping.wait(REGISTER_POLL_S):
                    return

    def _renew_certificate(self) -> None:
        """Looks once in RENEW_CHECK_MS; a name given to a gate comes with a register version."""
        now = self._clock()
        if now >= self._renew_at_ms:
            self._renew_at_ms = now + RENEW_CHECK_MS
            self._broker.renew()

    # ------------------------------------------------------------ firmware

    def _take_orders(self) -> None:
        """Offers the terminals the firmware they are to run, if an order came in between."""
        with reading(self._house.engine) as connection:
            newest = newest_order(connection)
            if newest == self._newest_order:
                return
            self._updates.replace(orders(connection), packs(connection))
        self._newest_order = newest
        self._desk.offer_firmware()
        self.changes.notify()

    def _update_changed(self, order: FirmwareOrder) -> None:
        self._writer.call(lambda connection: keep_progress(connection, order))
        self.changes.notify()

    def _firmware_seen(self, terminal: str, firmware: str) -> None:
        at_ms = self._clock()
        self._writer.call(
            lambda connection: keep_firmware_seen(connection, terminal, firmware, at_ms)
        )

    def _keep_crash(
        self, terminal: str, boot: int, first: int, text: str, kept: Callable[[bool], None]
    ) -> None:
        at_ms = self._clock()
        future = self._writer.call(
            lambda connection: keep_crash(connection, terminal, boot, first, text, at_ms)
        )

        def committed(done: Future[bool]) -> None:
            # What could not be stored is not freed at the gate: it comes again.
            if done.exception() is None:
                kept(done.result())

        future.add_done_callback(committed)

    # ------------------------------------------------------------ projection

    def _projected(self) -> None:
        self.changes.notify()
        self._feedback.wake()
        self.sending.wake()

    def _registered(self) -> None:
        self.changes.notify()
        self._feedback.wake()

    # ------------------------------------------------------------ authority

    def authority_status(self) -> AuthorityStatus:
        """Returns how the way to the authority stands, for the pages."""
        return self.sending.status()

    def pins_trouble(self) -> SitegateError | None:
        """Returns why the reader on the hub's pins does not work; None when it does, or is none."""
        return None if self._pins is None else self._pins.trouble()

    def _every_gate_heard(self) -> bool:
        """Says whether no gate has kept silent: else who was not seen may yet have been there."""
        gates = (gate for gate in self.watch.gates() if gate.direction != DESK)
        return all(gate.online and not gate.unsent for gate in gates)
