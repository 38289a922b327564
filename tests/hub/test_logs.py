"""Log lines hold no person, and a log that cannot be written stops nobody."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hub.logs import HIDDEN, redact

ROOT = Path(__file__).resolve().parents[2]
INSS, LIMOSA = "85031299761", "24999000000000187"


def redacted(**values: object) -> str:
    """The values as they would be logged, as text."""
    return json.dumps(redact(None, "info", values), default=str)


@pytest.mark.parametrize(
    "written",
    [INSS, "85.03.12-997.61", "85 03 12 997 61", "850312-99761", "850312 997 61", LIMOSA],
)
def test_a_person_number_is_masked_wherever_it_stands(written: str) -> None:
    for text in (written, f"number {written}.", f"({written})", f"/people/{written}/badge"):
        for shown in (
            redacted(event=text),
            redacted(event="x", detail=[text]),
            redacted(event="x", detail={"a": {"b": (text,)}}),
            redacted(event="x", detail={text: 1}),
            redacted(event="x", detail=ValueError(text)),
        ):
            assert HIDDEN in shown
            assert written not in shown


@pytest.mark.parametrize("number", [int(INSS), int(LIMOSA)])
def test_a_person_number_is_masked_as_a_number_too(number: int) -> None:
    for shown in (redacted(event="x", value=number), redacted(event="x", values=[number])):
        assert str(number) not in shown


@pytest.mark.parametrize(
    "name", ["inss", "niss", "limosa", "uid", "tag", "name", "given_name", "family_name", "key"]
)
def test_what_stands_under_a_personal_name_is_hidden(name: str) -> None:
    assert redact(None, "info", {"event": "x", name: "Aarts"}) == {"event": "x", name: HIDDEN}
    nested = redact(None, "info", {"event": "x", "row": [{name: "Aarts"}]})
    assert nested == {"event": "x", "row": [{name: HIDDEN}]}


def test_what_is_no_person_number_stays_readable() -> None:
    harmless = {
        "event": "incident",
        "at": "2026-11-23T11:00:00.123456Z",
        "now_ms": 1_795_431_600_123,
        "terminal": "gate-1",
        "reference": "4005eddf8a8a9b08a485bdd6",
        "number": 900_000_000_000_001,
        "port": 1883,
        "ok": True,
        "nothing": None,
        "share": 0.25,
    }
    assert redact(None, "info", dict(harmless)) == harmless


def run(script: str) -> subprocess.CompletedProcess[str]:
    """Runs a script in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


WRITES = f"""
import logging, structlog
from hub.logs import configure_logs
configure_logs("warning")
log = structlog.get_logger()
log.info("too quiet")
log.warning("seen", terminal="gate-1", number="{INSS}")
logging.getLogger("a.library").info("too quiet")
logging.getLogger("a.library").warning("library says %s", "{INSS}")
try:
    raise ValueError("{LIMOSA}")
except ValueError:
    logging.getLogger("a.library").exception("failed")
print("done")
"""


def test_lines_go_to_standard_error_as_json_and_without_numbers() -> None:
    result = run(WRITES)
    assert (result.returncode, result.stdout) == (0, "done\n")
    first = json.loads(result.stderr.splitlines()[0])
    assert {key: first[key] for key in ("event", "level", "terminal", "number")} == {
        "event": "seen", "level": "warning", "terminal": "gate-1", "number": HIDDEN,
    }  # fmt: skip
    assert first["at"].endswith("Z")
    assert "too quiet" not in result.stderr
    assert "library says ***" in result.stderr
    assert "Traceback" in result.stderr
    for number in (INSS, LIMOSA):
        assert number not in result.stderr


@pytest.mark.parametrize(
    "loss",
    [
        "import os; os.close(2)",
        "import os; r, w = os.pipe(); os.dup2(w, 2); os.close(w); os.close(r)",
        "import sys; sys.stderr.close()",
        "import sys; sys.stderr = None",
        "import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 2)",
    ],
)
def test_a_log_that_cannot_be_written_stops_nobody(loss: str) -> None:
    result = run(loss + "\n" + WRITES)
    assert result.stdout == "done\n"


def test_debug_lines_of_libraries_are_never_shown() -> None:
    script = (
        "import logging\nfrom hub.logs import configure_logs\nconfigure_logs('debug')\n"
        "logging.getLogger('zeep.transports').debug('<soap:Envelope>')\n"
    )
    assert run(script).stderr == ""
