"""Writing a flash: at every cut it starts one version or the other, and nothing is formatted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hub.errors import PermanentError, SitegateError, UsageError
from hub.terminals.firmware_build import Firmware
from hub.terminals.flash_places import BOARDS, DISK_VERSION, FolderPlace, ImagePlace
from hub.terminals.flashing import BLOCK, Plan, carry_out, look
from protocol.pack import METHOD_STORED, encode_pack
from protocol.slots import SLOT_FILES, STATE_FILE, decode_state

SETTINGS = b'{"terminal": "gate-1"}'
JOURNAL = {"journal/id": b"journal1", "journal/s0000000001": b"taps"}


def version(name: str) -> Firmware:
    """A version of the firmware; its content is of no importance here."""
    pack = encode_pack(name, [("firmware/app.mpy", METHOD_STORED, name.encode() * 500)])
    return Firmware(name, pack, pack[-32:].hex(), b"loader of " + name.encode(), b"import loader")


OLD, NEW, NEXT = version("1.0"), version("1.1"), version("1.2")


def nobody(_journal: bytes) -> str | None:
    """No journal is known."""
    return None


def silent(_step: str, **_: object) -> None:
    """Nobody listens."""


def write(place: FolderPlace | ImagePlace, firmware: Firmware, settings: bytes = SETTINGS) -> Plan:
    """Writes a version as the command does."""
    plan = look(place, "gate-1", settings, firmware, nobody)
    carry_out(place, plan, silent, take_over=False, keep=lambda path, content: None)
    return plan


def starts(place: FolderPlace | ImagePlace) -> bytes:
    """The pack that the boot loader would start: the active one, proven by the state's digest."""
    state = decode_state(place.read(STATE_FILE))
    assert state is not None
    pack = place.read(SLOT_FILES[state.active])
    assert pack[-32:] == state.digests[state.active]
    return pack


def folder(tmp_path: Path) -> FolderPlace:
    """A folder as a flash."""
    return FolderPlace(tmp_path / "flash")


# ---------------------------------------------------------------- order


def test_a_new_version_goes_to_the_slot_that_is_not_in_use(tmp_path: Path) -> None:
    place = folder(tmp_path)
    assert list(write(place, OLD).write) == [
        "loader.mpy", "main.py", "slot-a.pack", "slot-b.pack", "boot.bin", "settings.json",
    ]  # fmt: skip
    assert starts(place) == place.read("slot-b.pack") == OLD.pack
    # settings.json and main.py are as they should be already.
    assert list(write(place, NEW).write) == ["loader.mpy", "slot-b.pack", "boot.bin"]
    assert starts(place) == NEW.pack
    assert place.read("slot-a.pack") == OLD.pack
    assert write(place, NEW).write == {}
    write(place, NEXT)
    assert (starts(place), place.read("slot-b.pack")) == (NEXT.pack, NEW.pack)


def test_a_trial_that_was_running_is_over_and_orders_are_not_forgotten(tmp_path: Path) -> None:
    place = folder(tmp_path)
    write(place, OLD)
    state = decode_state(place.read(STATE_FILE))
    assert state is not None
    state.trial, state.attempts, state.early, state.order = 2, 2, 5, 41
    place.write(STATE_FILE, state.encode())
    write(place, NEW)
    state = decode_state(place.read(STATE_FILE))
    assert state is not None
    assert (state.trial, state.attempts, state.early, state.order) == (0, 0, 0, 41)
    assert starts(place) == NEW.pack


def test_a_state_that_has_rotted_does_not_stop_it(tmp_path: Path) -> None:
    place = folder(tmp_path)
    write(place, OLD)
    place.write(STATE_FILE, b"rotten")
    write(place, NEW)
    assert starts(place) == NEW.pack


def test_what_an_interrupted_flash_left_goes_and_all_else_stays(tmp_path: Path) -> None:
    place = folder(tmp_path)
    write(place, OLD)
    for path, content in {**JOURNAL, "roster": b"badges", "notes.txt": b"mine"}.items():
        (tmp_path / "flash" / path).parent.mkdir(exist_ok=True)
        place.write(path, content)
    place.write("slot-b.pack.tmp", b"half")
    place.write("journal/x.tmp", b"the gate's own")
    write(place, NEW)
    assert "slot-b.pack.tmp" not in place.files()
    for path, content in {**JOURNAL, "roster": b"badges", "notes.txt": b"mine"}.items():
        assert place.read(path) == content
    assert place.read("journal/x.tmp") == b"the gate's own"


# ---------------------------------------------------------------- cuts


class Cut(SitegateError):
    """The plug was pulled."""


