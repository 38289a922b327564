"""What an event and a lasting state look and sound like: ring, sound and picture of each.

Rule (the tests hold it): two events that mean different things to the worker share at most one of
colour, pattern and sound; lasting states differ in pattern, so that nobody needs the colours.

| event | ring | sound |
| --- | --- | --- |
| kept in | green, fills from the left in 0.3 s, then 1 s | two tones, rising |
| kept out | green, fills from the right in 0.3 s, then 1 s | two tones, falling |
| kept, no direction | green 1 s | two tones, level |
| second tap | green, short | one short click |
| registered | green, three lamps run round | three high tones, rising |
| let in, needs a look | amber 2 s | two mid tones |
| several badges | amber, every second lamp in turn | four short mid tones |
| which way? | amber, one half bright and then the other | one mid tone |
| unknown badge, unreadable | 3 red flashes | three low tones |
| blocked, expired, not valid yet | red 2 s | one long low tone |
| other site | red, the right half only | two low tones, falling |
| went this way already | red, two lamps swing to and fro | low tones, up and down |
| arm forced | red, 4 flashes a second | seven fast high tones |
| not kept, no list | red and amber in turn | siren of low and mid, three times |
| fire | red and white in turn, 5 times a second | siren without end |
| box open | left half red, right half blue, in turn | high tones, down and up, each 10 s |

| lasting state, first that fits | ring | sound |
| --- | --- | --- |
| fire, box open | as the event | as the event |
| update comes in | blue, as far round as it is | - |
| reader down, or journal full | red and amber in turn | high chirp each minute |
| safe mode | blue, one half and then the other | high chirp each minute |
| supply low | red, one lamp each 2 s | low chirp each minute |
| clock unknown | amber breath, two flashes each 10 s | - |
| journal nearly full | amber breath of ten lamps | - |
| hub not reached | amber breath of every second lamp | - |
| ready | green breath | - |
"""

from firmware import icons, texts

RED = (160, 0, 0)
GREEN = (0, 160, 0)
AMBER = (160, 70, 0)
BLUE = (0, 0, 160)
WHITE = (120, 120, 120)
OFF = (0, 0, 0)
_DIM = (24, 10, 0)

ALL = 0xFFF
SECOND = 0x555
LEFT = 0xFC0
RIGHT = 0x03F
TEN = 0x3FF

# Lamp 0 is on top, they count clockwise; from the left edge to the right one they make 7 columns.
_COLUMNS = (0x200, 0x500, 0x880, 0x041, 0x022, 0x014, 0x008)
_COLUMN_MS = 50

# The patterns.
SOLID = 0
SHORT = 1
RIGHTWARD = 2
LEFTWARD = 3
ROUND = 4
FLASHES = 5
FAST = 6
HALF = 7
SWING = 8
ALTERNATE = 9
HALVES = 10
TURNS = 11
STROBE = 12
SIDES = 13

# The sounds: (hertz, ms) one after the other; 0 Hz is a pause.
_RISING = ((880, 100), (1320, 150))
_FALLING = ((1320, 100), (880, 150))
_LEVEL = ((1100, 100), (0, 50), (1100, 100))
_CLICK = ((2000, 50),)
_THREE_RISING = ((1047, 80), (1319, 80), (1568, 160))
_TWO_MID = ((440, 150), (0, 100), (440, 150))
_FOUR_MID = ((660, 60), (0, 60), (660, 60), (0, 60), (660, 60), (0, 60), (660, 60))
_ONE_MID = ((660, 300),)
_THREE_LOW = ((220, 150), (0, 100), (220, 150), (0, 100), (220, 150))
_LONG_LOW = ((180, 800),)
_LOW_FALLING = ((300, 250), (200, 350))
_LOW_UP_DOWN = ((200, 150), (300, 150), (200, 150))
_SEVEN_HIGH = ((1500, 60), (0, 50)) * 6 + ((1500, 60),)
_LOW_AND_MID = ((220, 150), (440, 150)) * 3
_SIREN = ((700, 350), (1100, 350)) * 4
_DOWN_AND_UP = ((1800, 100), (1200, 100)) * 3
CHIRP = ((2400, 40),)
LOW_CHIRP = ((300, 60),)

