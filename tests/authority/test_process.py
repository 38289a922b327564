"""The program: ready line, clean end, and a store that outlives it, crash included."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.authority.__main__ import main
from simulator.authority.clock import SharedClock, instant_ms
from tests import plain_http
from tests.authority.rig import FIRST, WORLD, Reply, envelope, item, register
from tests.authority.signing import assertion_of, call_bytes, caller, request_bytes

pytestmark = pytest.mark.processes


class Program:
    """One running `python -m simulator.authority`."""

    def __init__(self, store: Path, *more: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulator.authority", "--port", "0", "--store", str(store),
             "--world", str(WORLD), "--validation-delay", "0", *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.urls: dict[str, str] = json.loads(self.process.stdout.readline())

    def register(self, *items: str) -> Reply:
        """One call whose items are all accepted."""
        content = envelope(register(*items))
        answer = plain_http.post(
            self.urls["soap"], content=content, headers={"Content-Type": "text/xml"}
        )
        return Reply(answer.status_code, answer.content)

    def order(self, name: str, order: object = None) -> None:
        """A control order that is accepted."""
        plain_http.post(f"{self.urls['url']}/sim/{name}", json=order).raise_for_status()

    def read(self, name: str) -> Any:
        """What a control endpoint shows."""
        return plain_http.get(f"{self.urls['url']}/sim/{name}").json()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Exit code, what else it printed, what it complained about."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=10)
        return self.process.returncode, out, err


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    programs: list[Program] = []

    def begin(*more: str) -> Program:
        programs.append(Program(tmp_path / "authority.db", *more))
        return programs[-1]

    yield begin
    for program in programs:
        if program.process.poll() is None:
            program.process.kill()
        program.process.communicate(timeout=10)


def test_ready_line_restart_and_clean_end(start: Callable[..., Program]) -> None:
    program = start("--now", "2026-11-23T23:59:00", "--channel", "OTHER")
    url = program.urls["url"]
    assert program.urls == {
        "url": url,
        "soap": f"{url}/PresenceRegistration/v1",
        "wsdl": f"{url}/PresenceRegistration/v1?wsdl",
        "rest": f"{url}/REST/presenceRegistration/v1",
        "token": f"{url}/REST/oauth/v5/token",
        "openapi": f"{url}/REST/presenceRegistration/v1/openapi.json",
        "pages": f"{url}/desktop",
        "sts": f"{url}/SecurityTokenService/v1",
    }
    assert program.read("state")["day"] == "2026-11-23"
    reply = program.register(item(reference="before"))
    assert (reply.numbers, reply.texts("Channel")) == ([FIRST], ["OTHER"])
    assert program.end() == (0, "", "")

    program = start("--now", "2026-11-24T00:01:00")
    assert program.register(item(reference="after")).numbers == [FIRST + 1]
    held = program.read("registrations")
    assert [(one["reference"], one["day"], one["channel"]) for one in held] == [
        ("before", "2026-11-23", "OTHER"),
        ("after", "2026-11-24", "WEBSERVICE"),
    ]
    assert program.end(signal.SIGINT) == (0, "", "")


def test_what_was_answered_survives_a_kill(start: Callable[..., Program]) -> None:
    program = start()
    numbers = program.register(*(item(reference=f"r{n}") for n in range(200))).numbers
    program.process.kill()
    program.process.communicate(timeout=10)
    held = start().read("registrations")
    assert [one["number"] for one in held] == numbers


def test_a_late_dimona_stays_known_after_a_restart(start: Callable[..., Program]) -> None:
    program = start("--now", "2026-11-23T06:00:00")
    program.register(item("90110599843"))
    program.order("clock", {"shift_s": 1800})
    program.order("validate")
    assert program.read("registrations")[0]["status"] == "VALIDATED"
    program.end()
    program = start("--now", "2026-11-23T07:00:00")
    program.order("validate")
    assert program.read("registrations")[0]["status"] == "VALIDATED"


def test_profile_life_and_senders_outlive_a_kill(start: Callable[..., Program]) -> None:
    who = caller()
    program = start("--now", "2026-11-23T06:00:00", "--profile", "signed", "--token-life", "90")
    state = program.read("security")
    assert (state["profile"], state["sts"]["life_s"]) == ("signed", 90)
    program.order("sender", {"id": "SIM-0001", "certificate": who.pem})
    program.process.kill()
    program.process.communicate(timeout=10)
    program = start("--now", "2026-11-23T06:00:00", "--profile", "signed")
    content = request_bytes(who, "2026-11-23T06:00:00", life_s=290)
    answer = plain_http.post(
        program.urls["sts"], content=content, headers={"Content-Type": "text/xml"}
    )
    assertion = assertion_of(answer.content)
    content = call_bytes(who, "2026-11-23T06:00:00", assertion, register(item()), life_s=290)
    for body, fault in ((content, None), (envelope(register(item())), "SOA-01001")):
        answer = plain_http.post(
            program.urls["soap"], content=body, headers={"Content-Type": "text/xml"}
        )
        assert Reply(answer.status_code, answer.content).fault == fault
    assert program.end() == (0, "", "")


def test_the_program_shares_its_time(start: Callable[..., Program], tmp_path: Path) -> None:
    path = tmp_path / "shared.json"
    program = start("--clock-file", str(path), "--now", "2026-11-23T23:59:00")
    assert program.read("state")["day"] == "2026-11-23"
    SharedClock(path, 0).write(instant_ms("2026-11-24T00:00:00"), 0)
    assert program.read("state")["now"] == "2026-11-24T00:00:00.000+01:00"
    program.order("clock", {"shift_s": 86_400})
    assert SharedClock(path, 0)() == instant_ms("2026-11-25T00:00:00")
    assert program.end() == (0, "", "")
    # Without --now a file that is there keeps its time.
    assert start("--clock-file", str(path)).read("state")["day"] == "2026-11-25"


def test_a_script_from_a_file_is_met(start: Callable[..., Program], tmp_path: Path) -> None:
    path = tmp_path / "script.toml"
    path.write_text('[[entry]]\nmode = "down"\nstatus = 502\ncalls = 1\n', encoding="utf-8")
    program = start("--script", str(path))
    content = envelope(register(item()))
    headers = {"Content-Type": "text/xml"}
    statuses = [
        plain_http.post(program.urls["soap"], content=content, headers=headers).status_code
        for _ in range(2)
    ]
    assert statuses == [502, 200]
    assert program.read("script")["entries"][0]["state"] == "over"


@pytest.mark.parametrize(("arguments", "code"), [
    (["--validation-delay", "-1"], 2),
    (["--validation-delay", "5:1"], 2),
    (["--validation-repeat", "-1"], 2),
    (["--cancel-grace-days", "-1"], 2),
    (["--future-tolerance", "-1"], 2),
    (["--desktop-days", "-1"], 2),
    (["--desktop-days", "367"], 2),
    (["--now", "soon"], 2),
    (["--token-life", "0"], 2),
    (["--clock-file", "/dev/null"], 2),
    (["--script", "nowhere.toml"], 2),
    (["--world", "/dev/null"], 2),
    (["--world", "nowhere.toml"], 2),
    (["--store", "/dev/null/authority.db"], 1),
])  # fmt: skip
def test_wrong_arguments(
    arguments: list[str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", str(tmp_path / "a.db"), *arguments]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.strip()
