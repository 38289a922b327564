"""Puts the gate together: the only place where parts meet drivers.

| task | does | waits for |
| --- | --- | --- |
| taps | reader, decision, record, answer, arm | the reader, 50 ms a poll |
| panel | ring, sound, display | 50 ms a step |
| link | Wi-Fi or USB cable, broker, hub | sockets; 20 ms a look at the cable |
| care | contacts, cleaning, memory, supply, watchdog | 50 ms a step |
| roster | a new roster into flash, slice by slice | 10 ms a slice |
| upkeep | new firmware, its trial, the first minute survived | 200 ms a step |

In safe mode the tap path rests: the gate is there for its hub, to be emptied and repaired.

A task that ends by an error it did not expect is noted in the journal and started again; the others
go on.
"""

import asyncio
import gc
import sys

from firmware import VERSION, links, pins, texts
from firmware.arm import Arm
from firmware.beginning import keep_start, open_journal, settings_of, start_clock
from firmware.care import COLLECT_BYTES, PART_PANEL, PART_TAPS, Beats, Care
from firmware.clock import brussels_day
from firmware.contacts import Alarms, Buttons, Steady
from firmware.crash_log import CrashLog
from firmware.directions import Directions
from firmware.drivers import chip, rtc
from firmware.drivers.buzzer import Buzzer
from firmware.drivers.contacts import Contact
from firmware.drivers.ds3231 import ClockChipError, Ds3231
from firmware.drivers.lights import Lights
from firmware.drivers.mfrc522 import Mfrc522, ReaderError
from firmware.drivers.oled import Oled
from firmware.drivers.power import Power
from firmware.drivers.turnstile import Turnstile
from firmware.drivers.wifi import Wifi
from firmware.health import Health
from firmware.journal import JournalError
from firmware.panel import Panel
from firmware.roster import Roster
from firmware.roster_intake import RosterIntake
from firmware.settings import LINK_SERIAL, OPTIONS
from firmware.taps import TapPath
from firmware.today import Today
from firmware.upkeep import Upkeep
from firmware.uplink import Uplink
from protocol import faults
from protocol.record import DIRECTION_NONE, KIND_PASSAGE, REASON_NONE


