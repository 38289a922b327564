"""The MFRC522 model, register by register, against its data sheet."""

from rig import Rig, equal

from simulator.board.mfrc522 import SOFT_RESET_US, START_UP_US

UID4 = b"\xde\xad\xbe\xef"


def check_registers_after_reset():
    wanted = {
        0x01: 0x20, 0x02: 0x80, 0x03: 0x00, 0x04: 0x14, 0x05: 0x00, 0x06: 0x00, 0x07: 0x21,
        0x08: 0x00, 0x0A: 0x00, 0x0B: 0x08, 0x0C: 0x10, 0x0D: 0x00, 0x0E: 0xA0, 0x11: 0x3F,
        0x12: 0x00, 0x13: 0x00, 0x14: 0x80, 0x15: 0x00, 0x16: 0x10, 0x17: 0x84, 0x18: 0x84,
        0x19: 0x4D, 0x1C: 0x62, 0x1D: 0x00, 0x1F: 0xEB, 0x21: 0xFF, 0x22: 0xFF, 0x24: 0x26,
        0x26: 0x48, 0x27: 0x88, 0x28: 0x20, 0x29: 0x20, 0x2A: 0x00, 0x2B: 0x00, 0x2C: 0x00,
        0x2D: 0x00, 0x37: 0x92,
    }  # fmt: skip
    rig = Rig()
    for reg, value in wanted.items():
        got = rig.read(reg)
        assert got == value, "{:02x}: {:02x}, not {:02x}".format(reg, got, value)


def check_reset_pin():
    rig = Rig(started=False)
    equal(rig.read(0x37), 0x00)  # hard power-down
    rig.chip.reset_pin(1)
    equal(rig.read(0x01), 0x30)  # PowerDown reads 1 while the crystal starts
    rig.us += START_UP_US
    equal(rig.read(0x01), 0x20)
    equal(rig.read(0x37), 0x92)
    rig.write(0x2B, 0x55)
    rig.chip.reset_pin(0)
    rig.chip.reset_pin(1)
    equal(rig.read(0x2B), 0x00)


def check_soft_reset():
    rig = Rig().field_on()
    rig.write(0x2D, 0x77)
    rig.write(0x09, 1, 2, 3)
    rig.write(0x01, 0x0F)
    equal(rig.read(0x01) & 0x10, 0x10)
    rig.us += SOFT_RESET_US
    equal(rig.read(0x01), 0x20)
    equal(rig.read(0x2D), 0)
    equal(rig.read(0x0A), 0)
    assert not rig.field.on


def check_address_byte():
    rig = Rig()
    # Write: one address, then data for that register only.
    rig.bytes(0x09 << 1, 0x11, 0x22, 0x33)
    equal(rig.read(0x0A), 3)
    # Read: each byte names the register whose value comes with the next.
    equal(rig.bytes(0x80 | 0x37 << 1, 0x80 | 0x0A << 1, 0x80 | 0x09 << 1, 0)[1:], [0x92, 3, 0x11])
    equal(rig.bytes(0x92, 0x92, 0)[1:], [0x22, 0x33])
    equal(rig.read(0x0A), 0)
    equal(rig.read(0x09), 0)  # nothing left
    # A chip that is not selected hears nothing; the shim's bus asks `selected` first.
    assert not rig.chip.selected


def check_fifo_overflow_and_flush():
    rig = Rig()
    rig.write(0x04, 0x7F)
    rig.write(0x09, *range(64))
    equal((rig.read(0x0A), rig.read(0x06)), (64, 0))
    rig.write(0x09, 99)
    equal((rig.read(0x0A), rig.read(0x06)), (64, 0x10))
    equal(rig.read(0x04) & 0x02, 0x02)
    equal(rig.read(0x09), 0)
    rig.write(0x0A, 0x80)
    equal((rig.read(0x0A), rig.read(0x06)), (0, 0))
    equal(rig.read(0x04) & 0x02, 0x02)  # the request bit stays until it is cleared


def check_water_level():
    rig = Rig()
    rig.write(0x0B, 4)
    rig.write(0x09, *range(5))
    equal(rig.read(0x07) & 0x03, 0)
    rig.write(0x09, *range(55))
    equal(rig.read(0x07) & 0x03, 0x02)  # 64 - 60 <= 4
    equal(rig.read(0x04) & 0x08, 0x08)
    rig.write(0x0A, 0x80)
    equal(rig.read(0x07) & 0x03, 0x01)


