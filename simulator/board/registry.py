"""What is soldered to which pin: the meeting point of the `machine` shim and the device models.

The shims ask here, the board puts its devices here; neither knows the other. One process is one
board, so this is module state. Runs on CPython and on MicroPython.
"""


class Line:
    """One GPIO: who drives it, and who wants to know.

    A line driven by firmware has its level; else the level from outside, else that of the pull
    resistor. Listeners (device models) hear edges of a driven line; handlers (Pin.irq) hear edges
    from outside.
    """

    def __init__(self):
        self.driven = None
        self.outside = None
        self.pull = None
        self.listeners = []
        self.handlers = []

    def value(self):
        if self.driven is not None:
            return self.driven
        if self.outside is not None:
            return self.outside
        return 1 if self.pull else 0

    def drive(self, level):
        """Firmware drives the line (None: makes it an input)."""
        before = self.driven
        self.driven = level
        if level is not None and level != before:
            for listener in self.listeners:
                listener(level)

    def set_outside(self, level):
        """The world outside drives the line (None: lets it go)."""
        before = self.value()
        self.outside = level
        after = self.value()
        if after != before:
            for handler in self.handlers:
                handler(after)


class SpiBus:
    """Devices on one SPI; those whose chip select is low hear the bytes."""

    def __init__(self, pins):
        self.pins = pins
        self.devices = []

    def exchange(self, byte):
        value = 0
        for device in self.devices:
            if device.selected:
                value |= device.exchange(byte)
        return value


class Buzzer:
    """What a PWM output drives: tone in hertz, 0 for silence."""

    def __init__(self, on_change):
        self.hertz = 0
        self.on_change = on_change

    def set(self, hertz):
        if hertz != self.hertz:
            self.hertz = hertz
            self.on_change()


lines = {}  # GPIO number or name -> Line
spi_buses = {}  # SPI id -> SpiBus
i2c_buses = {}  # I2C id -> ((sda, scl), {address: device})
silent_i2c = set()  # addresses whose device does not answer
pwm_outputs = {}  # GPIO number -> object with set(hertz)
adc_mv = {}  # converter input 0..4 -> millivolts at it
led_strips = {}  # GPIO number -> callable(list of (r, g, b))
wifi = None  # the radio, set by the board
rtc = None  # the real-time clock, set by the board
watchdog = None  # the running machine.WDT, if any
reset_cause = 1  # machine.PWRON_RESET
unique_id = b"\xe6\x61\x64\x08\x43\x00\x00\x01"
i2c_transactions = 0

# A board that resets itself ends its process with one of these; its owner starts it again.
EXIT_RESET = 64
EXIT_WATCHDOG = 65


def line(number):
    """The line of a GPIO, created at first use."""
    if number not in lines:
        lines[number] = Line()
    return lines[number]


def attach_spi(bus_id, pins, select, device):
    """Put a device with `select(level)`, `exchange(byte)` and `selected` on a bus.

    Args:
        bus_id: 0 or 1.
        pins: (sck, mosi, miso) GPIO numbers the wires run to.
        select: GPIO of its chip select.
        device: the model.
    """
    if bus_id not in spi_buses:
        spi_buses[bus_id] = SpiBus(pins)
    spi_buses[bus_id].devices.append(device)
    line(select).listeners.append(device.select)


def attach_i2c(bus_id, pins, address, device):
    """Put a device with `receive(bytes)` and `send(count) -> bytes` on a bus.

    Args:
        bus_id: 0 or 1.
        pins: (sda, scl) GPIO numbers the wires run to.
        address: 7-bit address.
        device: the model.
    """
    if bus_id not in i2c_buses:
        i2c_buses[bus_id] = (pins, {})
    i2c_buses[bus_id][1][address] = device


def clear():
    """Take everything off the board; for tests that build several in one process."""
    global wifi, rtc, watchdog, reset_cause, i2c_transactions
    lines.clear()
    spi_buses.clear()
    i2c_buses.clear()
    silent_i2c.clear()
    pwm_outputs.clear()
    adc_mv.clear()
    led_strips.clear()
    wifi = rtc = watchdog = None
    reset_cause = 1
    i2c_transactions = 0
