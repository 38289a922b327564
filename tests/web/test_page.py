"""The page says everything without JavaScript, in four languages, and shows nobody's numbers."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import Connection, Engine, insert, select, update

from hub.application.overview import AuthorityStatus, GateStatus
from hub.i18n import LANGUAGES, catalogue
from hub.storage.engine import reading, writing
from hub.storage.schema import company, person, site
from tests.web import sample
from tests.web.reading import Outline, client_of, page, plain
from tests.web.sample import DAY, NOW, YESTERDAY, add_presence, add_registration, at

# ---------------------------------------------------------------- what it says


def test_every_person_and_number_is_there_without_javascript(morning: Engine) -> None:
    html = page(morning)
    text = plain(html)
    for given_name, family_name, *_ in sample.PEOPLE:
        assert f"{given_name} {family_name}" in text
    for index, row in enumerate(sample.PEOPLE, start=1):
        if row[5] in ("registered", "validated", "flagged", "cancelling"):
            assert f"registered no. {900_000_000_000_000 + index * 117}" in text
    assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in html


def test_the_three_steps_are_three_words(morning: Engine) -> None:
    text = plain(page(morning))
    wim = text[text.index("Wim Achterberg", text.index("By company")) :]
    assert wim.startswith(
        "Wim Achterberg kept at the gate 06:31:04 at the hub 06:31:05 "
        "registered no. 900000000000117 checked by the NSSO"
    )
    stijn = text[text.index("Stijn Cauwelier", text.index("By company")) :]
    assert stijn.startswith(
        "Stijn Cauwelier kept at the gate 07:42:06 at the hub 07:42:08 "
        "not registered waiting to be sent"
    )


def test_sections_come_in_the_order_a_supervisor_reads(morning: Engine) -> None:
    ids = Outline(page(morning)).values("id")
    order = [ids.index(name) for name in
             ("headline", "unregistered", "companies", "taps", "gates", "authority")]  # fmt: skip
    assert order == sorted(order)


def test_each_one_not_registered_has_a_reason_and_a_next_step(morning: Engine) -> None:
    text = plain(page(morning))
    part = text[text.index("Not registered: to be settled") : text.index("By company")]
    for words in (
        "INSS",  # held: what is missing
        "Fix the number",
        "once saved, the hub decides again",
        "refused by the NSSO",
        "SOA-1105 Worker ••• unknown for the given company",
        "no registration was asked for it",
        "Register now",
        "From an earlier day 1",
        "seen on Sunday 22 November 2026 at 16:58:31",
        "nothing is ever sent with another date",
        "in doubt Nadia Wauthion",
        "resends nothing blindly",
    ):
        assert words in part, words


def test_remarks_of_the_authority_are_shown(morning: Engine) -> None:
    assert "Answer of the NSSO: RELATED DIMONA NOT OK" in plain(page(morning))


def test_unknown_badges_are_counted_with_gate_and_time(morning: Engine) -> None:
    text = plain(page(morning))
    assert "Unknown badge 3 times, last at 06:52:10, Poort Noord" in text
    assert "Unknown badge once, at 07:20:31, Poort Kaai" in text
    assert "Badge expired Sven Duivelaar" in text
    assert "1 tap without a known time" in text


def test_gates_and_authority_say_how_they_are(morning: Engine) -> None:
    text = plain(page(morning))
    kaai = text[text.index("Poort Kaai in offline") :]
    assert "last seen 07:20:33 kept, not yet at the hub 7 clock clock chip" in kaai
    assert "incidents today 2 mac" in kaai
    assert "working last receipt 07:41:52 waiting 2, the oldest from 07:41:50" in text


def test_a_dead_reader_and_a_gate_without_list_are_red(morning: Engine) -> None:
    def gates() -> list[GateStatus]:
        return [
            GateStatus("gate-north", "Poort Noord", "in", True, NOW, 0, 0, 0, False),
        ]

    html = page(morning, gates=gates)
    assert 'class="tile action"' in html
    text = plain(html)
    assert "This gate reads no badge any more" in text
    assert "no list yet" in text
    assert "clock not set" in text
    # Gates that this run of the hub has not heard are shown as just that.
    assert text.count("not heard yet") == 2


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (
            AuthorityStatus("retrying", at("07:31:00"), at("07:43:10"), None, 2, 0),
            "tries again by itself at 07:43:10",
        ),
        (AuthorityStatus("retrying"), "tries again by itself. Nothing to do"),
        (AuthorityStatus("stopped"), "Sending has stopped and waits for somebody"),
        (AuthorityStatus("unknown"), "Sending has not started yet"),
    ],
)
def test_who_waits_is_told_what_the_link_does(
    morning: Engine, link: AuthorityStatus, words: str
) -> None:
    assert words in plain(page(morning, authority=lambda: link))


def test_what_is_wrong_with_the_link_is_said_in_words(morning: Engine) -> None:
    def said(code: str | None) -> str:
        return plain(page(morning, authority=lambda: AuthorityStatus("stopped", error_code=code)))

    known = said("HUB-1304")
    assert catalogue()["errors.HUB-1304.happened"]["en"] in known
    assert "error code HUB-1304" in known
    # A text that needs values, a code without a text and no code at all: the general words.
    for code in ("HUB-1318", "HUB-0000", None):
        text = said(code)
        assert "{" not in text
        assert "stopped: to be settled" in text
    assert "Nothing is sent until somebody acts" in said(None)


def test_people_planned_and_people_with_two_works_numbers(register: Engine) -> None:
    with writing(register) as connection:
        add_registration(connection, 1, "registered", "answered", at("17:00:00", YESTERDAY))
        add_presence(connection, 2, at("06:30:00"), at("06:30:01"))
        add_registration(connection, 2, "validated", "validation_passed", at("06:30:00"))
        add_registration(
            connection,
            2,
            "refused",
            "refused_by_authority",
            at("06:30:00"),
            works_number=sample.SECOND_WORKS,
        )
        add_presence(connection, 3, None, at("06:10:01"), at("06:10:00"), inside=False)
    text = plain(page(register))
    assert "Wim Achterberg not seen yet not seen at the gate at the hub – registered no." in text
    assert "1 person is registered for today and came through no gate." in text
    assert f'href="/plan?day={DAY}"' in page(register)
    joke = text[text.index("Joke Binnemans", text.index("By company")) :]
    assert f"for {sample.SECOND_WORKS}" in joke
    assert f"for {sample.WORKS}" in joke
    assert "Karim Chaouki left at 06:10:00" in text


def test_names_are_text_and_never_markup(register: Engine) -> None:
    with writing(register) as connection:
        connection.execute(person.update().values(family_name="<script>alert(1)</script>"))
        add_presence(connection, 1, at("06:30:00"), at("06:30:01"))
    html = page(register)
    assert "&lt;script&gt;alert(1)" in html
    assert "<script>alert" not in html


# ---------------------------------------------------------------- what it does not say


def test_no_person_number_and_no_badge_tag_in_any_answer(morning: Engine) -> None:
    client = client_of(morning)
    paths = ["/", "/api/board.json", "/healthz", "/nowhere", "/api/nowhere", "/favicon.ico"]
    answers = [client.get(f"{path}?lang={language}") for path in paths for language in LANGUAGES]
    everything = "".join(answer.text + str(answer.headers) for answer in answers)
    assert "Achterberg" in everything  # the search looks at the right thing
    for number in sample.PERSON_NUMBERS:
        assert number not in everything
        assert number.encode().hex() not in everything
    for tag in sample.BADGE_TAGS:
        assert tag.hex() not in everything.lower()


def test_health_and_failures_hold_no_name(morning: Engine) -> None:
    client = client_of(morning)
    text = client.get("/healthz").text + client.get("/nowhere").text
    for row in sample.PEOPLE:
        assert row[1] not in text
    assert sample.COMPANIES[0][2] not in text


# ---------------------------------------------------------------- empty


def test_without_a_site_it_says_what_to_import(engine: Engine) -> None:
    client = client_of(engine)
    for language in LANGUAGES:
        answer = client.get(f"/?lang={language}")
        assert answer.status_code == 200
        assert "sitegate import people.csv" in answer.text
    assert client.get("/api/board.json").json()["board"] is None
    assert client.get("/healthz").json()["status"] == "ok"


def test_a_site_without_people_and_gates_says_what_to_do(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(insert(site).values(id=1, name="Werf"))
    text = plain(page(engine))
    assert "Nobody is known on this site yet" in text
    assert "sitegate import people.csv" in text
    assert "sitegate terminal add" in text


def test_before_the_first_tap_it_says_so(register: Engine) -> None:
    html = page(register)
    assert "Nobody has tapped today yet" in plain(html)
    hidden = [one["id"] for _, one in Outline(html).elements if "hidden" in one]
    assert hidden == ["stale", "unregistered", "companies", "expected", "taps", "flow"]


def test_when_all_are_registered_nothing_is_red(register: Engine) -> None:
    with writing(register) as connection:
        add_presence(connection, 1, at("06:30:00"), at("06:30:01"))
        add_registration(connection, 1, "registered", "answered", at("06:30:00"))
    html = page(register)
    assert "Everyone seen today is registered." in html
    assert "tone-action" not in html
    assert "panel action" not in html


# ---------------------------------------------------------------- languages


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_is_whole(morning: Engine, language: str) -> None:
    answer = client_of(morning).get(f"/?lang={language}")
    assert answer.headers["content-language"] == language
    assert f'<html lang="{language}">' in answer.text
    assert f"sitegate_lang={language}" in answer.headers["set-cookie"]
    for key, texts in catalogue().items():
        if key.startswith("dashboard."):
            assert set(texts) == set(LANGUAGES), key
            assert all(texts.values()), key


def test_language_comes_from_address_then_cookie_then_browser(register: Engine) -> None:
    client = client_of(register)
    german = {"Accept-Language": "de-BE,fr;q=0.5"}
    assert client.get("/", headers=german).headers["content-language"] == "de"
    assert client.get("/?lang=nl", headers=german).headers["content-language"] == "nl"
    assert client.get("/", headers=german).headers["content-language"] == "nl"
    assert client.get("/?lang=xx", headers=german).headers["content-language"] == "nl"
    cookie = client.get("/?lang=fr").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "set-cookie" not in client.get("/").headers


def test_french_lines_never_begin_with_a_sign(morning: Engine) -> None:
    text = page(morning, "fr")
    assert "Non enregistrés\u00a0: à régler" in text
    assert re.search(r"[^\s>] [:;?!»]", re.sub(r"<[^>]+>", "", text)) is None


def add_crowd(connection: Connection, count: int, state: str = "registered") -> None:
    """People of two companies who came in half past six."""
    for index in range(1_000, 1_000 + count):
        connection.execute(
            insert(person).values(
                id=index,
                token=str(index),
                family_name=f"Family{index}",
                given_name="A",
                company_id=1 if index % 2 else 2,
                works_number=sample.WORKS,
                language="nl",
            )
        )
        add_presence(connection, index, at("06:30:00"), at("06:30:01"))
        connection.execute(
            sample.registration.insert().values(
                reference=f"r{index}",
                person_id=index,
                site_id=1,
                works_number=sample.WORKS,
                day=DAY,
                state=state,
                cause="answered" if state == "registered" else "first_tap",
                tap_ms=NOW,
                due_ms=NOW,
                number=index if state == "registered" else None,
                changed_ms=NOW,
            )
        )


def test_the_page_of_an_unfolded_crowd_folds_who_needs_nothing(register: Engine) -> None:
    with writing(register) as connection:
        add_crowd(connection, 100)
        add_presence(connection, 1, at("06:30:00"), at("06:30:01"))
    html = page(register)
    assert 'id="company-1" class="company" open' in html
    assert 'id="company-2" class="company">' in html


def test_the_page_of_a_large_site_leads_to_each_company_and_lists_nobody_twice(
    register: Engine,
) -> None:
    with writing(register) as connection:
        add_crowd(connection, 301)
        add_presence(connection, 1, at("06:30:00"), at("06:30:01"))
    html = page(register)
    number = connection_number(register, 1)
    assert f'<a href="/companies/{number}">' in html
    assert "Family1000" not in html
    text = plain(html)
    assert "151 on site, 150 registered of 151 seen" in text
    # Who is to be settled is named all the same.
    assert "Wim Achterberg" in text[text.index("Not registered") : text.index("By company")]


def test_of_a_crowd_that_waits_the_first_are_named_and_the_others_counted(
    register: Engine,
) -> None:
    with writing(register) as connection:
        add_crowd(connection, 301, "due")
    text = plain(page(register))
    assert text.count("A Family") == 60
    assert "and 241 more" in text


def connection_number(engine: Engine, company_id: int) -> str:
    """The number of a company."""
    with reading(engine) as connection:
        return connection.execute(
            select(company.c.number).where(company.c.id == company_id)
        ).scalar_one()


def test_beside_the_headcount_stand_the_largest_companies_of_many(register: Engine) -> None:
    with writing(register) as connection:
        connection.execute(
            insert(company),
            [{"id": one, "number": f"09991{one:05d}", "name": f"Firm {one}"}
             for one in range(50, 70)],
        )  # fmt: skip
        add_crowd(connection, 40)
        for one in range(50, 70):
            connection.execute(
                update(person).where(person.c.id == one + 950).values(company_id=one)
            )
    text = plain(page(register))
    part = text[text.index("On site, by company") : text.index("By company")]
    assert "and 10 more" in part
    # Twenty of the forty still belong to the two that were there; each of the new ones has one.
    names = re.findall(r"Firm \d+", part)
    assert len(names) == 10


def test_who_came_by_his_phone_is_said_to_have_done_so(register: Engine) -> None:
    with writing(register) as connection:
        add_presence(connection, 1, at("06:30:00"), at("06:30:01"), gate="phone")
    assert "seen at 06:30:00, phone" in plain(page(register))
    assert "téléphone" in plain(page(register, "fr"))
