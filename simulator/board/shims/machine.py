"""`machine` of the rp2 port, as far as a gate uses it, wired to the models of the board.

Signatures, defaults and errors follow MicroPython 1.28 on the RP2040. First on MICROPYPATH, it
takes the place of the built-in module of the same name.
"""

import errno
import sys
import time

from simulator.board import registry

PWRON_RESET = 1
WDT_RESET = 3


def reset():
    """Restart the board: this process ends, its owner starts a new one."""
    sys.exit(registry.EXIT_RESET)


def reset_cause():
    return registry.reset_cause


def unique_id():
    return registry.unique_id


def freq(hz=None):
    return 125_000_000


def idle():
    time.sleep_us(0)


class Pin:
    IN = 0
    OUT = 1
    OPEN_DRAIN = 2
    PULL_UP = 1
    PULL_DOWN = 2
    IRQ_FALLING = 4
    IRQ_RISING = 8

    def __init__(self, id, mode=-1, pull=-1, *, value=None, alt=-1):
        if isinstance(id, Pin):
            id = id.id
        if id != "LED" and not (isinstance(id, int) and 0 <= id <= 28):
            raise ValueError("invalid pin")
        self.id = id
        self._line = registry.line(id)
        if mode != -1 or pull != -1 or value is not None:
            self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None, alt=-1):
        if pull != -1:
            self._line.pull = 1 if pull == Pin.PULL_UP else 0
        if mode == Pin.OUT or (mode == Pin.OPEN_DRAIN and value == 0):
            if value is None:
                value = self._line.driven or 0
            self._line.drive(1 if value else 0)
        elif mode in (Pin.IN, Pin.OPEN_DRAIN):
            self._line.drive(None)

    def value(self, x=None):
        if x is None:
            return self._line.value()
        # On a pin that is an input the chip keeps the level for later; nothing here needs it.
        if self._line.driven is not None:
            self._line.drive(1 if x else 0)
        return None

    def __call__(self, x=None):
        return self.value(x)

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def high(self):
        self.value(1)

    def low(self):
        self.value(0)

    def toggle(self):
        self.value(not self._line.value())

    def irq(self, handler=None, trigger=12, hard=False):
        """Calls `handler(pin)` at an edge from outside, between two steps of the firmware."""
        self._line.handlers.clear()
        if handler is not None:

            def at_edge(level):
                if trigger & (Pin.IRQ_RISING if level else Pin.IRQ_FALLING):
                    handler(self)

            self._line.handlers.append(at_edge)
        return self


def _number(pin):
    return pin.id if isinstance(pin, Pin) else pin


class SPI:
    MSB = 0
    LSB = 1
    _DEFAULT = {0: (18, 19, 16), 1: (10, 11, 8)}

    def __init__(
        self,
        id,
        baudrate=1_000_000,
        *,
        polarity=0,
        phase=0,
        bits=8,
        firstbit=0,
        sck=None,
        mosi=None,
        miso=None,
    ):
        if id not in self._DEFAULT:
            raise ValueError("SPI({}) doesn't exist".format(id))
        default = self._DEFAULT[id]
        self._pins = (
            _number(default[0] if sck is None else sck),
            _number(default[1] if mosi is None else mosi),
            _number(default[2] if miso is None else miso),
        )
        self._bus = registry.spi_buses.get(id)
        self.init(baudrate, polarity=polarity, phase=phase, bits=bits, firstbit=firstbit)

    def init(self, baudrate=1_000_000, *, polarity=0, phase=0, bits=8, firstbit=0):
        # A device on other pins, in another mode or above 10 MHz (MFRC522 data sheet 8.1.2) is
        # not understood; the input then stays low.
        heard = (
            self._bus is not None
            and self._bus.pins == self._pins
            and not (polarity or phase or firstbit)
            and bits == 8
            and baudrate <= 10_000_000
        )
        self._exchange = self._bus.exchange if heard else _nobody

    def deinit(self):
        self._exchange = _nobody

    def write(self, buf):
        exchange = self._exchange
        for b in buf:
            exchange(b)

    def read(self, nbytes, write=0):
        buf = bytearray(nbytes)
        self.readinto(buf, write)
        return bytes(buf)

    def readinto(self, buf, write=0):
        exchange = self._exchange
        for i in range(len(buf)):
            buf[i] = exchange(write)

    def write_readinto(self, write_buf, read_buf):
        if len(write_buf) != len(read_buf):
            raise ValueError("buffers must be the same length")
        exchange = self._exchange
        for i in range(len(write_buf)):
            read_buf[i] = exchange(write_buf[i])