class Unplugged(FolderPlace):
    """A folder that is gone after so many changes."""

    def __init__(self, folder: Path, left: int) -> None:
        super().__init__(folder)
        self.left = left

    def _change(self) -> None:
        if self.left == 0:
            raise Cut("HUB-1246", port="?")
        self.left -= 1

    def write(self, path: str, content: bytes) -> None:
        if self.left == 0:
            super().write(path, content[: len(content) // 2])
        self._change()
        super().write(path, content)

    def rename(self, old: str, new: str) -> None:
        self._change()
        super().rename(old, new)

    def remove(self, path: str) -> None:
        self._change()
        super().remove(path)


def test_at_every_cut_it_starts_the_old_or_the_new_version(tmp_path: Path) -> None:
    packs = {OLD.pack: 0, NEXT.pack: 0}
    cut = 0
    for cut in range(100):
        place = FolderPlace(tmp_path / str(cut))
        write(place, NEW)
        write(place, OLD)
        (tmp_path / str(cut) / "journal").mkdir()
        for path, content in JOURNAL.items():
            place.write(path, content)
        unplugged = Unplugged(tmp_path / str(cut), cut)
        try:
            write(unplugged, NEXT, b'{"terminal": "gate-1", "new": 1}')
        except Cut:
            packs[starts(place)] += 1
            if place.read("settings.json") != SETTINGS:
                assert starts(place) == NEXT.pack
            assert {path: place.read(path) for path in JOURNAL} == JOURNAL
            write(place, NEXT)
            assert starts(place) == NEXT.pack
            assert not any(path.endswith(".tmp") for path in place.files())
        else:
            break
    # Removals, writes and renames: each was cut once, and both versions were seen.
    assert cut >= 9
    assert all(packs.values())


class Worn(FolderPlace):
    """A flash that does not keep what it is given."""

    def write(self, path: str, content: bytes) -> None:
        super().write(path, bytes([content[0] ^ 1]) + content[1:])


def test_what_is_read_back_wrong_takes_no_place(tmp_path: Path) -> None:
    place = folder(tmp_path)
    write(place, OLD)
    worn = Worn(tmp_path / "flash")
    with pytest.raises(PermanentError, match="HUB-1247"):
        write(worn, NEW)  # pyright: ignore[reportArgumentType]
    assert starts(place) == OLD.pack
    assert place.read("loader.mpy") == OLD.loader


# ---------------------------------------------------------------- whose board


@pytest.mark.parametrize(
    ("settings", "owner", "other"),
    [
        (b'{"terminal": "gate-1"}', None, None),
        (b'{"terminal": "gate-2"}', None, "gate-2"),
        # What the settings say counts more than what was sent of the journal.
        (b'{"terminal": "gate-1"}', "gate-2", None),
        (b"rotten", None, None),
        (b"rotten", "gate-2", "gate-2"),
        (b"rotten", "gate-1", None),
        (b'{"terminal": "../x"}', "gate-2", "gate-2"),
        (b'["gate-2"]', None, None),
        (None, "gate-2", "gate-2"),
        (None, None, None),
    ],
)
def test_whose_journal_it_is(
    tmp_path: Path, settings: bytes | None, owner: str | None, other: str | None
) -> None:
    place = folder(tmp_path)
    (tmp_path / "flash" / "journal").mkdir()
    for path, content in JOURNAL.items():
        place.write(path, content)
    if settings is not None:
        place.write("settings.json", settings)
    plan = look(place, "gate-1", SETTINGS, NEW, lambda journal: owner)
    assert plan.other == other
    if other is None:
        return
    before = place.files()
    with pytest.raises(UsageError, match="HUB-1245"):
        carry_out(place, plan, silent, take_over=False, keep=lambda path, content: None)
    assert place.files() == before


def test_a_board_of_another_gate_without_a_journal_is_free(tmp_path: Path) -> None:
    place = folder(tmp_path)
    place.write("settings.json", b'{"terminal": "gate-2"}')
    assert look(place, "gate-1", SETTINGS, NEW, nobody).other is None


def test_a_journal_that_cannot_be_kept_stays_on_the_board(tmp_path: Path) -> None:
    place = folder(tmp_path)
    (tmp_path / "flash" / "journal").mkdir()
    for path, content in JOURNAL.items():
        place.write(path, content)
    place.write("settings.json", b'{"terminal": "gate-2"}')
    plan = look(place, "gate-1", SETTINGS, NEW, nobody)

    def full(path: str, content: bytes) -> None:
        raise UsageError("HUB-1013", file=path, reason="ENOSPC")

    with pytest.raises(UsageError, match="HUB-1013"):
        carry_out(place, plan, silent, take_over=True, keep=full)
    assert {path: place.read(path) for path in JOURNAL} == JOURNAL


# ---------------------------------------------------------------- images


@pytest.mark.parametrize("board", BOARDS)
def test_an_image_has_the_size_of_the_boards_file_system(tmp_path: Path, board: str) -> None:
    file = tmp_path / "gate.img"
    write(ImagePlace(file, BOARDS[board]), NEW)
    assert file.stat().st_size == BOARDS[board] * BLOCK
    assert file.stat().st_mode & 0o777 == 0o600
    assert starts(ImagePlace(file, 212)) == NEW.pack  # an image's own size counts
    # What the stock image mounts is LittleFS 2.0, the word after the magic of the superblock.
    content = file.read_bytes()
    at = content.index(b"littlefs") + 8
    assert int.from_bytes(content[at + 4 : at + 8], "little") == DISK_VERSION


@pytest.mark.parametrize("content", [b"", b"no image", bytes(4096), b"\xff" * 212 * 4096])
def test_what_is_no_image_is_never_formatted(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "gate.img"
    file.write_bytes(content)
    with pytest.raises(SitegateError, match="HUB-1248"):
        ImagePlace(file, 212)
    assert file.read_bytes() == content


def test_an_image_that_is_too_full_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "gate.img"
    place = ImagePlace(file, 212)
    place.write("photo.jpg", bytes(place.free() - 3 * BLOCK))
    place.finish()
    before = file.read_bytes()
    with pytest.raises(PermanentError, match="HUB-1244"):
        write(ImagePlace(file, 212), NEW)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.write_text("a file"), lambda path: path.symlink_to("nowhere/at/all")],
)
def test_a_folder_that_cannot_be_one_is_told(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    spoil(tmp_path / "flash")
    with pytest.raises(PermanentError, match="HUB-1248"):
        folder(tmp_path)
