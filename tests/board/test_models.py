"""The device models and shims, checked by the same scripts on MicroPython and on CPython."""

from __future__ import annotations

import pytest

from .conftest import Verdicts, check_names

BOTH = ["checks_chip", "checks_tags", "checks_display", "checks_machine", "checks_answers"]


@pytest.mark.parametrize(
    ("module", "check"),
    [(module, check) for module in BOTH for check in check_names(module)],
)
def test_model(verdicts: Verdicts, interpreter: str, module: str, check: str) -> None:
    verdict, output = verdicts.of(interpreter, module, check)
    assert verdict == "ok", output


@pytest.mark.micropython
@pytest.mark.parametrize("interpreter", ["micropython"], indirect=True)
@pytest.mark.parametrize("check", check_names("checks_flash"))
def test_flash_under_littlefs(verdicts: Verdicts, interpreter: str, check: str) -> None:
    verdict, output = verdicts.of(interpreter, "checks_flash", check)
    if check == "check_power_cut_at_every_operation":
        cuts, _, word = verdict.partition(" ")
        assert word == "cuts", output
        assert int(cuts) >= 30, output
    else:
        assert verdict == "ok", output
