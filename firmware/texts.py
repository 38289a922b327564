"""What the display says, in twelve languages: at most 16 characters a line, in upper case.

Rule: the gate says *kept* (gardé, bewaard, gespeichert), never *registered*, except in REGISTERED,
which is shown when a receipt came. Only the authority's receipt registers anybody.

The texts are written in texts.toml, packed by tools/make_texts.py into `phrases`, and unpacked here
one at a time: 5 KB of memory instead of 17.
"""

from firmware import phrases

LANGUAGES = phrases.LANGUAGES
WIDTH = 16

# Events: something happened at the gate.
KEPT_IN = 0
KEPT_OUT = 1
KEPT = 2
REPEAT = 3
UNKNOWN = 4
BLOCKED = 5
EXPIRED = 6
NOT_YET = 7
OTHER_SITE = 8
PASSBACK = 9
LOOK = 10
NO_ROSTER = 11
UNREADABLE = 12
SEVERAL = 13
FULL = 14
CHOOSE = 15
REGISTERED = 16
FORCED = 17
FIRE = 18
TAMPER = 19
EVENTS = 20
"""Number of events: they are the texts below this."""

# Lines of the idle picture.
READY = 20
READER_DOWN = 21
CLOCK = 22
UNSENT = 23
NO_WIFI = 24
NO_HUB = 25
HUB_OK = 26
STARTING = 27
NO_SETTINGS = 28
SAFE_MODE = 29
UPDATING = 30
NEARLY_FULL = 31
SUPPLY_LOW = 32
COUNT = 33

_TEXT_END = 0  # 1 ends a line
_FIRST_WORD = 2
_FIRST_LETTER = _FIRST_WORD + phrases.WORDS


def lines(text: int, language: str) -> tuple:
    """Returns the lines of a text: one to three, each 1..16 characters.

    Args:
        text: one of the constants above.
        language: one of LANGUAGES.
    """
    packed = phrases.TEXTS
    start = phrases.STARTS[LANGUAGES.index(language)]
    at = _entry(start, phrases.WORDS + text)
    shown = []
    line = []
    waiting = []  # codes still to be unpacked, the next one last
    while True:
        if waiting:
            code = waiting.pop()
        else:
            code = packed[at]
            at += 1
        if code >= phrases.FIRST_PAIR:
            code = 2 * (code - phrases.FIRST_PAIR)
            waiting.append(phrases.PAIRS[code + 1])
            waiting.append(phrases.PAIRS[code])
        elif code >= _FIRST_LETTER:
            line.append(phrases.ALPHABET[code - _FIRST_LETTER])
        elif code >= _FIRST_WORD:
            word = _entry(start, code - _FIRST_WORD)
            for i in range(packed.find(b"\x00", word) - 1, word - 1, -1):
                waiting.append(packed[i])
        else:
            shown.append("".join(line))
            line = []
            if code == _TEXT_END:
                return tuple(shown)


def _entry(start: int, number: int) -> int:
    """Returns the offset of a word or text in the part of a language that begins at `start`."""
    for _ in range(number):
        start = phrases.TEXTS.find(b"\x00", start) + 1
    return start


def line(text: int, language: str) -> str:
    """Returns the first line of a text."""
    return lines(text, language)[0]


def spoken(language: str, otherwise: str) -> str:
    """Returns `language` if the display speaks it, else `otherwise` (the site's)."""
    return language if language in LANGUAGES else otherwise
