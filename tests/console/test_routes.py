"""The page's addresses: forms and JSON, what they do, and what they say when it fails."""

from __future__ import annotations

import asyncio
import html
import re
import socket

import pytest

from simulator.authority.availability import MODES as ALL_MODES
from simulator.console.app import FORM_MAX
from simulator.console.availability import MODES
from simulator.console.server import ConsoleServer
from simulator.console.texts import LANGUAGES, text
from simulator.site import SiteError
from tests.authority.rig import Rig
from tests.console.serving import Served, served
from tests.console.standin import StandInSite


def test_a_tap_is_answered_in_the_gates_words(standin: Served[StandInSite]) -> None:
    reply = standin.post("/tap", gate="gate-in", card="1")
    assert reply.status == 200
    assert reply.json() == {
        "ok": True,
        "tone": "green",
        "text": "Poort 1 answers “Milan Aarts”: WELCOME · KEPT",
    }
    assert standin.site.diary == ["gate-in + 04a1b2c3d4e501", "gate-in - 04a1b2c3d4e501"]


def test_a_form_without_script_comes_back_to_the_page(standin: Served[StandInSite]) -> None:
    reply = standin.post("/tap", html=True, gate="gate-in", card="unknown", lang="fr")
    assert reply.status == 303
    back = reply.headers["location"]
    assert back.startswith("/?lang=fr&said=")
    page = html.unescape(standin.get(back).text)
    assert "Poort 1 répond à « Badge inconnu » : WELCOME · KEPT" in page
    assert 'data-tone="green"' in page
    assert text("ready_to_tap", "fr") in html.unescape(standin.get("/?lang=fr&said=99").text)
    assert standin.site.diary[0] == "gate-in + 04ffeeddccbbaa"


def test_two_cards_at_once(standin: Served[StandInSite]) -> None:
    assert standin.post("/tap", gate="gate-out", card="two").json()["ok"]
    assert standin.site.diary[:2] == ["gate-out + 04ffeeddccbbaa", "gate-out + 04a1b2c3d4e501"]


def test_switches(standin: Served[StandInSite]) -> None:
    gate = standin.site.gates["gate-in"]
    assert (
        standin.post("/power", gate="gate-in", on="0").json()["text"].startswith("Poort 1 has no")
    )
    assert not gate.powered
    assert standin.post("/power", gate="gate-in", on="1").json()["tone"] == "done"
    assert gate.powered
    assert standin.post("/network", gate="gate-in", on="0").status == 200
    assert standin.site.wires["gate-in"].state == "cut"
    seen = {view["terminal"]: view for view in standin.get("/state").json()["gates"]}
    assert (seen["gate-in"]["network"], seen["gate-out"]["network"]) == (False, True)


def test_a_gate_without_power_says_what_to_do(standin: Served[StandInSite]) -> None:
    standin.post("/power", gate="gate-in", on="0")
    reply = standin.post("/tap", gate="gate-in", card="1")
    assert reply.status == 409
    assert reply.json() == {
        "ok": False,
        "tone": "failed",
        "text": "Poort 1 has no power: nothing was read. Switch its power on and tap again.",
    }
    back = standin.post("/tap", html=True, gate="gate-in", card="1").headers["location"]
    assert "Switch its power on and tap again." in standin.get(back).text


def test_a_silent_gate_says_what_to_do(standin: Served[StandInSite]) -> None:
    standin.site.gates["gate-in"].granted = None
    reply = standin.post("/tap", gate="gate-in", card="1")
    assert reply.status == 409
    assert "Switch its power off and on" in reply.json()["text"]


def test_a_gate_that_does_not_start_says_what_to_do(standin: Served[StandInSite]) -> None:
    standin.post("/power", gate="gate-in", on="0")
    standin.site.gates["gate-in"].broken = True
    reply = standin.post("/power", gate="gate-in", on="1")
    assert reply.status == 500
    assert "did not start" in reply.json()["text"]


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/tap", {"gate": "gate-9", "card": "1"}),
        ("/tap", {"gate": "gate-in", "card": "04a1b2c3d4e501"}),
        ("/tap", {"card": "1"}),
        ("/power", {"gate": "gate-9", "on": "0"}),
        ("/power", {"gate": "gate-in", "on": "2"}),
        ("/network", {"gate": "gate-in"}),
        ("/authority", {"mode": "stall"}),
        ("/authority", {}),
    ],
)
def test_what_the_page_does_not_offer_is_not_done(
    quiet_site: Served[StandInSite], path: str, form: dict[str, str]
) -> None:
    reply = quiet_site.post(path, form)
    assert reply.status == 404
    assert reply.json()["text"] == text("failed_unknown", "en")
    assert quiet_site.site.diary == []


