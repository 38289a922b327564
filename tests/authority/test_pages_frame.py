"""All channel pages: four languages, strict headers, forms that only their own page sends."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from simulator.authority.frame import FORM_MAX, POLICY, load_channel_texts
from simulator.authority.pages import LANGUAGES
from simulator.authority.sessions import SESSIONS_MAX, Sessions
from tests.authority.office import Visitor
from tests.authority.rig import FOLDER, LIMOSA_OK, OK, WORKS_A, Rig, item

TEMPLATES = sorted((FOLDER / "templates").glob("*.html"))
OPEN = ("/desktop/login", "/mobile", f"/mobile/{WORKS_A}", f"/works/{WORKS_A}/poster")
CLOSED = (
    "/desktop",
    "/desktop/register",
    "/desktop/consult",
    "/works",
    "/works/new",
    f"/works/{WORKS_A}",
)


def test_every_text_has_four_languages_and_the_same_gaps() -> None:
    texts = load_channel_texts()
    for key, versions in texts.items():
        assert sorted(versions) == sorted(LANGUAGES), key
        assert all(text.strip() for text in versions.values()), key
        gaps = {
            frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)
            for text in versions.values()
        }
        assert len(gaps) == 1, key


def test_no_text_stands_in_two_files() -> None:
    found: list[str] = []
    for file in (FOLDER / "texts").glob("*.toml"):
        found += re.findall(r"^\[(\S+)\]$", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_names_only_texts_that_exist(template: Path) -> None:
    named = re.findall(r'(?:text|in_all)\("(\w+)"[,)]', template.read_text(encoding="utf-8"))
    assert set(named) <= set(load_channel_texts())


@pytest.mark.parametrize("path", [*OPEN, *CLOSED])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_says_what_it_is_and_loads_nothing(rig: Rig, path: str, language: str) -> None:
    visitor = Visitor(rig)
    visitor.log_in()
    page = visitor.get(f"{path}?lang={language}")
    assert visitor.status == 200
    assert f'<html lang="{language}">' in page
    assert load_channel_texts()["warning"][language] in page
    assert visitor.headers["content-security-policy"] == POLICY
    assert visitor.headers["referrer-policy"] == "no-referrer"
    assert visitor.headers["cache-control"] == "no-store"
    assert "<script" not in page
    assert "<style" not in page
    assert " style=" not in page
    loaded = re.findall(r'<(?:link|img|script)[^>]*(?:href|src)="([^"]*)"', page)
    assert loaded == ["data:,", "/channels.css"]


def test_the_style_loads_nothing(spare_rig: Rig) -> None:
    style = spare_rig.client.get("/channels.css")
    assert style.headers["content-type"].startswith("text/css")
    assert "url(" not in style.text
    assert "@import" not in style.text


def test_a_language_once_chosen_stays(spare_rig: Rig) -> None:
    visitor = Visitor(spare_rig, "fr")
    assert '<html lang="fr">' in visitor.get("/mobile")
    assert '<html lang="de">' in visitor.get("/mobile?lang=de")
    assert '<html lang="de">' in visitor.get("/mobile")
    assert '<html lang="de">' in visitor.get("/mobile?lang=xx")


@pytest.mark.parametrize("path", CLOSED)
def test_nobody_in_particular_is_asked_who_he_is(spare_rig: Rig, path: str) -> None:
    visitor = Visitor(spare_rig)
    page = visitor.get(path)
    assert visitor.trail[-1].endswith(f"/desktop/login?next={path.replace('/', '%2F')}")
    assert f'name="next" value="{path}"' in page
    visitor.post("/desktop/login", ("sender", "SIM-0002"))
    assert visitor.trail[-1].endswith(path)


def test_the_log_in_is_marked_as_make_believe_and_takes_known_senders_only(spare_rig: Rig) -> None:
    visitor = Visitor(spare_rig)
    page = visitor.get("/desktop/login")
    assert "Make-believe log-in: no password" in page
    page = visitor.post("/desktop/login", ("sender", "SIM-9999"))
    assert visitor.status == 422
    assert "No company is chosen." in page
    assert "Choose one from the list." in page


@pytest.mark.parametrize(
    "wanted", ["https://example.org/", "//example.org", "/\\example.org", "/sim/state", ""]
)
def test_the_log_in_leads_nowhere_else(spare_rig: Rig, wanted: str) -> None:
    visitor = Visitor(spare_rig)
    visitor.log_in(wanted=wanted)
    assert visitor.trail[-1] == "http://testserver/desktop"


def test_changing_company_leaves_nothing_of_the_first(rig: Rig) -> None:
    visitor = Visitor(rig)
    visitor.log_in()
    before = visitor.client.cookies["sim_session"]
    assert "0999.000.129" in visitor.page
    visitor.post("/desktop/logout")
    assert visitor.client.cookies["sim_session"] != before
    visitor.get("/desktop")
    assert "/desktop/login" in visitor.trail[-1]
    visitor.client.cookies.set("sim_session", before)
    visitor.get("/desktop")
    assert "/desktop/login" in visitor.trail[-1]


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(spare_rig: Rig) -> None:
    answer = spare_rig.client.get("/desktop/login")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize(
    "path",
    [
        "/desktop/login",
        "/desktop/logout",
        "/desktop/register",
        "/desktop/register/people",
        "/desktop/register/days",
        "/desktop/register/check",
        "/desktop/cancel",
        "/desktop/copy",
        "/works/new",
        "/mobile",
        "/mobile/forget",
        f"/mobile/{WORKS_A}",
    ],
)
def test_a_form_without_the_token_of_its_session_does_nothing(rig: Rig, path: str) -> None:
    number = rig.register(item())[0]
    visitor, other = Visitor(rig), Visitor(rig)
    visitor.log_in()
    other.log_in("SIM-0002")
    foreign = re.search(r'name="token" value="(\w+)"', other.get("/desktop"))
    assert foreign is not None
    before = rig.stored()
    for token in ("", "x", "é", foreign[1]):
        fields = [("token", token), ("number", number), ("reason", "OTHER"), ("person", OK)]
        page = visitor.post(path, *fields, hidden=False)
        assert visitor.status == 403
        assert "This form does not belong to your session" in page
        assert "Open the page again" in page
    assert rig.stored() == before
    assert visitor.get("/desktop").count("SIM-0001") == 1


def test_a_form_that_is_too_large_or_unreadable_is_refused_in_words(rig: Rig) -> None:
    visitor = Visitor(rig)
    visitor.log_in()
    visitor.post("/desktop/register/people", ("typed", "x" * FORM_MAX))
    assert visitor.status == 413
    assert "The form is too large." in visitor.page
    visitor.get("/desktop")
    visitor.post("/desktop/register/days", *[("day", "x")] * 6000)
    assert visitor.status == 400
    assert "The form cannot be read." in visitor.page
    answer = visitor.client.post("/desktop/register", content=b"token=\xff\xfe")
    assert answer.status_code == 400


def test_a_page_that_is_not_there_says_so_in_four_languages(spare_rig: Rig) -> None:
    visitor = Visitor(spare_rig)
    for language in LANGUAGES:
        page = visitor.get(f"/mobile/1Y199999999LZ?lang={language}")
        assert visitor.status == 404
        texts = load_channel_texts()
        assert texts["place_unknown"][language] in page
        assert texts["place_unknown_do"][language] in page


def test_the_longest_unused_session_is_given_up_first() -> None:
    sessions = Sessions()
    first = sessions.renew(sessions.of(None), "SIM-0001")
    second = sessions.renew(sessions.of(None), "SIM-0002")
    for _ in range(SESSIONS_MAX - 2):
        sessions.renew(sessions.of(None), "SIM-0003")
    assert sessions.of(first.token).sender_id == "SIM-0001"
    sessions.renew(sessions.of(None), "SIM-0003")
    assert sessions.of(second.token).sender_id is None
    assert sessions.of(first.token).sender_id == "SIM-0001"


def test_what_a_session_holds_is_not_in_its_repr() -> None:
    sessions = Sessions()
    session = sessions.renew(sessions.of(None), "SIM-0001")
    assert session.token not in repr(session)
    assert OK not in repr(session)
    assert LIMOSA_OK not in repr(session)
