"""What the supply and the temperature in the box are, read by the RP2040's converter.

The supply comes over a divider, the temperature from a sensor with a voltage in proportion; the
numbers of both stand in the pin table.
"""

from machine import ADC

_SAMPLES = 8


class Power:
    """Supply and temperature.

    Args:
        pins: module with SUPPLY_ADC, SUPPLY_DIVIDER_NUM and _DEN, TEMPERATURE_ADC,
            TEMPERATURE_ZERO_MV, TEMPERATURE_MV_PER_DEGREE and ADC_REFERENCE_MV (`firmware.pins`).
    """

    def __init__(self, pins) -> None:
        self._supply = ADC(pins.SUPPLY_ADC)
        self._sensor = ADC(pins.TEMPERATURE_ADC)
        self._pins = pins

    def supply_mv(self) -> int:
        """Returns the supply in millivolts: the mean of 8 readings, for the radio's bursts show."""
        pins = self._pins
        return self._millivolts(self._supply) * pins.SUPPLY_DIVIDER_NUM // pins.SUPPLY_DIVIDER_DEN

    def temperature(self) -> int:
        """Returns the temperature in the box in tenths of a degree Celsius."""
        pins = self._pins
        above_mv = self._millivolts(self._sensor) - pins.TEMPERATURE_ZERO_MV
        return above_mv * 10 // pins.TEMPERATURE_MV_PER_DEGREE

    def _millivolts(self, converter) -> int:
        total = 0
        for _ in range(_SAMPLES):
            total += converter.read_u16()
        return total * self._pins.ADC_REFERENCE_MV // (_SAMPLES * 65535)
