"""Reminders: who is reminded of what, what the mail says, that it goes once, and what proves it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import func, select, update

from hub.domain.rights import Role
from hub.i18n import LANGUAGES, text
from hub.storage.engine import reading, writing
from hub.storage.guards import unguarded
from hub.storage.reminding import Reminding as Store
from hub.storage.schema import (
    audit,
    company_contact,
    notice,
    reminder,
    reminder_count,
    reminder_list,
    reminder_row,
)
from hub.telling import Telling
from hub.web.reminding import Reminders, wanted_of
from tests.hub.day_world import DayWorld, day_world
from tests.hub.patience import until
from tests.hub.register_house import ADMINISTRATOR, LOWER, MAIN, STRANGER, SUB
from tests.notices.servers import mail_server
from tests.web.reminder_world import (
    ADDRESSES,
    BASE,
    NAMES,
    NOW,
    PERIOD,
    Reminding,
    fields_of,
    open_presences,
)

LETTER = re.compile(r'class="letter"[^>]*>(.*?)</div>', re.DOTALL)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DayWorld]:
    with day_world(tmp_path_factory.mktemp("reminders")) as opened:
        open_presences(opened)
        yield opened


@pytest.fixture(scope="module")
def browser(world: DayWorld, tmp_path_factory: pytest.TempPathFactory) -> Reminding:
    # Where it is not looked into, a list need not be set in type.
    return Reminding(
        world, tmp_path_factory.mktemp("office"), draw=lambda _, __, rows, *___: repr(rows).encode()
    )


@pytest.fixture
def reminding(browser: Reminding, world: DayWorld) -> Iterator[Reminding]:
    """Nothing was sent; the administrator looks."""
    browser.now_ms, browser.woken = NOW, 0
    browser.pages.as_(ADMINISTRATOR)
    yield browser
    forget(world)


def forget(world: DayWorld) -> None:
    """Takes every reminder away."""
    tables = (reminder_list, reminder_row, reminder_count, reminder)
    with writing(world.register.house.engine) as connection, unguarded(connection, *tables):
        for table in (*tables, notice):
            connection.execute(table.delete())


def count(world: DayWorld, table: object) -> int:
    with reading(world.register.house.engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()  # pyright: ignore


def pdf_text(content: bytes) -> str:
    sheets = PdfReader(io.BytesIO(content)).pages
    return " ".join("\n".join(page.extract_text() for page in sheets).split())


def sent(reminding: Reminding, *numbers: str) -> str:
    """Reminds these; the handle of the newest."""
    assert reminding.send(reminding.form(*numbers)) == (303, "/reports/reminders?said=sent")
    with reading(reminding.world.register.house.engine) as connection:
        query = select(reminder.c.handle).order_by(reminder.c.id.desc()).limit(1)
        return connection.execute(query).scalar_one()


# ---------------------------------------------------------------- who is reminded


def test_whoever_has_something_to_put_in_order_is_shown_with_his_address(
    reminding: Reminding,
) -> None:
    page = unescape(reminding.pages.get(f"/reports/reminders/new?{PERIOD}"))
    rows = {
        number: row
        for row in page.split("<tr>")
        for number in (SUB, STRANGER, LOWER, MAIN)
        if f'value="{number}"' in row
    }
    # What waits for a number, and what came late, is nobody's to settle.
    assert set(rows) == {SUB, STRANGER, LOWER}
    assert {number: re.findall(r'">(\d+)</a></td>', row) for number, row in rows.items()} == {
        SUB: ["4"], STRANGER: ["3"], LOWER: ["1"],
    }  # fmt: skip
    assert "b***@gillard.example" in rows[SUB]
    assert " checked" in rows[SUB]
    assert text("reminders.no_address", "en") in rows[LOWER]
    assert f'href="/companies/{LOWER}/contact"' in rows[LOWER]
    assert " disabled" in rows[LOWER]
    assert f"/reports/reminders/new?{PERIOD.replace('&', '&amp;')}" in reminding.pages.get(
        f"/reports/exceptions?{PERIOD}"
    )


def test_each_reminds_whom_he_may(reminding: Reminding, world: DayWorld) -> None:
    register, pages = world.register, reminding.pages
    there = f"/reports/reminders/new?{PERIOD}"

    def offered() -> set[str]:
        return set(re.findall(r'name="to" value="(\w+)"', pages.get(there)))

    pages.as_(register.at_site("Werf Noord"))
    assert offered() == {SUB, STRANGER, LOWER}
    pages.as_(register.contractor(MAIN))
    assert offered() == {SUB, STRANGER, LOWER}
    # A contractor does not remind himself, nor who is beside him.
    pages.as_(register.contractor(SUB))
    assert offered() == {LOWER}
    assert "HUB-1855" in pages.client.get(f"{there.replace('new', 'preview')}&to={STRANGER}").text
    pages.as_(register.contractor(LOWER))
    assert offered() == set()
    pages.as_(register.at_site("Chantier Sud"))
    assert offered() == set()
    for role in (Role.INSPECTOR, Role.GUARD):
        pages.as_(register.at_site("Werf Noord", role))
        assert pages.status(there) == 403


# ---------------------------------------------------------------- what it says


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_letter_counts_and_names_nobody(
    reminding: Reminding, world: DayWorld, language: str
) -> None:
    with writing(world.register.house.engine) as connection:
        connection.execute(update(company_contact).values(language=language))
    try:
        page = unescape(
            reminding.pages.get(f"/reports/reminders/preview?{PERIOD}&to={SUB}&to={STRANGER}")
        )
    finally:
        with writing(world.register.house.engine) as connection:
            for number, (_, own) in ADDRESSES.items():
                connection.execute(
                    update(company_contact)
                    .where(company_contact.c.company_id == world.register.ids[number])
                    .values(language=own)
                )
    ours, theirs = LETTER.findall(page)
    for letter in (ours, theirs):
        assert not [name for name in NAMES if name in letter]
        assert "***" not in letter
        assert "{" not in letter
    assert f"{BASE}/companies/{SUB}" in ours
    assert text("reminders.mail.step_remarks", language, count=1) in ours
    assert text("reminders.mail.step_past", language, count=3) in ours
    assert text("reminders.mail.step_today", language, count=1) in theirs
    assert text("reminders.mail.step_past", language, count=2) in theirs
    assert text("reminders.mail.always", language) in theirs
    lines = re.findall(r"^- .*, Werf Noord ?: (\d)$", re.sub("<.*?>", "\n", ours), re.MULTILINE)
    assert lines == ["1", "2", "1"]


def test_a_term_is_named_only_where_the_service_has_one(
    reminding: Reminding, world: DayWorld
) -> None:
    pages = reminding.pages
    there = f"/companies/{LOWER}/contact"
    assert pages.post(there, address="info@etanche.example", language="en")[0] == 303
    try:
        page = unescape(pages.get(f"/reports/reminders/preview?{PERIOD}&to={LOWER}"))
        (letter,) = LETTER.findall(page)
        day = "Friday 25 December 2026"
        assert text("reminders.mail.step_correct", "en", count=1, until=day) in letter
        assert text("reminders.mail.always_in_out", "en") in letter
        # After 30 days no correction can be asked for any more.
        reminding.now_ms = NOW + 26 * 86_400_000
        page = unescape(pages.get(f"/reports/reminders/preview?{PERIOD}&to={LOWER}"))
        (letter,) = LETTER.findall(page)
        assert text("reminders.mail.step_past", "en", count=1) in letter
        assert "30" not in letter.replace("30 November", "")
    finally:
        pages.post(there, address="")


# ---------------------------------------------------------------- once


def test_a_form_that_is_handed_in_twice_sends_one(reminding: Reminding, world: DayWorld) -> None:
    form = reminding.form(SUB, STRANGER)
    assert reminding.send(form) == (303, "/reports/reminders?said=sent")
    assert reminding.send(form) == (303, "/reports/reminders?said=sent_before")
    assert (count(world, reminder), count(world, notice), reminding.woken) == (2, 2, 1)


def test_two_hands_on_one_form_send_one(reminding: Reminding, world: DayWorld) -> None:
    """Both were let in before either had written: the store decides."""
    office, seen = reminding.office, Reminders(reminding.office, BASE, lambda *_: b"%PDF")
    wanted = wanted_of("2026-11-20", "2026-11-30", "", "", [SUB], NOW)
    drafts = [seen.draft(one) for one in seen.previews(ADMINISTRATOR, wanted)]

    def send() -> int:
        return office.write(
            lambda connection: Store(connection, office.vault, ADMINISTRATOR, NOW).send(
                "one form", drafts, ()
            )
        )

    assert (send(), send()) == (1, 0)
    assert (count(world, reminder), count(world, notice)) == (1, 1)


def test_a_second_reminder_of_the_same_on_one_day_is_asked_about(
    reminding: Reminding, world: DayWorld
) -> None:
    sent(reminding, SUB)
    reminding.now_ms = NOW + 3_600_000
    page = unescape(reminding.pages.get(f"/reports/reminders/new?{PERIOD}"))
    assert text("reminders.same_today", "en", time="12:00") in page
    form = reminding.form(SUB, STRANGER)
    status, told = reminding.send(form)
    assert (status, "HUB-1856" in told) == (400, True)
    assert text("reminders.again", "en", time="12:00") in told
    # To nobody, not to the other either.
    assert count(world, reminder) == 1
    assert reminding.send(form, again=[SUB]) == (303, "/reports/reminders?said=sent")
    assert count(world, reminder) == 3
    # Part of what was told is told already; the next day nobody asks.
    reminding.now_ms = NOW + 3 * 3_600_000
    assert reminding.send(reminding.form(SUB, period="first=2026-11-24&last=2026-11-24"))[0] == 400
    reminding.now_ms = NOW + 86_400_000
    assert reminding.send(reminding.form(SUB))[0] == 303


def test_what_has_changed_since_it_was_read_is_shown_anew(
    reminding: Reminding, world: DayWorld
) -> None:
    form = reminding.form(SUB)
    more = world.person("Zoete", SUB)
    world.tap(more, "2026-11-26 08:00")
    try:
        status, told = reminding.send(form)
        assert (status, "HUB-1857" in told) == (400, True)
        assert text("reminders.attached_many", "en", count=5) in told
        assert count(world, reminder) == 0
        again = fields_of(told)
        assert again["act"] == form["act"]
        assert reminding.send(again) == (303, "/reports/reminders?said=sent")
    finally:
        world.registered(more, "2026-11-26 08:00", number=900_000_000_000_099)


def test_what_cannot_be_sent_says_why_and_sends_nothing(
    reminding: Reminding, world: DayWorld, tmp_path: Path
) -> None:
    there = f"/reports/reminders/preview?{PERIOD}"
    for query, code in ((there, "HUB-1855"), (f"{there}&to={LOWER}", "HUB-1858")):
        answer = reminding.pages.client.get(query)
        assert (answer.status_code, code in answer.text) == (400, True)
    many = "".join(f"&to={one}" for one in range(21))
    assert "HUB-1861" in reminding.pages.client.get(there + many).text
    assert "HUB-1850" in reminding.pages.client.get("/reports/reminders/new?first=never").text
    assert reminding.pages.status("/reports/reminders/new?site=elsewhere") == 404
    unready = Reminding(world, tmp_path, port=0)
    page = unready.pages.get(f"/reports/reminders/new?{PERIOD}")
    assert "HUB-1853" in page
    status, told = unready.send(unready.form(SUB))
    assert (status, "HUB-1853" in told) == (400, True)
    assert (count(world, reminder), count(world, notice)) == (0, 0)


# ---------------------------------------------------------------- what becomes of it


def test_it_arrives_and_what_proves_it_says_so(
    reminding: Reminding, world: DayWorld, tmp_path: Path
) -> None:
    with mail_server() as server:
        live = Reminding(world, tmp_path, server.port)
        telling = Telling(
            live.office.settings, live.office.engine, live.office.vault, live.office.write,
            live.office.clock, lambda: None, BASE,
        )  # fmt: skip
        handle = sent(live, SUB)
        page = unescape(live.pages.get(f"/reports/reminders/{handle}"))
        assert text("reminders.became.waiting", "en") in page
        telling.start()
        try:
            until(lambda: server.taken, "the mail")
        finally:
            telling.stop()
    (mail,) = server.taken
    assert mail["To"] == ADDRESSES[SUB][0]
    said = mail.get_body(("plain",))
    assert said is not None
    assert mail["Content-Language"] == "fr"
    letter = said.get_content()
    assert not [name for name in NAMES if name in letter]
    (attached,) = list(mail.iter_attachments())
    content = attached.get_content()
    assert attached.get_filename() == "exceptions-2026-11-20-2026-11-30.pdf"
    assert {name for name in NAMES if name in pdf_text(content)} == {"Borms", "Peeters", "Rooms"}
    assert "90.11.05-***.**" in pdf_text(content)
    # The firm's copy is the one that is kept, and the one that the digest stands for.
    kept = live.pages.client.get(f"/reports/reminders/{handle}/list")
    assert kept.content == content
    page = unescape(live.pages.get(f"/reports/reminders/{handle}"))
    moment = "30 November 2026 12:00:00"
    assert text("reminders.became.sent", "en", moment=moment) in page
    digest = hashlib.sha256(content).hexdigest()
    paper = live.pages.client.get(f"/reports/reminders/{handle}/attestation")
    proof = pdf_text(paper.content)
    subject = mail["Subject"]
    words = hashlib.sha256(f"{subject}\n\n{letter}".replace("\r\n", "\n").encode()).hexdigest()
    for told in (digest, words, handle, "b***@gillard.example", BASE, moment, "4 open presences",
                 text("reminders.became.sent", "en", moment=moment)):  # fmt: skip
        assert told in proof, told
    assert not [name for name in NAMES if name in proof]


def test_what_was_given_up_is_said_with_what_to_do(reminding: Reminding, world: DayWorld) -> None:
    handle = sent(reminding, SUB)
    with writing(world.register.house.engine) as connection:
        connection.execute(update(notice).values(state="lost", code="HUB-1806", ended_ms=NOW))
    for language in LANGUAGES:
        page = unescape(reminding.pages.get(f"/reports/reminders/{handle}", language))
        assert "HUB-1806" in page
    assert text("reminders.state.lost", "en") in reminding.pages.get("/reports/reminders")


def test_page_files_and_command_hold_the_same(reminding: Reminding) -> None:
    sent(reminding, SUB, STRANGER)
    pages = reminding.pages
    page = unescape(pages.get("/reports/reminders", "nl"))
    told = json.loads(pages.client.get("/reports/reminders/report.json").content)["reminders"]
    assert [(one["company_number"], one["presences"], one["state"]) for one in told] == [
        (STRANGER, 3, "waiting"), (SUB, 4, "waiting"),
    ]  # fmt: skip
    assert sum(one["presences"] for one in told[1]["counts"]) == 4
    lines = pages.client.get("/reports/reminders/report.csv").content.decode("utf-8-sig")
    table = list(csv.reader(io.StringIO(lines), delimiter=";"))
    assert len(table) == 3
    assert pages.client.get("/reports/reminders/report.xlsx").content.startswith(b"PK")
    for one in told:
        assert one["reference"] in page
        assert any(one["list_digest"] in line for line in table)
        assert one["address"].startswith(("b***@", "k***@"))
    assert pages.status("/reports/reminders/report.pdf") == 404
    one = unescape(pages.get(f"/reports/reminders?company={SUB}"))
    assert told[1]["reference"] in one
    assert told[0]["reference"] not in one


def test_who_sees_which(reminding: Reminding, world: DayWorld) -> None:
    register, pages = world.register, reminding.pages
    pages.as_(register.contractor(MAIN))
    ours = sent(reminding, SUB)
    pages.as_(ADMINISTRATOR)
    theirs = sent(reminding, STRANGER)

    def seen() -> set[str]:
        found = json.loads(pages.client.get("/reports/reminders/report.json").content)
        listed = {one["reference"] for one in found["reminders"]}
        page = pages.get("/reports/reminders")
        for handle in (ours, theirs):
            assert (handle in page) is (handle in listed)
            there = f"/reports/reminders/{handle}"
            if handle in listed:
                assert (pages.status(there), pages.status(f"{there}/list")) == (200, 200)
            else:
                assert {pages.status(there + one) for one in ("", "/list", "/attestation")} == {404}
        return listed

    assert seen() == {ours, theirs}
    pages.as_(register.at_site("Werf Noord"))
    assert seen() == {ours, theirs}
    pages.as_(register.at_site("Werf Noord", Role.INSPECTOR))
    assert seen() == {ours, theirs}
    pages.as_(register.at_site("Chantier Sud"))
    assert seen() == set()
    # Who sent it, and who got it; not who is above or below either.
    pages.as_(register.contractor(MAIN))
    assert seen() == {ours}
    pages.as_(register.contractor(SUB))
    assert seen() == {ours}
    pages.as_(register.contractor(STRANGER))
    assert seen() == {theirs}
    pages.as_(register.contractor(LOWER))
    assert seen() == set()
    pages.as_(replace(ADMINISTRATOR, label="Ada"))
    assert "Bouwwerken Aarts" in pages.get(f"/reports/reminders/{ours}")


def test_an_act_and_whoever_takes_a_file_along_are_noted(
    reminding: Reminding, world: DayWorld
) -> None:
    handle = sent(reminding, SUB)
    reminding.pages.client.get(f"/reports/reminders/{handle}/list")
    with reading(world.register.house.engine) as connection:
        rows = connection.execute(select(audit).order_by(audit.c.id.desc()).limit(2)).all()
    taken, act = rows
    assert (taken.action, json.loads(taken.detail)["report"]) == (
        "report.exported",
        "reminder_list",
    )
    assert act.action == "reminder.sent"
    assert act.company_id == world.register.ids[SUB]
    assert json.loads(act.detail) == {"first": "2026-11-20", "last": "2026-11-30", "rows": 4}
