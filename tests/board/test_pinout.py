"""hardware/pinout.toml is a table the RP2040 can satisfy; the board reads it as a parser does."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from hardware.pinout import HARDWARE, read
from simulator.board.pinout import read_constants, read_pinout, read_tables
from tests.board.conftest import Verdicts

PINOUT = HARDWARE / "pinout.toml"

# RP2040 data sheet, table 2: which GPIO can carry which signal of SPI0 and I2C0.
CAN = {
    "SPI0 RX": {0, 4, 16, 20},
    "SPI0 SCK": {2, 6, 18, 22},
    "SPI0 TX": {3, 7, 19, 23},
    "I2C0 SDA": {0, 4, 8, 12, 16, 20, 24, 28},
    "I2C0 SCL": {1, 5, 9, 13, 17, 21, 25, 29},
    "ADC0": {26},
    "ADC1": {27},
}
DIRECTION = {"SPI0 RX": "in", "SPI0 SCK": "out", "SPI0 TX": "out", "I2C0 SDA": "both",
             "I2C0 SCL": "both", "ADC0": "in", "ADC1": "in", "PWM": "out", "PIO": "out",
             "output": "out", "input pull-up": "in"}  # fmt: skip


def test_every_name_and_every_pin_once() -> None:
    pinout = read()
    for names in (
        [signal.gpio for signal in pinout.signals],
        [signal.net for signal in pinout.signals],
        [s.constant for s in pinout.signals] + [c.name for c in pinout.constants],
    ):
        assert len(set(names)) == len(names)
    # GPIO 23, 24, 25 and 29 belong to the radio of the Pico W.
    assert {signal.gpio for signal in pinout.signals} <= set(range(29)) - {23, 24, 25}


def test_the_chip_can_do_it() -> None:
    for signal in read().signals:
        if signal.function in CAN:
            assert signal.gpio in CAN[signal.function], signal
        assert signal.direction == DIRECTION[signal.function], signal
        assert signal.rest in {"low", "high", "analogue"}, signal
        assert (signal.rest == "analogue") == signal.function.startswith("ADC"), signal
        assert signal.note
    assert set(CAN) <= {signal.function for signal in read().signals}


def plain_tables() -> dict[str, dict[str, object]]:
    """The file as a real parser reads it, in the shape of the board's reader."""
    return {
        f"{group}.{name}": fields
        for group, tables in tomllib.loads(PINOUT.read_text("utf-8")).items()
        for name, fields in tables.items()
    }


def test_the_board_reads_what_a_parser_reads() -> None:
    assert read_tables(str(PINOUT)) == plain_tables()
    assert read_pinout(str(PINOUT)) == {s.name: s.gpio for s in read().signals}
    assert read_constants(str(PINOUT)) == {c.name: c.value for c in read().constants}


def test_the_simulated_board_has_the_parts_of_the_table(
    verdicts: Verdicts, interpreter: str
) -> None:
    verdict, output = verdicts.of(interpreter, "checks_pinout", "check_parts")
    assert verdict == "ok", output


def test_the_boards_interpreter_reads_it_too(verdicts: Verdicts, interpreter: str) -> None:
    verdict, output = verdicts.of(interpreter, "checks_pinout", "check_tables")
    assert verdict == "ok", output
    expected = f"{len(read().signals)} signals, {sum(s.gpio for s in read().signals)} in all"
    assert expected in output


@pytest.mark.parametrize(
    "line", ["gpio 4", 'note = "open', 'note = "a" # b', "gpio = four", 'list = ["a"]']
)
def test_a_line_the_board_cannot_read_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "pinout.toml"
    path.write_text(f"[signal.x]\n{line}\n", "utf-8")
    with pytest.raises(ValueError, match=r"pinout|invalid literal"):
        read_tables(str(path))
