"""The link's patience: back-off, radio and watchdog, with time that only the checks move."""

import errno
import gc

from standins import GateSettings, equal

from firmware import mqtt_link
from firmware.connection import (
    TROUBLE_BROKEN,
    TROUBLE_CERTIFICATE,
    TROUBLE_CLOSED,
    TROUBLE_LOGIN,
    TROUBLE_MEMORY,
    TROUBLE_NAME,
    TROUBLE_NO_BROKER,
    TROUBLE_TLS,
    TROUBLE_UNHEARD,
    Connection,
    LinkError,
    Reserve,
)
from firmware.mqtt_link import BACKOFF_MAX_MS, FIRST_BACKOFF_MS, MqttLink
from firmware.recovery import GIVE_UP_MS, LEAVE_EVERY, RESTART_EVERY, RESTARTS, Recovery
from protocol.errors import MalformedError


class Enough(Exception):
    """As many waits as the check wants to see."""


class Waits:
    """In place of `asyncio`: no wait takes any time."""

    def __init__(self, limit):
        self.waits = []
        self._limit = limit

    async def sleep_ms(self, ms):
        self.waits.append(ms)
        if len(self.waits) == self._limit:
            raise Enough


class Radio:
    def __init__(self):
        self.moves = 0
        self.restarts = 0
        self.preferred = 0

    def joined(self):
        return True

    def move_on(self):
        self.moves += 1

    def restart(self):
        self.restarts += 1

    def prefer(self):
        self.preferred += 1


class Quiet:
    """An uplink that is never asked for anything."""

    def __init__(self):
        self.greeted = False

    def disconnected(self):
        self.greeted = False


def patience(sessions):
    """Runs as many sessions as there are outcomes: "unheard", "refused" or "greeted"."""
    outcomes = list(sessions)
    radio, uplink = Radio(), Quiet()
    link = MqttLink(GateSettings(), radio, uplink, lambda: 0)

    async def session():
        outcome = outcomes.pop(0)
        link._connection.answered = outcome != "unheard"
        uplink.greeted = outcome == "greeted"

    link._watched_session = session
    waits = Waits(len(outcomes))
    before = mqtt_link.asyncio
    mqtt_link.asyncio = waits
    running = link.run()
    try:
        running.send(None)
    except Enough:
        pass
    finally:
        mqtt_link.asyncio = before
    return waits.waits, radio


def check_the_wait_doubles_up_to_a_limit_with_some_chance():
    waits, _radio = patience(["refused"] * 9)
    wanted = FIRST_BACKOFF_MS
    for wait in waits:
        assert wanted <= wait <= wanted + wanted // 4, (wait, wanted)
        wanted = min(2 * wanted, BACKOFF_MAX_MS)
    equal(wanted, BACKOFF_MAX_MS)


def check_it_begins_anew_only_after_the_hub_answered():
    waits, radio = patience(["refused"] * 6 + ["greeted"] + ["refused"] * 3)
    assert waits[5] >= BACKOFF_MAX_MS
    for i in range(4):
        assert waits[6 + i] >= FIRST_BACKOFF_MS << i, waits
        assert waits[6 + i] < FIRST_BACKOFF_MS << (i + 1), waits
    equal(radio.preferred, 1)


