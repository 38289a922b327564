"""The panel: states differ in pattern, sound and text, and the idle picture tells the truth."""

from standins import Buzzer, Display, Lights, equal

from firmware import texts
from firmware.panel import (
    AMBER,
    GREEN,
    LINK_HUB,
    LINK_NONE,
    LINK_WIFI,
    OFF,
    RED,
    STEP_MS,
    Panel,
)

UTC_S = 1_795_450_000  # 17:06 in Brussels


def panel(direction=1, language="fr"):
    lights, buzzer, display = Lights(), Buzzer(), Display()
    face = Panel(lights, buzzer, display, "Chantier Été", language, direction)
    face.idle.utc_s = UTC_S
    face.idle.link = LINK_HUB
    return face, lights, buzzer, display


def play(face, start, duration):
    for now in range(start, start + duration, STEP_MS):
        face.step(now)


def check_ready_online():
    face, lights, buzzer, display = panel()
    play(face, 0, 8000)
    assert all(c[0] == 0 and c[2] == 0 and c[1] > 0 for c in lights.shown), "green only"
    assert len(set(lights.shown)) > 8, "it breathes"
    assert len(lights.shown) < 80, "the ring is not written at each step"
    equal(display.lines[0], "Chantier Ete")
    equal(display.lines[1], "17:06          >")
    equal(display.lines[3], "BADGEZ ICI")
    equal(display.lines[5], "A ENVOYER 0")
    equal(display.lines[6], "SERVEUR OK")
    equal(buzzer.tones, [])


def check_ready_offline_counts_what_waits():
    face, lights, _buzzer, display = panel()
    face.idle.link = LINK_WIFI
    face.idle.unsent = 12
    play(face, 1000, 4000)
    assert all(c[0] > c[1] > 0 or c[0] == 2 for c in lights.shown), lights.shown
    equal(display.lines[3], "OFFLINE - OK 12")
    equal(display.lines[6], "PAS DE SERVEUR")
    face.idle.link = LINK_NONE
    for unsent, line in ((999, "OFFLINE - OK 999"), (12345, "OFFLINE OK 12345")):
        face.idle.unsent = unsent
        face.step(0)
        equal(display.lines[3], line)
    equal(display.lines[6], "PAS DE WIFI")


def check_clock_unknown_is_amber_with_two_flashes():
    face, lights, _buzzer, display = panel()
    face.idle.utc_s = 0
    play(face, 10000, 1000)
    equal([c for c in lights.shown if c in (AMBER, OFF)][:4], [AMBER, OFF, AMBER, OFF])
    assert GREEN not in lights.shown
    assert all(c[0] for c in lights.shown if c != OFF), "never green without a clock"
    equal(display.lines[1], "HEURE ?        >")


def check_reader_down_and_full_alternate_and_say_whom_to_call():
    for full in (False, True):
        face, lights, _buzzer, display = panel()
        face.idle.reader_ok = full
        face.idle.full = full
        play(face, 0, 3000)
        equal(set(lights.shown), {RED, AMBER})
        assert len(lights.shown) >= 5
        equal(display.lines[3], "MEMOIRE PLEINE" if full else "LECTEUR EN PANNE")
        equal(display.lines[4], "APPELEZ")


def heard(event):
    face, lights, buzzer, display = panel()
    face.step(0)
    lights.shown.clear()
    face.show(event, "en", 1000)
    first = lights.shown[0], buzzer.tones[0]
    play(face, 1050, 4000)
    return first, lights.shown, [t for t in buzzer.tones if t], display


def check_ring_and_sound_come_at_once():
    for event, colour in ((texts.KEPT_IN, GREEN), (texts.UNKNOWN, RED), (texts.SEVERAL, AMBER)):
        first = heard(event)[0]
        equal(first[0], colour)
        assert first[1] > 0


def check_in_rises_and_out_falls():
    tones = heard(texts.KEPT_IN)[2]
    equal(len(tones), 2)
    assert tones[0] < tones[1]
    tones = heard(texts.KEPT_OUT)[2]
    equal(len(tones), 2)
    assert tones[0] > tones[1]


def check_refusals_differ_without_colour():
    _first, shown, tones, _display = heard(texts.UNKNOWN)
    equal(shown.count(RED), 3, "three flashes")
    equal(len(tones), 3)
    assert max(tones) < 300
    for event in (texts.BLOCKED, texts.EXPIRED):
        _first, shown, tones, _display = heard(event)
        equal(shown.count(RED), 1, "solid")
        equal(len(tones), 1)


def check_second_tap_is_one_short_click():
    _first, shown, tones, _display = heard(texts.REPEAT)
    equal(shown.count(GREEN), 1)
    equal(len(tones), 1)


def check_every_event_ends_in_the_idle_picture_and_silence():
    for event in range(texts.FULL + 1):
        face, lights, buzzer, display = panel(language="de")
        face.show(event, "de", 1000)
        equal(display.lines[2], texts.line(event, "de"))
        play(face, 1050, 5000)
        equal(display.lines[0], "Chantier Ete")
        assert buzzer.tones[-1] == 0, "silence in the end"
        assert lights.shown[-1] not in (RED, GREEN, AMBER)
