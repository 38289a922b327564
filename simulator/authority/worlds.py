"""`python -m simulator.authority.worlds`: an invented country for a scenario, and who works in it.

Writes four files that belong together: the world for the authority, the people file and the plan
for the hub, and the cast, which says who comes and what is wrong with whom. The same wishes and
seed give the same files, byte for byte.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Final, final

from simulator.authority.cast import Member, Wish, members_of
from simulator.authority.invented import Invented

FOREIGN_EMPLOYER: Final = "PLFAKE0001"
SITE: Final = "Werf Voorbeeld"
# Days before and after the start of the authority between which works and contracts run.
_RUNS: Final = "from = -200\nuntil = 400\n"


@final
@dataclass(frozen=True, slots=True, repr=False)
class Scenario:
    """The four files as texts, and the cast as objects."""

    world: str
    people: str
    plan: str
    cast: str
    members: tuple[Member, ...] = field(default=())

    def write(self, folder: Path) -> list[Path]:
        """Writes `world.toml`, `people.csv`, `plan.csv` and `cast.csv`; returns their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {
            "world.toml": self.world,
            "people.csv": self.people,
            "plan.csv": self.plan,
            "cast.csv": self.cast,
        }
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")
        return [folder / name for name in files]


def make(wish: Wish) -> Scenario:
    """The scenario of a wish.

    Raises:
        ValueError: the wish cannot be had; the text says why.
    """
    problem = wish.problem()
    if problem is not None:
        raise ValueError(problem)
    invented, dice = Invented(wish.seed), random.Random(f"cast {wish.seed}")
    companies = [invented.company() for _ in range(wish.companies)]
    works = invented.works()
    members = members_of(wish, invented, dice, companies, works)
    return Scenario(
        _world(wish, companies, works, members),
        _people(members),
        _plan(wish, members),
        _cast(members),
        tuple(members),
    )


def _world(wish: Wish, companies: Sequence[str], works: str, members: Iterable[Member]) -> str:
    parts = ["# Made by simulator.authority.worlds. Every number in it is invented.\n"]
    founders: dict[str, list[str]] = {company: [] for company in companies}
    for one in members:
        if one.trouble == "self-employed":
            founders[one.company].append(one.inss)
    for index, company in enumerate(companies):
        parts.append(
            f'[[sender]]\nid = "SIM-{index + 1:04d}"\ncompany = "{company}"\nuser_type = "SIM"\n'
        )
    for company in companies:
        named = ", ".join(f'"{inss}"' for inss in founders[company])
        parts.append(f'[[company]]\nnumber = "{company}"\nfounders = [{named}]\n')
    parts.append(_works(wish, companies, works))
    for one in members:
        parts.append(_person(wish, one))
        if one.limosa:
            until = -7 if one.trouble == "limosa-expired" else 300
            parts.append(
                f'[[limosa]]\nid = "{one.limosa}"\ninss = "{one.inss}"\n'
                f'employer = "{FOREIGN_EMPLOYER}"\nfrom = -190\nuntil = {until}\n'
            )
    return "\n".join(parts)


def _works(wish: Wish, companies: Sequence[str], works: str) -> str:
    text = f'[[works]]\nnumber = "{works}"\nsector = 1\ndeclarant = "{companies[0]}"\n{_RUNS}'
    if wish.amount_eur is not None:
        text += f"amount_eur = {wish.amount_eur}\n"
    if wish.in_out_from is not None:
        text += f"in_out_from = {wish.in_out_from}\n"
    # The second works for the first, the third for the second, the fourth for the first again.
    parties = [f'    {{ company = "{companies[0]}" }},\n']
    for index, company in enumerate(companies[1:], 1):
        above = companies[index - 1 if index % 3 == 2 else 0]
        parties.append(f'    {{ company = "{company}", subcontractor_of = "{above}" }},\n')
    parties.append(f'    {{ company = "{FOREIGN_EMPLOYER}" }},\n')
    return f"{text}party = [\n{''.join(parties)}]\n"


