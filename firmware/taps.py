"""The tap path: a badge in the field becomes a kept record, and only then green.

Theory of operation. `run` polls the reader for ever. From the decision to the answer there is not
one `await`: nothing else of the gate can come in between, and the network has no part in it.

    poll -> UID -> badge tag -> roster -> decision -> which way -> anti-passback
         -> record appended and flushed -> ring, sound, arm -> (calm again) journal prepared

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

A badge that comes back within `repeat_ms` and would get the same answer makes no second record: it
hears "already done" after a granted tap, and the same refusal again after a refused one.

Which way (`directions`): where the gate has to ask, the badge is remembered and its tap is made by
the button that answers; nothing is kept or opened before.

| anti-passback | the same way twice running |
| --- | --- |
| off | is like any other tap |
| soft | is let in with REASON_PASSBACK, and sent to the office |
| hard | is refused with REASON_PASSBACK |
"""

import asyncio
import gc

from firmware import cards, decision, texts
from firmware.directions import ASK, CHOICE_MS
from firmware.journal import JournalError
from firmware.settings import PASSBACK_HARD, PASSBACK_OFF
from protocol import faults
from protocol.mac import badge_tag
from protocol.record import (
    DIRECTION_IN,
    DIRECTION_NONE,
    DIRECTION_OUT,
    KIND_FAULT,
    KIND_TAP,
    REASON_BLOCKED,
    REASON_EXPIRED,
    REASON_JOURNAL_FULL,
    REASON_NO_ROSTER,
    REASON_NONE,
    REASON_NOT_YET,
    REASON_OTHER_SITE,
    REASON_PASSBACK,
    REASON_UNKNOWN_BADGE,
    REASON_UNREADABLE,
    VERDICT_GRANTED,
    VERDICT_REFUSED,
)

POLL_MS = 50
"""Pause between two polls; with the field's 6 ms and the frames, a badge is seen within 70 ms."""
EMPTY_POLLS = 3
"""A card at the edge of the field misses a poll now and then."""
RECENT_BADGES = 8
REFRESH_MS = 60000
"""The chip is reset this often: users report readers that look well and read nothing any more."""
REFRESH_LATEST_MS = 3 * REFRESH_MS
"""A badge left in the field does not put the reset off for ever."""
READER_RETRY_MS = 1000
RECEIPT_AFTER_MS = 1500
"""How long the greeting stands before the receipt of today is shown behind it."""
STANDING_MS = 8000
"""Who tapped this recently still stands at the gate, and sees a receipt that comes now."""

NO_TAG = bytes(8)

_SEVERAL = b"several"
_REFUSALS = {
    REASON_UNKNOWN_BADGE: texts.UNKNOWN,
    REASON_BLOCKED: texts.BLOCKED,
    REASON_EXPIRED: texts.EXPIRED,
    REASON_NOT_YET: texts.NOT_YET,
    REASON_OTHER_SITE: texts.OTHER_SITE,
    REASON_PASSBACK: texts.PASSBACK,
    REASON_NO_ROSTER: texts.NO_ROSTER,
    REASON_UNREADABLE: texts.UNREADABLE,
}
_KEPT = {DIRECTION_IN: texts.KEPT_IN, DIRECTION_OUT: texts.KEPT_OUT}


