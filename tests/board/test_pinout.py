"""hardware/pinout.csv is a table the RP2040 can satisfy."""

from __future__ import annotations

import csv
from pathlib import Path

PINOUT = Path(__file__).parents[2] / "hardware" / "pinout.csv"

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


def rows() -> list[dict[str, str]]:
    with PINOUT.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_signal_and_every_pin_once() -> None:
    signals = [row["signal"] for row in rows()]
    pins = [int(row["gpio"]) for row in rows()]
    assert len(set(signals)) == len(signals)
    assert len(set(pins)) == len(pins)
    # GPIO 23, 24, 25 and 29 belong to the radio of the Pico W.
    assert set(pins) <= set(range(29)) - {23, 24, 25}


def test_the_chip_can_do_it() -> None:
    for row in rows():
        if row["function"] in CAN:
            assert int(row["gpio"]) in CAN[row["function"]], row
    functions = {row["function"] for row in rows()}
    assert set(CAN) <= functions


def test_no_note_breaks_the_table() -> None:
    # The board reads the table without a CSV parser.
    text = PINOUT.read_text(encoding="utf-8")
    assert all(line.count(",") == 3 for line in text.splitlines())
    assert '"' not in text
