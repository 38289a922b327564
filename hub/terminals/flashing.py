"""Writes firmware and settings to a gate's flash, wherever that is, so that a cut does no harm.

What runs on a board is never overwritten: a new version goes to the slot that is not in use, every
file is written under another name, read back on the board itself, and only when all are right do
they take their places, each in one step: loader, pack, the choice between the slots, settings. A
board that loses its plug at any instant starts what it started before, or the new version; without
settings, which come last, a new board says that it has none and lets nobody in.

Journal, roster and crash log stay. A journal that belongs to another gate is not touched: its taps
would be sent as this gate's. Nothing is ever formatted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from hub.errors import PermanentError, UsageError
from hub.terminals.firmware_build import Firmware
from protocol.limits import JOURNAL_SIZE
from protocol.slots import ENDED_PLANNED, SLOT_FILES, STATE_FILE, BootState, decode_state
from protocol.topics import valid_terminal_id

SETTINGS = "settings.json"
JOURNAL = "journal/"
JOURNAL_ID = JOURNAL + "id"
SUFFIX = ".tmp"
BLOCK = 4096
SPARE_BLOCKS = 16
"""What the file system itself and the gate's first records need beside the files."""
LOOK_MAX = 16 * 1024
"""Bytes of the largest file that is read to learn whose board it is."""

Say = Callable[..., None]
"""Tells a step: its key in the catalogue, under `cli.flash`, and its values."""


class Place(Protocol):
    """A flash that can be written: a board, a folder or an image.

    Paths are relative to its root, with slashes. Every method raises a `SitegateError` of its own
    kind of place when it cannot be reached or written.
    """

    def files(self) -> dict[str, int]:
        """Returns size in bytes by path of every file."""
        ...

    def read(self, path: str) -> bytes:
        """Returns the content of a file."""
        ...

    def sha256(self, path: str) -> bytes:
        """Returns the digest of what is stored, worked out where it is stored."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Writes a file whole, and returns when it would survive a power cut."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Gives a file the name of another, which it replaces in one step."""
        ...

    def remove(self, path: str) -> None:
        """Removes a file."""
        ...

    def free(self) -> int:
        """Returns how many bytes are free."""
        ...

    def finish(self) -> None:
        """Makes what was written count: restarts a board, puts an image in its place."""
        ...


@dataclass(slots=True)
class Plan:
    """What has to be done to a flash.

    Args:
        write: content by path, in the order in which the files take their places.
        same: paths that hold already what they should.
        remove: paths in the way: left over from an interrupted flash, or of a slot not in use.
        other: the terminal whose journal lies here; None when it is this one's, or there is none.
        set_aside: paths of that other journal, and of the roster that came with it.
        needed, free: bytes.
    """

    write: dict[str, bytes]
    same: list[str] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    other: str | None = None
    set_aside: list[str] = field(default_factory=list)
    needed: int = 0
    free: int = 0


def look(
    place: Place,
    terminal: str,
    settings_json: bytes,
    firmware: Firmware,
    owner: Callable[[bytes], str | None],
) -> Plan:
    """Looks at a flash and says what has to be done; changes nothing.

    Args:
        place: where.
        terminal: whose it is to be.
        settings_json: its settings file.
        firmware: the version to write.
        owner: returns the terminal that has sent records of a journal, by the journal's id.
    """
    found = place.files()
    wanted = _wanted(place, found, settings_json, firmware)
    plan = Plan({})
    for path, content in wanted.items():
        if found.get(path) == len(content) and place.sha256(path) == _digest(content):
            plan.same.append(path)
        else:
            plan.write[path] = content
    plan.remove = [path for path in found if path.endswith(SUFFIX) and "/" not in path]
    for slot in SLOT_FILES[1:]:
        if slot in plan.write and slot in found:
            plan.remove.append(slot)
    plan.other = _other(place, found, terminal, owner)
    if plan.other is not None:
        plan.set_aside = sorted(path for path in found if path.startswith((JOURNAL, "roster")))
    going = sum(_blocks(found[path]) for path in (*plan.remove, *plan.set_aside))
    plan.free = place.free() + going * BLOCK
    blocks = sum(_blocks(len(content)) for content in plan.write.values())
    plan.needed = (blocks + SPARE_BLOCKS) * BLOCK if plan.write else 0
    return plan