# One row per event, in the order of `texts`:
# (pattern, colour, colour of the other lamps, ring ms, sound, picture)
EVENTS = (
    (RIGHTWARD, GREEN, OFF, 1300, _RISING, icons.ENTER),  # KEPT_IN
    (LEFTWARD, GREEN, OFF, 1300, _FALLING, icons.LEAVE),  # KEPT_OUT
    (SOLID, GREEN, OFF, 1000, _LEVEL, icons.TICK),  # KEPT
    (SHORT, GREEN, OFF, 250, _CLICK, icons.TWICE),  # REPEAT
    (FLASHES, RED, OFF, 1500, _THREE_LOW, icons.QUESTION),  # UNKNOWN
    (SOLID, RED, OFF, 2000, _LONG_LOW, icons.NO_ENTRY),  # BLOCKED
    (SOLID, RED, OFF, 2000, _LONG_LOW, icons.OVER),  # EXPIRED
    (SOLID, RED, OFF, 2000, _LONG_LOW, icons.EARLY),  # NOT_YET
    (HALF, RED, OFF, 2000, _LOW_FALLING, icons.SIGNPOST),  # OTHER_SITE
    (SWING, RED, OFF, 2000, _LOW_UP_DOWN, icons.TO_AND_FRO),  # PASSBACK
    (SOLID, AMBER, OFF, 2000, _TWO_MID, icons.TICK_HOUSE),  # LOOK
    (TURNS, RED, AMBER, 3000, _LOW_AND_MID, icons.NO_LIST),  # NO_ROSTER
    (FLASHES, RED, OFF, 1500, _THREE_LOW, icons.BAD_CARD),  # UNREADABLE
    (ALTERNATE, AMBER, OFF, 2000, _FOUR_MID, icons.TWO_CARDS),  # SEVERAL
    (TURNS, RED, AMBER, 3000, _LOW_AND_MID, icons.WRENCH),  # FULL
    (HALVES, AMBER, _DIM, 10000, _ONE_MID, icons.EITHER),  # CHOOSE
    (ROUND, GREEN, OFF, 2000, _THREE_RISING, icons.RECEIPT),  # REGISTERED
    (FAST, RED, OFF, 2000, _SEVEN_HIGH, icons.HAND),  # FORCED
    (STROBE, RED, WHITE, 3000, _SIREN, icons.FLAME),  # FIRE
    (SIDES, RED, BLUE, 3000, _DOWN_AND_UP, icons.OPEN_BOX),  # TAMPER
)

# Pictures of the texts that `Panel.notice` shows.
NOTICES = {
    texts.STARTING: icons.HOURGLASS,
    texts.NO_SETTINGS: icons.WRENCH,
    texts.SAFE_MODE: icons.WRENCH,
    texts.READER_DOWN: icons.WRENCH,
}


def lamps(pattern: int, age: int) -> int:
    """Returns which lamps have the pattern's colour, bit i for lamp i.

    Args:
        pattern: a constant above.
        age: milliseconds since the pattern began, from 0 on.
    """
    if pattern == FLASHES:
        return ALL if age % 500 < 250 else 0
    if pattern == FAST:
        return ALL if age % 250 < 150 else 0
    if pattern == STROBE:
        return ALL if age % 200 < 100 else 0
    if pattern == TURNS:
        return 0 if age // 250 % 2 else ALL
    if pattern == HALF:
        return RIGHT
    if pattern == HALVES:
        return RIGHT if age // 500 % 2 else LEFT
    if pattern == SIDES:
        return RIGHT if age // 250 % 2 else LEFT
    if pattern == ALTERNATE:
        return ALL & ~SECOND if age // 250 % 2 else SECOND
    step = age // _COLUMN_MS
    if pattern == ROUND:
        three = 7 << step % 12
        return (three | three >> 12) & ALL
    if pattern == SWING:
        step = step // 2 % 12
        return _COLUMNS[step if step < 7 else 12 - step]
    if pattern in (RIGHTWARD, LEFTWARD):
        # Three lamps at once: the first glance must not miss it.
        found = 0
        for k in range(min(7, step + 2)):
            found |= _COLUMNS[k if pattern == RIGHTWARD else 6 - k]
        return found
    return ALL
