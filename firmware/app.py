"""Puts the gate together: the only place where parts meet drivers.

| task | does | waits for |
| --- | --- | --- |
| taps | reader, decision, record, answer | the reader, 60 ms a poll |
| panel | ring, sound, display | 50 ms a step |
| link | Wi-Fi, broker, hub | sockets |
| health | idle picture, cleaning, memory | 250 ms a step |

A task that ends by an error it did not expect is noted in the journal and started again; the others
go on.
"""

import asyncio
import sys
import time

from firmware import faults, files, pins, texts
from firmware.clock import Clock
from firmware.drivers import rtc
from firmware.drivers.buzzer import Buzzer
from firmware.drivers.lights import Lights
from firmware.drivers.mfrc522 import Mfrc522, ReaderError
from firmware.drivers.oled import Oled
from firmware.drivers.turnstile import Turnstile
from firmware.drivers.wifi import Wifi
from firmware.health import Health
from firmware.journal import Journal, JournalError
from firmware.mqtt_link import MqttLink
from firmware.panel import Panel
from firmware.roster import Roster
from firmware.roster_intake import RosterIntake
from firmware.settings import SettingsError, load
from firmware.taps import TapPath
from firmware.uplink import Uplink
from protocol.record import DIRECTION_NONE

ARM_MS = 3000
RETRY_MS = 5000


async def run(root: str = "/") -> None:
    """Runs the gate for ever.

    Args:
        root: folder of the flash; settings.json lies there.
    """
    lights = Lights(pins.RING, pins.RING_PIXELS)
    buzzer = Buzzer(pins.BUZZER)
    display = Oled(pins.I2C, pins.I2C_SDA, pins.I2C_SCL, pins.OLED_ADDRESS)
    turnstile = Turnstile(pins.RELAY, ARM_MS)
    settings = await _settings(root, Panel(lights, buzzer, display, "", "en", DIRECTION_NONE))
    panel = Panel(lights, buzzer, display, settings.site, settings.language, settings.direction)
    panel.notice(texts.STARTING)
    journal, clock = await _journal(root, panel)
    roster = Roster(root)
    intake = RosterIntake(roster)
    wifi = Wifi(settings.ssid, settings.wifi_password)
    health = Health(clock, journal, roster, panel, wifi)
    uplink = Uplink(settings, clock, journal, roster, intake, health.report, rtc.set_utc)
    uplink.note_roster(clock.now_ms())
    wifi.switch_on()
    reader = Mfrc522(
        pins.READER_SPI,
        pins.READER_SCK,
        pins.READER_MOSI,
        pins.READER_MISO,
        pins.READER_SS,
        pins.READER_RST,
    )
    taps = TapPath(settings, reader, ReaderError, clock, journal, roster, panel, turnstile)
    link = MqttLink(settings, wifi, uplink, clock.now_ms)

    async def show() -> None:
        await panel.run(clock.now_ms)

    async def look_after() -> None:
        await health.run(uplink)

    await asyncio.gather(
        _for_ever(1, taps.run, health),
        _for_ever(2, show, health),
        _for_ever(3, link.run, health),
        _for_ever(4, look_after, health),
    )


async def _settings(root: str, panel: Panel):
    """Returns the settings; without them the gate can only say so, until somebody brings them."""
    while True:
        try:
            return load(root)
        except SettingsError as error:
            print("settings:", error.code)
            panel.notice(texts.NO_SETTINGS)
        await asyncio.sleep_ms(RETRY_MS)


async def _journal(root: str, panel: Panel) -> tuple:
    """Returns (journal, clock) with the first records of this start kept."""
    while True:
        try:
            journal = Journal(files.join(root, "journal"))
            clock = Clock(journal.boot, time.ticks_ms, time.ticks_diff)
            clock.not_before_s = journal.newest_utc_s
            break
        except JournalError as error:
            print("journal:", error.code)
            panel.notice(texts.FULL)
        await asyncio.sleep_ms(RETRY_MS)
    try:
        journal.start(clock)
    except JournalError as error:
        # A full journal still has to be sent; taps are refused until there is room.
        print("journal:", error.code)
    return journal, clock


async def _for_ever(number: int, task, health: Health) -> None:
    while True:
        try:
            await task()
        except Exception as error:  # noqa: BLE001 (one broken task must not take the gate along)
            health.restarts += 1
            if hasattr(sys, "print_exception"):
                sys.print_exception(error)
            else:
                print("task", number, type(error).__name__)
            health.fault(faults.TASK, number)
        await asyncio.sleep_ms(1000)