def carry_out(
    place: Place, plan: Plan, say: Say, take_over: bool, keep: Callable[[str, bytes], None]
) -> None:
    """Does what the plan says.

    Args:
        place: the one that was looked at.
        plan: what `look` returned.
        say: hears of each step.
        take_over: the board may be another terminal's: its journal is kept on this computer.
        keep: keeps a file of that journal, by its path; returns when it is on disk.

    Raises:
        UsageError: HUB-1245, another terminal's journal is on the board, and `take_over` is False.
        PermanentError: HUB-1244 too little space, HUB-1247 something was read back wrong; the
            board is as it was.
    """
    refuse(plan, take_over)
    for path in plan.set_aside:
        keep(path, place.read(path))
    for path in (*plan.set_aside, *plan.remove):
        place.remove(path)
    if plan.set_aside:
        say("set_aside", terminal=plan.other, count=len(plan.set_aside))
    for path, content in plan.write.items():
        say("writing", file=path, size=len(content))
        place.write(path + SUFFIX, content)
    for path, content in plan.write.items():
        if place.sha256(path + SUFFIX) != _digest(content):
            raise PermanentError("HUB-1247", file=path)
    if plan.write:
        say("verified", count=len(plan.write))
    for path in plan.write:
        place.rename(path + SUFFIX, path)
    place.finish()


def refuse(plan: Plan, take_over: bool) -> None:
    """Refuses a plan that must not be carried out; see `carry_out`."""
    if plan.other is not None and not take_over:
        raise UsageError("HUB-1245", terminal=plan.other)
    if plan.needed > plan.free:
        raise PermanentError("HUB-1244", needed=plan.needed // 1024, free=plan.free // 1024)


def _wanted(
    place: Place, found: Mapping[str, int], settings_json: bytes, firmware: Firmware
) -> dict[str, bytes]:
    """The files of a gate with this firmware, in the order in which they take their places."""
    digest = bytes.fromhex(firmware.digest)
    # The loader is written before the packs: a newer one starts older packs, not the other way.
    files = {"loader.mpy": firmware.loader, "main.py": firmware.main}
    state = decode_state(place.read(STATE_FILE)) if found.get(STATE_FILE, LOOK_MAX) < 256 else None
    if state is None:
        state = BootState()
        slot = 1
    elif state.digests[state.active] == digest:
        slot = state.active
    else:
        slot = 3 - state.active
    # The number of the newest order stays, so that an old one is not carried out once more.
    state.active, state.trial, state.attempts, state.early = slot, 0, 0, 0
    state.ended = ENDED_PLANNED  # the board is about to be restarted from here
    state.digests[slot] = digest
    files[SLOT_FILES[slot]] = firmware.pack
    other = 3 - slot
    if SLOT_FILES[other] not in found or not any(state.digests[other]):
        # Something to fall back on from the first day, and the room that an update will need.
        state.digests[other] = digest
        files[SLOT_FILES[other]] = firmware.pack
    files[STATE_FILE] = state.encode()
    files[SETTINGS] = settings_json
    return files


def _other(
    place: Place,
    found: Mapping[str, int],
    terminal: str,
    owner: Callable[[bytes], str | None],
) -> str | None:
    """The terminal that the journal on a flash belongs to, when that is another one."""
    if not any(path.startswith(JOURNAL) for path in found):
        return None
    if found.get(SETTINGS, LOOK_MAX) < LOOK_MAX:
        named = _terminal_of(place.read(SETTINGS))
        if named is not None:
            return named if named != terminal else None
    if found.get(JOURNAL_ID) == JOURNAL_SIZE:
        sent_by = owner(place.read(JOURNAL_ID))
        return sent_by if sent_by != terminal else None
    return None


def _terminal_of(content: bytes) -> str | None:
    try:
        fields: Any = json.loads(content)
    except ValueError:
        return None
    named = fields.get("terminal") if isinstance(fields, dict) else None
    return named if isinstance(named, str) and valid_terminal_id(named) else None


def _blocks(size: int) -> int:
    return -(-size // BLOCK)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
