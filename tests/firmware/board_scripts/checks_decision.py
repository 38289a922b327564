"""The decision table, row by row, over a real roster table; and every text of the display."""

from standins import equal

from firmware import texts
from firmware.decision import decide
from firmware.settings import LANGUAGES
from protocol.record import (
    REASON_BLOCKED,
    REASON_EXPIRED,
    REASON_NO_ROSTER,
    REASON_NONE,
    REASON_UNKNOWN_BADGE,
    VERDICT_GRANTED,
    VERDICT_REFUSED,
)
from protocol.roster import NO_END, build_table, find_row, pack_row, row_fields

TODAY = 9823
NOBODY = b"\0" * 8
TAGS = {
    "no end": (b"AAAAAAAA", True, NO_END),
    "today": (b"BBBBBBBB", True, TODAY),
    "yesterday": (b"CCCCCCCC", True, TODAY - 1),
    "blocked": (b"DDDDDDDD", False, NO_END),
    "blocked and over": (b"EEEEEEEE", False, TODAY - 1),
}


def check_every_row_of_the_table():
    table = build_table([pack_row(tag, ok, until, "nl") for tag, ok, until in TAGS.values()])

    def verdict(tag, today=TODAY, has_roster=True):
        offset = find_row(table, tag)
        row = None if offset < 0 else row_fields(table, offset)
        return decide(has_roster, row, today)

    granted = (VERDICT_GRANTED, REASON_NONE)
    equal(verdict(TAGS["no end"][0]), granted)
    equal(verdict(TAGS["today"][0]), granted, "the last day counts")
    equal(verdict(TAGS["yesterday"][0]), (VERDICT_REFUSED, REASON_EXPIRED))
    equal(verdict(TAGS["yesterday"][0], today=0), granted, "no date, nothing has expired")
    equal(verdict(TAGS["blocked"][0]), (VERDICT_REFUSED, REASON_BLOCKED))
    equal(verdict(TAGS["blocked and over"][0]), (VERDICT_REFUSED, REASON_BLOCKED))
    equal(verdict(NOBODY), (VERDICT_REFUSED, REASON_UNKNOWN_BADGE))
    equal(verdict(TAGS["no end"][0], has_roster=False), (VERDICT_REFUSED, REASON_NO_ROSTER))


def check_every_text_in_every_language_fits_the_display():
    for text in range(texts.COUNT):
        seen = []
        for language in LANGUAGES:
            lines = texts.lines(text, language)
            assert 1 <= len(lines) <= 3, text
            for line in lines:
                assert 1 <= len(line) <= texts.WIDTH, line
                assert all(32 <= ord(c) < 127 for c in line), line
            seen.append(lines)
        assert len(set(seen)) >= 3, seen
    for text in (texts.UNSENT, texts.CLOCK):
        for language in LANGUAGES:
            assert len(texts.line(text, language)) <= 10


def check_the_gate_never_says_registered():
    kept = ("GARDE", "BEWAARD", "GESPEICHERT", "KEPT")
    for text in (texts.KEPT_IN, texts.KEPT_OUT, texts.KEPT):
        for i in range(len(LANGUAGES)):
            assert kept[i] in texts.lines(text, LANGUAGES[i])
    for text in range(texts.COUNT):
        for language in LANGUAGES:
            for line in texts.lines(text, language):
                for word in ("REGIST", "ENREGIST", "GEREGIST", "OK NSSO"):
                    assert word not in line, line


def check_the_workers_language_if_the_display_speaks_it():
    equal(texts.spoken("de", "nl"), "de")
    equal(texts.spoken("pl", "nl"), "nl")


def check_names_are_shown_in_plain_letters():
    equal(texts.ascii_name("Chantier de l'École élargie"), "Chantier de l'Ec")
    equal(texts.ascii_name("Łódź Österreich"), "Lodz Osterreich")
    equal(texts.ascii_name("日本"), "??")
