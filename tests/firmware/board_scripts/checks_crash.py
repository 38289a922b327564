"""The crash log: bounded, without arguments of errors, kept until the hub has it."""

from standins import MOUNT, RamFlash, equal, formatted, mount

from firmware.crash import CRASH_LOG_MAX, crash_sections, error_lines, note_crash
from firmware.crash_log import CrashLog
from protocol import limits
from simulator.board.flash import PowerCutError

BLOCKS = 24
SECRET = "04a1b2c3d4e5f6"


def fresh():
    flash = RamFlash(BLOCKS, image=formatted(BLOCKS))
    mount(flash)
    return flash


class BadgeError(Exception):
    """An error of this check, with what must not be told."""


def error_of(function, *arguments):
    try:
        function(*arguments)
    except Exception as error:  # noqa: BLE001 (any error will do)
        return error
    raise AssertionError("no error")


def deep(levels):
    if levels:
        deep(levels - 1)
    raise BadgeError("badge " + SECRET + '\n  File "x", line 1, in ' + SECRET)


def whole():
    with open(MOUNT + "/crash.txt", "rb") as file:
        return file.read()


def check_an_entry_tells_type_and_lines_and_nothing_else():
    fresh()
    log = CrashLog(MOUNT, 17)
    equal(log.next(0), None)
    log.note("1.0 task 3", error_of(deep, 2))
    boot, first, length, text = log.next(0)
    equal((boot, first, length), (17, 0, len(text)))
    lines = text.split("\n")
    equal((lines[0], lines[-2], lines[-1]), ("1.0 task 3", "BadgeError", ""))
    assert lines[1].endswith(" error_of"), lines
    assert "checks_crash.py:" in lines[1], lines
    equal([line.split(" ")[-1] for line in lines[2:5]], ["deep"] * 3)
    assert SECRET not in whole().decode()
    note_crash(MOUNT, 17, "caf\xe9 #\n", KeyError(SECRET))
    assert all(c == 10 or 32 <= c <= 126 for c in whole())
    assert SECRET not in whole().decode()


def check_a_message_that_looks_like_a_line_of_code_is_not_told():
    lines = error_lines(error_of(deep, 0))
    assert SECRET not in "".join(lines), lines


def check_what_the_hub_has_is_freed_and_nothing_else():
    fresh()
    log = CrashLog(MOUNT, 3)
    for level in range(8):
        log.note("1.0 task 1", error_of(deep, level))
    told = ""
    before = ""
    for boot, _freed, text in crash_sections(MOUNT):
        equal(boot, 3)
        before += text
    while True:
        piece = log.next(0)
        if piece is None:
            break
        equal(log.next(9999), None, "not asked twice at once")
        equal(log.next(10000), piece, "comes again until it is kept")
        boot, first, length, text = piece
        assert 0 < len(text) <= limits.CRASH_TEXT_MAX
        equal((first, length), (len(told), len(before)))
        told += text
        log.kept(boot, first + len(text) + 1)  # more than was sent
        log.kept(4, first + len(text))  # another start
        log.kept(boot, first + len(text))
    equal(told, before)
    assert len(whole()) < 16
    log = CrashLog(MOUNT, 4)
    equal(log.next(0), None)
    log.note("1.0", ValueError(1))
    equal(log.next(0)[:2], (4, 0))


def check_starts_are_told_apart_and_the_oldest_go_first():
    fresh()
    for boot in range(1, 40):
        note_crash(MOUNT, boot, "1.0", error_of(deep, boot % 5))
        assert len(whole()) <= CRASH_LOG_MAX
    sections = crash_sections(MOUNT)
    equal(sections[-1][0], 39)
    equal([section[0] for section in sections], list(range(40 - len(sections), 40)))
    equal(CrashLog(MOUNT, 40).next(0)[0], sections[0][0])


def check_a_part_that_fails_for_ever_writes_no_more_than_its_share():
    flash = fresh()
    log = CrashLog(MOUNT, 1)
    error = error_of(deep, 1)
    log.note("1.0", error)
    before = flash.operations
    for _ in range(20):
        log.note("1.0", error)
    equal(flash.operations, before, "the same error is kept once")
    sent = 0
    for number in range(400):  # two errors in turn, and a hub that keeps all of it
        log.note("1.0", error_of(deep, number % 2))
        piece = log.next(number * 20000)
        if piece is not None:
            sent = piece[1] + len(piece[3])
            log.kept(1, sent)
    assert sent <= limits.CRASH_LOG_MAX
    assert flash.operations < 400, flash.operations


def check_a_rotten_file_is_begun_anew():
    for content in (b"\xff\xfe" * 300, b"#x y\nz\n", b"#1\n", b"text\n", b"#1 2 3\n"):
        fresh()
        with open(MOUNT + "/crash.txt", "wb") as file:
            file.write(content)
        log = CrashLog(MOUNT, 5)
        equal(log.next(0), None, content)
        log.note("1.0", ValueError(1))
        equal(log.next(0)[0], 5)


def check_the_limits_are_those_of_the_protocol():
    equal(CRASH_LOG_MAX, limits.CRASH_LOG_MAX)


def check_every_cut_leaves_the_log_before_or_after():
    flash = fresh()
    note_crash(MOUNT, 1, "1.0", error_of(deep, 3))
    image = bytes(flash.image)
    before = whole()

    def happen():
        log = CrashLog(MOUNT, 2)
        log.note("1.0", error_of(deep, 1))
        log.kept(1, log.next(0)[2])

    flash = RamFlash(BLOCKS, image=image)
    mount(flash)
    happen()
    after = whole()
    operations = flash.operations
    seen = []
    for cut in range(1, operations + 1):
        flash = RamFlash(BLOCKS, image=image, cut_at=cut, seed=cut)
        mount(flash)
        try:
            happen()
            raise AssertionError("cut {} did not happen".format(cut))
        except PowerCutError:
            pass
        mount(RamFlash(BLOCKS, image=flash.image))
        found = whole()
        seen.append(found)
        assert found in (before, after) or found.startswith(before), cut
    assert before in seen
    return "{} cuts".format(operations)


def check_a_full_flash_is_no_further_error():
    fresh()
    try:
        with open(MOUNT + "/fill", "wb") as file:
            for _ in range(BLOCKS):
                file.write(b"x" * 4096)
                file.flush()
    except OSError:
        pass
    for number in range(30):
        note_crash(MOUNT, number, "1.0", error_of(deep, 5))