def _nobody(byte):
    return 0


class I2C:
    _DEFAULT = {0: (4, 5), 1: (6, 7)}

    def __init__(self, id, *, scl=None, sda=None, freq=400_000, timeout=50_000):
        if id not in self._DEFAULT:
            raise ValueError("I2C({}) doesn't exist".format(id))
        default = self._DEFAULT[id]
        pins = (
            _number(default[0] if sda is None else sda),
            _number(default[1] if scl is None else scl),
        )
        wired, devices = registry.i2c_buses.get(id, (pins, {}))
        self._devices = devices if wired == pins else {}

    def _device(self, addr):
        device = self._devices.get(addr)
        if device is None or addr in registry.silent_i2c:
            raise OSError(errno.EIO, "EIO")  # no acknowledge; the rp2 port reports it so
        registry.i2c_transactions += 1
        return device

    def scan(self):
        return sorted(self._devices)

    def writeto(self, addr, buf, stop=True):
        self._device(addr).receive(buf)
        return len(buf)

    def writevto(self, addr, vector, stop=True):
        device = self._device(addr)
        whole = bytearray()
        for part in vector:
            whole.extend(part)
        device.receive(whole)
        return len(whole)

    def readfrom(self, addr, nbytes, stop=True):
        return self._device(addr).send(nbytes)

    def readfrom_into(self, addr, buf, stop=True):
        buf[:] = self._device(addr).send(len(buf))

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        self.writevto(addr, (bytes([memaddr]), buf))

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        device = self._device(addr)
        device.receive(bytes([memaddr]))
        return device.send(nbytes)

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        buf[:] = self.readfrom_mem(addr, memaddr, len(buf))


class PWM:
    def __init__(self, dest, *, freq=0, duty_u16=0, duty_ns=0, invert=False):
        self._output = registry.pwm_outputs.get(_number(dest))
        self._freq = 0
        self._duty = duty_u16
        if freq:
            self.freq(freq)

    def init(self, *, freq=None, duty_u16=None):
        if duty_u16 is not None:
            self._duty = duty_u16
        self.freq(self._freq if freq is None else freq)

    def freq(self, value=None):
        if value is None:
            return self._freq
        if value < 8:  # 125 MHz / 65,536 / 255.94
            raise ValueError("freq too small")
        self._freq = int(value)
        self._apply()
        return None

    def duty_u16(self, value=None):
        if value is None:
            return self._duty
        self._duty = max(0, min(65535, int(value)))
        self._apply()
        return None

    def deinit(self):
        self._duty = 0
        self._apply()

    def _apply(self):
        if self._output is not None:
            self._output.set(self._freq if self._duty else 0)


class ADC:
    """Converter of 12 bits, spread over 16 as the port does; inputs are GPIO 26 to 29 or 0 to 4."""

    CORE_TEMP = 4

    def __init__(self, id):
        number = _number(id)
        if 26 <= number <= 29:
            number -= 26
        if not 0 <= number <= 4:
            raise ValueError("Pin doesn't have ADC capabilities")
        self._channel = number

    def read_u16(self):
        """0..65535 for 0..3.3 V."""
        steps = min(registry.adc_mv.get(self._channel, 0) * 4096 // 3300, 4095)
        return steps << 4 | steps >> 8


class RTC:
    def datetime(self, datetimetuple=None):
        """(year, month, day, weekday, hour, minute, second, 0); setting ignores the weekday."""
        if datetimetuple is None:
            return registry.rtc.datetime()
        from simulator.board.rtc import epoch_s

        year, month, day, _, hour, minute, second = datetimetuple[:7]
        registry.rtc.set_s(epoch_s(year, month, day, hour, minute, second))
        return None


class WDT:
    """Once started it cannot be stopped; too late a feed, or none, resets the board."""

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError("WDT({}) doesn't exist".format(id))
        if not 1 <= timeout <= 8388:  # 24-bit counter of half microseconds
            raise ValueError("timeout exceeds 8388")
        self._timeout = timeout
        self._fed = time.ticks_ms()
        registry.watchdog = self

    def timed_out(self):
        return time.ticks_diff(time.ticks_ms(), self._fed) > self._timeout

    def feed(self):
        if self.timed_out():
            sys.exit(registry.EXIT_WATCHDOG)
        self._fed = time.ticks_ms()
