"""What the worker sees and hears: ring, sound and display, each different in more than colour.

Theory of operation. An *event* is shown over the *idle* picture for its time. `show` lights the
ring and starts the sound at once, in the caller's turn; the display follows, by `draw` when the arm
is open already or line by line in `run`: it takes 25 ms on the I2C bus, and no tap waits for it.

| idle picture, first that fits | ring | display |
| --- | --- | --- |
| reader down, or journal full | red and amber in turn | call the office |
| clock unknown | amber breath, two flashes each 10 s | line CLOCK ? |
| hub not reached | slow amber breath | OFFLINE - OK n: n records wait in flash |
| ready | slow green breath | site, time, 0 to send |

| event | ring | sound |
| --- | --- | --- |
| kept in | green 1 s | two tones, rising |
| kept out | green 1 s | two tones, falling |
| kept, no direction | green 1 s | two tones, level |
| second tap | green, short | one short click |
| unknown badge, unreadable, no list | 3 red flashes | three low tones |
| blocked, expired | red 2 s | one long low tone |
| several badges | amber 2 s | two mid tones |
| not kept (memory full) | red and amber in turn | three low tones |
"""

import asyncio

from firmware import texts
from firmware.clock import brussels_hour_minute
from protocol.record import DIRECTION_IN, DIRECTION_OUT

STEP_MS = 50
BREATH_MS = 4000
TEXT_MS = 2000
ROWS = 8

LINK_NONE = 0
LINK_WIFI = 1
LINK_HUB = 2

RED = (160, 0, 0)
GREEN = (0, 160, 0)
AMBER = (160, 70, 0)
OFF = (0, 0, 0)

_SOLID = 0
_FLASH = 1
_TURNS = 2

# The sounds: (hertz, ms) one after the other; 0 Hz is a pause.
_RISING = ((880, 100), (1320, 150))
_FALLING = ((1320, 100), (880, 150))
_LEVEL = ((1100, 100), (0, 50), (1100, 100))
_CLICK = ((2000, 50),)
_THREE_LOW = ((220, 150), (0, 100), (220, 150), (0, 100), (220, 150))
_LONG_LOW = ((180, 800),)
_TWO_MID = ((440, 150), (0, 100), (440, 150))

# text -> (ring pattern, colour, ring ms, sound)
_EVENTS = {
    texts.KEPT_IN: (_SOLID, GREEN, 1000, _RISING),
    texts.KEPT_OUT: (_SOLID, GREEN, 1000, _FALLING),
    texts.KEPT: (_SOLID, GREEN, 1000, _LEVEL),
    texts.REPEAT: (_SOLID, GREEN, 250, _CLICK),
    texts.UNKNOWN: (_FLASH, RED, 1500, _THREE_LOW),
    texts.UNREADABLE: (_FLASH, RED, 1500, _THREE_LOW),
    texts.NO_ROSTER: (_FLASH, RED, 1500, _THREE_LOW),
    texts.BLOCKED: (_SOLID, RED, 2000, _LONG_LOW),
    texts.EXPIRED: (_SOLID, RED, 2000, _LONG_LOW),
    texts.SEVERAL: (_SOLID, AMBER, 2000, _TWO_MID),
    texts.FULL: (_TURNS, RED, 3000, _THREE_LOW),
}


class Idle:
    """What the idle picture is made of; whoever knows a value writes it here.

    Attributes: link (a LINK constant), unsent (records the hub may not have), utc_s (0 unknown),
    reader_ok, full (taps are refused for want of space).
    """

    __slots__ = ("full", "link", "reader_ok", "unsent", "utc_s")

    def __init__(self) -> None:
        self.link = LINK_NONE
        self.unsent = 0
        self.utc_s = 0
        self.reader_ok = True
        self.full = False


