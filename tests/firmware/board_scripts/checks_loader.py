"""The boot loader: which slot, how often, and in which state the firmware is started."""

from packs import Life, content_of, digest_of, fresh, pack_of, version_in, write
from standins import MOUNT, RamFlash, equal, mount

from firmware import loader
from firmware.crash import crash_sections
from firmware.loader import PackVolume, choose, note_end
from protocol.errors import MalformedError
from protocol.pack import METHOD_STORED, encode_pack
from protocol.record import UPDATE_ROLLED_BACK
from protocol.slots import (
    ENDED_CRASH,
    ENDED_LATE,
    ENDED_PLANNED,
    SLOT_FILES,
    STATE_FILE,
    WHY_BUTTON,
    WHY_DAMAGED,
    WHY_STARTS,
    decode_state,
)
from simulator.board.flash import PowerCutError

ONE = pack_of("1.0")
TWO = pack_of("2.0")


def state():
    return decode_state(content_of(STATE_FILE))


def start(was_reset=False, held=False):
    return choose(MOUNT, was_reset, held)


def changed(content, at, value=1):
    return content[:at] + bytes((content[at] ^ value,)) + content[at + 1 :]


def check_the_confirmed_slot_is_started_and_nothing_is_written():
    for active, version in ((1, "1.0"), (2, "2.0")):
        flash = fresh(ONE, TWO, active=active)
        before = flash.operations
        for _ in range(5):
            told = start()
            equal(version_in(told["slot"]), version)
            equal((told["safe"], told["trial"], told["reset"]), (0, False, 1))
            equal(told["digest"], digest_of(ONE if active == 1 else TWO))
        equal(flash.operations, before, "a plain start writes nothing")


def check_a_damaged_pack_is_never_started():
    for at in (0, 4, 5, 8, 14, 17, 40, 100, 1000, len(ONE) - 33, len(ONE) - 1):
        fresh(changed(ONE, at), TWO)
        told = start()
        equal((version_in(told["slot"]), told["damaged"]), ("2.0", True), at)
        equal(state().active, 1, "it is not confirmed by this")
    for content in (b"", ONE[:1000], ONE[:-1], ONE + b"x", b"\xff" * 4096):
        fresh(content, TWO)
        equal(version_in(start()["slot"]), "2.0")
    fresh(changed(ONE, 100), changed(TWO, 100))
    equal(start()["slot"], 0)
    fresh(changed(ONE, 100))
    equal(start()["slot"], 0)


def check_a_pack_nobody_vouches_for_is_the_last_resort():
    fresh(ONE, TWO)
    write(SLOT_FILES[1], pack_of("3.0"))
    equal(version_in(start()["slot"]), "2.0")
    write(SLOT_FILES[2], b"")
    equal(version_in(start()["slot"]), "3.0")


def check_a_state_file_that_is_lost_or_rotten_is_made_anew():
    fresh(ONE, TWO, active=2)
    good = content_of(STATE_FILE)
    for content in (b"", b"x" * len(good), changed(good, 20)):
        fresh(ONE, TWO, active=2)
        write(STATE_FILE, content)
        told = start()
        equal(version_in(told["slot"]), "1.0")
        equal(state().digests[1:], [digest_of(ONE), digest_of(TWO)])
        equal(start()["slot"], told["slot"])
    for at in range(len(good)):
        assert decode_state(changed(good, at)) is None, at
    fresh(b"", TWO)
    write(STATE_FILE, b"")
    equal((start()["slot"], state().active), (2, 2))


def check_a_trial_is_started_three_times():
    fresh(ONE, TWO, trial=2)
    for attempt in (1, 2, 3):
        told = start(was_reset=attempt > 1)
        equal((version_in(told["slot"]), told["trial"], told["safe"]), ("2.0", True, 0))
        equal(state().attempts, attempt)
    told = start(was_reset=True)
    equal((version_in(told["slot"]), told["trial"], told["safe"]), ("1.0", False, 0))
    equal((state().outcome, state().why), (UPDATE_ROLLED_BACK, WHY_STARTS))
    equal(state().outcome_digest, digest_of(TWO)[:6])
    equal(version_in(start()["slot"]), "1.0")


