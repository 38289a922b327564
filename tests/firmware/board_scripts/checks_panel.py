"""The panel: what differs in meaning differs in colour, pattern and sound; idle tells the truth."""

import gc

from standins import Buzzer, Display, Lights, equal

from firmware import icons, panel, signals, texts
from firmware.panel import LINK_HUB, LINK_NONE, LINK_WIFI, STEP_MS, TEXT_MS, Panel
from firmware.signals import ALL, AMBER, BLUE, GREEN, OFF, RED, WHITE

UTC_S = 1_795_450_000  # 17:06 in Brussels
SITE = "Chantier Été"

# Events that mean the same to the worker: only text and picture say which of them it is.
FAMILIES = (
    (texts.UNKNOWN, texts.UNREADABLE),  # nobody knows this badge: go and see the office
    (texts.BLOCKED, texts.EXPIRED, texts.NOT_YET),  # it may not come in today
    (texts.FULL, texts.NO_ROSTER),  # the gate itself does not work: call
)


class Ring(Lights):
    """Remembers all of each painting."""

    def __init__(self):
        super().__init__()
        self.frames = []

    def paint(self, lamps, colour, others):
        super().paint(lamps, colour, others)
        self.frames.append((lamps, colour, others))


def face_of(direction=1, language="fr"):
    lights, buzzer, display = Ring(), Buzzer(), Display()
    face = Panel(lights, buzzer, display, SITE, language, direction)
    face.idle.utc_s = UTC_S
    face.idle.link = LINK_HUB
    return face, lights, buzzer, display


def play(face, start, duration):
    for now in range(start, start + duration, STEP_MS):
        face.step(now)


def ticks(face, lights, start, duration):
    """What the ring shows at each step."""
    seen = []
    for now in range(start, start + duration, STEP_MS):
        face.step(now)
        seen.append(lights.frames[-1])
    return seen


