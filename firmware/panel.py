"""What the worker sees and hears: ring, sound and display.

Theory of operation. An *event* is shown over the *idle* picture for its time; `signals` says what
each looks and sounds like. `show` lights the ring and starts the sound at once, in the caller's
turn; the display follows, by `draw` when the arm is open already or page by page in `run`: drawing
it takes some ms and the I2C bus 25, and no tap waits for either.

While the fire alarm is on it keeps ring and sound, and an event has the display only.
"""

import asyncio

from firmware import icons, texts
from firmware.clock import brussels_hour_minute
from firmware.signals import (
    ALL,
    AMBER,
    BLUE,
    CHIRP,
    EVENTS,
    GREEN,
    LEFT,
    LOW_CHIRP,
    NOTICES,
    OFF,
    RED,
    RIGHT,
    SECOND,
    TEN,
    lamps,
)
from protocol.record import DIRECTION_IN, DIRECTION_NONE, DIRECTION_OUT

STEP_MS = 50
BREATH_MS = 4000
TEXT_MS = 2000
CHIRP_MS = 60000
TAMPER_SOUND_MS = 10000
ROWS = 5

LINK_NONE = 0
LINK_WIFI = 1
LINK_HUB = 2

_ARROWS = {DIRECTION_IN: "→", DIRECTION_OUT: "←", DIRECTION_NONE: " "}
_FIRST_ROW = 2
"""Of an event: the picture has the rows above."""

# Lasting states, the most urgent first.
_FIRE = 0
_TAMPER = 1
_UPDATING = 2
_BROKEN = 3
_SAFE_MODE = 4
_SUPPLY_LOW = 5
_CLOCK = 6
_NEARLY_FULL = 7
_OFFLINE = 8
_READY = 9


class Idle:
    """What the idle picture is made of; whoever knows a value writes it here.

    Attributes: link (a LINK constant), unsent (records the hub may not have), utc_s (0 unknown),
    reader_ok, full (taps are refused for want of space), nearly_full, supply_low, safe_mode, fire,
    tamper (the alarm is on), updating (percent of an update that is here, -1 for none).
    """

    __slots__ = (
        "fire",
        "full",
        "link",
        "nearly_full",
        "reader_ok",
        "safe_mode",
        "supply_low",
        "tamper",
        "unsent",
        "updating",
        "utc_s",
    )

    def __init__(self) -> None:
        self.link = LINK_NONE
        self.unsent = 0
        self.utc_s = 0
        self.reader_ok = True
        self.full = False
        self.nearly_full = False
        self.supply_low = False
        self.safe_mode = False
        self.fire = False
        self.tamper = False
        self.updating = -1

    def state(self) -> int:
        """Returns the most urgent state that lasts, a constant of this module."""
        if self.fire:
            return _FIRE
        if self.tamper:
            return _TAMPER
        if self.updating >= 0:
            return _UPDATING
        if not self.reader_ok or self.full:
            return _BROKEN
        if self.safe_mode:
            return _SAFE_MODE
        if self.supply_low:
            return _SUPPLY_LOW
        if not self.utc_s:
            return _CLOCK
        if self.nearly_full:
            return _NEARLY_FULL
        return _READY if self.link == LINK_HUB else _OFFLINE


