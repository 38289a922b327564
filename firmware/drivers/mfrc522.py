"""MFRC522 card reader chip on SPI. Register numbers and sections are those of its data sheet.

Every wait is bounded: a chip that does not answer raises `ReaderError` and never holds the gate up.
The chip's own timer ends a listening after about 1 ms, since a card begins its answer within 0.1 ms
(ISO/IEC 14443-3, 6.2.1.1); the usual 25 ms would block every empty poll.
"""

import asyncio

from machine import SPI, Pin

ANSWER = 0
SILENCE = 1
COLLISION = 2
GARBLED = 3

BAUDRATE = 4_000_000  # at most 10 MHz (8.1.2); 4 leaves room for the wires of an enclosure
FIELD_SETTLE_MS = 6
"""A card listens at the latest 5 ms after the field came up (ISO/IEC 14443-3, 5.2)."""

_COMMAND = 0x01
_COM_IRQ = 0x04
_DIV_IRQ = 0x05
_ERROR = 0x06
_FIFO_DATA = 0x09
_FIFO_LEVEL = 0x0A
_CONTROL = 0x0C
_BIT_FRAMING = 0x0D
_MODE = 0x11
_TX_CONTROL = 0x14
_TX_ASK = 0x15
_CRC_RESULT_H = 0x21
_CRC_RESULT_L = 0x22
_RF_CFG = 0x26
_T_MODE = 0x2A
_T_PRESCALER = 0x2B
_T_RELOAD_H = 0x2C
_T_RELOAD_L = 0x2D
_VERSION = 0x37

_IDLE = 0x00
_CALC_CRC = 0x03
_TRANSCEIVE = 0x0C

_TIMER_AUTO = 0x80  # TAuto: the timer starts when the last bit is sent
_TIMER_RELOAD = 40  # x 25 us
_GAIN = 0x60  # 43 dB, for cards in wallets (9.3.3.6)

_SET_UP = (
    (_T_MODE, _TIMER_AUTO),
    (_T_PRESCALER, 0xA9),  # 13.56 MHz / (2 x 169 + 1) = 40 kHz: 25 us a step
    (_T_RELOAD_H, 0),
    (_T_RELOAD_L, _TIMER_RELOAD),
    (_TX_ASK, 0x40),  # 100 % ASK, as type A wants
    (_MODE, 0x3D),  # CRC preset 0x6363
    (_RF_CFG, _GAIN),
)

_ERRORS = 0x17  # BufferOvfl, CRCErr, ParityErr, ProtocolErr
_COLLISION_ERROR = 0x08
_WAITS_MAX = 25


class ReaderError(Exception):
    """The chip does not answer as an MFRC522 does: reset it."""


