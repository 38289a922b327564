"""What a terminal says is believed only under its key, and answered under it.

One `Session` per terminal of the register. `TerminalDesk` is the desk all messages pass: it is
called by the link's thread with topic and payload, checks and decodes, and hands what concerns a
journal to the writer. Whatever is wrong with a message changes nothing and is reported as an
incident; the terminal keeps its records and sends again.

Answers that need no database (time, chunks of a roster or of what changed in it) are given at once
from the link's thread; acks come from the writer's thread after the commit. Sessions are replaced
as a whole when the register changes, so neither thread ever sees a half-changed one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, TypeVar

from hub.application.feedback import Passage, Receipt
from hub.application.ingest import Arrival, Run
from hub.application.rosters import Roster, RosterHistory
from hub.application.terminals import TerminalKey
from hub.domain.badges import days_since_2000
from hub.terminals.care import FirmwareCare
from hub.terminals.watch import TerminalWatch
from protocol.batch import decode_batch
from protocol.errors import MacError, RemoteProtocolError
from protocol.limits import RECEIPTS_MAX, ROSTER_CHUNK_ROWS, ROSTER_ROW_SIZE
from protocol.mac import Mac
from protocol.messages import (
    HEALTH,
    ack,
    decode_control,
    encode_control,
    passed,
    receipts,
    roster_offer,
    time_answer,
    want,
)
from protocol.roster import NO_CHANGES, encode_changes, encode_chunk
from protocol.topics import down_topic, up_topic

T = TypeVar("T")
Publish = Callable[[str, bytes], None]


class Session:
    """Key, topics and rosters of one terminal."""

    __slots__ = (
        "changes_topic",
        "control",
        "follows",
        "history",
        "mac",
        "next_key",
        "next_mac",
        "roster_topic",
        "site_id",
        "terminal",
    )

    def __init__(self, key: TerminalKey, history: RosterHistory) -> None:
        self.terminal = key.terminal
        self.site_id = key.site_id
        self.follows = key.follows
        self.mac = Mac(key.key)
        # A key that is to take the place of the first as soon as the gate is heard with it.
        self.next_key = key.next_key
        self.next_mac = None if key.next_key is None else Mac(key.next_key)
        self.history = history
        self.control = down_topic(key.terminal, "control")
        self.roster_topic = down_topic(key.terminal, "roster")
        self.changes_topic = down_topic(key.terminal, "changes")

    @property
    def roster(self) -> Roster | None:
        """The roster of its site that is valid now."""
        return self.history.newest


class TerminalDesk:
    """Checks, decodes and answers; implements `AckPort` and `FeedbackPort`.

    Args:
        put: hands an arrival to the writer.
        publish: sends a payload on a topic; thread-safe, never blocks, may lose it (the terminal
            asks again).
        watch: what is known of each terminal's health.
        clock: UTC milliseconds.
        greeted: called with (terminal, site) when a gate has said hello; must not block.
        next_key_heard: called with a terminal and its new key when something signed with it came
            for the first time; from then on the old one counts for nothing here.
        care: the firmware of the terminals; None: nobody asks.
    """

    def __init__(
        self,
        put: Callable[[Arrival], None],
        publish: Publish,
        watch: TerminalWatch,
        clock: Callable[[], int],
        greeted: Callable[[str, int], None] = lambda _terminal, _site_id: None,
        next_key_heard: Callable[[str, bytes], object] = lambda _terminal, _key: None,
        care: FirmwareCare | None = None,
    ) -> None:
        self._put = put
        self._publish = publish
        self._watch = watch
        self._clock = clock
        self._next_key_heard = next_key_heard
        self._greeted = greeted
        self._histories: dict[int, RosterHistory] = {}
        self._care = care
        self._sessions: dict[str, Session] = {}
        self._batch_topics: dict[str, Session] = {}
        self._other_topics: dict[str, tuple[Session, str]] = {}

    # ------------------------------------------------------------ register

    def offer_rosters(self) -> None:
        """Offers every terminal the roster of its site; each decides whether it is newer."""
        for session in self._sessions.values():
            self._offer_roster(session)

    def offer_firmware(self) -> None:
        """Tells every terminal its newest order; each decides whether anything is left to do."""
        if self._care is not None:
            for session in self._sessions.values():
                self._care.offer(session.terminal, session.mac)

    def replace(self, keys: Iterable[TerminalKey], rosters: dict[int, Roster]) -> None:
        """Makes these terminals the known ones and offers each the roster of its site."""
        self._histories = {
            site_id: self._histories.get(site_id, RosterHistory()).followed_by(roster)
            for site_id, roster in rosters.items()
        }
        sessions = {
            key.terminal: Session(key, self._histories.get(key.site_id, RosterHistory()))
            for key in keys
        }
        self._batch_topics = {up_topic(t, "batch"): s for t, s in sessions.items()}
        self._other_topics = {
            up_topic(t, leaf): (s, leaf)
            for t, s in sessions.items()
            for leaf in ("control", "status")
        }
        self._sessions = sessions
        self.offer_rosters()

    # ------------------------------------------------------------ what came

    def deliver(self, topic: str, payload: bytes) -> None:
        """Takes one message from the link; anything wrong with it becomes an incident."""
        session = self._batch_topics.get(topic)
        try:
            if session is not None:
                batch = self._open(
                    session, lambda mac: decode_batch(mac, session.terminal, payload)
                )
                first = batch.first
                last = first + batch.count - 1
                self._watch.heard(session.terminal)
                self._watch.received(session.terminal, last)
                if self._care is not None:
                    self._care.records(session.terminal, batch.records)
                self._put(
                    Arrival(
                        session.terminal,
                        batch.journal,
                        "batch",
                        first,
                        last,
                        batch.records,
                        batch.floor,
                    )
                )
                return
            other = self._other_topics.get(topic)
            if other is None:
                self._watch.incident(None, "HUB-1201")
                return
            session, leaf = other
            if leaf == "status":
                self._watch.status(session.terminal, payload == b"online")
            else:
                fields = self._open(
                    session, lambda mac: decode_control(mac, "up", session.terminal, payload)
                )
                self._control(session, fields)
        except MacError:
            self._watch.incident(session.terminal, "HUB-1202")  # pyright: ignore[reportOptionalMemberAccess]
        except RemoteProtocolError as error:
            self._watch.incident(session.terminal, "HUB-1203", error.code)  # pyright: ignore[reportOptionalMemberAccess]

    def _open(self, session: Session, decode: Callable[[Mac], T]) -> T:
        """Decodes under the key in use, else under the one that is to follow it."""
        try:
            return decode(session.mac)
        except MacError:
            if session.next_mac is None or session.next_key is None:
                raise
            decoded = decode(session.next_mac)
        key, session.next_key = session.next_key, None
        session.mac, session.next_mac = session.next_mac, None
        self._next_key_heard(session.terminal, key)
        return decoded

    def _control(self, session: Session, fields: list[Any]) -> None:
        name = fields[0]
        self._watch.heard(session.terminal)
        if name == "hello":
            _, _, journal, floor, head, _, version, firmware = fields
            self._watch.greeted(session.terminal, floor, head, version, firmware)  # pyright: ignore
            self._put_control(session, "hello", journal, floor, head)
            self._offer_roster(session)
            self._greeted(session.terminal, session.site_id)
            if self._care is not None:
                self._care.greeted(session.terminal, session.mac, firmware)  # pyright: ignore
        elif name in ("firmware", "crash"):
            if self._care is not None:
                self._care.heard(session.terminal, session.mac, fields)
        elif name == "lost":
            self._put_control(session, "lost", *fields[1:])
        elif name == "time":
            now = self._clock()
            self._send(session, time_answer(fields[1], fields[2], now // 1000, now % 1000))
        elif name == "roster":
            self._send_chunk(session, fields[1], fields[2])  # pyright: ignore[reportArgumentType]
        elif name == "changes":
            self._send_changes(session, fields[1], fields[2], fields[3])
        elif name == "health":
            names = [name for name, _lowest, _highest in HEALTH]
            self._watch.health(session.terminal, dict(zip(names, fields[1:], strict=True)))

    def _put_control(self, session: Session, kind: str, *values: object) -> None:
        journal, first, last = values
        self._put(Arrival(session.terminal, bytes.fromhex(journal), kind, first, last))  # pyright: ignore[reportArgumentType]

    # ------------------------------------------------------------ answers

    def _send(self, session: Session, fields: list[object]) -> None:
        self._publish(
            session.control, encode_control(session.mac, "down", session.terminal, fields)
        )

    def _offer_roster(self, session: Session) -> None:
        roster = session.roster
        if roster is not None:
            self._send(session, roster_offer(roster.version, roster.rows, roster.sha256))

    def _send_chunk(self, session: Session, version: int, first_row: int) -> None:
        roster = session.roster
        if roster is None or roster.version != version or first_row >= roster.rows:
            # The roster changed while it was being fetched: offer the new one instead.
            self._offer_roster(session)
            return
        begin = first_row * ROSTER_ROW_SIZE
        rows = roster.table[begin : begin + ROSTER_CHUNK_ROWS * ROSTER_ROW_SIZE]
        self._publish(
            session.roster_topic,
            encode_chunk(session.mac, session.terminal, version, first_row, rows),
        )

    def _send_changes(self, session: Session, have: int, wanted: int, first_row: int) -> None:
        roster = session.roster
        if roster is None or roster.version != wanted or have >= wanted:
            self._offer_roster(session)
            return
        rows = session.history.changes(have)
        total = NO_CHANGES if rows is None else len(rows) // ROSTER_ROW_SIZE
        if rows is None or not rows:
            first_row, part = 0, b""
        elif first_row < total:
            begin = first_row * ROSTER_ROW_SIZE
            part = rows[begin : begin + ROSTER_CHUNK_ROWS * ROSTER_ROW_SIZE]
        else:
            self._offer_roster(session)
            return
        self._publish(
            session.changes_topic,
            encode_changes(session.mac, session.terminal, (have, wanted), first_row, total, part),
        )

    def ack(self, terminal: str, journal: bytes, upto: int, ranges: list[Run]) -> None:
        """See `AckPort`."""
        session = self._sessions.get(terminal)
        if session is not None:
            self._send(session, ack(journal, upto, ranges))
            self._watch.acked(terminal, upto)

    def want(self, terminal: str, journal: bytes, ranges: list[Run]) -> None:
        """See `AckPort`."""
        session = self._sessions.get(terminal)
        if session is not None:
            self._send(session, want(journal, ranges))

    def lost(self, terminal: str, count: int) -> None:
        """See `AckPort`."""
        self._watch.incident(terminal, "HUB-1204", str(count))

    # ------------------------------------------------------------ feedback

    def receipts(self, terminal: str, day: date, news: Sequence[Receipt]) -> None:
        """See `FeedbackPort`."""
        session = self._sessions.get(terminal)
        if session is not None:
            for begin in range(0, len(news), RECEIPTS_MAX):
                part = news[begin : begin + RECEIPTS_MAX]
                self._send(session, receipts(days_since_2000(day), part))

    def passed(self, terminal: str, at_ms: int, passages: Sequence[Passage]) -> None:
        """See `FeedbackPort`."""
        session = self._sessions.get(terminal)
        if session is not None:
            for begin in range(0, len(passages), RECEIPTS_MAX):
                part = passages[begin : begin + RECEIPTS_MAX]
                self._send(session, passed(at_ms // 1000, part))

    def gates(self, site_id: int) -> list[tuple[str, bool]]:
        """See `FeedbackPort`."""
        sessions = self._sessions.values()
        return [(s.terminal, s.follows) for s in sessions if s.site_id == site_id]

    def following(self) -> bool:
        """See `FeedbackPort`."""
        return any(session.follows for session in self._sessions.values())
