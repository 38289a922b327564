"""A new version of the firmware: fetched into the idle slot, proven, tried, kept or taken back.

| state | left by |
| --- | --- |
| idle | an order of the hub that is newer than all before: receiving |
| receiving | all bytes in flash: checking |
| checking | digest and SHA-256 of every file right: proven; wrong twice: refused, idle |
| proven | renamed into the slot and named in `boot.bin`: stored |
| stored | nobody at the gate: restart; the loader starts the new slot, on trial |
| trial | tap path works and the hub answers: confirmed. Ten minutes without: taken back, restart |

Power may go at any moment. `boot.bin` (`protocol.slots`) alone says which slot starts; it is
replaced in one step, and names the new pack only when the whole pack is in flash and proven. What
comes before lies beside the slots, and goes on where it was after a restart:

| file | content |
| --- | --- |
| ``update.bin`` | the order being carried out: order, size, digest, version, CRC-32 |
| ``update.part`` | the first bytes of its pack; as many as it has |

There is room for two packs, so the idle slot is emptied when an order is taken. While the slot that
runs is on trial nothing is taken: the other one is the way back.

An order is carried out once. Its number is kept when it is done or has failed, and an order with
this number or a lower one is never taken: a recorded one sent again by a stranger changes nothing,
and firmware that was taken back comes again only when somebody orders it anew.
"""

import os
import struct
from binascii import crc32, unhexlify
from hashlib import sha256

from firmware import files
from protocol.errors import MalformedError
from protocol.pack import DIGEST_SIZE, read_content, read_head
from protocol.record import (
    UPDATE_CONFIRMED,
    UPDATE_REFUSED,
    UPDATE_ROLLED_BACK,
    UPDATE_STORED,
)
from protocol.slots import (
    ENDED_PLANNED,
    SLOT_FILES,
    STATE_FILE,
    WHY_NO_ROOM,
    WHY_NONE,
    WHY_NOT_WHOLE,
    WHY_TIME,
    BootState,
    decode_state,
)

ORDER_FILE = "update.bin"
PART_FILE = "update.part"
ASK_AGAIN_MS = 5000
TRIAL_MS = 10 * 60 * 1000
"""A new version that is not confirmed by then is taken back."""
EARLY_MS = 60 * 1000
"""A start that got so far is no early end; see `firmware.loader`."""
ROOM_AGAIN_MS = 10 * 60 * 1000
FLUSH_BYTES = 4096
"""Of a block; flushing more often would erase it again each time."""
SPARE_BLOCKS = 8
"""Free blocks an update leaves to the file system itself."""
_CHECK_STEP = 2048
_ORDER = "<II32s32s"
_ORDER_SIZE = 72

_IDLE = 0
_RECEIVING = 1
_CHECKING = 2
_PROVEN = 3
_STORED = 4


