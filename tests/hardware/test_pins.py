"""firmware/pins.py is what hardware/make_pins.py writes, and has the names the firmware uses."""

from __future__ import annotations

from firmware import pins
from hardware.make_pins import PINS, module
from hardware.pinout import read

USED = (
    "READER_SPI", "READER_SCK", "READER_MOSI", "READER_MISO", "READER_SS", "READER_RST",
    "I2C", "I2C_SDA", "I2C_SCL", "OLED_ADDRESS", "RTC_ADDRESS", "BUZZER", "RING", "RING_PIXELS",
    "RELAY", "PASSAGE", "FIRE", "TAMPER", "BUTTON_IN", "BUTTON_OUT", "BUTTON_RECOVERY",
    "SUPPLY_ADC", "SUPPLY_DIVIDER_NUM", "SUPPLY_DIVIDER_DEN", "ADC_REFERENCE_MV",
    "TEMPERATURE_ADC", "TEMPERATURE_ZERO_MV", "TEMPERATURE_MV_PER_DEGREE",
)  # fmt: skip


def test_the_committed_file_is_made_from_the_table() -> None:
    assert PINS.read_text("utf-8") == module(read()), "run python -m hardware.make_pins"


def test_every_name_is_there_with_the_value_of_the_table() -> None:
    pinout = read()
    expected = {signal.constant: signal.gpio for signal in pinout.signals}
    expected |= {constant.name: constant.value for constant in pinout.constants}
    assert {name: getattr(pins, name) for name in expected} == expected
    assert set(USED) == set(expected)