def check_the_radio_is_only_restarted_when_nobody_answers():
    _waits, radio = patience(["refused"] * 100)
    equal((radio.moves, radio.restarts), (0, 0))
    _waits, radio = patience(["unheard"] * (2 * RESTART_EVERY))
    equal(radio.restarts, 2)
    equal(radio.moves, 2 * RESTART_EVERY // LEAVE_EVERY - 2)
    _waits, radio = patience((["unheard"] * (LEAVE_EVERY - 1) + ["refused"]) * 5)
    equal((radio.moves, radio.restarts), (0, 0))


class Site:
    """A gate without anybody to answer it: what `Recovery` did, and when."""

    def __init__(self):
        self.idle = True
        self.granted = True
        self.asked = 0
        self.radio = Radio()
        self.recovery = Recovery(self.radio, lambda: self.idle, self.give_up)

    def give_up(self):
        self.asked += 1
        return self.granted

    def unheard(self, times, now_ms=0):
        for _ in range(times):
            self.recovery.unheard(now_ms)


def check_a_radio_restart_waits_until_nobody_taps():
    site = Site()
    site.idle = False
    site.unheard(RESTART_EVERY + 3)
    equal(site.radio.restarts, 0)
    site.idle = True
    site.unheard(1)
    equal(site.radio.restarts, 1)
    site.idle = False
    site.unheard(RESTART_EVERY - 4)
    site.recovery.heard()
    site.idle = True
    site.unheard(1)
    equal(site.radio.restarts, 1)  # it was not needed any more


def check_the_watchdog_comes_last_and_seldom():
    site = Site()
    site.unheard(10 * RESTART_EVERY, GIVE_UP_MS - 1)
    equal(site.asked, 0)  # the gate has started less than that ago
    equal(site.radio.restarts, 10)
    site = Site()
    site.unheard(RESTARTS * RESTART_EVERY - 1, GIVE_UP_MS)
    equal(site.asked, 0)  # the radio was not started anew often enough
    site.granted = False
    site.unheard(3, GIVE_UP_MS)
    equal((site.asked, site.recovery.give_ups), (3, 0))  # a badge is being served: asked again
    site.granted = True
    site.unheard(50, GIVE_UP_MS + 1)
    equal((site.asked, site.recovery.give_ups), (4, 1))
    site.unheard(50, 2 * GIVE_UP_MS)
    equal(site.asked, 4)
    site.unheard(1, 2 * GIVE_UP_MS + 1)
    equal(site.recovery.give_ups, 2)
    site.recovery.heard()
    site.unheard(RESTART_EVERY, 9 * GIVE_UP_MS)
    equal(site.recovery.give_ups, 2)


def check_without_a_watchdog_nothing_is_asked():
    radio = Radio()
    recovery = Recovery(radio, lambda: True, None)
    for _ in range(5 * RESTART_EVERY):
        recovery.unheard(9 * GIVE_UP_MS)
    equal((radio.restarts, recovery.give_ups), (5, 0))


def _explained(stage, error, answered=False):
    connection = Connection(GateSettings(), Radio())
    connection.stage = stage
    connection.answered = answered
    return connection.explain(error), connection.answered


def check_every_error_has_its_reason_and_tells_whether_somebody_answered():
    refused = OSError(errno.ECONNREFUSED)
    reset = OSError(errno.ECONNRESET)
    unreachable = OSError(errno.EHOSTUNREACH)
    equal(_explained(TROUBLE_UNHEARD, refused), (TROUBLE_NO_BROKER, True))
    equal(_explained(TROUBLE_UNHEARD, unreachable), (TROUBLE_UNHEARD, False))
    equal(_explained(TROUBLE_UNHEARD, OSError()), (TROUBLE_UNHEARD, False))
    equal(_explained(TROUBLE_NAME, OSError("name")), (TROUBLE_NAME, False))
    equal(_explained(TROUBLE_NAME, ValueError("name")), (TROUBLE_NAME, True))
    equal(_explained(TROUBLE_TLS, ValueError("certificate"), True), (TROUBLE_CERTIFICATE, True))
    equal(_explained(TROUBLE_TLS, OSError(-0x7780), True), (TROUBLE_TLS, True))
    equal(_explained(TROUBLE_TLS, MemoryError(), True), (TROUBLE_MEMORY, True))
    equal(_explained(TROUBLE_BROKEN, reset, True), (TROUBLE_CLOSED, True))
    equal(_explained(TROUBLE_BROKEN, MalformedError("qos"), True), (TROUBLE_BROKEN, True))
    equal(_explained(TROUBLE_BROKEN, LinkError(TROUBLE_LOGIN), True), (TROUBLE_LOGIN, True))


def check_room_for_tls_is_kept_given_up_and_kept_again():
    reserve = Reserve(20_000)
    if hasattr(gc, "mem_alloc"):
        gc.collect()
        held = gc.mem_alloc()
        reserve.release()
        assert gc.mem_alloc() <= held - 20_000
        reserve.take()
        assert gc.mem_alloc() >= held
    reserve.release()
    reserve.release()
    reserve.take()
    reserve.take()


def check_room_that_is_gone_is_no_error():
    Reserve(1 << 40 if not hasattr(gc, "mem_free") else gc.mem_free() + 1).release()
