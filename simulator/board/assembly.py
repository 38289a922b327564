"""The simulated gate: every device model on the pin that hardware/pinout.csv gives it.

Runs on CPython and on MicroPython.
"""

from binascii import hexlify

from simulator.board import glass, registry
from simulator.board.mfrc522 import Mfrc522
from simulator.board.rtc import Rtc
from simulator.board.ssd1306 import Ssd1306
from simulator.board.tags import TagField
from simulator.board.turnstile import Turnstile
from simulator.board.wifi import Wifi

RING_LEDS = 12
DISPLAY_ADDRESS = 0x3C
_INPUTS = ("tamper", "button_in", "button_out", "button_recovery")
_SOUNDS_KEPT = 32


class Board:
    """All models of one gate, wired to the registry that the `machine` shim reads.

    Args:
        pins: {signal: GPIO}, see pinout.read_pinout.
        now_us: clock in microseconds that never wraps.
        on_change: called when anything a person can see or hear has changed.
    """

    def __init__(self, pins, now_us, on_change):
        self._on_change = on_change

        def now_ms():
            return now_us() // 1000

        self.now_ms = now_ms
        self._powered_ms = now_ms()
        registry.rtc = Rtc(now_ms)
        self.wifi = registry.wifi = Wifi(now_ms)
        self.field = TagField(now_us)
        self.reader = Mfrc522(self.field, now_us)
        registry.attach_spi(
            0,
            (pins["reader_sck"], pins["reader_mosi"], pins["reader_miso"]),
            pins["reader_ss"],
            self.reader,
        )
        registry.line(pins["reader_rst"]).listeners.append(self.reader.reset_pin)
        self.display = Ssd1306(self._display_changed)
        registry.attach_i2c(0, (pins["i2c_sda"], pins["i2c_scl"]), DISPLAY_ADDRESS, self.display)
        self.buzzer = registry.Buzzer(self._sounded)
        registry.pwm_outputs[pins["buzzer"]] = self.buzzer
        registry.led_strips[pins["ring"]] = self._lit
        self.turnstile = Turnstile(
            registry.line(pins["relay"]),
            registry.line(pins["passage"]),
            registry.line(pins["fire"]),
            now_ms,
            on_change,
        )
        self.inputs = {name: registry.line(pins[name]) for name in _INPUTS}
        self.inputs["tamper"].set_outside(0)  # lid closed
        self.taps = 0
        self._ring = [(0, 0, 0)] * RING_LEDS
        self._sounds = []
        self._redrawn = True
        self._sent = {}

    # What the world does.

    def present(self, uid):
        """A badge comes into the field: a new tap, so the sounds heard start afresh."""
        self.taps += 1
        self._sounds = []
        self._on_change()
        return self.field.present(uid)

    def remove(self, uid=None):
        return self.field.remove(uid)

    def set_chip(self, condition):
        """Condition of the reader chip.

        Args:
            condition: "ok"; "dead" (MISO low for ever); "stuck" (MISO high for ever); "reset" (it
                resets by itself, once); "noise" (the next answer arrives damaged);
                "version:<hex>" (VersionReg of a clone).

        Raises:
            ValueError: none of these.
        """
        if condition == "ok":
            self.reader.fault = ""
        elif condition in ("dead", "stuck"):
            self.reader.fault = condition
        elif condition == "reset":
            self.reader.brown_out()
        elif condition == "noise":
            self.reader.noise += 1
        elif condition.startswith("version:"):
            self.reader.version = int(condition[8:], 16)
        else:
            raise ValueError("chip condition")

    # What a person sees and hears.

    def news(self):
        """The parts of the panel that changed since the last call; an empty dict if none did."""
        news = {}
        if self._redrawn:
            self._redrawn = False
            pixels = self.display.visible()
            self._note(news, "pixels", hexlify(pixels).decode())
            if "pixels" in news:
                self._note(news, "lines", glass.read_lines(pixels))
        self._note(news, "ring", [list(led) for led in self._ring])
        self._note(news, "buzzer", self.buzzer.hertz)
        self._note(news, "taps", self.taps)
        self._note(news, "sounds", list(self._sounds))
        self._note(news, "arm", "open" if self.turnstile.is_open else "closed")
        return news

    def _note(self, news, name, value):
        if self._sent.get(name) != value:
            self._sent[name] = value
            news[name] = value

    def _display_changed(self):
        self._redrawn = True
        self._on_change()

    def _lit(self, leds):
        leds = (leds + [(0, 0, 0)] * RING_LEDS)[:RING_LEDS]
        if leds != self._ring:
            self._ring = leds
            self._on_change()

    def _sounded(self):
        if self.buzzer.hertz and len(self._sounds) < _SOUNDS_KEPT:
            self._sounds.append(self.buzzer.hertz)
        self._on_change()

    def counters(self):
        """Work done by the models since power-on."""
        return {
            "taps": self.taps,
            "passages": self.turnstile.passages,
            "spi_transactions": self.reader.transactions,
            "spi_bytes": self.reader.bytes,
            "rf_frames": self.field.frames,
            "i2c_transactions": registry.i2c_transactions,
            "uptime_ms": self.now_ms() - self._powered_ms,
        }
