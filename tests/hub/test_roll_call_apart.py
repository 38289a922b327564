"""A long roll call is drawn by another process, as it is here, and never not at all."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO

import pytest
from pypdf import PdfReader
from structlog.testing import capture_logs

from hub.application.roll_call import sheet_of
from hub.reports import roll_call_apart
from hub.reports.roll_call import roll_call_pdf
from hub.reports.roll_call_apart import LARGE, roll_call_paper
from tests.hub.roll_call_site import known, listed, tapped
from tests.web.moments import NOW

SHORT = sheet_of(listed(*(known(key, tapped(NOW)) for key in range(LARGE))), None)
LONG = sheet_of(listed(*(known(key, tapped(NOW)) for key in range(LARGE + 1))), None)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of the processes that were started."""
    commands: list[list[str]] = []
    run = subprocess.run

    def noted(command: list[str], **how: object) -> object:
        commands.append(command)
        return run(command, **how)  # pyright: ignore[reportCallIssue, reportArgumentType, reportUnknownVariableType]

    monkeypatch.setattr(subprocess, "run", noted)
    return commands


def told(pdf: bytes) -> list[str]:
    """What stands on each page; the letters' numbers differ from process to process."""
    return [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]


def test_a_long_list_is_drawn_by_another_process(started: list[list[str]]) -> None:
    drawn = roll_call_paper(LONG, "de", "Achtung: von gestern")
    assert len(started) == 1
    assert told(drawn) == told(roll_call_pdf(LONG, "de", "Achtung: von gestern"))
    # Names go by a pipe: whoever may list processes would read them in a command.
    assert [one for one in started[0] if "hub" not in one] == [sys.executable, "-m"]


def test_a_short_list_is_not_worth_a_process(started: list[list[str]]) -> None:
    assert roll_call_paper(SHORT, "fr") == roll_call_pdf(SHORT, "fr")
    assert started == []


@pytest.mark.parametrize("program", ["/bin/false", "/no/such/python"])
def test_a_list_is_drawn_here_when_the_other_process_fails(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roll_call_apart.sys, "executable", program)
    with capture_logs() as logs:
        assert roll_call_paper(LONG, "nl") == roll_call_pdf(LONG, "nl")
    assert [one["event"] for one in logs] == ["roll call drawn by the hub itself"]
    assert LONG.remaining[0].entry.family_name not in str(logs)
