"""Looks after the gate between taps: contacts, idle picture, freed flash, memory, supply, watchdog.

| every | what |
| --- | --- |
| STEP_MS | buttons, lid, fire contact |
| SLOW_STEPS of these | idle picture; up to TIDY_STEPS small steps of cleaning in the journal |
| SUPPLY_MS | supply voltage: below the limit nothing is written and no tap is taken |
| COLLECT_MS | garbage collection |
| TEMPERATURE_MS | temperature |

The watchdog is fed here, and only while the tap path and the panel move (PART_MS). A gate whose tap
path hangs is started anew by the chip in less than a quarter of a minute; its outputs fall to their
resting state with it. A link that found no other cure asks for the same (`give_up`).
"""

import asyncio
import gc
import struct

from firmware.journal import JournalError
from firmware.panel import LINK_HUB, LINK_NONE, LINK_WIFI
from protocol import faults
from protocol.record import (
    CONTACT_DATA,
    DIRECTION_IN,
    DIRECTION_OUT,
    KIND_FIRE,
    KIND_TAMPER,
    REASON_NONE,
)

STEP_MS = 50
SLOW_STEPS = 5
TIDY_STEPS = 4
COLLECT_MS = 5000
COLLECT_BYTES = 16 * 1024
"""Garbage after which memory is collected anyway. Without a limit the first collection comes when
the heap is full; what is alive then lies scattered, and no piece of 4 KB is left (measured)."""
SUPPLY_MS = 1000
SUPPLY_BACK_MV = 150
"""So much above the limit the supply must come back: a sagging one would swing around it."""
TEMPERATURE_MS = 60000
IDLE_MS = 10000
"""Nobody has held up a badge for so long: the gate may do what stops it for a moment."""
UNTOLD_MAX = 8
"""Contacts that wait for a flash that fails; the oldest is given up for a newer one."""
PART_MS = 4000

PART_TAPS = 0
PART_PANEL = 1


class Beats:
    """When each part last said that it is alive.

    Args:
        now_ms: returns monotonic milliseconds.
    """

    def __init__(self, now_ms) -> None:
        self._now_ms = now_ms
        self._last = [now_ms()] * 2

    def beat(self, part: int) -> None:
        """Part PART_TAPS or PART_PANEL moves."""
        self._last[part] = self._now_ms()

    def all_well(self) -> bool:
        """Returns whether the watchdog may be fed."""
        now_ms = self._now_ms()
        last = self._last
        return now_ms - last[PART_TAPS] < PART_MS and now_ms - last[PART_PANEL] < PART_MS