def check_request_bits():
    rig = Rig()
    rig.write(0x04, 0x7F)
    equal(rig.read(0x04), 0)
    rig.write(0x04, 0x80 | 0x31)  # Set1: marked bits are set
    equal(rig.read(0x04), 0x31)
    rig.write(0x04, 0x11)  # without it: marked bits are cleared, others stay
    equal(rig.read(0x04), 0x20)
    rig.write(0x05, 0x80 | 0x04)
    equal(rig.read(0x05), 0x04)
    rig.write(0x05, 0x04)
    equal(rig.read(0x05), 0)
    rig.write(0x04, 0x80 | 0x20)
    equal(rig.read(0x07) & 0x10, 0)
    rig.write(0x02, 0xA0)  # RxIEn: Status1Reg.IRq follows
    equal(rig.read(0x07) & 0x10, 0x10)


def check_crc_coprocessor():
    rig = Rig()
    # ISO/IEC 14443-3 annex B: 00 00 -> A0 1E and 12 34 -> 26 CF, low byte first.
    for data, low, high in ((b"\x00\x00", 0xA0, 0x1E), (b"\x12\x34", 0x26, 0xCF)):
        rig.write(0x11, 0x3D)
        rig.write(0x01, 0x00)
        rig.write(0x05, 0x04)
        rig.write(0x09, *data)
        rig.write(0x01, 0x03)
        equal(rig.read(0x05), 0x04)
        equal((rig.read(0x22), rig.read(0x21)), (low, high))
        equal(rig.read(0x0A), 0)
        equal(rig.read(0x01) & 0x0F, 0x03)  # ends by the next command only
    rig.write(0x04, 0x7F)
    rig.write(0x01, 0x00)
    equal(rig.read(0x04) & 0x10, 0)  # the host's Idle raises no IdleIRq
    # Data and its own CRC: zero, Status1Reg.CRCOk. More bytes go on where it stopped.
    rig.write(0x01, 0x03)
    rig.write(0x09, 0x12, 0x34, 0x26)
    equal(rig.read(0x07) & 0x40, 0)
    rig.write(0x09, 0xCF)
    equal(rig.read(0x07) & 0x40, 0x40)


def check_crc_presets():
    # CRC-16/MCRF4XX (FFFF), CRC-16/KERMIT (0000) of "123456789": the catalogue's check values.
    rig = Rig()
    for preset, wanted in ((3, 0x6F91), (0, 0x2189)):
        rig.write(0x11, 0x3C | preset)
        rig.write(0x01, 0x00)
        rig.write(0x09, *b"123456789")
        rig.write(0x01, 0x03)
        equal(rig.read(0x21) << 8 | rig.read(0x22), wanted)


def check_commands_that_end_at_once():
    rig = Rig()
    rig.write(0x04, 0x7F)
    rig.write(0x01, 0x0D)  # reserved
    equal((rig.read(0x01) & 0x0F, rig.read(0x04) & 0x10), (0, 0x10))
    rig.write(0x09, *range(25))
    rig.write(0x01, 0x01)  # Mem: to the internal buffer
    equal((rig.read(0x0A), rig.read(0x01) & 0x0F), (0, 0))
    rig.write(0x01, 0x0F)  # survives a soft reset
    rig.us += 100
    rig.write(0x01, 0x01)
    equal(rig.fifo(), bytes(range(25)))


def check_timer():
    rig = Rig()
    rig.write(0x2A, 0x00)
    rig.write(0x2B, 0xA9)  # 13.56 MHz / (2 * 169 + 1) = 40 kHz
    rig.write(0x2D, 39)  # 40 counts = 1 ms
    rig.write(0x04, 0x7F)
    rig.write(0x0C, 0x40)
    started = rig.us
    equal(rig.read(0x07) & 0x08, 0x08)
    rig.us = started + 990
    assert not rig.chip._read(0x04) & 0x01
    rig.us = started + 1001
    equal(rig.chip._read(0x04) & 0x01, 0x01)
    equal(rig.read(0x07) & 0x08, 0)
    rig.write(0x04, 0x7F)
    rig.write(0x0C, 0x40)
    rig.us += 500
    left = rig.read(0x2F)
    assert 15 < left <= 20, left
    rig.write(0x0C, 0x80)  # stopped: it keeps its count and raises nothing
    rig.us += 5000
    assert rig.read(0x2F) <= left
    equal(rig.read(0x04) & 0x01, 0)
    rig.write(0x2A, 0x10)  # TAutoRestart
    rig.write(0x0C, 0x40)
    for _ in range(3):
        rig.us += 1010
        equal(rig.read(0x04) & 0x01, 0x01)
        rig.write(0x04, 0x01)


