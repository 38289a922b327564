"""The crash log: what errors nobody caught left behind, kept in flash until the hub has it.

One file of at most 2 KB, in sections, oldest first, one for each start of the gate::

    #17 0
    0.1.0 task 3 81234 ms
     firmware/uplink.py:88 received
    KeyError

The number after ``#`` is the boot number (0: the start did not come as far as its journal), the
second one how many characters of that start's log the hub has already and were removed here. A line
with version, place and milliseconds since start opens each entry. Of an error there are its type
and the lines it went through, never its arguments: they could hold a badge or a key.
"""

import io
import sys

from firmware.files import join, read, replace

CRASH_FILE = "crash.txt"
CRASH_LOG_MAX = 2048  # of the file, and of what one start may tell; `protocol.limits` agrees
CRASH_PIECE = 400
CRASH_LINES_MAX = 12


def error_lines(error) -> list:
    """Returns the lines of code `error` came through, outermost first, then its type."""
    lines = []
    if hasattr(sys, "print_exception"):  # MicroPython
        text = io.StringIO()
        sys.print_exception(error, text)  # pyright: ignore[reportArgumentType]
        printed = text.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
        for line in printed.split("\n")[1:]:
            # '  File "firmware/uplink.py", line 88, in received'
            parts = line.split('"')
            if not line.startswith('  File "') or len(parts) != 3:
                break  # from here on it is the error's argument, which may look like anything
            place = parts[2].replace(", line ", ":").replace(", in ", " ")
            lines.append(" " + _printable(parts[1] + place)[:80])
    return lines[-CRASH_LINES_MAX:] + [_printable(type(error).__name__)[:40]]


def note_crash(root: str, boot: int, title: str, error) -> None:
    """Adds an entry to the log of start `boot`; the same one twice in a row is kept once.

    Never raises an Exception: it is called when something else went wrong already.

    Args:
        root: folder of the flash.
        boot: boot number of this start, 0 when not known.
        title: version and place, without anything personal.
        error: the exception.
    """
    try:
        body = "\n".join(error_lines(error)) + "\n"
        sections = crash_sections(root)
        if not sections or sections[-1][0] != boot:
            sections.append([boot, 0, ""])
        section = sections[-1]
        entry = _printable(title)[:60] + "\n" + body
        # The first errors of a start tell most; what comes after the limit is only counted.
        if section[2].endswith(body) or section[1] + len(section[2] + entry) > CRASH_LOG_MAX - 64:
            return
        section[2] += entry
        _write(root, sections)
    except (OSError, ValueError, MemoryError):
        print("crash log not written")


def crash_sections(root: str) -> list:
    """Returns [boot, characters freed, text] of each start with something in the log."""
    sections = []
    try:
        for line in read(join(root, CRASH_FILE), CRASH_LOG_MAX).decode().split("\n"):
            if line.startswith("#"):
                boot, freed = line[1:].split(" ")
                sections.append([int(boot), int(freed), ""])
            elif line and sections:
                sections[-1][2] += line + "\n"
    except ValueError:
        sections = []  # rotten: the next entry starts the file anew
    return sections


def crash_piece(root: str):
    """Returns (boot, first, length, text) of the next piece for the hub, or None."""
    for boot, freed, text in crash_sections(root):
        if text:
            return boot, freed, freed + len(text), text[:CRASH_PIECE]
    return None


def crash_kept(root: str, boot: int, upto: int) -> None:
    """The hub has the log of start `boot` up to character `upto`: that part is removed here.

    Raises:
        OSError: the flash cannot be written; the hub is told again.
    """
    sections = crash_sections(root)
    for section in sections:
        if section[0] == boot and section[1] < upto <= section[1] + len(section[2]):
            section[2] = section[2][upto - section[1] :]
            section[1] = upto
            _write(root, sections)
            return


def _write(root: str, sections: list) -> None:
    """Keeps the newest sections that fit; of a start that is over nothing stays once it is sent."""
    kept = []
    size = 0
    for place in range(len(sections) - 1, -1, -1):
        boot, freed, text = sections[place]
        if text or place == len(sections) - 1:
            section = "#%d %d\n%s" % (boot, freed, text)
            size += len(section)
            if size > CRASH_LOG_MAX:
                break
            kept.insert(0, section)
    replace(join(root, CRASH_FILE), "".join(kept).encode())


def _printable(text: str) -> str:
    return "".join([c if " " <= c <= "~" and c != "#" else "?" for c in text])
