"""The simulated gate: every device model on the pin that hardware/pinout.toml gives it.

Runs on CPython and on MicroPython.
"""

from binascii import hexlify

from simulator.board import glass, registry
from simulator.board.ds3231 import Ds3231
from simulator.board.mfrc522 import Mfrc522
from simulator.board.rtc import Rtc
from simulator.board.ssd1306 import Ssd1306
from simulator.board.tags import TagField
from simulator.board.turnstile import Turnstile
from simulator.board.wifi import Wifi

RING_LEDS = 12
DISPLAY_ADDRESS = 0x3C
CLOCK_ADDRESS = 0x68
SUPPLY_MV = 5000
ROOM_MV = 715  # of the temperature sensor at 21.5 degrees Celsius
_INPUTS = ("tamper", "button_in", "button_out", "button_recovery")
_SOUNDS_KEPT = 32


class Board:
    """All models of one gate, wired to the registry that the `machine` shim reads.

    Args:
        pins: {signal: GPIO}, see pinout.read_pinout.
        now_us: clock in microseconds that never wraps.
        on_change: called when anything a person can see or hear has changed.
        true_s: the true UTC time in whole seconds, which only a clock chip with a battery knows.
        battery: path of the file that stands for that battery, see `ds3231`.
    """

    def __init__(self, pins, now_us, on_change, true_s=None, battery=""):
        self._on_change = on_change
        self._supply_input = pins["supply_sense"] - 26

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
        self.clock_chip = Ds3231(true_s or (lambda: now_us() // 1000000), battery)
        registry.attach_i2c(0, (pins["i2c_sda"], pins["i2c_scl"]), CLOCK_ADDRESS, self.clock_chip)
        self.set_supply(SUPPLY_MV)
        registry.adc_mv[pins["temperature"] - 26] = ROOM_MV
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
        self._ring = [(0, 0, 0)] * RING_LEDS
        self._sounds = []
        self._answered = 0
        self._redrawn = True
        self._sent = {}

    # What the world does.

    def present(self, uid):
        """A badge comes into the field: a new tap, so the sounds heard start afresh.

        Returns:
            False if it is there already: nothing changes then.
        """
        if not self.field.present(uid):
            return False
        self._sounds = []
        self._on_change()
        return True

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

    def set_clock_chip(self, condition):
        """Condition of the clock chip: "ok", "missing", "stopped" (its battery was taken out).

        Raises:
            ValueError: none of these.
        """
        if condition not in ("ok", "missing", "stopped"):
            raise ValueError("clock chip condition")
        registry.silent_i2c.discard(CLOCK_ADDRESS)
        if condition == "missing":
            registry.silent_i2c.add(CLOCK_ADDRESS)
        elif condition == "stopped":
            self.clock_chip.lose_battery()

    def set_supply(self, millivolts):
        """The supply's voltage; the divider in front of the converter halves it."""
        registry.adc_mv[self._supply_input] = millivolts // 2

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
        self._note(news, "taps", self.field.came)
        self._note(news, "answered", self._answered)
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
        if self.buzzer.hertz:
            # A gate sounds for other reasons too, with or without a badge in front of it: a receipt
            # that arrives, an alarm. It cannot mean a badge that it has not read.
            self._answered = self.field.read
            if len(self._sounds) < _SOUNDS_KEPT:
                self._sounds.append(self.buzzer.hertz)
        self._on_change()

    def counters(self):
        """Work done by the models since power-on."""
        return {
            "taps": self.field.came,
            "passages": self.turnstile.passages,
            "spi_transactions": self.reader.transactions,
            "spi_bytes": self.reader.bytes,
            "rf_frames": self.field.frames,
            "i2c_transactions": registry.i2c_transactions,
            "wifi_point": self.wifi.point(),
            "wifi_joins": self.wifi.joins,
            "radio_starts": self.wifi.starts,
            "rssi_readings": self.wifi.readings,
            "uptime_ms": self.now_ms() - self._powered_ms,
        }