class Panel:
    """The face of the gate.

    Args:
        lights: driver with `fill(colour)` and `pixels`.
        buzzer: driver with `tone(hertz)`, 0 for silence.
        display: driver with `text(row, text)` and `flush()`.
        site: name on the idle picture.
        language: the site's language, one of LANGUAGES.
        direction: DIRECTION constant of this gate.
    """

    def __init__(self, lights, buzzer, display, site: str, language: str, direction: int) -> None:
        self._lights = lights
        self._buzzer = buzzer
        self._display = display
        self._site = texts.ascii_name(site)
        self._language = language
        self._arrow = {DIRECTION_IN: ">", DIRECTION_OUT: "<"}.get(direction, " ")
        self.idle = Idle()
        self._event = None
        self._event_ms = 0
        self._sound = ()
        self._sound_at = 0
        self._sound_ends = 0
        self._colour = None

    def show(self, event: int, language: str, now_ms: int) -> None:
        """Ring and sound say `event` when this returns; the display follows by `draw` or `run`.

        Args:
            event: a constant of `texts` that is an event.
            language: the worker's, if the display speaks it, else the site's.
            now_ms: monotonic milliseconds.
        """
        pattern, colour, ring_ms, sound = _EVENTS[event]
        self._event = (pattern, colour, ring_ms)
        self._event_ms = now_ms
        self._colour = None  # written again even if it was the colour already
        self._fill(colour)
        self._sound = sound
        self._sound_at = 0
        self._next_tone(now_ms)
        self._write(texts.lines(event, language))

    def notice(self, text: int) -> None:
        """The display alone says `text` when this returns: start, or no settings."""
        self._write(texts.lines(text, self._language))
        self.draw()

    def draw(self) -> None:
        """The display shows all its lines when this returns: 25 ms for eight."""
        while self._display.flush():
            continue

    async def run(self, now_ms) -> None:
        """Keeps the panel moving for ever.

        Args:
            now_ms: returns monotonic milliseconds.
        """
        while True:
            self.step(now_ms())
            while self._display.flush():
                await asyncio.sleep_ms(0)
            await asyncio.sleep_ms(STEP_MS)

    def step(self, now_ms: int) -> None:
        """Moves ring and sound on to `now_ms`, and says which lines the display is to have."""
        if self._sound and now_ms >= self._sound_ends:
            self._next_tone(now_ms)
        age = now_ms - self._event_ms
        if self._event is not None and age >= max(self._event[2], TEXT_MS):
            self._event = None
        if self._event is not None and age < self._event[2]:
            self._fill(_event_colour(self._event[0], self._event[1], age))
        else:
            self._fill(self._idle_colour(now_ms))
        if self._event is None:
            self._write_idle()

    def _next_tone(self, now_ms: int) -> None:
        if self._sound_at >= len(self._sound):
            self._sound = ()
            self._buzzer.tone(0)
            return
        hertz, duration_ms = self._sound[self._sound_at]
        self._sound_at += 1
        self._sound_ends = now_ms + duration_ms
        self._buzzer.tone(hertz)

    def _fill(self, colour: tuple) -> None:
        if colour != self._colour:
            self._colour = colour
            self._lights.fill(colour)

    def _write(self, shown: tuple) -> None:
        """An event's lines, in the middle of an otherwise empty display."""
        first = 2
        for row in range(ROWS):
            inside = first <= row < first + len(shown)
            self._display.text(row, shown[row - first] if inside else "")

    def _write_idle(self) -> None:
        idle = self.idle
        language = self._language
        write = self._display.text
        write(0, self._site)
        clock = texts.line(texts.CLOCK, language)
        if idle.utc_s:
            clock = "%02d:%02d" % brussels_hour_minute(idle.utc_s)
        write(1, clock + " " * (texts.WIDTH - 1 - len(clock)) + self._arrow)
        write(2, "")
        if not idle.reader_ok or idle.full:
            call = texts.lines(texts.FULL if idle.reader_ok else texts.READER_DOWN, language)
            write(3, call[-2])
            write(4, call[-1])
        else:
            write(3, self._state_line())
            write(4, "")
        write(5, "%s %d" % (texts.line(texts.UNSENT, language), idle.unsent))
        link = (texts.NO_WIFI, texts.NO_HUB, texts.HUB_OK)[idle.link]
        write(6, texts.line(link, language))
        write(7, "")

    def _state_line(self) -> str:
        if self.idle.link == LINK_HUB:
            return texts.line(texts.READY, self._language)
        shown = "OFFLINE - OK %d" % self.idle.unsent
        return shown if len(shown) <= texts.WIDTH else "OFFLINE OK %d" % self.idle.unsent

    def _idle_colour(self, now_ms: int) -> tuple:
        idle = self.idle
        if not idle.reader_ok or idle.full:
            return RED if now_ms // 500 % 2 else AMBER
        if not idle.utc_s and now_ms % 10000 < 800:
            return AMBER if now_ms % 400 < 200 else OFF
        # 16 levels up and 16 down: the ring is written 8 times a second, not at each step.
        level = now_ms % BREATH_MS * 32 // BREATH_MS
        level = 2 + (level if level < 16 else 31 - level) * 3
        green = idle.utc_s and idle.link == LINK_HUB
        return (0, level, 0) if green else (level, level * 7 // 16, 0)


def _event_colour(pattern: int, colour: tuple, age: int) -> tuple:
    if pattern == _FLASH:
        return colour if age % 500 < 250 else OFF
    if pattern == _TURNS:
        return RED if age // 250 % 2 == 0 else AMBER
    return colour
