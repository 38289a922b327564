"""The tap path: a badge in the field becomes a kept record, and only then green.

Theory of operation. `run` polls the reader for ever. From the decision to the answer there is not
one `await`: nothing else of the gate can come in between, and the network has no part in it.

    poll -> UID -> badge tag -> roster -> decision -> record appended and flushed -> ring, sound,
    arm -> (calm again) journal prepared for the next

When the record cannot be kept the answer is red, whatever the decision was.

What is in the field:

| `_present` | poll says | then |
| --- | --- | --- |
| nothing | CARD | tap, `_present` = UID |
| nothing | SEVERAL | asks for one badge, `_present` = several |
| a UID | the same UID | nothing: the card must leave before it counts again |
| a random UID | any random UID | nothing: it is a new number at each poll |
| a UID | another UID, or SEVERAL | as from nothing |
| anything | NOTHING, EMPTY_POLLS in a row | `_present` = nothing |
| anything | UNCLEAR | nothing: a card on its way |

A badge that comes back within REPEAT_MS and would get the same answer makes no second record: it
hears "already done" after a granted tap, and the same refusal again after a refused one.
"""

import asyncio
import gc

from firmware import cards, decision, faults, texts
from firmware.journal import JournalError
from protocol.mac import badge_tag
from protocol.record import (
    DIRECTION_IN,
    DIRECTION_OUT,
    KIND_FAULT,
    KIND_TAP,
    REASON_BLOCKED,
    REASON_EXPIRED,
    REASON_JOURNAL_FULL,
    REASON_NO_ROSTER,
    REASON_NONE,
    REASON_UNKNOWN_BADGE,
    REASON_UNREADABLE,
    VERDICT_GRANTED,
    VERDICT_REFUSED,
)

POLL_MS = 60
"""Pause between two polls; with the field's 6 ms and the frames, a badge is seen within 80 ms."""
EMPTY_POLLS = 3
"""A card at the edge of the field misses a poll now and then."""
REPEAT_MS = 10000
RECENT_BADGES = 8
REFRESH_MS = 60000
"""The chip is reset when idle: users report readers that look well and read nothing after hours."""
READER_RETRY_MS = 1000

NO_TAG = bytes(8)

_SEVERAL = b"several"
_REFUSALS = {
    REASON_UNKNOWN_BADGE: texts.UNKNOWN,
    REASON_BLOCKED: texts.BLOCKED,
    REASON_EXPIRED: texts.EXPIRED,
    REASON_NO_ROSTER: texts.NO_ROSTER,
    REASON_UNREADABLE: texts.UNREADABLE,
}
_KEPT = {DIRECTION_IN: texts.KEPT_IN, DIRECTION_OUT: texts.KEPT_OUT}


