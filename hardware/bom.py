"""The bill of materials: python -m hardware.bom prints the total and writes hardware/bom.md."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass

from hardware.pinout import HARDWARE

PAGE = HARDWARE / "bom.md"
TARGET_EUR = 60.0
_DATE = re.compile(r"20\d\d-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Part:
    """One line of the bill.

    Attributes:
        refs: references in the schematic, or M and a number for mechanical parts.
        value: as in the schematic.
        maker: who makes it.
        number: the maker's part number.
        alternates: two others that fit.
        price: euro for one piece, without VAT; an estimate.
        priced: year and month of the estimate.
        where: where it sits in the gate.
        quantity: pieces.
        option: whether a full gate goes without it.
    """

    refs: tuple[str, ...]
    value: str
    maker: str
    number: str
    alternates: tuple[str, str]
    price: float
    priced: str
    where: str
    quantity: int
    option: bool = False

    @property
    def cost(self) -> float:
        """Euro for all pieces."""
        return self.price * self.quantity


def read() -> list[Part]:
    """Returns every line.

    Raises:
        ValueError: a line lacks an alternate, or its price or date cannot be one.
        TypeError: a line lacks a field or has one too many.
    """
    parts: list[Part] = []
    for row in tomllib.loads((HARDWARE / "bom.toml").read_text("utf-8"))["part"]:
        refs, alternates = tuple(row.pop("refs")), tuple(row.pop("alternates"))
        quantity = row.pop("quantity", len(refs))
        part = Part(refs=refs, alternates=alternates, quantity=quantity, **row)
        if len(alternates) != 2 or not _DATE.fullmatch(part.priced) or not 0 < part.price < 100:
            raise ValueError(f"line of {', '.join(refs)}")
        parts.append(part)
    return parts


def total(parts: list[Part], *, options: bool = False) -> float:
    """Returns euro for a full gate: display, clock, relay and box, and the options if asked."""
    return round(sum(part.cost for part in parts if options or not part.option), 2)


def page(parts: list[Part]) -> str:
    """Returns hardware/bom.md."""
    lines = [
        "# Bill of materials",
        "",
        "Made by `python -m hardware.bom` from `bom.toml`: edit that. **Prices are estimates** for",
        "one piece from hobby shops and distributors in the EU, in euro without VAT and shipping,",
        "as of the month beside them. They are no offers.",
        "",
        f"A full gate: **EUR {total(parts):.2f}**; with the buttons IN and OUT EUR "
        f"{total(parts, options=True):.2f}. The target is less than EUR {TARGET_EUR:.0f}.",
        "",
        "| reference | pieces | value | maker | part number | or | or | EUR each | as of | where |",
        "|---|--:|---|---|---|---|---|--:|---|---|",
    ]
    for part in parts:
        name = ", ".join(part.refs) + (" (option)" if part.option else "")
        lines.append(
            f"| {name} | {part.quantity} | {part.value} | {part.maker} | {part.number} "
            f"| {part.alternates[0]} | {part.alternates[1]} | {part.price:.2f} | {part.priced} "
            f"| {part.where} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Writes the page and prints the totals."""
    parts = read()
    PAGE.write_text(page(parts), "utf-8")
    print(f"a full gate EUR {total(parts):.2f}, with options {total(parts, options=True):.2f}")


if __name__ == "__main__":
    main()
