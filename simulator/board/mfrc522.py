"""An MFRC522 at register level: what a driver reads over SPI is what the data sheet says.

Theory of operation. The host moves bytes over SPI (data sheet MFRC522 rev. 3.9, section 8.1.2):
the first byte after chip select names direction and register, then every byte is data (write) or
the next address (read). Nothing runs in the background; each access first settles what the
elapsed time has brought about (end of a transmission, end of an answer, timer underflow), so the
clock is whatever the caller injects.

    command      ends by                       raises
    Idle         -                             nothing (cancels what runs)
    Mem          itself                        IdleIRq
    CalcCRC      next command                  CRCIRq each time the FIFO runs empty
    Transmit     itself, last bit sent         TxIRq, IdleIRq
    Receive      itself, frame received        RxIRq, IdleIRq
    Transceive   next command                  TxIRq, then RxIRq with an answer; no IdleIRq
    MFAuthent    next command                  TxIRq, then only the timer: no tag here has Crypto1
    SoftReset    itself, after 50 us           registers at their reset values
    others       at once                       IdleIRq

With TAuto the timer starts when the last bit is sent, stops at the fifth received bit, and raises
TimerIRq when it underflows first; the receiver itself waits for ever, as on the chip.

Not modelled: MSBFirst of the CRC coprocessor, RxMultiple, rates above 106 kBd, Crypto1, the self
test, the IRQ pin (Status1Reg.IRq is). CollPos counts from the first received data bit whatever
RxAlign is. Runs on CPython and on MicroPython.
"""

from binascii import unhexlify

from simulator.board.mfrc522_timer import T_AUTO, T_MODE, Timer
from simulator.board.tags import crc_a

FIFO_SIZE = 64
SOFT_RESET_US = 50  # 1,024 clock cycles at 27.12 MHz are 37.74 us (data sheet 8.8.2)
START_UP_US = 1000  # crystal start-up after RST rises; a few hundred us on modules
_REPLY_GAP_US = 91  # frame delay time 1,236 / fc (ISO/IEC 14443-3, 6.2.1.1)
_FIVE_BITS_US = 47  # the timer stops at the fifth bit of an answer

# Reset values, registers 0x00..0x3F (data sheet, table 20 onwards).
_RESET = unhexlify(
    "0020800000000021000000081000a000"
    "003f000080001084844d0000620000eb"
    "00ffff88268748882020000000000000"
    "00000080000040920000000000000000"
)

COMMAND = 0x01
COM_IRQ = 0x04
DIV_IRQ = 0x05
ERROR = 0x06
STATUS1 = 0x07
STATUS2 = 0x08
FIFO_DATA = 0x09
FIFO_LEVEL = 0x0A
WATER_LEVEL = 0x0B
CONTROL = 0x0C
BIT_FRAMING = 0x0D
COLL = 0x0E
MODE = 0x11
TX_MODE = 0x12
RX_MODE = 0x13
TX_CONTROL = 0x14
TX_ASK = 0x15
CRC_RESULT_H = 0x21
CRC_RESULT_L = 0x22
T_COUNTER_H = 0x2E
T_COUNTER_L = 0x2F
VERSION = 0x37

IDLE = 0x00
MEM = 0x01
CALC_CRC = 0x03
TRANSMIT = 0x04
NO_CHANGE = 0x07
RECEIVE = 0x08
TRANSCEIVE = 0x0C
MF_AUTHENT = 0x0E
SOFT_RESET = 0x0F

# Error bits
WR_ERR = 0x80
BUFFER_OVFL = 0x10
COLL_ERR = 0x08
CRC_ERR = 0x04
PARITY_ERR = 0x02

_READ_ONLY = (0x00, 0x06, 0x07, 0x0F, CRC_RESULT_H, CRC_RESULT_L, T_COUNTER_H, T_COUNTER_L, VERSION)
_PRESETS = (0x0000, 0x6363, 0xA671, 0xFFFF)


