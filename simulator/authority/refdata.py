"""The catalogues of the in/out face: remarks, activities, and the invented names it answers."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, cast

LANGUAGES: Final = ("nl", "fr", "de", "en")
OUT_MISSING: Final = "SIM-OUT-MISSING"

_FILE = Path(__file__).parent / "refdata.toml"


@dataclass(frozen=True, slots=True)
class Term:
    """One entry of a catalogue: its code and a label in each language."""

    code: str
    labels: Mapping[str, str]

    def as_json(self) -> dict[str, object]:
        """The entry as the service answers it."""
        return {"code": self.code, "labels": self.labels}


@dataclass(frozen=True, slots=True)
class Catalogues:
    """Everything of `refdata.toml`.

    Attributes:
        remarks: by code.
        code_of: the code that stands here for a remark of the day service.
        activities: by code.
        activity_of: the activity of a sector.
    """

    remarks: Mapping[str, Term]
    code_of: Mapping[str, str]
    activities: Mapping[str, Term]
    activity_of: Mapping[int, str]
    given_names: Sequence[str]
    family_names: Sequence[str]

    def activity(self, sector: int | None) -> str:
        """The activity of works of that sector; the one for unknown works otherwise."""
        unknown = next(iter(self.activities))
        return unknown if sector is None else self.activity_of.get(sector, unknown)

    def name(self, ssin: str) -> tuple[str, str]:
        """Given and family name of a person: invented, and always the same ones."""
        place = int(ssin[:9])
        return (
            self.given_names[place % len(self.given_names)],
            self.family_names[place // 7 % len(self.family_names)],
        )


@lru_cache(maxsize=1)
def catalogues() -> Catalogues:
    """What the file holds, read once."""
    file = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    remarks = cast("list[dict[str, str]]", file["remark"])
    activities = cast("list[dict[str, object]]", file["activity"])
    names = cast("dict[str, list[str]]", file["names"])
    return Catalogues(
        {str(row["code"]): _term(row) for row in remarks},
        {row["remark"]: row["code"] for row in remarks if "remark" in row},
        {str(row["code"]): _term(row) for row in activities},
        {int(str(row["sector"])): str(row["code"]) for row in activities if "sector" in row},
        names["given"],
        names["family"],
    )


def _term(row: Mapping[str, object]) -> Term:
    return Term(str(row["code"]), {language: str(row[language]) for language in LANGUAGES})