def check_timeout_without_tag():
    rig = Rig().field_on()
    rig.write(0x2A, 0x80)
    rig.write(0x2B, 0xA9)
    rig.write(0x2D, 39)
    assert not rig.send([0x26], last_bits=7, wait_us=0)
    start = rig.us
    rig.us = start + 60  # the seven bits are out after 66 us
    equal(rig.chip._read(0x04) & 0x41, 0x00)
    rig.us = start + 80
    equal(rig.chip._read(0x04) & 0x41, 0x40)
    rig.us = start + 1000
    equal(rig.chip._read(0x04) & 0x01, 0x00)
    rig.us = start + 1100
    equal(rig.chip._read(0x04) & 0x31, 0x01)  # TimerIRq, no RxIRq, no IdleIRq
    equal(rig.read(0x01) & 0x0F, 0x0C)  # Transceive goes on


def check_answer_in_its_time():
    rig = Rig().field_on()
    rig.write(0x2A, 0x80)
    rig.write(0x2B, 0xA9)
    rig.write(0x2D, 39)
    rig.field.present(UID4)
    rig.us += 6000
    rig.send([0x26], last_bits=7, wait_us=0)
    start = rig.us
    # 7 bits out, 91 us of frame delay, 16 bits and parities back: about 360 us.
    rig.us = start + 250
    equal(rig.chip._read(0x04) & 0x20, 0)
    equal(rig.chip._read(0x08) & 0x07, 6)  # receiving
    rig.us = start + 400
    equal(rig.chip._read(0x04) & 0x61, 0x60)
    equal(rig.fifo(), b"\x04\x00")
    equal((rig.read(0x0C) & 0x07, rig.read(0x06), rig.read(0x0E) & 0x20), (0, 0, 0x20))
    rig.us += 5000
    equal(rig.read(0x04) & 0x01, 0)  # the answer stopped the timer


def check_what_no_tag_answers():
    rig = Rig().field_on()
    rig.field.present(UID4)
    assert not rig.send([0x26], last_bits=7)  # still waking
    rig.us += 6000
    assert rig.send([0x26], last_bits=7)
    rig.field.remove()
    for change, restore in (
        ((0x15, 0x00), (0x15, 0x40)),  # no 100 % ASK
        ((0x12, 0x10), (0x12, 0x00)),  # 212 kBd out
        ((0x13, 0x10), (0x13, 0x00)),  # 212 kBd back
    ):
        rig.field.present(UID4)
        rig.us += 6000
        rig.write(*change)
        assert not rig.send([0x26], last_bits=7), change
        rig.write(*restore)
        rig.field.remove()
    rig.field.present(UID4)
    rig.us += 6000
    assert not rig.send([0x26])  # eight bits are no REQA
    rig.write(0x14, 0x80)
    frames = rig.field.frames
    assert not rig.send([0x26], last_bits=7)
    equal(rig.field.frames, frames)  # TxWaitRF: nothing is sent without a field
    rig.write(0x14, 0x83)
    assert not rig.send([0x26], last_bits=7, wait_us=3000)
    rig.us += 6000
    assert rig.send([0x26], last_bits=7)


def check_receiver_off():
    rig = Rig().field_on()
    rig.field.present(UID4)
    rig.us += 6000
    rig.write(0x04, 0x7F)
    rig.write(0x09, 0x26)
    rig.write(0x0D, 0x07)
    rig.write(0x01, 0x2C)
    rig.write(0x0D, 0x87)
    rig.us += 3000
    equal(rig.read(0x04) & 0x60, 0x40)


def check_crc_on_the_air():
    rig = Rig().field_on()
    rig.field.present(UID4)
    rig.us += 6000
    rig.send([0x26], last_bits=7)
    rig.send([0x93, 0x20])
    block = rig.fifo()
    equal(block, UID4 + bytes([0xDE ^ 0xAD ^ 0xBE ^ 0xEF]))
    rig.write(0x12, 0x80)
    rig.write(0x13, 0x80)
    assert rig.send(b"\x93\x70" + block)
    equal((rig.fifo(), rig.read(0x06)), (b"\x08", 0))  # SAK; its CRC was checked and taken off
    rig.write(0x14, 0x80)
    rig.field_on()
    rig.write(0x12, 0x00)
    assert rig.send([0x26], last_bits=7)
    equal(rig.read(0x06), 0x04)  # an ATQA has no CRC: CRCErr
    equal(rig.read(0x04) & 0x02, 0x02)
    rig.write(0x01, 0x00)
    equal(rig.read(0x06), 0)  # a new command clears the errors


