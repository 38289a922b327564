"""What a terminal says is believed only under its key, and answered under it.

One `Session` per terminal of the register. `TerminalDesk` is the desk all messages pass: it is
called by the link's thread with topic and payload, checks and decodes, and hands what concerns a
journal to the writer. Whatever is wrong with a message changes nothing and is reported as an
incident; the terminal keeps its records and sends again.

Answers that need no database (time, roster chunks) are given at once from the link's thread; acks
come from the writer's thread after the commit. Sessions are replaced as a whole when the register
changes, so neither thread ever sees a half-changed one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hub.application.ingest import Arrival, Run
from hub.application.rosters import Roster
from hub.application.terminals import TerminalKey
from hub.terminals.watch import TerminalWatch
from protocol.batch import decode_batch
from protocol.errors import MacError, RemoteProtocolError
from protocol.limits import ROSTER_CHUNK_ROWS, ROSTER_ROW_SIZE
from protocol.mac import Mac
from protocol.messages import (
    ack,
    decode_control,
    encode_control,
    roster_offer,
    time_answer,
    want,
)
from protocol.roster import encode_chunk
from protocol.topics import down_topic, up_topic

Publish = Callable[[str, bytes], None]


class Session:
    """Key, topics and roster of one terminal."""

    __slots__ = ("control", "mac", "roster", "roster_topic", "site_id", "terminal")

    def __init__(self, key: TerminalKey, roster: Roster | None) -> None:
        self.terminal = key.terminal
        self.site_id = key.site_id
        self.mac = Mac(key.key)
        self.roster = roster
        self.control = down_topic(key.terminal, "control")
        self.roster_topic = down_topic(key.terminal, "roster")


class TerminalDesk:
    """Checks, decodes and answers; implements `AckPort`.

    Args:
        put: hands an arrival to the writer.
        publish: sends a payload on a topic; thread-safe, never blocks, may lose it (the terminal
            asks again).
        watch: what is known of each terminal's health.
        clock: UTC milliseconds.
    """

    def __init__(
        self,
        put: Callable[[Arrival], None],
        publish: Publish,
        watch: TerminalWatch,
        clock: Callable[[], int],
    ) -> None:
        self._put = put
        self._publish = publish
        self._watch = watch
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._batch_topics: dict[str, Session] = {}
        self._other_topics: dict[str, tuple[Session, str]] = {}

    # ------------------------------------------------------------ register

    def offer_rosters(self) -> None:
        """Offers every terminal the roster of its site; each decides whether it is newer."""
        for session in self._sessions.values():
            self._offer_roster(session)

    def replace(self, keys: Iterable[TerminalKey], rosters: dict[int, Roster]) -> None:
        """Makes these terminals the known ones and offers each the roster of its site."""
        sessions = {key.terminal: Session(key, rosters.get(key.site_id)) for key in keys}
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
                batch = decode_batch(session.mac, session.terminal, payload)
                first = batch.first
                last = first + batch.count - 1
                self._watch.heard(session.terminal)
                self._watch.received(session.terminal, last)
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
                self._control(session, decode_control(session.mac, "up", session.terminal, payload))
        except MacError:
            self._watch.incident(session.terminal, "HUB-1202")  # pyright: ignore[reportOptionalMemberAccess]
        except RemoteProtocolError as error:
            self._watch.incident(session.terminal, "HUB-1203", error.code)  # pyright: ignore[reportOptionalMemberAccess]

    def _control(self, session: Session, fields: list[Any]) -> None:
        name = fields[0]
        self._watch.heard(session.terminal)
        if name == "hello":
            _, _, journal, floor, head, _, version, firmware = fields
            self._watch.greeted(session.terminal, floor, head, version, firmware)  # pyright: ignore
            self._put_control(session, "hello", journal, floor, head)
            self._offer_roster(session)
        elif name == "lost":
            self._put_control(session, "lost", *fields[1:])
        elif name == "time":
            now = self._clock()
            self._send(session, time_answer(fields[1], fields[2], now // 1000, now % 1000))
        elif name == "roster":
            self._send_chunk(session, fields[1], fields[2])  # pyright: ignore[reportArgumentType]
        elif name == "health":
            self._watch.health(session.terminal, *fields[1:])  # pyright: ignore[reportArgumentType]

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
