"""The SSD1306 model and the reading back of its texts."""

import framebuf
from rig import equal

from simulator.board.glass import read_lines
from simulator.board.ssd1306 import Ssd1306

# Horizontal addressing, whole window, upright, charge pump, on.
INIT = b"\x00\xae\x20\x00\x21\x00\x7f\x22\x00\x07\xa1\xc8\x8d\x14\xaf"


class Screen:
    def __init__(self, init=INIT):
        self.changes = 0
        self.display = Ssd1306(self.changed)
        self.buffer = bytearray(1024)
        self.canvas = framebuf.FrameBuffer(self.buffer, 128, 64, framebuf.MONO_VLSB)
        self.display.receive(init)

    def changed(self):
        self.changes += 1

    def show(self):
        self.display.receive(b"\x00\x21\x00\x7f\x22\x00\x07")
        self.display.receive(b"\x40" + self.buffer)
        return self.display.visible()

    def lines(self):
        return read_lines(self.show())


def check_ram_is_shown():
    screen = Screen()
    screen.canvas.line(0, 0, 127, 63, 1)
    equal(screen.show(), bytes(screen.buffer))
    assert screen.changes >= 3


def check_dark_without_power():
    for init in (INIT.replace(b"\xaf", b"\xae"), INIT.replace(b"\x8d\x14", b"\x8d\x10")):
        screen = Screen(init)
        screen.canvas.fill(1)
        equal(screen.show(), bytes(1024))


def check_mirrored_and_inverted():
    screen = Screen(INIT.replace(b"\xa1\xc8", b"\xa0\xc0"))
    screen.canvas.pixel(0, 0, 1)
    shown = screen.show()
    equal((shown[1023], sum(shown)), (0x80, 0x80))
    screen.display.receive(b"\x00\xa7")
    equal(screen.display.visible()[0], 0xFF)


def check_windows_and_modes():
    display = Screen().display
    display.receive(b"\x00\x21\x0a\x0b\x22\x02\x03")
    display.receive(b"\x40\x01\x02\x03\x04\x05")  # wraps inside the window
    equal([display.ram[2 * 128 + 10], display.ram[2 * 128 + 11]], [5, 2])
    equal([display.ram[3 * 128 + 10], display.ram[3 * 128 + 11]], [3, 4])
    display.receive(b"\x80\x20\x80\x02\x80\xb5\x80\x04\x80\x11\x40\x77\x78")  # page mode
    equal([display.ram[5 * 128 + 20], display.ram[5 * 128 + 21]], [0x77, 0x78])
    display.receive(b"\x00\x20\x01\x21\x00\x01\x22\x00\x01")  # vertical
    display.receive(b"\x40\x0a\x0b\x0c")
    equal([display.ram[0], display.ram[128], display.ram[1]], [0x0A, 0x0B, 0x0C])


def check_texts_are_read_back():
    screen = Screen()
    screen.canvas.text("Tap your badge", 0, 0)
    screen.canvas.text("10:42", 44, 16)  # centred: not on a multiple of 8
    screen.canvas.text("~!(unsent: 0)", 3, 56)
    equal(screen.lines(), ["Tap your badge", "10:42", "~!(unsent: 0)"])
    screen.canvas.fill(0)
    equal(screen.lines(), [])
    screen.canvas.hline(0, 30, 128, 1)
    screen.canvas.text("a", 0, 40)
    equal(screen.lines(), ["a"])


def check_texts_between_the_pages_are_read_back():
    screen = Screen()
    for i in range(5):
        screen.canvas.text("Line %d of 5" % (i + 1), 4 * i, 2 + 13 * i)
    equal(screen.lines(), ["Line %d of 5" % (i + 1) for i in range(5)])
    screen.canvas.hline(0, 53, 128, 1)  # a mark on the letters of the last line
    equal(len(screen.lines()), 5)
    screen.canvas.fill_rect(0, 0, 128, 26, 0)
    screen.canvas.ellipse(64, 12, 11, 11, 1, True)
    screen.canvas.line(20, 0, 44, 23, 1)
    equal(screen.lines(), ["Line 3 of 5", "Line 4 of 5", "Line 5 of 5"])


def check_every_letter_of_the_font_is_another():
    screen = Screen()
    for first in range(33, 127, 16):
        letters = "".join([chr(code) for code in range(first, min(127, first + 16))])
        screen.canvas.fill(0)
        screen.canvas.text(letters, 0, 28)
        equal(screen.lines(), [letters])


def check_ellipses():
    screen = Screen()
    screen.canvas.ellipse(64, 32, 20, 10, 1)
    for x, y in ((44, 32), (84, 32), (64, 22), (64, 42)):
        equal(screen.canvas.pixel(x, y), 1)
    for x, y in ((64, 32), (43, 32), (85, 32), (64, 21), (64, 43), (46, 24)):
        equal(screen.canvas.pixel(x, y), 0)
    screen.canvas.ellipse(64, 32, 20, 10, 1, True)
    equal(screen.canvas.pixel(64, 32), 1)
    area = sum([bin(column).count("1") for column in screen.buffer])
    assert 600 < area < 720, area


def check_double_size():
    small = bytearray(48)
    letters = framebuf.FrameBuffer(small, 48, 8, framebuf.MONO_VLSB)
    letters.text("Yes 42", 0, 0)
    screen = Screen()
    for x in range(48):
        for y in range(8):
            if letters.pixel(x, y):
                screen.canvas.fill_rect(10 + 2 * x, 16 + 2 * y, 2, 2, 1)
    screen.canvas.text("below", 0, 48)
    equal(screen.lines(), ["Yes 42", "below"])
