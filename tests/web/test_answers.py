"""Every answer is safe in a browser, and every address says plainly what it has."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, insert
from sqlalchemy.exc import OperationalError

from hub.application.flow import Flow
from hub.application.overview import AuthorityStatus, Board, SiteName
from hub.domain.registration import State
from hub.i18n import LANGUAGES, catalogue
from hub.storage.engine import writing
from hub.storage.schema import site
from hub.web.app import create_app
from hub.web.drawing import SHAPES
from hub.web.live import Changes
from tests.web.actors import Everybody
from tests.web.all_routes import later_routers
from tests.web.reading import Outline, client_of, page, plain
from tests.web.sample import DAY, NOW, at
from tests.web.whole_hub import WholeHub

# ---------------------------------------------------------------- safe and self-contained


def test_every_answer_carries_the_policy(morning: Engine) -> None:
    client = client_of(morning)
    for path in ("/", "/healthz", "/api/board.json", "/nowhere", "/static/board.css"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'self'; script-src 'self'; style-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"


def test_a_setting_lets_another_page_frame_it(register: Engine) -> None:
    client = client_of(register, frame_ancestors="'self' http://127.0.0.1:8090")
    headers = client.get("/").headers
    assert "frame-ancestors 'self' http://127.0.0.1:8090" in headers["content-security-policy"]
    assert "x-frame-options" not in headers


@pytest.mark.parametrize("wrong", ["", "'none'; script-src *", "a\nb", "none,"])
def test_a_setting_that_could_end_the_directive_is_refused(register: Engine, wrong: str) -> None:
    with pytest.raises(ValueError, match="source list"):
        client_of(register, frame_ancestors=wrong)


def test_nothing_is_inline_and_nothing_is_remote(morning: Engine) -> None:
    client = client_of(morning)
    for path in ("/?lang=nl", "/nowhere"):
        outline = Outline(client.get(path).text)
        assert [tag for tag, _ in outline.elements if tag == "style"] == []
        for tag, attributes in outline.elements:
            assert "style" not in attributes
            assert not [name for name in attributes if name.startswith("on")]
            if tag == "script":
                assert attributes["src"]
        for link in outline.values("src") + outline.values("href"):
            assert link.startswith(("/", "?", "#")), link
            assert not link.startswith("//")
            if link.startswith("/static/"):
                answer = client.get(link)
                assert answer.status_code == 200
                assert "immutable" in answer.headers["cache-control"]
                assert "http" not in re.sub(r'xmlns="[^"]*"', "", answer.text)


def test_ids_are_unique_and_references_lead_somewhere(morning: Engine) -> None:
    outline = Outline(page(morning))
    ids = outline.values("id")
    assert len(ids) == len(set(ids))
    for reference in outline.values("aria-labelledby"):
        assert reference in ids
    for link in outline.values("href"):
        if link.startswith("#"):
            assert link[1:] in ids, link


def test_every_state_has_a_shape_of_its_own(morning: Engine) -> None:
    ids = Outline(page(morning)).values("id")
    shapes = {state: SHAPES.get(state, state) for state in (*State, "kept", "hub", "none", "blank")}
    for shape in shapes.values():
        assert f"s-{shape}" in ids
    shared = {"validated", "cancelled", "dropped"}  # said with the word that follows the number
    apart = [shape for state, shape in shapes.items() if state not in shared]
    assert len(apart) == len(set(apart))


def test_the_page_has_landmarks_and_one_heading_of_the_first_rank(morning: Engine) -> None:
    outline = Outline(page(morning))
    tags = [tag for tag, _ in outline.elements]
    for landmark in ("header", "main", "nav", "footer"):
        assert landmark in tags
    assert tags.count("h1") == 1
    assert tags.count("main") == 1
    polite = [one for _, one in outline.elements if one.get("aria-live") == "polite"]
    assert len(polite) == 1  # one sentence is spoken, not the whole board
    for tag, attributes in outline.elements:
        if tag == "svg":
            told = attributes.get("role") == "img" and attributes.get("aria-label")
            assert told or attributes.get("aria-hidden") == "true"


# ---------------------------------------------------------------- other addresses


def test_the_json_says_what_the_page_says(morning: Engine) -> None:
    content = client_of(morning).get("/api/board.json").json()
    board = content["board"]
    assert (board["on_site"], board["seen"], board["registered"]) == (28, 30, 24)
    assert content["today"] == DAY
    (karim,) = [
        person
        for company in board["companies"]
        for person in company["people"]
        if person["family_name"] == "Chaouki"
    ]
    assert karim["standing"] == "registered"
    assert (karim["first_ms"], karim["received_ms"]) == (at("06:41:12"), at("06:41:13"))
    live, ended = karim["registrations"]
    assert (live["state"], live["number"], len(live["reference"])) == (
        "validated",
        900_000_000_000_351,
        24,
    )
    assert ended["state"] == "cancelled"
    assert [gate["unsent"] for gate in content["gates"]] == [7, 0, 0]
    assert content["authority"]["in_doubt"] == 1


def test_health_is_for_scripts(morning: Engine) -> None:
    client = client_of(morning)
    assert client.get("/healthz").json() == {
        "status": "ok",
        "as_of_ms": NOW,
        "database": True,
        "authority": "ok",
    }
    assert client.head("/healthz").status_code == 200
    assert client.head("/").status_code == 200


class Broken:
    """A store that cannot be read."""

    def sites(self) -> tuple[SiteName, ...]:
        raise OperationalError("SELECT", {}, Exception("disk"))

    def board(self, site_id: int, day: str, now_ms: int) -> Board:
        raise OperationalError("SELECT", {}, Exception("disk"))

    def flow(self, site_id: int, day: str, now_ms: int) -> Flow:
        raise OperationalError("SELECT", {}, Exception("disk"))


def test_a_store_that_fails_is_said_plainly() -> None:
    app = create_app(Broken(), list, AuthorityStatus, Changes(), lambda: NOW, Everybody())
    client = TestClient(app, raise_server_exceptions=False)
    assert (client.get("/healthz").status_code, client.get("/healthz").json()["status"]) == (
        503,
        "failed",
    )
    answer = client.get("/?lang=en")
    assert answer.status_code == 500
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    text = plain(answer.text)
    assert "What happened" in text
    assert "What was kept Every tap" in text
    assert "What to do next" in text
    assert "disk" not in text
    assert client.get("/api/board.json").json() == {"status": "failed", "code": 500}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/?site=99", 404),
        ("/?site=north", 400),
        ("/?site=0", 400),
        ("/?site=99999999999999999999", 400),
        ("/static/nothing.css", 404),
        ("/static/../app.py", 404),
        ("/docs", 404),
        ("/openapi.json", 404),
    ],
)
def test_failures_explain_themselves(register: Engine, path: str, status: int) -> None:
    client = client_of(register)
    mark = "&" if "?" in path else "?"
    kind = "404" if status == 404 else "400"
    for language in LANGUAGES:
        answer = client.get(f"{path}{mark}lang={language}")
        assert answer.status_code == status
        assert f'<html lang="{language}">' in answer.text
        for part in ("happened", "kept", "next"):
            words = catalogue()[f"dashboard.failure.{kind}.{part}"][language]
            assert words[-20:] in plain(answer.text)


def test_the_board_cannot_be_posted_to(register: Engine) -> None:
    assert client_of(register).post("/").status_code == 405


def test_a_second_site_is_one_link_away(register: Engine) -> None:
    with writing(register) as connection:
        connection.execute(insert(site).values(id=2, name="Chantier Sud"))
    client = client_of(register)
    assert "<h1>Chantier Sud</h1>" in client.get("/").text
    html = client.get("/?site=1").text
    assert "<h1>Werf Zandvoorde-Kaai</h1>" in html
    assert 'hx-sse:connect="/live?lang=en&amp;site=1&amp;' in html
    assert 'href="?site=2"' in html


def test_every_page_that_is_prepared_later_can_be_found(hub: WholeHub) -> None:
    """An address whose head its router does not know would never be looked for."""
    later = list(later_routers(hub.app))
    for heads, routes in later:
        assert {route.path.split("/")[1] for route in routes} <= heads
    assert len(later) > 15
