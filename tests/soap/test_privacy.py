"""No person number leaves the package except towards the authority, and nothing is loaded early."""

from __future__ import annotations

import logging
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from hub.authority.soap import SoapAuthority
from hub.authority.transport import Answer
from hub.errors import SitegateError
from tests.soap.responder import (
    Responder,
    answers,
    fault,
    refusal,
    registered_answer,
    registration,
    reset,
    stores_all,
)
from tests.soap.workers import INSS, LIMOSA, employee, posted, reference

MISTYPED = INSS[:10]
NUMBERS = (INSS, LIMOSA, "85.03.12", MISTYPED)
ROOT = Path(__file__).resolve().parents[2]


def everything_said_by(error: BaseException) -> str:
    """Returns what a careless log of `error` would show, hidden context included."""
    parts: list[str] = []
    current: BaseException | None = error
    while current is not None:
        parts += [repr(current), str(current), *traceback.format_exception(current)]
        current = current.__cause__ or current.__context__
    return "\n".join(parts)


SCRIPTS = {
    "stored": answers(stores_all),
    "refused": answers(
        registered_answer(
            refusal(reference(1), ("X", f"bad {INSS}")),
            refusal(reference(2), ("X", f"bad {LIMOSA}")),
        )
    ),
    "incomplete": answers(registered_answer(registration(reference(1), 7))),
    "torn": answers(registered_answer(registration(reference(1), 7))[:-30]),
    "fault that quotes": answers(fault("SOA-03006", text=f"'{INSS}' is not valid"), 500),
    "unknown fault that quotes": answers(fault(INSS, text=f"'{INSS}'"), 500),
    "a page that quotes": answers(f"<html>{INSS}</html>".encode(), 500),
    "reset": reset(before_reading=False),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_person_number_is_in_a_log_an_error_or_a_repr(
    name: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(logging.getLogger("zeep"), "level", logging.NOTSET)
    said = ""
    with Responder(SCRIPTS[name]) as service:
        authority = SoapAuthority(service.url, 1, 1)
        try:
            results = authority.register([employee(1), posted(2), employee(3, inss=MISTYPED)])
            said = repr(results)
        except SitegateError as error:
            said = everything_said_by(error)
    assert said
    assert not [record for record in caplog.records if record.name.startswith("zeep")]
    for shown in (said, caplog.text, repr(authority), repr(employee(1)), repr(posted(2))):
        assert not [number for number in NUMBERS if number in shown]


def test_an_answer_shows_its_size_and_not_its_content() -> None:
    assert repr(Answer(200, INSS.encode())) == "Answer(200, 11 bytes)"


def test_importing_use_cases_pages_or_this_package_does_not_load_the_soap_libraries() -> None:
    modules = [
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for room in ("application", "authority", "web")
        for file in sorted((ROOT / "hub" / room).rglob("*.py"))
    ]
    assert "hub.authority.soap" in modules
    code = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        "print(sorted({'zeep', 'lxml', 'requests'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "[]\n", done.stderr