class TapPath:
    """Reader to arm.

    Attributes: taps (records kept), refused (of them), not_kept (taps lost to a full or failing
    flash or a low supply), reader_ok, reader_resets (unplanned ones), unclear (answers of cards
    that were not whole), collisions (several cards at once), lost (the chip had forgotten its
    registers), unreadable (cards without a number of their own), busy_ms (tick of the last badge,
    -1 before the first), writable (False: the supply is too low to write; set it).

    Args:
        settings: of this gate.
        reader: the card reader's driver.
        reader_error: the exception it raises when the chip is not well.
        clock, journal, roster, today, directions, panel, arm: the other parts.
    """

    def __init__(
        self,
        settings,
        reader,
        reader_error,
        clock,
        journal,
        roster,
        today,
        directions,
        panel,
        arm,
    ) -> None:
        self._settings = settings
        self._reader = reader
        self._reader_error = reader_error
        self._clock = clock
        self._journal = journal
        self._roster = roster
        self._today = today
        self._directions = directions
        self._panel = panel
        self._arm = arm
        self._present = b""
        self._empty = 0
        # A fixed ring: (tag, verdict, reason, direction, tick) of the newest badges.
        self._recent = [(b"", 0, 0, 0, 0)] * RECENT_BADGES
        self._next_recent = 0
        self._refresh_at = 0
        self._refresh_latest = 0
        self._told_full = False
        self._asked = b""  # tag of the badge that was asked which way
        self._asked_until = -1
        self._last = b"", ""  # tag and language of the badge let through last
        self._receipt_at = -1
        self.taps = 0
        self.refused = 0
        self.not_kept = 0
        self.reader_ok = True
        self.reader_resets = 0
        self.unclear = 0
        self.collisions = 0
        self.lost = 0
        self.unreadable = 0
        self.busy_ms = -1

    async def run(self, beat) -> None:
        """Polls for ever; a dead reader is reset until it answers.

        Args:
            beat: called at each poll: this part is alive.
        """
        await self._revive(beat)
        while True:
            await asyncio.sleep_ms(POLL_MS)
            beat()
            now_ms = self._clock.now_ms()
            self._follow(now_ms)
            try:
                if self._refresh_due(now_ms):
                    await self._reader.begin()
                    self._refreshed(now_ms)
                self._reader.check()
                found, uid = await cards.poll(self._reader)
            except self._reader_error:
                self.lost += 1
                await self._revive(beat)
                continue
            self.seen(found, uid, self._clock.now_ms())

    @property
    def writable(self) -> bool:
        """Whether the journal takes anything at all; False while the supply is too low to write."""
        return self._journal.writable

    @writable.setter
    def writable(self, allowed: bool) -> None:
        self._journal.writable = allowed

    @property
    def reader_version(self) -> int:
        """What the reader chip calls itself, 0 when it does not answer."""
        return getattr(self._reader, "version", 0) if self.reader_ok else 0

    def _refresh_due(self, now_ms: int) -> bool:
        return now_ms >= (self._refresh_latest if self._present else self._refresh_at)

    def _refreshed(self, now_ms: int) -> None:
        self._refresh_at = now_ms + REFRESH_MS
        self._refresh_latest = now_ms + REFRESH_LATEST_MS

    async def _revive(self, beat) -> None:
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
                beat()
                self._follow(self._clock.now_ms())
                await asyncio.sleep_ms(POLL_MS)
        self.reader_ok = True
        self._panel.idle.reader_ok = True
        self._present = b""
        self._refreshed(self._clock.now_ms())
        if told:
            self._fault(faults.READER_BACK, self.reader_resets)

    def _follow(self, now_ms: int) -> None:
        """What goes on by time alone."""
        self._arm.step(now_ms)
        if 0 <= self._receipt_at <= now_ms:
            self._receipt_at = -1
            tag, language = self._last
            self._panel.show(texts.REGISTERED, language, now_ms, self._today.receipt(tag))

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
        self.busy_ms = now_ms
        if found == cards.SEVERAL:
            if self._present != _SEVERAL:
                self._present = _SEVERAL
                self.collisions += 1
                self._panel.show(texts.SEVERAL, self._settings.language, now_ms)
                self._panel.draw()
        elif found == cards.CARD:
            before = self._present
            self._present = uid
            if uid != before and not (cards.is_random(uid) and cards.is_random(before)):
                self._tap(uid, now_ms)
                self._calm()
        else:
            self.unclear += 1

    def button(self, direction: int, now_ms: int) -> None:
        """The button IN or OUT was pressed: it answers the badge that was asked, or the next one.

        Args:
            direction: DIRECTION_IN or DIRECTION_OUT.
            now_ms: tick.
        """
        if not self._directions.by_button:
            return
        self.busy_ms = now_ms
        self._directions.pressed(direction, now_ms)
        if self._asked and now_ms < self._asked_until:
            tag = self._asked
            self._asked = b""
            self._decide(tag, now_ms)
            self._calm()

    def receipts(self, day: int, numbers, now_ms: int) -> None:
        """The authority registered these badges' owners.

        Args:
            day: Brussels day they are registered for, in days since 2000-01-01.
            numbers: (badge tag, number as digits) pairs.
            now_ms: tick.
        """
        if day != self._clock.today(now_ms):
            return
        for tag, number in numbers:
            news = not self._today.receipt(tag)
            self._today.registered(tag, number)
            if news and tag == self._last[0] and now_ms - self.busy_ms < STANDING_MS:
                self._receipt_at = now_ms

    def passed(self, pairs) -> None:
        """These badges went this way at other gates of the site: (tag, direction) pairs."""
        for tag, direction in pairs:
            self._today.passed(tag, direction)

    def _calm(self) -> None:
        """The worker has his answer and the next one is walking."""
        self._panel.draw()
        self._journal.prepare()
        gc.collect()

    def _tap(self, uid: bytes, now_ms: int) -> None:
        """Turns a UID into a tag; what has none is refused here."""
        self._receipt_at = -1
        self._asked = b""
        if cards.is_random(uid):
            self.unreadable += 1
            language = self._settings.language
            verdict = (VERDICT_REFUSED, REASON_UNREADABLE)
            self._keep(NO_TAG, verdict, verdict, DIRECTION_NONE, language, now_ms)
            return
        self._decide(badge_tag(self._settings.badge_key, uid), now_ms)

    def _decide(self, tag: bytes, now_ms: int) -> None:
        """Decides, keeps and answers, in this order and without giving way."""
        settings = self._settings
        language = settings.language
        roster = self._roster
        row = roster.row(tag)
        verdict = decision.decide(roster.version != 0, row, self._clock.today(now_ms))
        if row is not None:
            language = texts.spoken(row[2], language)
        direction = self._directions.of(tag, now_ms)
        if self._is_repeat(tag, verdict, direction, now_ms):
            event = texts.REPEAT if verdict[0] == VERDICT_GRANTED else _REFUSALS[verdict[1]]
            self._panel.show(event, language, now_ms)
            return
        if direction == ASK:
            direction = DIRECTION_NONE
            if verdict[0] == VERDICT_GRANTED:
                self._asked = tag
                self._asked_until = now_ms + CHOICE_MS
                self._panel.show(texts.CHOOSE, language, now_ms)
                return
        judged = verdict
        if verdict[0] == VERDICT_GRANTED and settings.passback != PASSBACK_OFF:
            if direction != DIRECTION_NONE and self._today.direction(tag) == direction:
                hard = settings.passback == PASSBACK_HARD
                judged = (VERDICT_REFUSED if hard else VERDICT_GRANTED, REASON_PASSBACK)
        self._keep(tag, verdict, judged, direction, language, now_ms)

    def _keep(
        self,
        tag: bytes,
        by_roster: tuple,
        judged: tuple,
        direction: int,
        language: str,
        now_ms: int,
    ) -> None:
        """Keeps the record of a tap, and answers.

        Args:
            tag: of the badge.
            by_roster: (verdict, reason) of the roster alone, which a repeat is compared with.
            judged: the same with anti-passback.
            direction, language, now_ms: of the tap.
        """
        verdict, reason = judged
        try:
            sequence = self._journal.append(
                KIND_TAP, direction, verdict, reason, self._clock, now_ms, tag
            )
        except JournalError as error:
            self.not_kept += 1
            self._panel.show(texts.FULL, language, now_ms)
            if error.code != "supply":  # which `care` tells, when there is one to write with
                self._tell_full(error.code)
            return
        # The record is in flash. Only now may anybody see green or walk through.
        if verdict == VERDICT_GRANTED:
            event = texts.LOOK if reason else _KEPT.get(direction, texts.KEPT)
            self._panel.show(event, language, now_ms)
            self._arm.open(now_ms, sequence, direction)
            self._today.passed(tag, direction)
            self._last = tag, language
            if self._today.receipt(tag):
                self._receipt_at = now_ms + RECEIPT_AFTER_MS
        else:
            self._panel.show(_REFUSALS[reason], language, now_ms)
            self.refused += 1
        self._directions.used()
        self.taps += 1
        self._told_full = False
        self._remember(tag, by_roster, direction, now_ms)

    def _is_repeat(self, tag: bytes, verdict: tuple, direction: int, now_ms: int) -> bool:
        for recent_tag, recent_verdict, recent_reason, recent_direction, at_ms in self._recent:
            if recent_tag == tag and now_ms - at_ms < self._settings.repeat_ms:
                # A roster that changed in between changes the answer: then it is a new fact. So is
                # the other button. Without a button pressed since, it is the badge held out again.
                if self._directions.by_button and direction not in (ASK, recent_direction):
                    return False
                return (recent_verdict, recent_reason) == verdict
        return False

    def _remember(self, tag: bytes, verdict: tuple, direction: int, now_ms: int) -> None:
        recent = (tag, verdict[0], verdict[1], direction, now_ms)
        for i in range(RECENT_BADGES):
            if self._recent[i][0] == tag:
                self._recent[i] = recent
                return
        self._recent[self._next_recent] = recent
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
