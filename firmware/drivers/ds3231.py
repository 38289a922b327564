"""DS3231 clock chip on I2C: battery-backed UTC. Registers and bits are those of its data sheet.

The oscillator-stop flag (status 0x0F, bit 7) says that the chip ran without power once since it was
set: its time is then worthless until it is set again, which clears the flag.
"""

import struct

from firmware.clock import DAY_S, date_of, days_of

_TIME = 0x00
_CONTROL = 0x0E
_STATUS = 0x0F
_TEMPERATURE = 0x11
_STOPPED = 0x80
_HOUR_12 = 0x40


class ClockChipError(Exception):
    """The chip does not answer, or answers what is no time.

    Args:
        code: ``"missing"``, ``"stopped"`` or ``"garbled"``.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Ds3231:
    """The chip; every call is one or two short transfers (0.3 ms).

    Args:
        i2c: bus driver with readfrom_mem and writeto_mem (`machine.I2C`).
        address: 7-bit I2C address.
    """

    def __init__(self, i2c, address: int) -> None:
        self._i2c = i2c
        self._address = address

    def utc_s(self) -> int:
        """Returns UTC seconds since 1970.

        Raises:
            ClockChipError: no answer, stopped since it was set, or no calendar date.
        """
        if self._read(_STATUS, 1)[0] & _STOPPED:
            raise ClockChipError("stopped")
        second, minute, hour, _weekday, day, month, year = self._read(_TIME, 7)
        if hour & _HOUR_12:
            raise ClockChipError("garbled")  # we only ever set it to 24 hours
        parts = [_number(byte) for byte in (second, minute, hour, day, month & 0x1F, year)]
        second, minute, hour, day, month, year = parts
        if not (
            0 <= second < 60
            and 0 <= minute < 60
            and 0 <= hour < 24
            and 1 <= day <= 31
            and 1 <= month <= 12
            and year >= 0
        ):
            raise ClockChipError("garbled")
        return days_of(2000 + year, month, day) * DAY_S + hour * 3600 + minute * 60 + second

    def set_utc(self, utc_s: int) -> None:
        """The chip shows this time and trusts it again.

        Args:
            utc_s: UTC seconds since 1970, from 2000 to 2099.

        Raises:
            ClockChipError: no answer.
        """
        year, month, day = date_of(utc_s // DAY_S)
        second = utc_s % DAY_S
        numbers = (second % 60, second // 60 % 60, second // 3600, 1, day, month, year - 2000)
        self._write(_TIME, bytes([number // 10 << 4 | number % 10 for number in numbers]))
        # Oscillator on battery too, no square wave (control 0x1C is the chip's own default).
        self._write(_CONTROL, b"\x1c")
        self._write(_STATUS, bytes((self._read(_STATUS, 1)[0] & ~_STOPPED & 0xFF,)))

    def temperature(self) -> int:
        """Returns the temperature in tenths of a degree Celsius, of the last 64 seconds.

        Raises:
            ClockChipError: no answer.
        """
        raw = struct.unpack(">h", self._read(_TEMPERATURE, 2))[0] >> 6  # quarters of a degree
        return raw * 10 // 4

    def _read(self, register: int, count: int) -> bytes:
        try:
            return self._i2c.readfrom_mem(self._address, register, count)
        except OSError:
            raise ClockChipError("missing")

    def _write(self, register: int, data: bytes) -> None:
        try:
            self._i2c.writeto_mem(self._address, register, data)
        except OSError:
            raise ClockChipError("missing")


def _number(byte: int) -> int:
    """Returns the number of two binary-coded digits, -1 when they are none."""
    high, low = byte >> 4, byte & 0x0F
    return 10 * high + low if high < 10 and low < 10 else -1