def check_power_cuts_count_as_starts_of_a_trial_too():
    fresh(ONE, TWO, trial=2)
    for _ in range(3):
        equal(start()["slot"], 2)
    equal(start()["slot"], 1)


def check_a_trial_that_is_damaged_is_not_started():
    fresh(ONE, TWO, trial=2)
    write(SLOT_FILES[2], changed(TWO, 500))
    equal(version_in(start()["slot"]), "1.0")
    equal((state().outcome, state().why, state().trial), (UPDATE_ROLLED_BACK, WHY_DAMAGED, 0))
    fresh(ONE, TWO, trial=2)
    write(SLOT_FILES[2], pack_of("3.0"))
    equal(version_in(start()["slot"]), "1.0", "whole, and not the one on trial")


def check_the_button_goes_back_to_the_confirmed_slot():
    fresh(ONE, TWO, trial=2)
    told = start(held=True)
    equal((version_in(told["slot"]), told["safe"]), ("1.0", loader.SAFE_BUTTON))
    equal((state().outcome, state().why), (UPDATE_ROLLED_BACK, WHY_BUTTON))
    equal(start()["safe"], 0, "the next start is a plain one")
    fresh(ONE, TWO, active=2)
    told = start(held=True)
    equal((version_in(told["slot"]), told["safe"]), ("2.0", loader.SAFE_BUTTON))


def check_three_early_ends_lead_to_safe_mode():
    flash = fresh(ONE, TWO)
    equal(start()["safe"], 0)
    for early in (1, 2):
        before = flash.operations
        told = start(was_reset=True)  # the watchdog
        equal((told["safe"], told["early"], told["reset"]), (0, early, 2))
        assert flash.operations - before < 6, "one small write for a start"
    for _ in range(2):
        told = start(was_reset=True)
        equal((told["safe"], told["slot"]), (loader.SAFE_CRASHES, 1))
    equal(start()["safe"], 0, "power off and on tries again")
    equal(state().early, 0)


def check_errors_count_by_when_they_came():
    fresh(ONE, TWO)
    for _ in range(3):
        note_end(MOUNT, start(was_reset=True), 59999, ValueError("04a1b2c3"))
    equal(state().ended, ENDED_CRASH)
    told = start(was_reset=True)
    equal((told["safe"], told["crashed"], told["reset"]), (loader.SAFE_CRASHES, True, 3))
    fresh(ONE, TWO)
    for _ in range(9):
        told = start(was_reset=True)
        equal(told["safe"], 0)
        note_end(MOUNT, told, 60000, ValueError("04a1b2c3"))
    equal(state().ended, ENDED_LATE)
    assert start(was_reset=True)["crashed"]


def check_a_restart_on_purpose_is_no_early_end():
    fresh(ONE, TWO, early=2, ended=ENDED_PLANNED)
    told = start(was_reset=True)
    equal((told["safe"], told["early"], told["reset"], told["crashed"]), (0, 0, 3, False))
    equal(state().ended, 0)


def check_safe_mode_that_crashes_too_tries_the_other_slot():
    fresh(ONE, TWO, early=4)
    equal(version_in(start(was_reset=True)["slot"]), "1.0")
    told = start(was_reset=True)
    equal((version_in(told["slot"]), told["safe"]), ("2.0", loader.SAFE_CRASHES))
    fresh(ONE, b"", early=7)
    equal(version_in(start(was_reset=True)["slot"]), "1.0")


def check_a_flash_that_takes_nothing_starts_no_trial():
    fresh(ONE, TWO, trial=2)
    replace = loader.replace

    def full(path, content):
        raise OSError(28)

    loader.replace = full
    try:
        for _ in range(5):
            told = start()
            equal((version_in(told["slot"]), told["trial"]), ("1.0", False))
    finally:
        loader.replace = replace
    equal(version_in(start()["slot"]), "2.0")


