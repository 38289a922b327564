"""Which of two links carries, with time that only the checks move."""

from standins import equal

from firmware import carriers
from firmware.carriers import AWAY_MAX_MS, AWAY_MS, Links, SpareWifi
from firmware.uplink import SILENCE_MS


class Uplink:
    """Notes what it is told; the hub answers while `answers`."""

    def __init__(self):
        self.told = []
        self.greeted = False
        self.answers = True
        self.work = None

    def connected(self, now_ms):
        self.told.append("connected")
        self.greeted = self.answers

    def disconnected(self):
        self.told.append("disconnected")
        self.greeted = False

    def online(self, now_ms):
        return self.answers

    def next(self, now_ms):
        return "control", b"message"

    def received(self, leaf, payload, now_ms):
        self.told.append(leaf)


class Radio:
    def __init__(self):
        self.resets = 0
        self.left = 0

    def restart(self):
        self.resets += 1

    def leave(self):
        self.left += 1

    def joined(self):
        return True


class Rig:
    """Two links by hand; `cable` and `radio` are their carriers."""

    def __init__(self):
        self.now_ms = 0
        self.uplink = Uplink()
        self.links = Links(self.uplink, lambda: self.now_ms)
        self.cable, self.radio = self.links.carriers

    def carrying(self):
        return {None: None, self.cable: "cable", self.radio: "radio"}[self.links.carrying]

    def wait(self, ms):
        """Lets time pass as `run` would see it."""
        until = self.now_ms + ms
        while self.now_ms < until:
            self.now_ms += carriers.WATCH_MS
            self.links._watch(self.now_ms)


def check_the_cable_comes_first_and_each_change_begins_anew():
    rig = Rig()
    rig.radio.connected(0)
    equal((rig.carrying(), rig.uplink.told), ("radio", ["connected"]))
    rig.cable.connected(0)
    equal(rig.carrying(), "cable")
    equal(rig.uplink.told[1:], ["disconnected", "connected"])
    rig.cable.disconnected()
    equal(rig.carrying(), "radio")
    equal(rig.uplink.told[3:], ["disconnected", "connected"])
    rig.radio.disconnected()
    equal((rig.carrying(), rig.uplink.told[5:]), (None, ["disconnected"]))
    rig.radio.disconnected()
    equal(len(rig.uplink.told), 6)


def check_only_the_one_that_carries_sends_hears_and_is_woken():
    rig = Rig()
    rig.radio.connected(0)
    rig.cable.connected(0)
    equal(rig.radio.next(0), None)
    equal(rig.cable.next(0), ("control", b"message"))
    count = len(rig.uplink.told)
    rig.radio.received("roster", b"", 0)
    equal(len(rig.uplink.told), count)
    rig.cable.received("roster", b"", 0)
    equal(rig.uplink.told[count:], ["roster"])
    rig.radio.work.clear()
    rig.cable.work.clear()
    rig.uplink.work.set()
    equal((rig.cable.work.is_set(), rig.radio.work.is_set()), (True, False))
    equal((rig.cable.greeted, rig.radio.greeted), (True, False))


def check_a_spare_link_that_goes_changes_nothing():
    rig = Rig()
    rig.cable.connected(0)
    rig.radio.connected(0)
    count = len(rig.uplink.told)
    rig.radio.disconnected()
    equal((rig.carrying(), len(rig.uplink.told)), ("cable", count))


def check_a_link_over_which_the_hub_is_silent_stands_back_longer_each_time():
    rig = Rig()
    rig.uplink.answers = False
    rig.cable.connected(0)
    rig.wait(2 * SILENCE_MS)
    equal(rig.carrying(), "cable")  # there is no other
    rig.radio.connected(rig.now_ms)
    rig.wait(SILENCE_MS)
    equal(rig.carrying(), "radio")
    rig.uplink.answers = True
    rig.uplink.greeted = True
    longest = 0
    for _ in range(8):
        waited = 0
        while rig.carrying() == "radio":
            rig.wait(carriers.WATCH_MS)
            waited += carriers.WATCH_MS
            assert waited <= AWAY_MAX_MS + 1000
        longest = max(longest, waited)
        rig.uplink.answers = rig.uplink.greeted = False
        rig.wait(SILENCE_MS + 2 * carriers.WATCH_MS)
        equal(rig.carrying(), "radio")
        rig.uplink.answers = rig.uplink.greeted = True
    assert longest > AWAY_MAX_MS - 1000, longest


def check_one_that_works_again_is_trusted_again():
    rig = Rig()
    rig.uplink.answers = False
    rig.radio.connected(0)
    rig.cable.connected(0)
    rig.wait(SILENCE_MS + 500)
    equal(rig.carrying(), "radio")
    assert rig.cable.away_ms > AWAY_MS
    rig.uplink.answers = True
    rig.wait(AWAY_MS + 500)
    equal((rig.carrying(), rig.cable.away_ms), ("cable", AWAY_MS))


def check_two_silent_links_take_turns():
    rig = Rig()
    rig.uplink.answers = False
    rig.radio.connected(0)
    rig.cable.connected(0)
    seen = set()
    for _ in range(20):
        rig.wait(SILENCE_MS)
        seen.add(rig.carrying())
    equal(sorted(seen), ["cable", "radio"])
    assert rig.links.changes < 30


def check_the_radio_is_not_started_anew_while_the_cable_carries():
    rig = Rig()
    radio = Radio()
    spare = SpareWifi(radio, rig.links)
    assert spare.joined()
    rig.cable.connected(0)
    spare.restart()
    equal((radio.resets, radio.left), (0, 1))
    rig.cable.disconnected()
    spare.restart()
    equal((radio.resets, spare.resets), (1, 1))