class TapPath:
    """Reader to arm.

    Attributes: taps (records kept), refused (of them), not_kept (taps lost to a full or failing
    flash), reader_ok, reader_resets.

    Args:
        settings: of this gate.
        reader: the card reader's driver.
        reader_error: the exception it raises when the chip is not well.
        clock, journal, roster, panel, turnstile: the other parts.
    """

    def __init__(
        self, settings, reader, reader_error, clock, journal, roster, panel, turnstile
    ) -> None:
        self._settings = settings
        self._reader = reader
        self._reader_error = reader_error
        self._clock = clock
        self._journal = journal
        self._roster = roster
        self._panel = panel
        self._turnstile = turnstile
        self._present = b""
        self._empty = 0
        # A fixed ring: (tag, verdict, reason, tick) of the newest badges.
        self._recent = [(b"", 0, 0, 0)] * RECENT_BADGES
        self._next_recent = 0
        self._refresh_at = 0
        self._told_full = False
        self.taps = 0
        self.refused = 0
        self.not_kept = 0
        self.reader_ok = True
        self.reader_resets = 0

    async def run(self) -> None:
        """Polls for ever; a dead reader is reset until it answers."""
        await self._revive()
        while True:
            await asyncio.sleep_ms(POLL_MS)
            now_ms = self._clock.now_ms()
            self._turnstile.step(now_ms)
            try:
                if now_ms >= self._refresh_at and not self._present:
                    await self._reader.begin()
                    self._refresh_at = now_ms + REFRESH_MS
                self._reader.check()
                found, uid = await cards.poll(self._reader)
            except self._reader_error:
                await self._revive()
                continue
            self.seen(found, uid, self._clock.now_ms())

    async def _revive(self) -> None:
        """Resets the reader until it is well; the panel and a record say when it takes a while."""
        told = False
        while True:
            try:
                await self._reader.begin()
                self.reader_resets += 1
                break
            except self._reader_error:
                self.reader_ok = False
                self._panel.idle.reader_ok = False
                if not told:
                    told = True
                    self._fault(faults.READER_DOWN, 0)
            for _ in range(READER_RETRY_MS // POLL_MS):
                self._turnstile.step(self._clock.now_ms())
                await asyncio.sleep_ms(POLL_MS)
        self.reader_ok = True
        self._panel.idle.reader_ok = True
        self._present = b""
        self._refresh_at = self._clock.now_ms() + REFRESH_MS
        if told:
            self._fault(faults.READER_BACK, self.reader_resets)

    def seen(self, found: int, uid: bytes, now_ms: int) -> None:
        """Takes one poll's result; see the table above.

        Args:
            found: NOTHING, CARD, SEVERAL or UNCLEAR of `cards`.
            uid: of a CARD.
            now_ms: tick of the poll.
        """
        if found == cards.NOTHING:
            self._empty += 1
            if self._empty >= EMPTY_POLLS:
                self._present = b""
            return
        self._empty = 0
        if found == cards.SEVERAL:
            if self._present != _SEVERAL:
                self._present = _SEVERAL
                self._panel.show(texts.SEVERAL, self._settings.language, now_ms)
                self._panel.draw()
        elif found == cards.CARD:
            before = self._present
            self._present = uid
            if uid != before and not (cards.is_random(uid) and cards.is_random(before)):
                self._tap(uid, now_ms)
                self._panel.draw()
                self._journal.prepare()
                gc.collect()  # the calm moment: the worker has his answer, the next one is walking

    def _tap(self, uid: bytes, now_ms: int) -> None:
        """Decides, keeps and answers, in this order and without giving way."""
        language = self._settings.language
        if cards.is_random(uid):
            tag = NO_TAG
            verdict, reason = VERDICT_REFUSED, REASON_UNREADABLE
        else:
            tag = badge_tag(self._settings.badge_key, uid)
            roster = self._roster
            row = roster.row(tag)
            verdict, reason = decision.decide(roster.version != 0, row, self._clock.today(now_ms))
            if row is not None:
                language = texts.spoken(row[2], language)
            if self._is_repeat(tag, verdict, reason, now_ms):
                event = texts.REPEAT if verdict == VERDICT_GRANTED else _REFUSALS[reason]
                self._panel.show(event, language, now_ms)
                return
        direction = self._settings.direction
        try:
            self._journal.append(KIND_TAP, direction, verdict, reason, self._clock, now_ms, tag)
        except JournalError as error:
            self.not_kept += 1
            self._panel.show(texts.FULL, language, now_ms)
            self._tell_full(error.code)
            return
        # The record is in flash. Only now may anybody see green or walk through.
        if verdict == VERDICT_GRANTED:
            self._panel.show(_KEPT.get(direction, texts.KEPT), language, now_ms)
            self._turnstile.open(now_ms)
        else:
            self._panel.show(_REFUSALS[reason], language, now_ms)
            self.refused += 1
        self.taps += 1
        self._told_full = False
        self._remember(tag, verdict, reason, now_ms)

    def _is_repeat(self, tag: bytes, verdict: int, reason: int, now_ms: int) -> bool:
        for recent_tag, recent_verdict, recent_reason, at_ms in self._recent:
            if recent_tag == tag and now_ms - at_ms < REPEAT_MS:
                # A roster that changed in between changes the answer: then it is a new fact.
                return recent_verdict == verdict and recent_reason == reason
        return False

    def _remember(self, tag: bytes, verdict: int, reason: int, now_ms: int) -> None:
        for i in range(RECENT_BADGES):
            if self._recent[i][0] == tag:
                self._recent[i] = (tag, verdict, reason, now_ms)
                return
        self._recent[self._next_recent] = (tag, verdict, reason, now_ms)
        self._next_recent = (self._next_recent + 1) % RECENT_BADGES

    def _tell_full(self, code: str) -> None:
        """One record each time the journal stops taking taps; there is room kept for it."""
        if not self._told_full:
            self._told_full = True
            if code == "full":
                self._fault(faults.JOURNAL_FULL, self._journal.free_blocks, REASON_JOURNAL_FULL)
            else:
                self._fault(faults.FLASH, self._journal.faults)

    def _fault(self, code: int, detail: int, reason: int = REASON_NONE) -> None:
        data = faults.data(code, self.not_kept, detail)
        try:
            self._journal.note(KIND_FAULT, reason, self._clock, self._clock.now_ms(), data)
        except JournalError:
            self._told_full = True  # there is no place left to say so; the panel does