class Shown:
    """All that is to be seen and heard of one event, at a gate that is well."""

    def __init__(self, event, language="en"):
        face, lights, buzzer, self.display = face_of()
        face.step(0)
        lights.frames.clear()
        buzzer.tones.clear()
        face.show(event, language, 1000)
        self.first = lights.frames[0], buzzer.tones[0]
        self.frames = [lights.frames[0]] + ticks(face, lights, 1050, 1950)
        ring_ms = signals.EVENTS[event][3]
        self.own = self.frames[: ring_ms // STEP_MS]
        self.colours = set()
        for lamps, colour, others in self.own:
            if lamps:
                self.colours.add(colour)
            if lamps != ALL and max(others) > 100:
                self.colours.add(others)
        self.lamps = [frame[0] for frame in self.own[:20]]
        self.lamps += [0] * (20 - len(self.lamps))
        play(face, 3000, 12000)
        self.tones = [tone for tone in buzzer.tones if tone]

    def sound(self):
        """How a person would tell it: how many tones, how high, up or down."""
        mean = sum(self.tones) // len(self.tones)
        height = "low" if mean < 350 else "mid" if mean < 800 else "high"
        way = ""
        for before, after in zip(self.tones, self.tones[1:]):
            way += "+" if after > before else "-" if after < before else "="
        return len(self.tones), height, way


def lamps_apart(one, other):
    """Part of the lamps, over the first second, that are lit in one and dark in the other."""
    differing = sum([bin(a ^ b).count("1") for a, b in zip(one, other)])
    return differing / 240


def check_no_two_events_share_more_than_one_of_colour_pattern_and_sound():
    shown = [Shown(event) for event in range(texts.EVENTS)]
    for one in range(texts.EVENTS):
        for other in range(one):
            a, b = shown[one], shown[other]
            same_colour = a.colours == b.colours
            same_pattern = lamps_apart(a.lamps, b.lamps) < 0.1
            same_sound = a.sound() == b.sound()
            family = any(one in members and other in members for members in FAMILIES)
            if family:
                equal((same_colour, same_pattern, same_sound), (True,) * 3, (one, other))
            else:
                same = same_colour + same_pattern + same_sound
                assert same <= 1, (one, other, same_colour, same_pattern, same_sound)


def check_green_is_for_those_let_in_and_red_for_those_who_are_not():
    green = (texts.KEPT_IN, texts.KEPT_OUT, texts.KEPT, texts.REPEAT, texts.REGISTERED)
    amber = (texts.LOOK, texts.SEVERAL, texts.CHOOSE)
    for event in range(texts.EVENTS):
        colours = Shown(event).colours
        equal(GREEN in colours, event in green, event)
        equal(colours == {AMBER}, event in amber, event)
        equal(RED in colours, event not in green and event not in amber, event)


def check_every_event_has_a_picture_of_its_own():
    pictures = [signals.EVENTS[event][5] for event in range(texts.EVENTS)]
    assert all(pictures)
    equal(len(set(pictures)), texts.EVENTS)
    for event in range(texts.EVENTS):
        equal(Shown(event).display.shown, icons.NONE, "gone again in the end")


def check_ring_and_sound_come_at_once():
    for event, colour in ((texts.KEPT_IN, GREEN), (texts.UNKNOWN, RED), (texts.SEVERAL, AMBER)):
        (lamps, shown, _others), tone = Shown(event).first
        equal(shown, colour)
        assert bin(lamps).count("1") >= 3
        assert tone > 0


def mirrored(lamps):
    """The same lamps seen in a mirror: lamp 0 on top stays, 3 and 9 change places."""
    return sum([1 << -i % 12 for i in range(12) if lamps >> i & 1])


def check_in_fills_from_the_left_and_out_from_the_right():
    inward, outward = Shown(texts.KEPT_IN), Shown(texts.KEPT_OUT)
    left, right = 1 << 9, 1 << 3
    first = inward.frames[0][0]
    equal(first & (left | right), left)
    for a, b in zip(inward.frames[:7], outward.frames[:7]):
        equal(mirrored(a[0]), b[0])
    for before, after in zip(inward.frames[:6], inward.frames[1:7]):
        equal(before[0] & after[0], before[0], "it only grows")
    for shown in (inward, outward):
        solid = [frame for frame in shown.own if frame == (ALL, GREEN, OFF)]
        assert 900 <= len(solid) * STEP_MS <= 1100, len(solid)
    assert inward.tones[0] < inward.tones[1]
    assert outward.tones[0] > outward.tones[1]


def check_refusals_flash_or_stay():
    for event in (texts.UNKNOWN, texts.UNREADABLE):
        shown = Shown(event)
        starts = [i for i in range(30) if shown.own[i][0] and not (i and shown.own[i - 1][0])]
        equal(len(starts), 3, "three flashes")
        equal(len(shown.tones), 3)
    shown = Shown(texts.BLOCKED)
    equal(set(shown.own), {(ALL, RED, OFF)})
    equal(len(shown.own) * STEP_MS, 2000)
    shown = Shown(texts.REPEAT)
    equal(len(shown.own) * STEP_MS, 250)
    equal(len(shown.tones), 1)


def check_the_question_which_way_waits_ten_seconds():
    face, lights, _buzzer, display = face_of(direction=4)
    face.step(0)
    face.show(texts.CHOOSE, "nl", 1000)
    frames = ticks(face, lights, 1050, 9900)
    equal({frame[0] for frame in frames}, {signals.LEFT, signals.RIGHT})
    assert all(frame[1] == AMBER and frame[2][0] > 0 for frame in frames), "both halves are lit"
    equal(display.lines[2:4], ["DRUK OP", "IN OF UIT"])
    face.show(texts.KEPT_IN, "nl", 10950)
    equal(lights.frames[-1][1], GREEN, "the button answers it")
    play(face, 11000, 3000)
    equal(display.lines[1], "17:06          ⇄")


def check_the_display_says_it_in_the_workers_language_with_the_detail():
    face, _lights, _buzzer, display = face_of(language="nl")
    for language in texts.LANGUAGES:
        face.show(texts.KEPT_IN, language, 0)
        face.draw()
        equal(tuple(display.lines), ("", "") + texts.lines(texts.KEPT_IN, language))
    face.show(texts.REGISTERED, "de", 0, "…4711")
    face.draw()
    equal(display.lines[2:], ["REGISTRIERT", "…4711", ""])
    face.show(texts.KEPT_OUT, "fr", 0, "x" * 30)
    face.draw()
    equal(display.lines[2:], ["AU REVOIR", "GARDÉ", "x" * 16], "it takes the third line")


def check_every_event_ends_in_the_idle_picture_and_silence():
    for event in range(texts.EVENTS):
        face, lights, buzzer, display = face_of(language="de")
        face.show(event, "de", 1000)
        assert display.lines[2] != texts.line(event, "de"), "no tap waits for the display"
        face.draw()
        equal(display.lines[2], texts.line(event, "de"))
        play(face, 1050, 950)
        equal(display.lines[2], texts.line(event, "de"))
        play(face, 2000, 12000)
        equal(display.lines[0], SITE)
        assert buzzer.tones[-1] == 0, "silence in the end"
        lamps, colour, _others = lights.frames[-1]
        equal(lamps, ALL)
        equal(colour[0], 0)
        assert 0 < colour[1] < 60


def check_ready_online():
    face, lights, buzzer, display = face_of()
    play(face, 0, 8000)
    assert all(lamps == ALL and c[0] == c[2] == 0 < c[1] for lamps, c, _ in lights.frames)
    assert len(set(lights.frames)) > 8, "it breathes"
    assert len(lights.frames) < 80, "the ring is not written at each step"
    equal(display.lines, [SITE, "17:06          →", "BADGEZ ICI", "À ENVOYER 0", "SERVEUR OK"])
    equal(buzzer.tones, [])


def check_the_arrow_is_the_way_of_the_gate():
    for direction, arrow in ((0, " "), (1, "→"), (2, "←"), (4, "⇄"), (5, "⇄")):
        face, _lights, _buzzer, display = face_of(direction)
        face.step(0)
        equal(display.lines[1], "17:06          " + arrow)


def check_ready_offline_counts_what_waits():
    face, lights, _buzzer, display = face_of()
    face.idle.link = LINK_WIFI
    face.idle.unsent = 12
    play(face, 1000, 4000)
    assert all(c[0] > c[1] > 0 or c[0] == 2 for _lamps, c, _ in lights.frames), lights.frames
    equal(display.lines[2], "OFFLINE - OK 12")
    equal(display.lines[3], "À ENVOYER 12")
    equal(display.lines[4], "PAS DE SERVEUR")
    face.idle.link = LINK_NONE
    for unsent, line in ((999, "OFFLINE - OK 999"), (12345, "OFFLINE OK 12345")):
        face.idle.unsent = unsent
        face.step(0)
        equal(display.lines[2], line)
    equal(display.lines[4], "PAS DE WIFI")


# Name, what is written into idle, what the display says of it in Dutch.
LASTING = (
    ("ready", {}, "BADGE HIER"),
    ("offline", {"link": LINK_WIFI}, "OFFLINE - OK 0"),
    ("nearly full", {"nearly_full": True}, "GEHEUGEN > 80 %"),
    ("clock", {"utc_s": 0}, "UUR ?          →"),
    ("supply", {"supply_low": True}, "SPANNING TE LAAG"),
    ("safe mode", {"safe_mode": True}, "VEILIGE MODUS"),
    ("reader", {"reader_ok": False}, "LEZER DEFECT"),
    ("updating", {"updating": 45}, "UPDATE BEZIG"),
    ("tamper", {"tamper": True}, "KAST IS OPEN"),
    ("fire", {"fire": True}, "BRANDALARM"),
)


def check_lasting_states_differ_in_pattern_and_the_worse_one_is_shown():
    face, lights, _buzzer, display = face_of(language="nl")
    seen = []
    now = 0
    for name, values, line in LASTING:  # none is taken back: each is more urgent than those before
        for attribute in values:
            setattr(face.idle, attribute, values[attribute])
        frames = ticks(face, lights, now, 10000)
        now += 10000
        assert line in display.lines, (name, display.lines)
        lit = [frame[0] for frame in frames]
        assert lit not in seen, name
        seen.append(lit)
        colours = {frame[1] for frame in frames if frame[0]}
        if name != "ready":
            assert all(not colour[1] or colour[0] for colour in colours), "green is for ready"
        if name == "updating":
            equal(set(frames), {(0x1F, BLUE, OFF)}, "five of twelve lamps")
            equal(display.lines[3], "45 %")


def check_every_lasting_state_is_shown_by_itself_and_leaves():
    for name, values, line in LASTING:
        face, _lights, _buzzer, display = face_of(language="nl")
        face.step(0)
        before = {}
        for attribute in values:
            before[attribute] = getattr(face.idle, attribute)
            setattr(face.idle, attribute, values[attribute])
        face.step(50)
        assert line in display.lines, (name, display.lines)
        for attribute in values:
            setattr(face.idle, attribute, before[attribute])
        face.step(100)
        equal(display.lines[2], "BADGE HIER", name)
        equal(display.shown, icons.NONE)


def check_clock_unknown_is_amber_with_two_flashes():
    face, lights, _buzzer, display = face_of()
    face.idle.utc_s = 0
    frames = ticks(face, lights, 10000, 1000)
    lit = [bool(lamps) for lamps, _colour, _others in frames[:16]]
    equal(lit, [True] * 4 + [False] * 4 + [True] * 4 + [False] * 4)
    equal(display.lines[1], "HEURE ?        →")


def check_reader_down_and_full_alternate_and_say_whom_to_call():
    for full in (False, True):
        face, lights, buzzer, display = face_of()
        face.idle.reader_ok = full
        face.idle.full = full
        play(face, 0, 3000)
        equal(set(lights.shown), {RED, AMBER})
        assert len(lights.shown) >= 5
        equal(display.lines[2], "MÉMOIRE PLEINE" if full else "LECTEUR EN PANNE")
        equal(display.lines[3], "PRÉVENEZ LE CHEF")
        equal(len([tone for tone in buzzer.tones if tone]), 1)


def check_a_gate_that_does_not_work_chirps_once_a_minute():
    for attribute, value in (("reader_ok", False), ("safe_mode", True), ("supply_low", True)):
        face, lights, buzzer, _display = face_of()
        setattr(face.idle, attribute, value)
        heard = []
        for now in range(0, 185000, STEP_MS):
            before = len(buzzer.tones)
            face.step(now)
            lights.shown.clear()
            lights.frames.clear()
            if len(buzzer.tones) > before and buzzer.tones[-1]:
                heard.append(now)
        equal(heard, [0, 60000, 120000, 180000], attribute)
        equal(buzzer.tones[1], 0, "and stops")
    for attribute in ("nearly_full", "link", "utc_s"):
        face, _lights, buzzer, _display = face_of()
        setattr(face.idle, attribute, 0 if attribute != "nearly_full" else True)
        play(face, 0, 65000)
        equal(buzzer.tones, [], attribute)


def check_fire_keeps_ring_and_siren_while_taps_have_the_display():
    face, lights, buzzer, display = face_of(language="nl")
    face.idle.tamper = face.idle.fire = True
    face.idle.reader_ok = False
    play(face, 0, 500)
    equal(display.lines[2:4], ["BRANDALARM", "GA NAAR BUITEN"])
    equal(display.shown, icons.FLAME)
    lights.frames.clear()
    face.show(texts.KEPT_OUT, "nl", 500)
    face.draw()
    equal(display.lines[2], "TOT ZIENS")
    play(face, 550, 10000)
    equal(display.lines[2], "BRANDALARM")
    equal({frame[1:] for frame in lights.frames}, {(RED, WHITE)})
    equal(set(buzzer.tones), {700, 1100, 0})
    sounding = [tone for tone in buzzer.tones if tone]
    assert len(sounding) >= 26, "it never stops"
    face.idle.fire = False
    face.step(11000)
    equal(display.lines[2], "KAST IS OPEN", "the next in urgency")


def check_an_open_box_sounds_every_ten_seconds_and_lets_people_pass():
    face, lights, buzzer, display = face_of(language="nl")
    face.idle.tamper = True
    play(face, 0, 5000)
    tones = len([tone for tone in buzzer.tones if tone])
    equal({frame[1:] for frame in lights.frames}, {(RED, BLUE)})
    face.show(texts.KEPT_IN, "nl", 5000)
    equal(lights.frames[-1][1], GREEN)
    play(face, 5050, 4000)
    equal(display.lines[2], "KAST IS OPEN")
    buzzer.tones.clear()
    play(face, 9050, 2000)
    equal(len([tone for tone in buzzer.tones if tone]), tones)


def check_a_notice_is_on_the_display_at_once():
    face, lights, _buzzer, display = face_of(language="nl")
    for text in (texts.STARTING, texts.NO_SETTINGS, texts.FULL, texts.SAFE_MODE):
        face.notice(text)
        equal(display.lines[2], texts.line(text, "nl"))
        assert display.shown != icons.NONE
    equal(lights.frames, [])


def check_the_idle_picture_is_written_only_when_it_changes():
    face, _lights, _buzzer, display = face_of()
    face.step(0)
    written = []
    display.text = lambda row, text, centred=False: written.append(text)
    play(face, 50, 10000)
    equal(written, [])
    face.idle.utc_s += 60
    face.step(10050)
    assert "17:07          →" in written


def check_the_heap_stays_flat_over_a_thousand_events():
    face, lights, buzzer, _display = face_of()

    def some(first):
        now = first * 5000
        for number in range(first, first + 100):
            language = texts.LANGUAGES[number % 12]
            face.show(number % texts.EVENTS, language, now, "…%d" % number)
            play(face, now + 50, TEXT_MS + 1000)
            for kept in (lights.shown, lights.frames, buzzer.tones):
                kept.clear()
            now += 5000
        gc.collect()
        return gc.mem_alloc()

    some(0)  # every language and event once
    base = some(100)
    for first in range(200, 1000, 200):
        assert some(first) <= base + 256, "the heap grows"


def check_the_constants_other_parts_use_are_there():
    equal((panel.GREEN, panel.RED, panel.AMBER), (GREEN, RED, AMBER))
