"""Cards over the register-level chip: real driver, real `machine` shim, real field timing."""

import asyncio
import time

from standins import equal

from firmware import cards, pins
from firmware.drivers.mfrc522 import Mfrc522, ReaderError
from simulator.board import registry
from simulator.board.assembly import Board
from simulator.board.pinout import read_pinout


def now_us():
    return time.ticks_us()


def nothing():
    """Nobody looks at the panel here."""


def bench():
    """A powered board and the driver on it."""
    registry.clear()
    here = __file__.rpartition("/")[0]
    board = Board(read_pinout(here + "/../../../hardware/pinout.toml"), now_us, nothing)
    reader = Mfrc522(
        pins.READER_SPI,
        pins.READER_SCK,
        pins.READER_MOSI,
        pins.READER_MISO,
        pins.READER_SS,
        pins.READER_RST,
    )
    asyncio.run(reader.begin())
    return board, reader


def poll(reader):
    reader.check()
    return asyncio.run(cards.poll(reader))


UIDS = ("deadbeef", "04a1b2c3d4e5f6", "0102030405060708090a", "08aabbcc")


def check_single_double_and_triple_uids():
    board, reader = bench()
    for text in UIDS:
        uid = bytes.fromhex(text)
        board.present(uid)
        for _ in range(3):  # the field was off in between, so it answers again
            equal(poll(reader), (cards.CARD, uid))
        board.remove()
        equal(poll(reader), (cards.NOTHING, b""))


def check_an_empty_field_is_left_quickly():
    board, reader = bench()
    before = board.reader.transactions
    for _ in range(10):
        equal(poll(reader), (cards.NOTHING, b""))
    per_poll = (board.reader.transactions - before) // 10
    assert per_poll <= 20, per_poll
    return "{} SPI transactions a poll".format(per_poll)


def check_two_cards_are_told_from_one():
    board, reader = bench()
    for first, second in (
        ("deadbeef", "deadbeee"),
        ("04a1b2c3d4e5f6", "04a1b2c3d4e5f7"),
        ("deadbeef", "04a1b2c3d4e5f6"),
        ("0102030405060708090a", "04a1b2c3d4e5f6"),
    ):
        board.present(bytes.fromhex(first))
        board.present(bytes.fromhex(second))
        equal(poll(reader), (cards.SEVERAL, b""))
        board.remove(bytes.fromhex(second))
        equal(poll(reader), (cards.CARD, bytes.fromhex(first)))
        board.remove()


def check_a_random_uid_names_nobody():
    assert cards.is_random(bytes.fromhex("08aabbcc"))
    assert not cards.is_random(bytes.fromhex("deadbeef"))
    assert not cards.is_random(bytes.fromhex("08a1b2c3d4e5f6"))


def check_noise_is_unclear_and_then_read_again():
    board, reader = bench()
    board.present(bytes.fromhex(UIDS[1]))
    verdicts = []
    for noisy in range(1, 6):
        board.reader.noise = noisy
        found, uid = poll(reader)
        verdicts.append(found)
        assert found != cards.CARD or uid == bytes.fromhex(UIDS[1]), "never a wrong UID"
        board.reader.noise = 0
    equal(poll(reader), (cards.CARD, bytes.fromhex(UIDS[1])))
    assert cards.UNCLEAR in verdicts, verdicts


class Flipping:
    """The reader, with one bit of the n-th answer flipped where no parity shows it."""

    def __init__(self, reader, answer, bit):
        self._reader = reader
        self._answers_left = answer
        self._bit = bit
        self.field = reader.field
        self.crc = reader.crc
        self.received = reader.received

    @property
    def length(self):
        return self._reader.length

    async def exchange(self, frame, last_bits=0):
        result = await self._reader.exchange(frame, last_bits)
        self._answers_left -= 1
        if not self._answers_left:
            self.received[self._bit >> 3] ^= 1 << (self._bit & 7)
        return result


def check_a_flipped_bit_never_makes_another_badge():
    board, reader = bench()
    uid = bytes.fromhex(UIDS[1])
    board.present(uid)
    refused = 0
    for answer, size in ((1, 2), (2, 5), (3, 3), (4, 5), (5, 3)):
        for bit in range(0, 8 * size, 3):
            found, read = asyncio.run(cards.poll(Flipping(reader, answer, bit)))
            assert found != cards.CARD or read == uid, (answer, bit)
            refused += found == cards.UNCLEAR
    assert refused > 30, refused


class Leaving:
    """The reader, from which the card is taken away in front of the n-th frame."""

    def __init__(self, board, reader, left_after):
        self._board = board
        self._reader = reader
        self._frames_left = left_after
        self.field = reader.field
        self.crc = reader.crc
        self.received = reader.received

    @property
    def length(self):
        return self._reader.length

    async def exchange(self, frame, last_bits=0):
        self._frames_left -= 1
        if not self._frames_left:
            self._board.remove()
        return await self._reader.exchange(frame, last_bits)


def check_a_card_that_leaves_in_the_middle():
    board, reader = bench()
    uid = bytes.fromhex(UIDS[2])
    for left_after in range(1, 8):
        board.present(uid)
        leaving = Leaving(board, reader, left_after)
        found = asyncio.run(cards.poll(leaving))[0]
        assert found in (cards.NOTHING, cards.UNCLEAR), (left_after, found)
        board.remove()


def check_clones_are_accepted_and_a_dead_bus_is_not():
    board, reader = bench()
    uid = bytes.fromhex(UIDS[0])
    board.present(uid)
    for version in (0x88, 0x91, 0x92, 0x12, 0xB2, 0x82):
        board.set_chip("version:%02x" % version)
        asyncio.run(reader.begin())
        equal(poll(reader), (cards.CARD, uid))
    for condition in ("dead", "stuck"):
        board.set_chip(condition)
        for act in (reader.check, lambda: asyncio.run(reader.begin())):
            try:
                act()
                raise AssertionError(condition)
            except ReaderError:
                pass
        board.set_chip("ok")
        asyncio.run(reader.begin())
        equal(poll(reader), (cards.CARD, uid))


def check_lost_registers_are_noticed_and_set_up_again():
    board, reader = bench()
    uid = bytes.fromhex(UIDS[0])
    board.present(uid)
    equal(poll(reader), (cards.CARD, uid))
    board.set_chip("reset")
    try:
        reader.check()
        raise AssertionError("not noticed")
    except ReaderError:
        asyncio.run(reader.begin())
    equal(poll(reader), (cards.CARD, uid))