class Mfrc522:
    """The chip between the SPI bus and a tag field.

    Args:
        field: the TagField in front of its antenna.
        now_us: clock in microseconds that never wraps.
        version: VersionReg; 0x92 is version 2.0, clones read 0x12, 0x88, 0xB2 and others.

    The chip starts in hard power-down: RST has to be driven high.
    """

    def __init__(self, field, now_us, version=0x92):
        self.field = field
        self.now_us = now_us
        self.version = version
        self.fault = ""  # or "dead" (MISO low for ever), "stuck" (MISO high for ever)
        self.noise = 0  # so many answers arrive with one bit flipped and a parity error
        self.transactions = 0
        self.bytes = 0
        self.selected = False
        self._rst = False
        self._first = True
        self._address = 0
        self._writing = False
        self._memory = bytes(25)
        field.before_change = self._settle
        self._reset(0)

    # The pins.

    def select(self, level):
        """Chip select, active low; the next byte after it falls is an address byte."""
        self.selected = not level
        self._first = True
        if self.selected:
            self.transactions += 1

    def reset_pin(self, level):
        """RST (NRSTPD): low is hard power-down, a rising edge starts the chip with reset values."""
        if level and not self._rst:
            self._rst = True
            self._reset(START_UP_US)
        elif not level:
            self._rst = False
            self._reset(0)

    def exchange(self, byte):
        """One byte out, one byte in. Only meaningful while selected."""
        self.bytes += 1
        if self.fault or not self._rst:
            return 0xFF if self.fault == "stuck" else 0x00
        if self._first:
            self._first = False
            self._writing = not byte & 0x80
            self._address = byte >> 1 & 0x3F
            return 0x00
        if self._writing:
            self._write(self._address, byte)
            return 0x00
        value = self._read(self._address)
        self._address = byte >> 1 & 0x3F
        return value

    # What a test may do to it.

    def brown_out(self):
        """The chip resets by itself in mid use: reset values, field off, FIFO empty."""
        self._settle()
        self._reset(SOFT_RESET_US)

    # Inside.

    def _reset(self, start_us):
        self._regs = bytearray(_RESET)
        self._fifo = []
        self._command = IDLE
        self._irq = 0x14
        self._div_irq = 0
        self._error = 0
        self._coll = 0x20
        self._last_bits = 0
        self._crc = 0xFFFF
        self._air = None  # (transmission end, answer end or -1, answer, its tags)
        self._sent = False
        self._timer = Timer(self._regs)
        self._ready_us = self.now_us() + start_us
        self._carrier()

    def _carrier(self):
        # Tx1RFEn / Tx2RFEn; a soft power-down switches the drivers off (data sheet 8.6.1).
        regs = self._regs
        self.field.power(bool(self._rst and regs[TX_CONTROL] & 0x03 and not regs[COMMAND] & 0x10))

    def _fail(self, bit):
        self._error |= bit
        self._irq |= 0x02

    def _alerts(self):
        level = len(self._fifo)
        water = self._regs[WATER_LEVEL] & 0x3F
        if FIFO_SIZE - level <= water:
            self._irq |= 0x08
        if level <= water:
            self._irq |= 0x04

    def _settle(self):
        """Let everything happen that the elapsed time has brought about."""
        timer = self._timer
        if self._air is None and not timer.running:
            return
        now = self.now_us()
        air = self._air
        if air is not None and not self._sent and now >= air[0]:
            self._sent = True
            self._irq |= 0x40
            if self._command == TRANSMIT:
                self._command = IDLE
                self._irq |= 0x10
            if self._regs[T_MODE] & T_AUTO:
                timer.start(air[0])
                if air[1] >= 0:
                    timer.stop_at(air[3] + _FIVE_BITS_US)
        if timer.settle(now):
            self._irq |= 0x01
        if air is not None and air[1] >= 0 and now >= air[1]:
            if self._command in (TRANSCEIVE, RECEIVE):
                self._receive(air[2])
            self._air = None

    def _transmit(self):
        regs = self._regs
        data = self._fifo
        if not data or self._air is not None and not self._sent:
            return
        if regs[MODE] & 0x20 and not self.field.on:
            return  # TxWaitRF
        self._fifo = []
        last = regs[BIT_FRAMING] & 0x07
        bits = len(data) * 8 - (8 - last if last else 0)
        if self._command == MF_AUTHENT:
            data = data[:2]
            bits = 16
        if regs[TX_MODE] & 0x80 or self._command == MF_AUTHENT:
            crc = crc_a(data, len(data))
            data.append(crc & 0xFF)
            data.append(crc >> 8)
            bits += 16
        now = self.now_us()
        end = now + (bits + (bits >> 3) + 2) * 944 // 100  # a bit is 128 / fc = 9.44 us
        self._sent = False
        self._coll = 0x20
        answer = None
        # Type A is 100 % ASK at 106 kBd; anything else no tag understands (ISO/IEC 14443-2).
        plain = regs[TX_ASK] & 0x40 and not (regs[TX_MODE] | regs[RX_MODE]) & 0x70
        if plain and now >= self._ready_us:
            answer = self.field.exchange(data, bits, end)
        if answer is None or regs[COMMAND] & 0x20:
            self._air = (end, -1, None, 0)
        else:
            start = end + _REPLY_GAP_US
            span = (answer[1] + (answer[1] >> 3) + 2) * 944 // 100
            self._air = (end, start + span, answer, start)
        self._alerts()

    def _receive(self, answer):
        data, bits, collision, speakers = answer
        for tag in speakers:
            if tag not in self.field.tags:
                return  # pulled out while it spoke
        regs = self._regs
        align = regs[BIT_FRAMING] >> 4 & 0x07
        if self.noise:
            self.noise -= 1
            data = bytes([data[0] ^ 0x10]) + data[1:]
            self._fail(PARITY_ERR)
        else:
            self.field.received(speakers, collision)
        if collision:
            self._fail(COLL_ERR)
            self._coll = collision & 0x1F if collision <= 32 else 0x20
        self._last_bits = (align + bits) & 0x07
        if align or collision and not regs[COLL] & 0x80:
            data = self._stored(data, bits, align, 0 if regs[COLL] & 0x80 else collision)
        if regs[RX_MODE] & 0x80:
            size = len(data)
            if size < 2 or self._last_bits or crc_a(data, size):
                self._fail(CRC_ERR)
            data = data[: max(0, size - 2)]
        for b in data:
            self._push(b)
        self._irq |= 0x20
        if self._command == RECEIVE:
            self._command = IDLE
            self._irq |= 0x10

    def _stored(self, data, bits, align, cleared_from):
        # RxAlign shifts the first bit up; with ValuesAfterColl = 0 the collided bit and all
        # after it read as 0.
        out = bytearray((align + bits + 7) >> 3)
        for i in range(bits):
            if cleared_from and i + 1 >= cleared_from:
                break
            if data[i >> 3] >> (i & 7) & 1:
                out[(align + i) >> 3] |= 1 << ((align + i) & 7)
        return out

    def _push(self, byte):
        if len(self._fifo) >= FIFO_SIZE:
            self._fail(BUFFER_OVFL)
        else:
            self._fifo.append(byte)
            self._alerts()

    def _feed_crc(self):
        if self._fifo:
            self._crc = crc_a(self._fifo, len(self._fifo), self._crc)
            self._fifo = []
            self._alerts()
        self._div_irq |= 0x04

    def _start(self, command):
        self._error = 0
        if command != RECEIVE:
            self._air = None
        self._command = command
        if command == CALC_CRC:
            self._crc = _PRESETS[self._regs[MODE] & 0x03]
            self._feed_crc()
        elif command in (TRANSMIT, MF_AUTHENT):
            self._transmit()
        elif command == SOFT_RESET:
            self._reset(SOFT_RESET_US)
        elif command == MEM:
            if self._fifo:
                self._memory = (bytes(self._fifo) + bytes(25))[:25]
                self._fifo = []
            else:
                self._fifo = list(self._memory)
            self._command = IDLE
            self._irq |= 0x10
        elif command not in (IDLE, TRANSCEIVE, RECEIVE):
            self._command = IDLE
            self._irq |= 0x10

    def _write(self, reg, value):
        self._settle()
        if reg == FIFO_DATA:
            if self._air is not None and self._sent or self._command == MF_AUTHENT:
                self._fail(WR_ERR)
            self._push(value)
            if self._command == CALC_CRC:
                self._feed_crc()
        elif reg == COMMAND:
            if self.now_us() < self._ready_us:
                return
            self._regs[COMMAND] = value & 0x30
            if value & 0x0F != NO_CHANGE:
                self._start(value & 0x0F)
            self._carrier()
        elif reg == COM_IRQ:
            self._irq = self._irq | value & 0x7F if value & 0x80 else self._irq & ~value & 0x7F
        elif reg == DIV_IRQ:
            mask = value & 0x14
            self._div_irq = self._div_irq | mask if value & 0x80 else self._div_irq & ~mask
        elif reg == FIFO_LEVEL:
            if value & 0x80:
                self._fifo = []
                self._error &= ~BUFFER_OVFL
                self._alerts()
        elif reg == CONTROL:
            if value & 0x80:
                self._timer.stop(self.now_us())
            if value & 0x40:
                self._timer.start(self.now_us())
        elif reg == BIT_FRAMING:
            self._regs[BIT_FRAMING] = value & 0xF7
            if value & 0x80 and self._command == TRANSCEIVE:
                self._transmit()
        elif reg == STATUS2:
            self._regs[STATUS2] = value & 0x40
        elif reg not in _READ_ONLY:
            self._regs[reg] = value
            if reg == TX_CONTROL:
                self._carrier()

    def _read(self, reg):
        self._settle()
        if reg == FIFO_DATA:
            if not self._fifo:
                return 0
            value = self._fifo.pop(0)
            self._alerts()
            return value
        if reg == COM_IRQ:
            return self._irq
        if reg == DIV_IRQ:
            return self._div_irq
        if reg == ERROR:
            return self._error
        if reg == FIFO_LEVEL:
            return len(self._fifo)
        if reg == COMMAND:
            waking = 0x10 if self.now_us() < self._ready_us else 0
            return self._regs[COMMAND] | self._command | waking
        if reg == CONTROL:
            return 0x10 | self._last_bits
        if reg == COLL:
            return self._regs[COLL] & 0x80 | self._coll
        if reg == STATUS1:
            return self._status1()
        if reg == STATUS2:
            return self._regs[STATUS2] | self._modem_state()
        if reg == CRC_RESULT_H:
            return self._crc >> 8
        if reg == CRC_RESULT_L:
            return self._crc & 0xFF
        if reg in (T_COUNTER_H, T_COUNTER_L):
            value = self._timer.value(self.now_us())
            return value >> 8 & 0xFF if reg == T_COUNTER_H else value & 0xFF
        if reg == VERSION:
            return self.version
        return self._regs[reg]

    def _status1(self):
        level = len(self._fifo)
        water = self._regs[WATER_LEVEL] & 0x3F
        pending = self._irq & self._regs[0x02] | self._div_irq & self._regs[0x03]
        return (
            (0x40 if self._crc == 0 else 0)
            | 0x20  # CRCReady: the coprocessor is never seen working
            | (0x10 if pending & 0x7F else 0)
            | (0x08 if self._timer.running else 0)
            | (0x02 if FIFO_SIZE - level <= water else 0)
            | (0x01 if level <= water else 0)
        )

    def _modem_state(self):
        if self._air is not None:
            if not self._sent:
                return 3
            return 6 if 0 <= self._air[3] <= self.now_us() and self._air[1] >= 0 else 5
        return 1 if self._command == TRANSCEIVE else 0
