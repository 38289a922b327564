"""No person number, name or token is in an error, a log line or a `repr`."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hub.errors import SitegateError
from tests.rest.acts import DAY, INSS, WORKS, act, wire
from tests.rest.conftest import Make
from tests.rest.service import (
    Reply,
    Service,
    created,
    not_created,
    page,
    problem,
    shown,
    stores_all,
)
from tests.soap.test_privacy import everything_said_by

ROOT = Path(__file__).resolve().parents[2]
MISTYPED = INSS[:10]
SECRETS = (INSS, MISTYPED, "85.03.12", "Worker", "token-1", "PRIVATE KEY")
QUOTES: dict[str, Any] = {"detail": f"ssin {INSS}", "title": INSS, "instance": INSS, "href": INSS}

REPLIES: dict[str, Any] = {
    "stored": stores_all,
    "refused": Reply({"items": [not_created(("X", f"bad {INSS}")), not_created((INSS, ""))]}),
    "incomplete": Reply({"items": [created(wire(1), 1)]}),
    "torn": Reply(f'{{"items": [{{"ssin": "{INSS}"'),
    "another type": Reply({"items": [created(wire(1), INSS)] * 2}),
    "problem that quotes": problem(
        "badRequest",
        400,
        issues=[{"name": "items[0].ssin", "value": INSS, "type": INSS, "detail": INSS}],
        **QUOTES,
    ),
    "unknown problem that quotes": problem(INSS, 500, {"Retry-After": INSS}, **QUOTES),
    "token problem that quotes": problem("invalidAccessToken", 401, **QUOTES),
    "a page that quotes": Reply(f"<html>{INSS}</html>", 500, "text/html"),
    "a header that quotes": Reply("", 302, headers={"Location": f"/{INSS}", "X-Note": INSS}),
    "a remark that quotes": Reply(
        {
            "items": [
                created(wire(n), n, remarks=[{"code": INSS, "labels": {"nl": INSS}}], channel=INSS)
                for n in (1, 2)
            ]
        }
    ),
    "words that quote": Reply(
        {"items": [created(wire(n), n, validity=INSS, status={"code": INSS}) for n in (1, 2)]}
    ),
}


@pytest.mark.parametrize("name", REPLIES)
def test_nothing_of_a_person_is_said_anywhere(
    make: Make, name: str, caplog: pytest.LogCaptureFixture, kept: list[Any]
) -> None:
    caplog.set_level(logging.DEBUG)
    said = ""
    with Service(REPLIES[name]) as service:
        authority = make(service)
        try:
            results = authority.register([act(1), act(2), act(3, inss=MISTYPED)])
            said = repr(results)
        except SitegateError as error:
            said = everything_said_by(error)
    assert said
    assert kept
    for text in (said, caplog.text, repr(authority), repr(kept), repr(act(1))):
        assert not [secret for secret in SECRETS if secret in text]


def test_a_search_shows_numbers_of_the_authority_only(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Service(page([shown(wire(1), 17)])) as service:
        found = make(service).search(WORKS, DAY)
    assert found[0].inss == INSS
    for text in (repr(found), caplog.text):
        assert not [secret for secret in SECRETS if secret in text]
    # Nor does an address: those end up in the logs of everything in between.
    assert INSS not in service.asked[0].path


def test_the_libraries_are_loaded_at_the_first_call_and_not_before() -> None:
    code = (
        "import sys, hub.authority.in_out, hub.settings\n"
        "print(sorted({'httpx2', 'httpcore2', 'joserfc'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "[]\n", done.stderr
