"""The link's patience: back-off and radio, with time that only the checks move."""

from standins import GateSettings, equal

from firmware import mqtt_link
from firmware.mqtt_link import (
    BACKOFF_MAX_MS,
    FIRST_BACKOFF_MS,
    LEAVE_EVERY,
    RESTART_EVERY,
    MqttLink,
)


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
        self.left = 0
        self.restarts = 0

    def joined(self):
        return True

    def leave(self):
        self.left += 1

    def restart(self):
        self.restarts += 1


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
        link._answered = outcome != "unheard"
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
    waits, _radio = patience(["refused"] * 6 + ["greeted"] + ["refused"] * 3)
    assert waits[5] >= BACKOFF_MAX_MS
    for i in range(4):
        assert waits[6 + i] >= FIRST_BACKOFF_MS << i, waits
        assert waits[6 + i] < FIRST_BACKOFF_MS << (i + 1), waits


def check_the_radio_is_only_restarted_when_nobody_answers():
    _waits, radio = patience(["refused"] * 100)
    equal((radio.left, radio.restarts), (0, 0))
    _waits, radio = patience(["unheard"] * (2 * RESTART_EVERY))
    equal(radio.restarts, 2)
    equal(radio.left, 2 * RESTART_EVERY // LEAVE_EVERY - 2)
    _waits, radio = patience((["unheard"] * (LEAVE_EVERY - 1) + ["refused"]) * 5)
    equal((radio.left, radio.restarts), (0, 0))
