"""DS3231 clock chip: battery-backed time behind I2C registers, as its data sheet has them.

The battery is a small file beside the flash, so that the chip goes on while the board has no
power. Without that file the chip is new: its oscillator has stopped (status bit 7) until it is set.
Runs on CPython and on MicroPython.
"""

from simulator.board.rtc import civil_from_days, epoch_s

_SIZE = 0x13
_STATUS = 0x0F
_STOPPED = 0x80
_FIRST_S = 946684800  # 2000-01-01: what a new chip shows


class Ds3231:
    """The chip.

    Args:
        now_s: the true time in whole seconds, for as long as the battery lasts.
        battery: path of the file that stands for the battery; "" for a chip without one.
    """

    def __init__(self, now_s, battery=""):
        self._now_s = now_s
        self._battery = battery
        self._registers = bytearray(_SIZE)
        self._registers[0x0E] = 0x1C
        self._registers[0x11] = 21  # degrees Celsius
        self._registers[0x12] = 0x40  # and a quarter
        self._pointer = 0
        self.missing = False
        self._ahead_s = _FIRST_S - now_s()
        self._registers[_STATUS] = _STOPPED
        self._restore()

    def _restore(self):
        if not self._battery:
            return
        try:
            with open(self._battery) as file:
                self._ahead_s = int(file.read())
            self._registers[_STATUS] = 0
        except (OSError, ValueError):
            pass  # a new battery

    def utc_s(self):
        """What the chip shows."""
        return self._now_s() + self._ahead_s

    def set(self, utc_s):
        """Sets it from outside, as a technician would."""
        self._ahead_s = utc_s - self._now_s()
        self._registers[_STATUS] &= ~_STOPPED
        self._keep()

    def lose_battery(self):
        """The battery was taken out while the board had no power."""
        self._registers[_STATUS] |= _STOPPED
        self._ahead_s = _FIRST_S - self._now_s()
        if self._battery:
            with open(self._battery, "w") as file:
                file.write("")

    def _keep(self):
        if self._battery:
            with open(self._battery, "w") as file:
                file.write(str(self._ahead_s))

    def receive(self, data):
        """One I2C write: a register number, then bytes for it and those behind it."""
        if not len(data):
            return
        self._pointer = data[0] % _SIZE
        if len(data) > 1:
            self._load()
        touched = False
        for i in range(1, len(data)):
            touched = touched or self._pointer < 7
            before = self._registers[self._pointer]
            value = data[i]
            if self._pointer == _STATUS:
                value = value & 0x08 | before & value & 0x83  # flags can only be cleared
            self._registers[self._pointer] = value
            self._pointer = (self._pointer + 1) % _SIZE
        if touched:
            self._take_over()
        if not self._registers[_STATUS] & _STOPPED:
            self._keep()

    def send(self, count):
        """One I2C read from the register that was named last."""
        self._load()
        out = bytearray(count)
        for i in range(count):
            out[i] = self._registers[self._pointer]
            self._pointer = (self._pointer + 1) % _SIZE
        return bytes(out)

    def _load(self):
        seconds = self.utc_s()
        days = seconds // 86400
        year, month, day = civil_from_days(days)
        left = seconds % 86400
        numbers = (
            left % 60,
            left // 60 % 60,
            left // 3600,
            (days + 4) % 7 + 1,
            day,
            month,
            year % 100,
        )
        for register in range(7):
            self._registers[register] = numbers[register] // 10 << 4 | numbers[register] % 10

    def _take_over(self):
        second, minute, hour, _weekday, day, month, year = [
            (byte >> 4) * 10 + (byte & 0x0F) for byte in self._registers[:7]
        ]
        self._ahead_s = epoch_s(2000 + year, month, day, hour, minute, second) - self._now_s()