class Panel:
    """The face of the gate.

    Args:
        lights: driver with `paint(lamps, colour, others)`.
        buzzer: driver with `tone(hertz)`, 0 for silence.
        display: driver with `text(row, text, centred)`, `picture(picture)` and `flush()`.
        site: name on the idle picture.
        language: the site's language, one of LANGUAGES.
        direction: DIRECTION constant of this gate; any other number for a gate that goes both ways.
    """

    def __init__(self, lights, buzzer, display, site: str, language: str, direction: int) -> None:
        self._lights = lights
        self._buzzer = buzzer
        self._display = display
        self._site = site[: texts.WIDTH]
        self._language = language
        self._arrow = _ARROWS.get(direction, "⇄")
        self.idle = Idle()
        self._event = -1
        self._asked = None
        self._event_ms = 0
        self._text_ms = 0
        self._state = -1
        self._state_ms = 0
        self._sound = ()
        self._sound_at = 0
        self._sound_ends = 0
        self._chirp_at = 0
        self._painted = (-1, OFF, OFF)
        self._written = ()

    def show(self, event: int, language: str, now_ms: int, detail: str = "") -> None:
        """Ring and sound say `event` when this returns; the display follows by `draw` or `run`.

        Args:
            event: a constant of `texts` that is an event.
            language: the worker's, if the display speaks it, else the site's.
            now_ms: monotonic milliseconds.
            detail: up to 16 characters for the line after the text, or for its third line.
        """
        pattern, colour, others, ring_ms, sound, _picture = EVENTS[event]
        self._event = event
        self._event_ms = now_ms
        self._text_ms = max(ring_ms, TEXT_MS)
        if not self.idle.fire or event == texts.FIRE:
            self._painted = (-1, OFF, OFF)  # written again even if it was lit so already
            self._paint(lamps(pattern, 0), colour, others)
            self._play(sound, now_ms)
        self._asked = (language, detail)

    def notice(self, text: int) -> None:
        """The display alone says `text` when this returns: start, or no settings."""
        picture = EVENTS[text][5] if text < texts.EVENTS else NOTICES.get(text, icons.NONE)
        self._asked = None
        self._write(picture, texts.lines(text, self._language))
        self.draw()

    def draw(self) -> None:
        """The display shows all that is to be seen when this returns: 25 ms for eight pages."""
        self._write_event()
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
        """Moves ring and sound on to `now_ms`, and says what the display is to show."""
        if self._sound and now_ms >= self._sound_ends:
            self._next_tone(now_ms)
        state = self.idle.state()
        if state != self._state:
            self._state = state
            self._state_ms = self._chirp_at = now_ms
        age = now_ms - self._event_ms
        if self._event >= 0 and age >= self._text_ms:
            self._event = -1
            self._asked = None
        if self._event >= 0 and age < EVENTS[self._event][3] and state != _FIRE:
            pattern, colour, others = EVENTS[self._event][:3]
            self._paint(lamps(pattern, age), colour, others)
        else:
            self._light_state(now_ms - self._state_ms, now_ms)
        self._sound_state(now_ms)
        if self._event < 0:
            self._write_idle()
        else:
            self._write_event()

    def _play(self, sound: tuple, now_ms: int) -> None:
        self._sound = sound
        self._sound_at = 0
        self._next_tone(now_ms)

    def _next_tone(self, now_ms: int) -> None:
        if self._sound_at >= len(self._sound):
            self._sound = ()
            self._buzzer.tone(0)
            return
        hertz, duration_ms = self._sound[self._sound_at]
        self._sound_at += 1
        self._sound_ends = now_ms + duration_ms
        self._buzzer.tone(hertz)

    def _sound_state(self, now_ms: int) -> None:
        """The sound of a state that lasts, between the sounds of events."""
        if self._sound or now_ms < self._chirp_at:
            return
        state = self._state
        if state == _FIRE:
            self._play(EVENTS[texts.FIRE][4], now_ms)
        elif state == _TAMPER:
            self._chirp_at = now_ms + TAMPER_SOUND_MS
            self._play(EVENTS[texts.TAMPER][4], now_ms)
        elif state in (_BROKEN, _SAFE_MODE, _SUPPLY_LOW):
            self._chirp_at = now_ms + CHIRP_MS
            self._play(LOW_CHIRP if state == _SUPPLY_LOW else CHIRP, now_ms)

    def _paint(self, lit: int, colour: tuple, others: tuple) -> None:
        painted = (lit, colour, others)
        if painted != self._painted:
            self._painted = painted
            self._lights.paint(lit, colour, others)

    def _light_state(self, age: int, now_ms: int) -> None:
        state = self._state
        if state in (_FIRE, _TAMPER):
            alarm = EVENTS[texts.FIRE if state == _FIRE else texts.TAMPER]
            self._paint(lamps(alarm[0], age), alarm[1], alarm[2])
        elif state == _UPDATING:
            lit = min(12, 1 + self.idle.updating * 11 // 100)
            self._paint((1 << lit) - 1, BLUE, OFF)
        elif state == _BROKEN:
            self._paint(ALL if now_ms // 500 % 2 else 0, RED, AMBER)
        elif state == _SAFE_MODE:
            self._paint(LEFT if now_ms // 1000 % 2 else RIGHT, BLUE, OFF)
        elif state == _SUPPLY_LOW:
            self._paint(1 if now_ms % 2000 < 200 else 0, RED, OFF)
        elif state == _CLOCK and now_ms % 10000 < 800:
            self._paint(ALL if now_ms % 400 < 200 else 0, AMBER, OFF)
        else:
            # 16 levels up and 16 down: the ring is written 8 times a second, not at each step.
            level = now_ms % BREATH_MS * 32 // BREATH_MS
            level = 2 + (level if level < 16 else 31 - level) * 3
            red, green, _blue = GREEN if state == _READY else AMBER
            lit = SECOND if state == _OFFLINE else TEN if state == _NEARLY_FULL else ALL
            self._paint(lit, (red * level // 160, green * level // 160, 0), OFF)

    def _write_event(self) -> None:
        """The text that `show` asked for: not there, where the arm waits for it to return."""
        if self._asked is None:
            return
        language, detail = self._asked
        self._asked = None
        shown = texts.lines(self._event, language)
        if detail:
            shown = shown[:2] + (detail[: texts.WIDTH],)
        self._write(EVENTS[self._event][5], shown)

    def _write(self, picture: bytes, shown: tuple) -> None:
        """A picture and up to three lines below it, all in the middle."""
        self._written = ()
        display = self._display
        display.picture(picture)
        for row in range(ROWS):
            inside = _FIRST_ROW <= row < _FIRST_ROW + len(shown)
            display.text(row, shown[row - _FIRST_ROW] if inside else "", True)

    def _write_idle(self) -> None:
        """The idle picture; nothing is done while it says the same as before."""
        idle = self.idle
        state = self._state
        minute = idle.utc_s // 60
        broken = 1 if idle.reader_ok else 2
        said = (state, minute, idle.unsent, idle.link, idle.updating, broken)
        if said == self._written:
            return
        if state in (_FIRE, _TAMPER):
            alarm = texts.FIRE if state == _FIRE else texts.TAMPER
            self._write(EVENTS[alarm][5], texts.lines(alarm, self._language))
        else:
            self._write_lines(idle, state)
        self._written = said

    def _write_lines(self, idle, state: int) -> None:
        language = self._language
        write = self._display.text
        self._display.picture(icons.NONE)
        write(0, self._site)
        clock = texts.line(texts.CLOCK, language)
        if idle.utc_s:
            clock = "%02d:%02d" % brussels_hour_minute(idle.utc_s)
        write(1, clock + " " * (texts.WIDTH - 1 - len(clock)) + self._arrow)
        lower = "%s %d" % (texts.line(texts.UNSENT, language), idle.unsent)
        if state == _BROKEN:
            text = texts.FULL if idle.reader_ok else texts.READER_DOWN
            upper, lower = texts.lines(text, language)[-2:]
        elif state == _SAFE_MODE:
            upper, lower = texts.lines(texts.SAFE_MODE, language)
        elif state == _SUPPLY_LOW:
            upper, lower = texts.lines(texts.SUPPLY_LOW, language)
        elif state == _UPDATING:
            upper = texts.line(texts.UPDATING, language)
            lower = "%d %%" % idle.updating
        elif state == _NEARLY_FULL:
            upper = texts.line(texts.NEARLY_FULL, language)
        elif idle.link == LINK_HUB:
            upper = texts.line(texts.READY, language)
        else:
            upper = "OFFLINE - OK %d" % idle.unsent
            if len(upper) > texts.WIDTH:
                upper = "OFFLINE OK %d" % idle.unsent
        write(2, upper)
        write(3, lower)
        write(4, texts.line((texts.NO_WIFI, texts.NO_HUB, texts.HUB_OK)[idle.link], language))
