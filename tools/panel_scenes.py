"""Plays every event and every lasting state on a simulated board; runs on the gate's interpreter.

Prints one line of JSON for each: name, pixels (the display in hex), rings (the lamps at the moments
of TIMES_MS), sound ([hertz, ms] one after the other).
"""

import json
import sys
from binascii import hexlify

ROOT = sys.argv[1]
sys.path[:0] = [ROOT + "/simulator/board/shims", ROOT]

from firmware import panel, pins, signals, texts  # noqa: E402
from firmware.drivers.buzzer import Buzzer  # noqa: E402
from firmware.drivers.lights import Lights  # noqa: E402
from firmware.drivers.oled import Oled  # noqa: E402
from simulator.board.assembly import Board  # noqa: E402
from simulator.board.pinout import read_pinout  # noqa: E402

TIMES_MS = (0, 100, 200, 300, 500, 750, 1000, 1500)
UTC_S = 1_795_450_000  # 17:06 in Brussels
NAMES = (
    "KEPT_IN KEPT_OUT KEPT REPEAT UNKNOWN BLOCKED EXPIRED NOT_YET OTHER_SITE PASSBACK LOOK "
    "NO_ROSTER UNREADABLE SEVERAL FULL CHOOSE REGISTERED FORCED FIRE TAMPER"
)
LASTING = (
    ("READY", {}),
    ("OFFLINE", {"link": panel.LINK_WIFI, "unsent": 12}),
    ("NEARLY_FULL", {"nearly_full": True, "link": panel.LINK_WIFI, "unsent": 12100}),
    ("CLOCK", {"utc_s": 0}),
    ("SUPPLY_LOW", {"supply_low": True}),
    ("SAFE_MODE", {"safe_mode": True}),
    ("READER_DOWN", {"reader_ok": False}),
    ("UPDATING", {"updating": 45}),
)


class Stage:
    """A board with a panel, at a moment of its own."""

    def __init__(self, language, direction):
        self.board = Board(read_pinout(ROOT + "/hardware/pinout.toml"), int, lambda: None)
        display = Oled(pins.I2C, pins.I2C_SDA, pins.I2C_SCL, pins.OLED_ADDRESS)
        lights = Lights(pins.RING, pins.RING_PIXELS)
        buzzer = Buzzer(pins.BUZZER)
        self.face = panel.Panel(lights, buzzer, display, "Werf Noord", language, direction)
        self.face.idle.utc_s = UTC_S
        self.face.idle.link = panel.LINK_HUB
        self._ring = [[0, 0, 0]] * pins.RING_PIXELS

    def rings(self, start):
        """The ring at each of TIMES_MS after `start`."""
        found = []
        for now in range(start, start + TIMES_MS[-1] + 1, panel.STEP_MS):
            if now > start:
                self.face.step(now)
            if now - start in TIMES_MS:
                self._ring = self.board.news().get("ring", self._ring)
                found.append(self._ring)
        return found

    def line(self, name, rings, sound):
        self.face.draw()
        pixels = hexlify(self.board.display.visible()).decode()
        print(json.dumps({"name": name, "pixels": pixels, "rings": rings, "sound": sound}))


def main():
    for event, name in enumerate(NAMES.split()):
        stage = Stage("en", 1)
        stage.face.step(0)
        stage.face.show(event, "en", 1000, "…47 11" if event == texts.REGISTERED else "")
        stage.face.draw()
        rings = stage.rings(1000)
        stage.line(name, rings, signals.EVENTS[event][4])
    for name, values in LASTING:
        stage = Stage("en", 4 if name == "READY" else 1)
        for attribute in values:
            setattr(stage.face.idle, attribute, values[attribute])
        stage.face.step(10000)
        chirps = {"SUPPLY_LOW": signals.LOW_CHIRP}
        chirps["SAFE_MODE"] = chirps["READER_DOWN"] = signals.CHIRP
        stage.line(name, stage.rings(10000), chirps.get(name, ()))
    for language in texts.LANGUAGES:
        stage = Stage(language, 1)
        stage.face.show(texts.EXPIRED, language, 1000)
        stage.line(language, [], ())


main()