def test_a_form_that_is_none_is_refused(quiet_site: Served[StandInSite]) -> None:
    assert quiet_site.post("/tap", gate="x" * FORM_MAX).status == 413
    many = {f"field{i}": "1" for i in range(20)}
    assert quiet_site.post("/tap", many).status == 400


def test_the_authority_that_is_away_is_said(standin: Served[StandInSite]) -> None:
    reply = standin.post("/authority", mode="down")
    assert reply.status == 502
    assert reply.json()["text"] == text("failed_authority", "en")
    page = standin.get("/?lang=en")
    assert page.status == 200
    assert html.escape(text("mode_away", "en"), quote=False) in page.text
    assert standin.get("/state").json()["authority"]["mode"] is None


def test_the_switch_reaches_a_real_authority(authority: tuple[Rig, str]) -> None:
    rig, url = authority

    async def make() -> StandInSite:
        return StandInSite(authority_url=url)

    assert set(MODES) <= set(ALL_MODES)
    with served(make) as page:
        assert page.get("/state").json()["authority"]["mode"] == "up"
        for mode in (*MODES[1:], "up"):
            reply = page.post("/authority", mode=mode)
            assert (reply.status, rig.availability.mode) == (200, mode)
            assert reply.json()["text"] == text(f"mode_{mode}_set", "en")
            pressed = re.findall(r'value="([\w-]+)" aria-pressed="true"', page.get().text)
            assert pressed == [mode]
        # A mode that only a test sets is shown by its explanation.
        for mode in set(ALL_MODES) - set(MODES):
            rig.availability.set_mode(mode)
            assert html.escape(text(f"mode_{mode}_more", "en"), quote=False) in page.get().text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_speaks_the_language_and_hands_it_on(
    quiet_site: Served[StandInSite], language: str
) -> None:
    reply = quiet_site.get("/", Accept_Language=language)
    assert reply.headers["content-language"] == language
    page = html.unescape(reply.text)
    assert f'<html lang="{language}">' in page
    assert text("badges", language) in page
    assert text("card_two", language) in page
    assert f'src="http://127.0.0.1:9/?lang={language}"' in page
    assert page.count(f'name="lang" value="{language}"') == len(re.findall("<form", page))


def test_names_from_a_people_file_cannot_become_markup(quiet_site: Served[StandInSite]) -> None:
    page = quiet_site.get().text
    assert "Ward &lt;Claessens&gt;" in page
    assert "<Claessens>" not in page


def test_no_card_number_is_on_the_page(quiet_site: Served[StandInSite]) -> None:
    everything = (quiet_site.get().text + quiet_site.get("/state").text).lower()
    for badge in quiet_site.site.badges:
        assert badge.uid not in everything


@pytest.mark.parametrize(
    ("interpreter", "words"),
    [("micropython", "real MicroPython VM"), ("python", "same firmware files on CPython")],
)
def test_the_page_says_what_runs_the_firmware(
    standin: Served[StandInSite], interpreter: str, words: str
) -> None:
    for gate in standin.site.gates.values():
        gate.interpreter = interpreter
    assert words in standin.get().text
    assert standin.get("/state").json()["gates"][0]["interpreter"] == interpreter


def test_another_name_of_this_machine_leads_to_the_one_that_frames(
    quiet_site: Served[StandInSite],
) -> None:
    reply = quiet_site.get("/?lang=nl", Host=f"localhost:{quiet_site.port}")
    assert reply.status == 307
    assert reply.headers["location"] == f"http://127.0.0.1:{quiet_site.port}/?lang=nl"


def test_a_port_that_is_taken_is_said() -> None:
    async def story(port: int) -> None:
        server = ConsoleServer(StandInSite(), port)
        with pytest.raises(SiteError, match=f"port {port} .*--port"):
            await server.start()
        await server.stop()

    with socket.create_server(("127.0.0.1", 0)) as taken:
        asyncio.run(story(taken.getsockname()[1]))