class Gate:
    """Everything of one gate, made from the inside out; `run` brings it to life.

    Args:
        settings: of this gate.
        root: folder of the flash.
        panel: already alive, since it speaks before there are settings.
        journal, clock: of this start, whose first records are kept.
        clock_chip: driver of the clock chip.
        clock_fault: why its time was not taken, a constant of `faults`; 0 when it was.
        start: what the boot loader says (`firmware.loader.choose`), None without one.
    """

    def __init__(
        self, settings, root: str, panel: Panel, journal, clock, clock_chip, clock_fault: int, start
    ) -> None:
        self._settings = settings
        self._start = start
        self._root = root
        self._panel = panel
        self._relay = Turnstile(pins.RELAY, pins.PASSAGE)
        self._journal = journal
        self._clock = clock
        self._clock_chip = clock_chip
        self._clock_fault = clock_fault
        # Before anything that stays: a piece so large is not found later.
        self._reserve = links.reserve(settings)
        self._wifi = None if settings.link == LINK_SERIAL else Wifi(settings.networks)

    async def run(self) -> None:
        """Runs the gate for ever."""
        settings = self._settings
        panel = self._panel
        journal, clock = self._journal, self._clock
        start = self._start
        if start:
            start["boot"] = journal.boot  # names the log of an error that ends this start
        self._crash_log = CrashLog(self._root, journal.boot)
        roster = Roster(self._root)
        health = self._health = Health(clock, journal, roster, panel)
        health.reset_cause = start["reset"] if start else chip.reset_cause(False)
        self._tell_start()
        today = Today(settings.passback_reset_h, brussels_day)
        directions = Directions(settings.direction, today)
        arm = Arm(self._relay, settings, self._passage, self._forced)
        reader = Mfrc522(
            pins.READER_SPI,
            pins.READER_SCK,
            pins.READER_MOSI,
            pins.READER_MISO,
            pins.READER_SS,
            pins.READER_RST,
        )
        taps = self._taps = TapPath(
            settings,
            reader,
            ReaderError,
            clock,
            journal,
            roster,
            today,
            directions,
            panel,
            arm,
        )
        health.watch_taps(taps)
        intake = RosterIntake(roster)
        health.watch_intake(intake)
        uplink = Uplink(
            settings, clock, journal, roster, intake, health.report, self._set_calendar, taps
        )
        uplink.note_roster(clock.now_ms())
        if self._wifi is not None:
            self._wifi.switch_on()
        self._beats = Beats(clock.now_ms)
        alarms = Alarms(Steady(Contact(pins.TAMPER), True), Steady(Contact(pins.FIRE), True))
        care = Care(
            settings,
            clock,
            journal,
            panel,
            taps,
            arm,
            today,
            health,
            Buttons(
                Steady(Contact(pins.BUTTON_IN), False), Steady(Contact(pins.BUTTON_OUT), False)
            ),
            alarms,
            Power(pins),
            self._wifi,
            self._beats,
            chip.Watchdog().feed,
        )
        alarms.keep = care.contact
        intake.writable = lambda: taps.writable
        intake.idle = care.idle
        upkeep = Upkeep(
            self._root, start, clock, journal, roster, taps, uplink, health, panel, care.idle,
            chip.restart,
        )  # fmt: skip
        uplink.speak_for(upkeep.update, self._crash_log)
        link = links.fitted(
            settings,
            self._wifi,
            uplink,
            clock.now_ms,
            care.idle,
            care.give_up,
            _prompt,
            self._reserve,
        )
        if start:
            start["imported"]()

        await asyncio.gather(
            self._for_ever(
                1, self._rest if upkeep.safe_mode else lambda: taps.run(self._beat_taps)
            ),
            self._for_ever(2, lambda: panel.run(self._beat_panel)),
            self._for_ever(3, link.run),
            self._for_ever(4, lambda: care.run(uplink)),
            self._for_ever(5, lambda: intake.run(clock.now_ms)),
            self._for_ever(6, upkeep.run),
        )

    def _tell_start(self) -> None:
        """What is doubtful about this start becomes records."""
        health = self._health
        if self._clock_fault:
            health.clock_chip = self._clock_fault != faults.CLOCK_MISSING
            health.fault(self._clock_fault, 0)
        for name in self._settings.doubtful:
            health.fault(faults.SETTINGS, OPTIONS.index(name))

    # --- what the parts call ---------------------------------------------------------------------

    async def _rest(self) -> None:
        """What the tap path does in safe mode: nothing, and the watchdog may know."""
        while True:
            self._beat_taps()
            await asyncio.sleep_ms(500)

    def _beat_taps(self) -> None:
        self._beats.beat(PART_TAPS)

    def _beat_panel(self) -> int:
        self._beats.beat(PART_PANEL)
        return self._clock.now_ms()

    def _passage(self, data: bytes, direction: int, now_ms: int) -> None:
        try:
            self._journal.append(
                KIND_PASSAGE, direction, DIRECTION_NONE, REASON_NONE, self._clock, now_ms, data
            )
        except JournalError as error:
            print("passage:", error.code)

    def _forced(self, now_ms: int) -> None:
        self._panel.show(texts.FORCED, self._settings.language, now_ms)

    def _set_calendar(self, utc_s: int) -> None:
        """The hub has told the time: the chip's calendar and the clock chip show it too."""
        rtc.set_utc(utc_s)
        try:
            self._clock_chip.set_utc(utc_s)
            self._health.clock_chip = True
        except ClockChipError:
            self._health.clock_chip = False

    async def _for_ever(self, number: int, task) -> None:
        while True:
            try:
                await task()
            except Exception as error:  # noqa: BLE001 (one broken task must not take the gate along)
                self._health.restarts += 1
                if hasattr(sys, "print_exception"):
                    sys.print_exception(error)
                else:
                    print("task", number, type(error).__name__)
                self._crash_log.note(VERSION + " task " + str(number), error)
                self._health.fault(faults.TASK, number)
            await asyncio.sleep_ms(1000)


async def run(root: str = "/", start=None) -> None:
    """Runs the gate for ever.

    Args:
        root: folder of the flash; settings.json lies there.
        start: see `Gate`.
    """
    # Before anything is made: what is made now stays, and must not lie scattered among garbage.
    gc.collect()
    if hasattr(gc, "threshold"):
        gc.threshold(COLLECT_BYTES)
    lights = Lights(pins.RING, pins.RING_PIXELS)
    buzzer = Buzzer(pins.BUZZER)
    display = Oled(pins.I2C, pins.I2C_SDA, pins.I2C_SCL, pins.OLED_ADDRESS)
    plain = Panel(lights, buzzer, display, "", "en", DIRECTION_NONE)
    journal, clock = await open_journal(root, plain)
    clock_chip = Ds3231(display.bus, pins.RTC_ADDRESS)
    clock_fault = start_clock(clock, clock_chip, journal.created)
    keep_start(journal, clock)
    settings = await settings_of(root, plain, journal, clock)
    buzzer.level = settings.sound
    panel = Panel(
        lights,
        buzzer,
        display,
        settings.site,
        texts.spoken(settings.language, "en"),
        settings.direction,
    )
    panel.notice(texts.STARTING)
    gate = Gate(settings, root, panel, journal, clock, clock_chip, clock_fault, start)
    await gate.run()


def _prompt() -> None:
    """Somebody at the cable wants the prompt: ends the firmware as Ctrl-C does, see `prompt`."""
    raise KeyboardInterrupt
