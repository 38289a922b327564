"""The gate's memory of facts: a record whose `append` returned survives a power cut at any instant.

Theory of operation. Records lie in small files named by the sequence number of their first record
(`extents`), and leave only after the hub's ack, whole files at a time. What LittleFS costs was
measured (4 KiB blocks, 256-byte pages):

* A file of up to 512 bytes lives inside the directory's log, where an append costs pages and no
  erase. Six records are the most that fit, with the log's own bytes, into one page per append; with
  15 every append writes two or three pages. Per tap, everything included: 6 records 0.09 erases,
  15 records 0.13.
* When the log's block is exactly full, each further append through the same open file moves the
  whole log (up to 0.55 erases per tap). Opening the file again cures it and writes nothing, so
  `prepare` does that after each tap, when the worker already has his answer.
* `os.remove` is one page. On a normal day the oldest file's name is therefore mark enough of what
  the hub has; a mark written for each ack would take five times the erases.
* After a long outage `archive` packs old records into files of a whole block: twenty times as many
  fit. What is acked of them is told by the `ack_mark`.

| file | content |
| --- | --- |
| ``id`` | 8 random bytes, born with the journal |
| ``boot`` | number of the last start, u32 |
| ``ack`` | see `ack_mark` |
| ``s...``, ``a...`` | records, see `extents` |
| ``*.tmp`` | left by a cut; removed at start |

What comes back after a power cut: every record whose `append` returned and that is not acked;
nothing up to the mark, or in a file that was removed; of what is acked beyond that, once `tidy` has
nothing left to do, at most `ack_mark.UNMARKED_MAX` - 1 records, which is harmless.

The newest file is never removed and every start begins a new one, so a sequence number never comes
twice and no record is appended behind a torn one. Sizes are trusted, contents are not: each record
is checked when it is read, and one that has rotted is reported as lost, never sent.
"""

import os
import struct

from firmware import archive, dense, files, segment
from firmware.ack_mark import AckMark
from firmware.extents import KIND_ARCHIVE, Extents
from firmware.segment import SEGMENT_RECORDS
from protocol.limits import JOURNAL_SIZE, RECORD_SIZE
from protocol.record import (
    DIRECTION_NONE,
    KIND_BOOT,
    KIND_STORAGE_RESET,
    KIND_TAP,
    REASON_NONE,
    VERDICT_NONE,
    pack_record_into,
    unpack_record,
)

TAP_RESERVE_BLOCKS = 20
"""Free blocks below which taps are refused: the rest is for facts about the gate, and for LittleFS
itself, which needs free blocks to move its logs."""
OTHER_RESERVE_BLOCKS = 12
MEASURE_EVERY_FILES = 16
"""Counting free blocks walks the whole file system; 16 segments take at most 7 blocks."""
MEASURE_EVERY_MS = 60 * 1000
"""Others write to the same flash."""

ARCHIVE_AGAIN_MS = 60 * 1000
"""After a flash error."""

RECORDS_PER_BLOCK = 300
"""For the estimate of what still fits, as long as there is no archive to tell."""
NEARLY_FULL_PERCENT = 80
NEARLY_FULL_ENDS_PERCENT = 70

NO_DATA = bytes(8)

_ENOSPC = 28