class Update:
    """The two slots of this gate, as the running firmware sees them.

    Attributes: trial (the running version is not confirmed yet), percent (of an update that is
    being fetched, -1 when there is none), slot (that runs), build (digest of the running pack).

    Args:
        root: folder of the flash.
        start: what the loader said (`firmware.loader.choose`); None without a loader: there are no
            slots then, and no order is taken.
        tell: called with (outcome UPDATE_..., why WHY_..., first 6 bytes of the digest) to keep a
            KIND_UPDATE record; returns whether it is kept.
        fault: called with a WHY_ constant when an order cannot be carried out for now.
        idle: returns whether nobody is at the gate.
        restart: starts the board anew; does not return.
    """

    def __init__(self, root: str, start, tell, fault, idle, restart) -> None:
        self._root = root
        self._tell = tell
        self._fault = fault
        self._idle = idle
        self._restart = restart
        self._part = files.join(root, PART_FILE)
        self._file = None
        self._phase = _IDLE
        self._order = 0
        self._size = 0
        self._digest = b""
        self._version = ""
        self._have = 0
        self._unflushed = 0
        self._ask_at = 0
        self._room_at = 0
        self._tries = 0
        self._check = iter(())
        self._in_slot = False  # the pack has been proven before and lies in the idle slot
        self._told = False
        self.slot = start["slot"] if start else 0
        self.build = start["digest"] if start else b""
        self._safe = bool(start and start["safe"])
        self._state = decode_state(files.read(self._path(STATE_FILE), 256)) or BootState()
        self.trial = bool(start and start["trial"] and self._state.trial == self.slot)
        self._lived = not start or not start["early"]
        if self.slot:
            self._take_up()

    # --- the hub ---------------------------------------------------------------------------------

    @property
    def percent(self) -> int:
        """How much of an update is here, 0..100; -1 when none is under way."""
        if self._phase == _IDLE:
            return -1
        return 100 * self._have // self._size

    @property
    def checking(self) -> bool:
        """Whether a pack is being proven: many small steps, one for each `step`."""
        return self._phase == _CHECKING

    def ordered(self, version: str, size: int, digest_hex: str, order: int, now_ms: int) -> None:
        """Takes an order, unless it is old, what runs already, or has to wait for a trial's end.

        Raises:
            OSError: the flash cannot be written; the order is taken when it comes again.
        """
        if not self.slot or self.trial or self._phase == _STORED:
            return
        if order <= self._state.order or order < self._order:
            return
        digest = unhexlify(digest_hex)
        if digest == self.build:
            return
        if order == self._order:
            if self._phase == _RECEIVING:
                self._ask_at = now_ms  # a new connection: on from where it was
            return
        if digest == self._digest and self._phase != _IDLE:
            self._keep_order(version, size, digest, order)  # what is here of it stays
            self._order = order
            return
        if now_ms < self._room_at:
            return
        if not self._room(size):
            self._room_at = now_ms + ROOM_AGAIN_MS
            self._fault(WHY_NO_ROOM)
            return
        self._forget()
        self._keep_order(version, size, digest, order)
        self._take_up()
        self._ask_at = now_ms

    def question(self, now_ms: int):
        """Returns (digest, offset) of the piece to ask for now, or None; asks again after silence.

        None too while somebody is at the gate: writing a piece may take as long as an erase.
        """
        if self._phase != _RECEIVING or now_ms < self._ask_at or not self._idle():
            return None
        self._ask_at = now_ms + ASK_AGAIN_MS
        return self._digest, self._have

    def piece(self, digest: bytes, offset: int, data: bytes, now_ms: int) -> None:
        """Takes the piece that comes next; any other one is an old answer and is dropped.

        Raises:
            OSError: the flash is full or broken; it goes on with what is in flash, later.
        """
        if self._phase != _RECEIVING or offset != self._have or digest != self._digest[:8]:
            return
        if offset + len(data) > self._size:
            return
        try:
            if self._file is None:
                self._file = open(self._part, "ab")
            self._file.write(data)
            self._have += len(data)
            self._unflushed += len(data)
            if self._unflushed >= FLUSH_BYTES or self._have == self._size:
                self._file.flush()
                self._unflushed = 0
            self._ask_at = now_ms
            if self._have == self._size:
                self._close()
                self._begin_check()
        except OSError:
            self._close()
            self._have = self._in_flash()
            self._ask_at = now_ms + ROOM_AGAIN_MS
            self._fault(WHY_NO_ROOM)
            raise

    # --- the gate --------------------------------------------------------------------------------

    def step(self, now_ms: int, tap_path_works: bool, greeted: bool) -> None:
        """One small step of what is to do; call it a few times a second, in safe mode as well.

        Args:
            now_ms: milliseconds since start.
            tap_path_works: see `firmware.selftest`.
            greeted: the hub itself has answered.
        """
        try:
            if not self._lived and not self._safe and now_ms >= EARLY_MS:
                self._lived = True
                self._state.early = 0
                self._write()
            if self.trial:
                self._try(now_ms, tap_path_works and greeted)
            elif self._phase == _CHECKING:
                self._go_on_checking()
            elif self._phase == _PROVEN:
                self._store()
            elif self._phase == _STORED and self._idle():
                self.restart()
            self._announce()
        except OSError:
            # The flash failed: the same step comes again.
            if not self._told:
                self._told = True
                self._fault(WHY_NONE)

    def restart(self) -> None:
        """Starts the board anew on purpose: the loader does not count it as a crash.

        Raises:
            OSError: the flash cannot be written; nothing happened.
        """
        self._close()
        self._state.ended = ENDED_PLANNED
        self._write()
        self._restart()

    def _try(self, now_ms: int, good: bool) -> None:
        state = self._state
        if good:
            state.active = self.slot
            state.finish(UPDATE_CONFIRMED, WHY_NONE, self.build)
            self._write()
            self.trial = False
        elif now_ms >= TRIAL_MS:
            state.finish(UPDATE_ROLLED_BACK, WHY_TIME, self.build)
            self.restart()

    def _announce(self) -> None:
        """Tells the journal how a trial went; once more rather than not at all after a cut."""
        state = self._state
        if state.outcome and self._tell(state.outcome, state.why, state.outcome_digest):
            state.outcome = 0
            self._write()

    # --- receiving -------------------------------------------------------------------------------

    def _keep_order(self, version: str, size: int, digest: bytes, order: int) -> None:
        body = struct.pack(_ORDER, order, size, digest, version.encode())
        files.replace(self._path(ORDER_FILE), body + struct.pack("<I", crc32(body)))

    def _take_up(self) -> None:
        """Goes on with the order in flash, if there is one that is not done."""
        content = files.read(self._path(ORDER_FILE), 128)
        if len(content) != _ORDER_SIZE + 4:
            return
        body = content[:_ORDER_SIZE]
        if struct.pack("<I", crc32(body)) != content[_ORDER_SIZE:]:
            return
        order, size, digest, version = struct.unpack(_ORDER, body)
        if self.trial or order <= self._state.order or digest == self.build:
            self._forget()  # carried out; the power went before this file did
            return
        self._order = order
        self._size = size
        self._digest = digest
        self._version = version.rstrip(b"\0").decode()
        self._have = self._in_flash()
        self._phase = _RECEIVING
        idle = self._path(SLOT_FILES[3 - self.slot])
        if not self._have and self._is_pack(idle):
            # The version before is wanted back, or the power went just before this pack was stored.
            self._in_slot = True
        else:
            _remove(idle)
        if self._have >= self._size or self._in_slot:
            self._begin_check()

    def _is_pack(self, path: str) -> bool:
        try:
            with open(path, "rb") as file:
                file.seek(self._size - DIGEST_SIZE)
                return file.read(DIGEST_SIZE + 1) == self._digest
        except OSError:
            return False

    def _in_flash(self) -> int:
        try:
            return os.stat(self._part)[6]
        except OSError:
            return 0

    def _room(self, size: int) -> bool:
        """Whether the pack fits when the idle slot and what lies beside it are emptied."""
        volume = os.statvfs(self._root)
        block = volume[0]
        free = volume[3]
        for name in (SLOT_FILES[3 - self.slot], PART_FILE):
            try:
                free += os.stat(self._path(name))[6] // block
            except OSError:
                continue
        return free >= size // block + 1 + SPARE_BLOCKS

    # --- checking --------------------------------------------------------------------------------

    def _begin_check(self) -> None:
        self._phase = _CHECKING
        self._have = self._size
        path = self._path(SLOT_FILES[3 - self.slot]) if self._in_slot else self._part
        self._check = self._proof(path)

    def _go_on_checking(self) -> None:
        try:
            whole = next(self._check)
        except (StopIteration, MalformedError, OSError):
            whole = False
        if whole is None:
            return
        self._check = iter(())
        if whole:
            self._phase = _PROVEN
            return
        # The first time it is fetched again: the flash may have failed, or a cut came in between.
        self._tries += 1
        _remove(self._part)
        _remove(self._path(SLOT_FILES[3 - self.slot]))
        self._in_slot = False
        self._have = 0
        self._phase = _RECEIVING
        self._ask_at = 0
        if self._tries > 1:
            self._state.order = self._order
            self._state.finish(UPDATE_REFUSED, WHY_NOT_WHOLE, self._digest)
            self._write()
            self._forget()

    def _proof(self, path: str):
        """Yields None while it reads, at last whether all of it is what the order promised."""
        with open(path, "rb") as file:
            head = read_head(file)
            if head.size != self._size or head.version != self._version:
                yield False
                return
            file.seek(0)
            whole = sha256()
            left = self._size - DIGEST_SIZE
            while left:
                part = file.read(min(left, _CHECK_STEP))
                if not part:
                    break
                whole.update(part)
                left -= len(part)
                yield None
            if left or whole.digest() != self._digest or file.read(DIGEST_SIZE + 1) != self._digest:
                yield False
                return
            for entry in head.files.values():
                read_content(file, entry)
                yield None
        yield True

    def _store(self) -> None:
        idle = 3 - self.slot
        if not self._in_slot:
            files.rename(self._part, self._path(SLOT_FILES[idle]))
            self._in_slot = True
        state = self._state
        state.active = self.slot
        state.trial = idle
        state.attempts = 0
        state.early = 0
        state.order = self._order
        state.digests[self.slot] = self.build
        state.digests[idle] = self._digest
        self._write()
        self._phase = _STORED
        self._tell(UPDATE_STORED, WHY_NONE, self._digest[:6])
        _remove(self._path(ORDER_FILE))

    # --- files -----------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._close()
        self._phase = _IDLE
        self._order = 0
        self._tries = 0
        self._in_slot = False
        self._check = iter(())
        self._have = 0
        _remove(self._part)
        _remove(self._path(ORDER_FILE))

    def _close(self) -> None:
        file = self._file
        self._file = None
        self._unflushed = 0
        if file is not None:
            try:
                file.close()
            except OSError:
                self._unflushed = 0  # what did not get into flash is asked for again

    def _path(self, name: str) -> str:
        return files.join(self._root, name)

    def _write(self) -> None:
        files.replace(self._path(STATE_FILE), self._state.encode())


def _remove(path: str) -> None:
    try:
        os.stat(path)
    except OSError:
        return
    os.remove(path)
