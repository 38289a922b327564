"""A stand-in for the firmware, for tests of the board only: reads, keeps and shows badges."""

# ruff: noqa: ASYNC230  (there is no other way to write to flash)

import asyncio
import time

import framebuf
import machine
import neopixel
import network
from reader import Reader


class Screen:
    def __init__(self, i2c):
        self._i2c = i2c
        self._buffer = bytearray(1025)
        self._buffer[0] = 0x40
        pixels = memoryview(self._buffer)[1:]
        self._canvas = framebuf.FrameBuffer(pixels, 128, 64, framebuf.MONO_VLSB)
        i2c.writeto(0x3C, b"\x00\xae\x20\x00\x21\x00\x7f\x22\x00\x07\xa1\xc8\x8d\x14\xaf")

    def show(self, *lines):
        self._canvas.fill(0)
        for i in range(len(lines)):
            self._canvas.text(lines[i], 0, 16 * i)
        self._i2c.writeto(0x3C, b"\x00\x21\x00\x7f\x22\x00\x07")
        self._i2c.writeto(0x3C, self._buffer)


async def run(root):
    print("stand-in firmware up, reset cause", machine.reset_cause())
    screen = Screen(machine.I2C(0, scl=machine.Pin(5), sda=machine.Pin(4)))
    ring = neopixel.NeoPixel(machine.Pin(11), 12)
    buzzer = machine.PWM(machine.Pin(10))
    relay = machine.Pin(14, machine.Pin.OUT, value=0)
    spi = machine.SPI(0, 4_000_000)
    reader = Reader(spi, machine.Pin(17), machine.Pin(20))
    tamper = machine.Pin(13, machine.Pin.IN, machine.Pin.PULL_UP)
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    wlan.connect("site", "secret")
    version = reader.start()
    try:
        with open(root + "/taps") as file:
            count = len(file.readlines())
    except OSError:
        count = 0
    shown = None
    while True:
        uid = reader.uid()
        if uid is not None:
            reader.halt()
            count += 1
            with open(root + "/taps", "a") as file:
                file.write(uid.hex() + "\n")
            ring.fill((0, 60, 0))
            ring.write()
            relay.on()
            buzzer.freq(880)
            buzzer.duty_u16(32768)
            screen.show("uid", uid.hex())
            await asyncio.sleep_ms(40)
            buzzer.duty_u16(0)
            await asyncio.sleep_ms(60)
            relay.off()
            ring.fill((0, 0, 0))
            ring.write()
            shown = None
            if uid == b"\xff\xff\xff\xff":
                machine.reset()
            if uid == b"\xee\xee\xee\xee":
                machine.WDT(timeout=50)
            if uid == b"\xdd\xdd\xdd\xdd":
                raise ValueError("stand-in asked to fail")
        if version in (0x00, 0xFF) or reader.read(0x14) != 0x83:
            version = reader.start()
        idle = (
            "ready {}".format(count),
            "wifi" if wlan.isconnected() else "no wifi",
            "lid open" if tamper() else "chip {:02x}".format(version),
            "{} {}".format(machine.RTC().datetime()[0], time.time() // 86400),
        )
        if idle != shown:
            shown = idle
            screen.show(*idle)
        await asyncio.sleep_ms(20)