class JournalError(Exception):
    """The record is not kept: refuse. The journal stays usable.

    Args:
        code: ``"flash"``, ``"full"`` or ``"supply"``.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _nobody(_sequence: int) -> None:
    """Nobody wants to know."""


class Journal:
    """Records of this gate from `floor` to `head`; see the module for what is promised.

    Attributes: id (8 bytes), boot (this start's number, 0..65535), head (newest number, 0 if none
    ever), created (a new stream), free_blocks, nearly_full (from four fifths of the room for taps,
    until below 70 %), newest_utc_s (certainly past, or 0); to be set: writable (False while the
    supply is too low), appended (called with each new number).

    Args:
        folder: where the files are; made if missing, its parent exists.

    Raises:
        JournalError: the flash cannot be read or written.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.appended = _nobody
        self._file = None
        self._segment = bytearray(SEGMENT_RECORDS * RECORD_SIZE)
        view = memoryview(self._segment)
        # Kept slices: an append takes no memory for them.
        self._slots = [
            view[i * RECORD_SIZE : (i + 1) * RECORD_SIZE] for i in range(SEGMENT_RECORDS)
        ]
        self._until_measure = 0
        self._measured_ms = 0
        self._freed = False  # files were removed since free blocks were counted
        self._archive_at_ms = 0
        self._build = None  # steps of the archive that is being made
        self._reader = archive.Reader()
        self._packer = dense.Packer()
        self._faults = 0
        self.free_blocks = 0
        self.nearly_full = False
        self.writable = True
        self.newest_utc_s = 0
        try:
            files.make_folder(folder)
            files.remove_temporary(folder)
            self._extents = Extents(folder, self._reader)
            self._mark = AckMark(folder)
            self._acked = self._mark.upto
            self.head = max(self._extents.last(), self._acked)
            self.id = files.read(files.join(folder, "id"), JOURNAL_SIZE + 1)
            self.created = len(self.id) != JOURNAL_SIZE
            if self.created:
                self.id = os.urandom(JOURNAL_SIZE)
            self._begin_boot()
            self._measure()
        except OSError:
            raise JournalError("flash")

    def _begin_boot(self) -> None:
        newest_boot = 0
        # The last few files are enough: each start writes at least one record of its own.
        for sequence in range(self.head, max(0, self.head - 4 * SEGMENT_RECORDS), -1):
            held = self.read(sequence, 1)
            if held:
                record = unpack_record(held)
                newest_boot = newest_boot or record.boot
                if record.utc_s:
                    self.newest_utc_s = record.utc_s
                    break
        path = files.join(self._folder, "boot")
        kept = files.read(path, 5)
        before = struct.unpack("<I", kept)[0] if len(kept) == 4 else newest_boot
        files.replace(path, struct.pack("<I", (before + 1) & 0xFFFFFFFF))
        self.boot = (before + 1) & 0xFFFF

    def start(self, clock, data: bytes = NO_DATA) -> None:
        """Keeps the first records of this start: KIND_STORAGE_RESET for a new stream, KIND_BOOT.

        The id is kept after its record, so a cut in between only means a second such record.

        Args:
            clock: a `Clock` of this boot.
            data: 8 bytes of the boot record.

        Raises:
            JournalError: not kept.
        """
        if self.created:
            self._begin_stream(clock)
        self.note(KIND_BOOT, REASON_NONE, clock, clock.now_ms(), data)

    def restart_stream(self, clock) -> None:
        """Goes on under a new id: the hub knows numbers of the old one that we do not.

        That happens when an old image of the flash was put back. What is held is kept and offered
        under the new id; a record the hub already had comes twice, which is harmless.

        Raises:
            JournalError: not kept; the old id goes on.
        """
        before = self.id
        self.id = os.urandom(JOURNAL_SIZE)
        kept = False
        try:
            self._begin_stream(clock)
            kept = True
        finally:
            if not kept:
                self.id = before

    def _begin_stream(self, clock) -> None:
        self.note(KIND_STORAGE_RESET, REASON_NONE, clock, clock.now_ms(), NO_DATA)
        try:
            files.replace(files.join(self._folder, "id"), self.id)
        except OSError:
            self._faults += 1
            raise JournalError("flash")

    # --- append ----------------------------------------------------------------------------------

    @property
    def floor(self) -> int:
        """The oldest sequence number held that is not known to be acked; head + 1 for none."""
        return max(self._first_held(), self._acked + 1)

    def _first_held(self) -> int:
        return self._extents.firsts[0] if self._extents.firsts else self.head + 1

    @property
    def full(self) -> bool:
        """Whether a tap would be refused for want of space."""
        return self.free_blocks < TAP_RESERVE_BLOCKS

    @property
    def capacity(self) -> int:
        """About how many taps still fit."""
        extents = self._extents
        per_block = RECORDS_PER_BLOCK
        archives = 0
        while archives < len(extents.kinds) and extents.kinds[archives] == KIND_ARCHIVE:
            archives += 1
        if archives > 1:  # the last one of them is still growing
            per_block = (extents.firsts[archives - 1] - extents.firsts[0]) // (archives - 1)
        return max(0, self.free_blocks - TAP_RESERVE_BLOCKS) * per_block

    @property
    def used_percent(self) -> int:
        """How much of the room for taps is used by what the hub has not acked, 0..100."""
        if self.full:
            return 100
        held = self.head + 1 - self.floor
        return held * 100 // max(1, held + self.capacity)

    @property
    def faults(self) -> int:
        """Flash operations that failed since the start."""
        return self._faults + self._extents.faults

    def note(self, kind: int, reason: int, clock, now_ms: int, data: bytes) -> int:
        """Like `append`, for a fact about the gate itself: no direction, no verdict."""
        return self.append(kind, DIRECTION_NONE, VERDICT_NONE, reason, clock, now_ms, data)

    def append(
        self, kind: int, direction: int, verdict: int, reason: int, clock, now_ms: int, data: bytes
    ) -> int:
        """Returns the sequence number of the new record, which is in flash now.

        Args:
            kind: KIND constant of `protocol.record`.
            direction: DIRECTION constant.
            verdict: VERDICT constant.
            reason: REASON constant.
            clock: the `Clock`, for UTC and its quality at `now_ms`.
            now_ms: tick of the fact.
            data: 8 bytes.

        Raises:
            JournalError: not kept; code ``"full"`` or ``"flash"``.
        """
        if not self.writable:
            raise JournalError("supply")
        reserve = TAP_RESERVE_BLOCKS if kind == KIND_TAP else OTHER_RESERVE_BLOCKS
        if self.free_blocks < reserve:
            raise JournalError("full")
        utc = clock.utc_at(now_ms)
        extents = self._extents
        written = False
        try:
            if self._file is None or extents.counts[-1] == SEGMENT_RECORDS:
                self._open_segment()
            slot = extents.counts[-1]
            pack_record_into(
                self._segment,
                slot * RECORD_SIZE,
                self.head + 1,
                kind,
                direction,
                verdict,
                reason,
                clock.quality,
                utc // 1000,
                utc % 1000,
                self.boot,
                now_ms,
                data,
            )
            written = True
            self._file.write(self._slots[slot])
            self._file.flush()  # LittleFS commits here; only now does the record exist
        except OSError as error:
            self._give_up(written)
            raise JournalError("full" if error.args and error.args[0] == _ENOSPC else "flash")
        extents.counts[-1] = slot + 1
        self.head += 1
        self.appended(self.head)
        return self.head

    def prepare(self) -> None:
        """Makes the next `append` as short as it can be; call it when nobody waits."""
        if not self.writable:
            return
        try:
            if self._file is None or self._extents.counts[-1] == SEGMENT_RECORDS:
                self._open_segment()
            else:
                self._file.close()
                self._file = open(self._extents.path_of(len(self._extents.firsts) - 1), "ab")
            if self._until_measure <= 0:
                self._measure()
        except OSError:
            self._give_up(False)

    def _open_segment(self) -> None:
        self._close()
        first = self.head + 1
        self._file = open(self._extents.path(first, "s"), "wb")
        self._extents.begin(first)
        self._until_measure -= 1

    def _close(self) -> None:
        file = self._file
        self._file = None
        if file is not None:
            file.close()

    def _give_up(self, written: bool) -> None:
        """The open file failed: it is left as it is, and the next append begins a new one."""
        self._faults += 1
        try:
            self._close()
        except OSError:
            self._faults += 1
        if written:
            # It may be in flash although the flush said no: no other fact may have its number.
            self._extents.counts[-1] += 1
            self.head += 1
            self.appended(self.head)

    def _measure(self) -> None:
        self.free_blocks = os.statvfs(self._folder)[3]
        self._until_measure = MEASURE_EVERY_FILES
        self._freed = False
        used = self.used_percent
        self.nearly_full = used >= (
            NEARLY_FULL_ENDS_PERCENT if self.nearly_full else NEARLY_FULL_PERCENT
        )

    # --- read ------------------------------------------------------------------------------------

    def read(self, first: int, count: int) -> bytes:
        """Returns up to `count` consecutive records from `first` on, each whole and checked.

        Fewer than asked for when a record is not held or not readable; none when `first` is not.

        Args:
            first: sequence number, 1 or more.
            count: 1 or more; the caller's memory is the limit.
        """
        buffer = bytearray(count * RECORD_SIZE)
        view = memoryview(buffer)
        extents = self._extents
        done = 0
        index = extents.find(first)
        while done < count and index < len(extents.firsts):
            skip = first + done - extents.firsts[index]
            if not 0 <= skip < extents.counts[index]:
                break
            part = min(count - done, extents.counts[index] - skip)
            target = view[done * RECORD_SIZE : (done + part) * RECORD_SIZE]
            whole = self._read_file(index, skip, target)
            done += whole
            if whole < part:
                break
            index += 1
        return bytes(view[: done * RECORD_SIZE])

    def _read_file(self, index: int, skip: int, target) -> int:
        """Fills `target` from record `skip` of a file on; returns how many good ones came."""
        extents = self._extents
        sequence = extents.firsts[index] + skip
        try:
            if extents.kinds[index] == KIND_ARCHIVE:
                path = extents.path_of(index)
                return self._reader.read(path, extents.firsts[index], sequence, target)
            if self._file is not None and index == len(extents.firsts) - 1:
                start = skip * RECORD_SIZE
                target[:] = memoryview(self._segment)[start : start + len(target)]
                arrived = len(target) // RECORD_SIZE
            else:
                arrived = segment.read(extents.path_of(index), skip, target)
        except OSError:
            self._faults += 1
            return 0
        return segment.good(target, sequence, arrived)

    def readable_from(self, sequence: int) -> int:
        """Returns a number, up to head + 1; from `sequence` on to before it none can be read.

        It is the next that can be read, or the end of an archive without one: an archive is the
        most that is searched at once.
        """
        extents = self._extents
        while sequence <= self.head:
            index = extents.find(sequence)
            if index == len(extents.firsts):
                break
            sequence = max(sequence, extents.firsts[index])
            if extents.kinds[index] == KIND_ARCHIVE:
                end = extents.firsts[index] + extents.counts[index]
                try:
                    archived = extents.firsts[index]
                    found = self._reader.find(extents.path_of(index), archived, sequence)
                except OSError:
                    self._faults += 1
                    found = 0
                return min(found or end, end)
            if self.read(sequence, 1):
                return sequence
            sequence += 1
        return self.head + 1

    # --- release ---------------------------------------------------------------------------------

    def acked(self, upto: int) -> None:
        """The hub has committed all up to `upto`; `tidy` makes room, and remembers it."""
        self._acked = max(self._acked, min(upto, self.head))

    def tidy(self, now_ms: int = -1) -> bool:
        """Does one small step of cleaning; returns whether it did one. Call it at calm moments.

        The newest file stays even when all of it is acked: its name is where numbering goes on.
        A step erases at most one block of its own; LittleFS may add one for its log.

        Args:
            now_ms: monotonic milliseconds, for what waits for a quiet time; negative: not known.
        """
        extents = self._extents
        if self._build is not None:
            return self._archive(now_ms)
        if extents.doomed:
            extents.drop_doomed()
        elif len(extents.firsts) > 1 and extents.firsts[1] <= self._acked + 1:
            extents.drop(0)
        else:
            return self._remember(now_ms) or self._archive(now_ms) or self._count(now_ms)
        self._freed = True
        self._until_measure -= 1
        return True

    def _remember(self, now_ms: int) -> bool:
        """Writes the ack mark when it is time."""
        if not self._mark.due(self._acked, self._first_held(), now_ms):
            return False
        try:
            self._mark.write(self._acked)
        except OSError:
            self._faults += 1
            return False
        return True

    def _archive(self, now_ms: int) -> bool:
        """One step of an archive, if there is one to make."""
        if self._build is None:
            if now_ms >= 0 and now_ms < self._archive_at_ms:
                return False
            index = archive.due(self._extents)
            if index < 0:
                return False
            self._build = archive.build(
                self._folder, self._extents, index, self._packer, self._reader
            )
        try:
            next(self._build)
        except StopIteration:
            self._build = None
        except (OSError, MemoryError):
            self._build = None
            self._archive_at_ms = now_ms + ARCHIVE_AGAIN_MS  # each attempt erases a block
            self._faults += 1
            return False
        return True

    def _count(self, now_ms: int) -> bool:
        """Counts free blocks when they may have changed; never counts as a step."""
        waited = now_ms - self._measured_ms
        short = self._freed and (self.full or self.nearly_full)
        if short or self._until_measure <= 0 or waited >= MEASURE_EVERY_MS:
            self._measured_ms = max(now_ms, self._measured_ms)
            try:
                self._measure()
            except OSError:
                self._faults += 1
        return False