def _person(wish: Wish, one: Member) -> str:
    text = f'[[person]]\ninss = "{one.inss}"\n'
    if one.trouble == "self-employed":
        return f"{text}self_employed = true\n"
    if one.replaced_by:
        text += f'replaced_by = "{one.replaced_by}"\n'
    if one.limosa or one.trouble == "no-dimona":
        return text
    late = ""
    if one.appears is not None:
        moment = one.appears.isoformat()
        late = f", appears_at = {moment if wish.day is None else f'{wish.day}T{moment}'}"
    return f'{text}dimona = [{{ company = "{one.company}", from = -100{late} }}]\n'


def _people(members: Iterable[Member]) -> str:
    heads = (
        "site", "works_number", "company_number", "company_name", "family_name", "given_name",
        "inss", "limosa", "badge_uid", "language", "valid_until",
    )  # fmt: skip
    return _table(heads, (
        # Somebody posted is sent by the Limosa number alone.
        (SITE, one.works, one.company, one.company_name, one.family_name, one.given_name,
         "" if one.limosa else one.inss, one.limosa, one.badge, one.language, "")
        for one in members
    ))  # fmt: skip


def _plan(wish: Wish, members: Iterable[Member]) -> str:
    day = "tomorrow" if wish.day is None else wish.day.isoformat()
    return _table(("inss", "limosa", "day", "works_number", "company_number"), (
        ("" if one.limosa else one.inss, one.limosa, day, one.works, one.company)
        for one in members
        if one.role != "unplanned"
    ))  # fmt: skip


def _cast(members: Iterable[Member]) -> str:
    heads = ("badge_uid", "inss", "limosa", "works_number", "company_number", "role", "trouble")
    return _table(heads, (
        (one.badge, one.inss, one.limosa, one.works, one.company, one.role, one.trouble)
        for one in members
    ))  # fmt: skip


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return text.getvalue()


def _late(text: str) -> tuple[time, int]:
    """`09:00:5`: until 09:00, five people."""
    moment, _, count = text.rpartition(":")
    return time.fromisoformat(moment), int(count)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m simulator.authority.worlds",
        description="Invents a world for the simulated authority, its people and their plan.",
    )
    parser.add_argument("--people", type=int, default=300, metavar="N", help="everybody")
    parser.add_argument("--companies", type=int, default=4, metavar="N", help="Belgian employers")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--day", type=date.fromisoformat, metavar="DAY", help="day of the plan")
    parser.add_argument(
        "--no-dimona-until",
        type=_late,
        action="append",
        default=[],
        metavar="HH:MM:N",
        help="so many people have no Dimona until then; may be given more than once",
    )
    for name, text in (
        ("no-dimona", "people who never have one"),
        ("limosa", "posted workers"),
        ("limosa-expired", "posted workers whose Limosa declaration is over"),
        ("self-employed", "founders of their company"),
        ("replaced", "people whose BIS number was replaced"),
        ("unknown-works", "people under a works number nobody knows"),
        ("absent", "planned people who do not come"),
        ("unplanned", "people who come unplanned"),
    ):
        parser.add_argument(f"--{name}", type=int, default=0, metavar="N", help=text)
    parser.add_argument(
        "--in-out-from", type=date.fromisoformat, metavar="DAY", help="in/out regime from then on"
    )
    parser.add_argument("--amount-eur", type=int, default=1_000_000, metavar="EUR")
    parser.add_argument("--out", type=Path, default=Path("world"), metavar="FOLDER")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Writes the files and prints their paths; returns 2 for a wish that cannot be had."""
    asked = _arguments(argv)
    wish = Wish(
        people=asked.people,
        companies=asked.companies,
        seed=asked.seed,
        day=asked.day,
        late_dimona=tuple(asked.no_dimona_until),
        no_dimona=asked.no_dimona,
        limosa=asked.limosa,
        limosa_expired=asked.limosa_expired,
        self_employed=asked.self_employed,
        replaced=asked.replaced,
        unknown_works=asked.unknown_works,
        absent=asked.absent,
        unplanned=asked.unplanned,
        in_out_from=asked.in_out_from,
        amount_eur=asked.amount_eur,
    )
    try:
        scenario = make(wish)
    except ValueError as problem:
        print(problem, file=sys.stderr)
        return 2
    for path in scenario.write(asked.out):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