def check_the_volume_of_a_pack():
    pack = encode_pack(
        "1",
        [
            ("firmware/__init__.mpy", METHOD_STORED, b"a"),
            ("firmware/drivers/oled.mpy", METHOD_STORED, b"bc" * 400),
        ],
    )
    fresh(pack)
    volume = PackVolume(MOUNT + "/" + SLOT_FILES[1])
    equal(volume.stat("/firmware")[0], 0x4000)
    equal(volume.stat("/firmware/drivers")[0], 0x4000)
    equal(volume.stat("/firmware/drivers/oled.mpy")[0], 0x8000)
    equal(list(volume.ilistdir("/firmware")), [("__init__.mpy", 0x8000, 0)])
    for path in ("/firm", "/firmware/oled.mpy", "/x"):
        for call in (volume.stat, lambda name: volume.open(name, "rb")):
            try:
                call(path)
                raise AssertionError(path)
            except OSError as error:
                equal(error.errno, 2)
    with volume.open("/firmware/drivers/oled.mpy", "rb") as file:
        equal(file.read(), b"bc" * 400)
    write(SLOT_FILES[1], changed(pack, len(pack) - 40))
    for path, mode, number in (
        ("/firmware/drivers/oled.mpy", "rb", 5),
        ("/firmware/drivers/oled.mpy", "wb", 30),
    ):
        try:
            volume.open(path, mode)
            raise AssertionError(mode)
        except OSError as error:
            equal(error.errno, number)


def check_a_pack_with_one_wrong_byte_is_not_read():
    from io import BytesIO

    from protocol.pack import pack_digest

    pack = pack_of("1.0", 64)
    equal(pack_digest(BytesIO(pack)), pack[-32:])
    for at in range(len(pack)):
        try:
            pack_digest(BytesIO(changed(pack, at)))
            raise AssertionError(at)
        except MalformedError:
            pass
        except UnicodeError:
            raise AssertionError(at)


def check_every_cut_of_a_trial_that_is_counted():
    flash = fresh(ONE, TWO, trial=2, attempts=1)
    image = bytes(flash.image)
    flash = RamFlash(40, image=image)
    mount(flash)
    start(was_reset=True)
    operations = flash.operations
    assert operations
    for cut in range(1, operations + 1):
        flash = RamFlash(40, image=image, cut_at=cut, seed=cut)
        mount(flash)
        try:
            start(was_reset=True)
            raise AssertionError("cut {} did not happen".format(cut))
        except PowerCutError:
            pass
        mount(RamFlash(40, image=flash.image))
        assert state().attempts in (1, 2), cut
        equal(start()["slot"], 2)
    return "{} cuts".format(operations)


class Board:
    """A board that notes what the loader does with it."""

    def __init__(self):
        self.did = []

    def was_reset(self):
        self.did.append("looked")
        return False

    def recovery_held(self):
        return False

    def no_firmware(self):
        self.did.append("nothing to start")

    def restart(self):
        self.did.append("restart")


def check_a_ctrl_c_leads_to_the_prompt_and_back():
    fresh(ONE, TWO)
    mount_pack = loader.mount

    def interrupted(root, slot):
        raise KeyboardInterrupt

    loader.mount = interrupted
    try:
        board = Board()
        loader.run(MOUNT, board)
        equal(board.did, ["looked", "restart"])
        board = Board()
        loader.run(MOUNT, board)
        equal(board.did, [], "this start is the prompt's")
        loader.run(MOUNT, board)
        equal(board.did, ["looked", "restart"])
    finally:
        loader.mount = mount_pack
    equal(state().early, 0, "no crash")


def check_an_error_is_noted_and_the_gate_starts_again():
    fresh(ONE, TWO)
    pause, mount_pack = loader._PAUSE_MS, loader.mount

    def rotten(root, slot):
        raise OSError(5)

    loader._PAUSE_MS, loader.mount = 0, rotten
    try:
        board = Board()
        loader.run(MOUNT, board)
        equal(board.did, ["looked", "restart"])
    finally:
        loader._PAUSE_MS, loader.mount = pause, mount_pack
    equal(state().ended, ENDED_CRASH)
    (section,) = crash_sections(MOUNT)
    assert "slot a" in section[2], section
    assert section[2].endswith("OSError\n"), section


def check_the_loader_without_anything_to_start():
    fresh(b"", b"")
    board = Board()
    loader.run(MOUNT, board)
    equal(board.did, ["looked", "nothing to start"])
    life = Life(None, ())
    try:
        life.live()
        raise AssertionError("started nothing")
    except AssertionError as error:
        equal(str(error), "nothing to start")