class Mfrc522:
    """The chip behind SPI; `begin` before anything else.

    Attributes: received (bytearray; the answer's first `length` bytes), length (bytes),
    version (what the chip calls itself, as `check` last read it).

    Args:
        spi: number of the SPI.
        sck: GPIO of its clock.
        mosi: GPIO of its output.
        miso: GPIO of its input.
        select: GPIO of chip select, active low.
        reset: GPIO of RST; low is power-down.
    """

    def __init__(self, spi: int, sck: int, mosi: int, miso: int, select: int, reset: int) -> None:
        self._select = Pin(select, Pin.OUT, value=1)
        self._reset = Pin(reset, Pin.OUT, value=0)
        self._spi = SPI(
            spi,
            baudrate=BAUDRATE,
            polarity=0,
            phase=0,
            sck=Pin(sck),
            mosi=Pin(mosi),
            miso=Pin(miso),
        )
        self._out = bytearray(2)
        self._in = bytearray(2)
        self.received = bytearray(64)
        self.length = 0
        self.version = 0

    async def begin(self) -> None:
        """Resets the chip by its pin and sets it up; the field is off.

        Raises:
            ReaderError: there is no chip, or it does not keep what is written.
        """
        self._reset(0)
        await asyncio.sleep_ms(2)
        self._reset(1)
        # The crystal needs some hundred microseconds; 8.8.2 has the chip say so itself.
        for _ in range(_WAITS_MAX):
            await asyncio.sleep_ms(2)
            if self._read(_COMMAND) & 0x10 == 0:
                break
        for register, value in _SET_UP:
            self._write(register, value)
        self.check()

    def check(self) -> None:
        """Returns if the chip is there and still set up.

        Raises:
            ReaderError: no chip (0x00 or 0xFF on the bus), or it has lost its registers.
        """
        # Clones answer 0x12, 0x82, 0x88, 0xB2 and others: only a dead bus is told by the version.
        self.version = self._read(_VERSION)
        if self.version in (0x00, 0xFF):
            raise ReaderError("bus")
        if self._read(_T_MODE) != _TIMER_AUTO or self._read(_T_RELOAD_L) != _TIMER_RELOAD:
            raise ReaderError("registers")
        # A chip that fell back to its default gain still answers, and reads no card in a wallet.
        if self._read(_RF_CFG) & 0x70 != _GAIN:
            raise ReaderError("gain")

    async def field(self, on: bool) -> None:
        """Switches the field; after switching on, cards can hear when this returns."""
        self._write(_TX_CONTROL, 0x83 if on else 0x80)
        if on:
            await asyncio.sleep_ms(FIELD_SETTLE_MS)

    async def exchange(self, frame: bytes, last_bits: int = 0) -> int:
        """Sends a frame and listens; the answer is in `received` and `length`.

        Args:
            frame: 1..64 bytes.
            last_bits: bits of the last byte that are sent, 0 for all 8.

        Returns:
            ANSWER, SILENCE, COLLISION (several cards) or GARBLED: errors in the frame, or one that
            began and never ended. Whether the chip itself is well is the matter of `check`.
        """
        self.length = 0
        self._write(_COMMAND, _IDLE)
        self._write(_COM_IRQ, 0x7F)
        self._write(_FIFO_LEVEL, 0x80)
        self._write_fifo(frame)
        self._write(_COMMAND, _TRANSCEIVE)
        self._write(_BIT_FRAMING, 0x80 | last_bits)
        irq = 0
        for _ in range(_WAITS_MAX):
            irq = self._read(_COM_IRQ)
            if irq & 0x31:  # RxIRq, IdleIRq, TimerIRq
                break
            await asyncio.sleep_ms(1)
        self._write(_BIT_FRAMING, 0)
        if not irq & 0x30:
            self._write(_COMMAND, _IDLE)
            return SILENCE if irq & 0x01 else GARBLED
        error = self._read(_ERROR)
        level = self._read(_FIFO_LEVEL)
        partial = self._read(_CONTROL) & 0x07
        self._write(_COMMAND, _IDLE)
        self._read_fifo(min(level, len(self.received)))
        if error & _COLLISION_ERROR:
            return COLLISION
        return GARBLED if error & _ERRORS or partial or not level else ANSWER

    async def crc(self, frame: bytes) -> bytes:
        """Returns the CRC_A of `frame`, low byte first, from the chip's coprocessor.

        Raises:
            ReaderError: the chip never finished.
        """
        self._write(_COMMAND, _IDLE)
        self._write(_DIV_IRQ, 0x04)
        self._write(_FIFO_LEVEL, 0x80)
        self._write_fifo(frame)
        self._write(_COMMAND, _CALC_CRC)
        for _ in range(_WAITS_MAX):
            if self._read(_DIV_IRQ) & 0x04:  # CRCIRq
                break
            await asyncio.sleep_ms(1)
        else:
            raise ReaderError("crc")
        self._write(_COMMAND, _IDLE)
        return bytes((self._read(_CRC_RESULT_L), self._read(_CRC_RESULT_H)))

    def _read(self, register: int) -> int:
        self._out[0] = register << 1 | 0x80
        self._out[1] = 0
        self._select(0)
        self._spi.write_readinto(self._out, self._in)
        self._select(1)
        return self._in[1]

    def _write(self, register: int, value: int) -> None:
        self._out[0] = register << 1
        self._out[1] = value
        self._select(0)
        self._spi.write(self._out)
        self._select(1)

    def _write_fifo(self, data: bytes) -> None:
        self._select(0)
        self._spi.write(bytes((_FIFO_DATA << 1,)))
        self._spi.write(data)
        self._select(1)

    def _read_fifo(self, count: int) -> None:
        """Reads `count` bytes in one transfer: each address byte but the last asks for one more."""
        self.length = count
        if not count:
            return
        asked = bytearray(count + 1)
        for i in range(count):
            asked[i] = _FIFO_DATA << 1 | 0x80
        answer = bytearray(count + 1)
        self._select(0)
        self._spi.write_readinto(asked, answer)
        self._select(1)
        self.received[:count] = memoryview(answer)[1:]
