"""Nobody but the page itself may act on this machine, and the page loads nothing from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from simulator.console.guard import loopback
from simulator.console.texts import LANGUAGES
from tests.console.serving import Served
from tests.console.standin import StandInSite
from tests.repository.tree import ROOT

CONSOLE = ROOT / "simulator/console"
ACTIONS = {
    "/tap": {"gate": "gate-in", "card": "1"},
    "/power": {"gate": "gate-in", "on": "0"},
    "/network": {"gate": "gate-in", "on": "0"},
    "/authority": {"mode": "down"},
}
STRANGERS = ("", "null", "http://example.org", "http://127.0.0.1:1", "https://127.0.0.1:{port}")


@pytest.mark.parametrize("path", ACTIONS)
@pytest.mark.parametrize("origin", STRANGERS)
def test_a_request_of_another_origin_changes_nothing(
    quiet_site: Served[StandInSite], path: str, origin: str
) -> None:
    reply = quiet_site.post(path, ACTIONS[path], origin=origin.format(port=quiet_site.port))
    assert reply.status == 403
    assert quiet_site.site.diary == []
    assert quiet_site.site.gates["gate-in"].powered


def test_a_name_that_was_pointed_here_is_refused(quiet_site: Served[StandInSite]) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:80", "[bad", ""):
        assert quiet_site.get("/state", Host=host).status == 403
    assert quiet_site.get("/state", Host="localhost:1").status == 200


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:8000", True),
        ("localhost:1", True),
        ("[::1]:8000", True),
        ("127.0.0.2", False),
        ("user@127.0.0.1", True),
        ("127.0.0.1@evil.example", False),
        ("0.0.0.0:8000", False),
    ],
)
def test_names_of_this_machine(host: str, ours: bool) -> None:
    assert loopback(host) is ours


def test_nothing_changes_by_looking(quiet_site: Served[StandInSite]) -> None:
    for path in ACTIONS:
        assert quiet_site.get(f"{path}?gate=gate-in&card=1&on=0&mode=down").status == 405
    assert quiet_site.site.diary == []


@pytest.mark.parametrize("path", ["/", "/state", "/static/console.css", "/nowhere"])
def test_every_answer_carries_the_policy(quiet_site: Served[StandInSite], path: str) -> None:
    headers = quiet_site.get(path).headers
    policy = dict(
        part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
    )
    assert policy == {
        "default-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "object-src": "'none'",
        "frame-ancestors": "'none'",
        "frame-src": "http://127.0.0.1:9 http://127.0.0.1:9",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


class _Page(HTMLParser):
    """Collects what a page loads, and whether it holds script or style of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        for name in ("src", "srcset", "poster", "data"):
            if found.get(name):
                self.loaded.append(str(found[name]))
        if tag in ("link", "use", "image") and found.get("href"):
            self.loaded.append(str(found["href"]))
        self.inline += [name for name in found if name == "style" or name.startswith("on")
                        and name != "on"]  # fmt: skip
        self._open = tag if tag in ("script", "style") else ""

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            self.inline.append(self._open)

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_loads_its_own_files_and_two_frames(
    quiet_site: Served[StandInSite], language: str
) -> None:
    html = quiet_site.get(f"/?lang={language}").text
    page = _Page()
    page.feed(html)
    files = {one for one in page.loaded if not one.startswith("#")}
    assert files == {
        "/static/favicon.svg",
        "/static/console.css",
        "/static/console.js",
        f"http://127.0.0.1:9/?lang={language}",
    }
    assert page.inline == []
    for one in files:
        if one.startswith("/"):
            assert quiet_site.get(one).status == 200


def test_no_file_names_another_site() -> None:
    for path in (CONSOLE / "static").iterdir():
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert re.search(r"https?:|//\w|@import|url\(", text.replace("// ", "")) is None, path.name