class Care:
    """The gate's housekeeping.

    Args:
        settings: of this gate.
        clock, journal, roster, panel, taps, arm, today, health: parts of the gate.
        buttons, alarms: `contacts.Buttons` and `contacts.Alarms`.
        power: driver with supply_mv and temperature.
        radio: driver with joined, rssi and resets; None without Wi-Fi.
        beats: the `Beats`.
        feed: feeds the watchdog.
    """

    def __init__(
        self,
        settings,
        clock,
        journal,
        panel,
        taps,
        arm,
        today,
        health,
        buttons,
        alarms,
        power,
        radio,
        beats,
        feed,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._journal = journal
        self._panel = panel
        self._taps = taps
        self._arm = arm
        self._today = today
        self._health = health
        self._buttons = buttons
        self._alarms = alarms
        self._power = power
        self._radio = radio
        self._beats = beats
        self._feed = feed
        self._steps = 0
        self._collect_at = 0
        self._supply_at = 0
        self._temperature_at = 0
        self._lowest_mv = 0
        self._given_up = False
        self._untold = []  # (kind, tick, alarm) of contacts that are not kept yet

    def idle(self) -> bool:
        """Returns whether nobody has been at the gate for IDLE_MS."""
        busy_ms = self._taps.busy_ms
        return busy_ms < 0 or self._clock.now_ms() - busy_ms >= IDLE_MS

    def give_up(self) -> bool:
        """Lets the watchdog start the board anew; returns False while somebody is at the gate."""
        self._given_up = self.idle()
        return self._given_up

    async def run(self, uplink) -> None:
        """Works for ever.

        Args:
            uplink: the `Uplink`, for what is unsent and whether the hub answers.
        """
        if hasattr(gc, "threshold"):
            gc.threshold(COLLECT_BYTES)
        while True:
            await self.step(uplink)
            await asyncio.sleep_ms(STEP_MS)

    async def step(self, uplink) -> None:
        """One turn of `run`."""
        now_ms = self._clock.now_ms()
        if self._beats.all_well() and not self._given_up:
            self._feed()
        into, out = self._buttons.step()
        if into or out:
            self._taps.button(DIRECTION_IN if into else DIRECTION_OUT, now_ms)
        self._alarms.step()
        if self._untold and self._taps.writable:
            self._tell_contact()
        idle = self._panel.idle
        idle.tamper = self._alarms.lid_open
        idle.fire = self._arm.free = self._alarms.fire
        if now_ms >= self._supply_at:
            self._supply_at = now_ms + SUPPLY_MS
            self._look_at_supply()
        self._steps += 1
        if self._steps % SLOW_STEPS:
            return
        self._show(uplink, now_ms)
        self._today.step(self._clock.utc_at(now_ms) // 1000, now_ms)
        if self._taps.writable:
            await self._write(uplink, now_ms)
        if self._health.changed():
            uplink.health_due(now_ms)
        if now_ms >= self._collect_at:
            self._collect_at = now_ms + COLLECT_MS
            gc.collect()
        if self._radio is not None:
            self._health.rssi = self._radio.rssi()
            self._health.radio_resets = self._radio.resets
        if now_ms >= self._temperature_at:
            self._temperature_at = now_ms + TEMPERATURE_MS
            self._health.temperature = self._power.temperature()

    def contact(self, lid: bool, alarm: bool) -> None:
        """Keeps that the lid or the fire contact changed.

        Args:
            lid: the lid, else the fire contact.
            alarm: it opened, else it is closed again.
        """
        kind = KIND_TAMPER if lid else KIND_FIRE
        if len(self._untold) == UNTOLD_MAX:
            self._untold.pop(0)
        self._untold.append((kind, self._clock.now_ms(), 1 if alarm else 0))

    def _tell_contact(self) -> None:
        kind, at_ms, alarm = self._untold[0]
        data = struct.pack(CONTACT_DATA, alarm)
        try:
            self._journal.note(kind, REASON_NONE, self._clock, at_ms, data)
        except JournalError:
            return  # tried again at the next step; panel and health message show it meanwhile
        self._untold.pop(0)

    async def _write(self, uplink, now_ms: int) -> None:
        uplink.note_due(now_ms)
        self._health.messages_refused = uplink.refused
        for _ in range(TIDY_STEPS):
            if not self._journal.tidy(now_ms):
                break
            await asyncio.sleep_ms(0)
        self._health.tell()

    def _show(self, uplink, now_ms: int) -> None:
        idle = self._panel.idle
        idle.unsent = uplink.sender.unsent
        idle.utc_s = self._clock.utc_at(now_ms) // 1000
        idle.full = self._journal.full
        idle.nearly_full = self._journal.nearly_full
        if uplink.online(now_ms):
            idle.link = LINK_HUB
        else:
            joined = self._radio is None or self._radio.joined()
            idle.link = LINK_WIFI if joined else LINK_NONE

    def _look_at_supply(self) -> None:
        """A flash write that loses its supply in the middle is what tears: so none is begun."""
        millivolts = self._health.supply_mv = self._power.supply_mv()
        least = self._settings.supply_min_mv
        if not least:
            return
        if self._taps.writable:
            if millivolts < least:
                self._taps.writable = False
                self._lowest_mv = millivolts
                self._panel.idle.supply_low = True
        elif millivolts >= least + SUPPLY_BACK_MV:
            self._taps.writable = True
            self._panel.idle.supply_low = False
            self._health.fault(faults.SUPPLY_LOW, self._lowest_mv)
            self._health.fault(faults.SUPPLY_BACK, millivolts)
        else:
            self._lowest_mv = min(self._lowest_mv, millivolts)
