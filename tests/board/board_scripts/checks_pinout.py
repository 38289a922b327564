"""The pin table as this interpreter reads it. On CPython a test compares it with a TOML parser."""

from simulator.board.assembly import CLOCK_ADDRESS, DISPLAY_ADDRESS, RING_LEDS
from simulator.board.pinout import read_constants, read_pinout

_HERE = __file__.rpartition("/")[0]
_PINOUT = _HERE + "/../../../hardware/pinout.toml"


def check_tables():
    pins = read_pinout(_PINOUT)
    print("%d signals, %d in all" % (len(pins), sum(pins.values())))
    assert pins["reader_sck"] == 18
    assert pins["temperature"] == 27


def check_parts():
    constants = read_constants(_PINOUT)
    assert constants["OLED_ADDRESS"] == DISPLAY_ADDRESS
    assert constants["RTC_ADDRESS"] == CLOCK_ADDRESS
    assert constants["RING_PIXELS"] == RING_LEDS
