"""Fixtures of the command line, for the tests that ask for them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

import hub.cli
from tests.hub.command_line import Said, Sitegate
from tests.hub.house import PEOPLE


@pytest.fixture
def sitegate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Sitegate]:
    """Runs a command line as the program does, in this process.

    The working folder holds a people file and nothing else; no setting of this machine counts, and
    the language is English.
    """
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.upper().startswith("SITEGATE_") or name in ("LC_ALL", "WIFI_PASSWORD"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    (tmp_path / "people.csv").write_text(PEOPLE)

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["sitegate", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            hub.cli.main()
        told = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int) or code is None
        return Said(code or 0, told.out, told.err)

    yield run
    structlog.reset_defaults()


@pytest.fixture
def people(sitegate: Sitegate) -> Sitegate:
    """A hub that knows its site."""
    assert sitegate("import", "people.csv").code == 0
    return sitegate