def check_collision():
    rig = Rig().field_on()
    # UIDs that part at the 11th bit: 0x34 = ..110100, 0x30 = ..110000.
    rig.field.present(b"\x12\x34\x56\x78")
    rig.field.present(b"\x12\x30\x56\x78")
    rig.us += 6000
    assert rig.send([0x26], last_bits=7)  # equal ATQAs do not collide
    equal((rig.fifo(), rig.read(0x06)), (b"\x04\x00", 0))
    rig.write(0x0E, 0x80)
    assert rig.send([0x93, 0x20])
    equal((rig.read(0x06), rig.read(0x0E)), (0x08, 0x80 | 11))
    # ValuesAfterColl = 1: bits as received, a collided bit as 1; the check bytes collide as well.
    equal(rig.fifo()[:4], b"\x12\x34\x56\x78")
    rig.write(0x0E, 0x00)
    assert rig.send([0x93, 0x20])
    equal((rig.read(0x06), rig.read(0x0E)), (0x08, 11))
    equal(rig.fifo(), b"\x12\x00\x00\x00\x00")  # all from the collided bit on cleared
    # Eleven bits known, the last one set: only the first tag goes on, from bit 3 of byte 1.
    assert rig.send([0x93, 0x33, 0x12, 0x04], last_bits=3, align=3)
    equal(rig.read(0x06), 0)
    rest = rig.fifo()
    equal(len(rest), 4)
    # 0x34 without its three known bits, then the rest and the check byte 12 ^ 34 ^ 56 ^ 78.
    equal(rest, b"\x30\x56\x78\x08")


def check_collision_beyond_32_bits():
    rig = Rig().field_on()
    rig.field.present(b"\x01\x02\x03\x04")
    rig.field.present(b"\x01\x02\x03\x84")  # bit 32
    rig.us += 6000
    rig.send([0x26], last_bits=7)
    rig.send([0x93, 0x20])
    equal(rig.read(0x0E) & 0x3F, 0)  # 0 means the 32nd bit


def check_damaged_answer():
    rig = Rig().field_on()
    rig.field.present(UID4)
    rig.us += 6000
    rig.chip.noise = 1
    assert rig.send([0x26], last_bits=7)
    equal(rig.read(0x06), 0x02)
    rig.field.power(False)
    rig.field.power(True)
    rig.us += 6000
    assert rig.send([0x26], last_bits=7)
    equal(rig.read(0x06), 0)


def check_write_error():
    rig = Rig().field_on()
    rig.send([0x26], last_bits=7, wait_us=300)
    rig.write(0x09, 1)  # between the last bit sent and the last received
    equal(rig.read(0x06) & 0x80, 0x80)


def check_badge_pulled_out():
    rig = Rig().field_on()
    rig.field.present(UID4)
    rig.us += 6000
    rig.send([0x26], last_bits=7, wait_us=150)
    rig.field.remove(UID4)
    rig.us += 1000
    equal(rig.read(0x04) & 0x20, 0)
    rig.field.present(UID4)
    rig.us += 6000
    assert rig.send([0x26], last_bits=7)
    rig.us += 10
    rig.field.remove(UID4)  # after the answer: it stays in the FIFO
    equal(rig.fifo(), b"\x04\x00")


def check_transmit_then_receive():
    rig = Rig().field_on()
    rig.field.present(UID4)
    rig.us += 6000
    rig.write(0x04, 0x7F)
    rig.write(0x09, 0x26)
    rig.write(0x0D, 0x07)
    rig.write(0x01, 0x04)
    rig.us += 80
    equal(rig.read(0x04) & 0x50, 0x50)
    equal(rig.read(0x01) & 0x0F, 0)
    rig.write(0x01, 0x08)
    rig.us += 400
    equal(rig.read(0x04) & 0x20, 0x20)
    equal(rig.read(0x01) & 0x0F, 0)
    equal(rig.fifo(), b"\x04\x00")


def check_faults():
    rig = Rig()
    rig.chip.fault = "dead"
    equal((rig.read(0x37), rig.read(0x01)), (0x00, 0x00))
    rig.chip.fault = "stuck"
    equal((rig.read(0x37), rig.read(0x01)), (0xFF, 0xFF))
    rig.chip.fault = ""
    for version in (0x91, 0x12, 0x88, 0xB2):
        rig.chip.version = version
        rig.write(0x37, 0x55)
        equal(rig.read(0x37), version)
    rig.field_on()
    rig.write(0x2D, 9)
    rig.chip.brown_out()
    rig.us += 100
    equal((rig.read(0x14), rig.read(0x2D)), (0x80, 0))
    assert not rig.field.on


def check_soft_power_down():
    rig = Rig().field_on()
    rig.write(0x01, 0x17)  # PowerDown with NoCmdChange
    assert not rig.field.on
    rig.write(0x01, 0x00)
    assert rig.field.on
