"""Who comes to the site of a scenario day and when, and what the files of that day say.

The people are those of `simulator.authority.worlds`, spread over two works declarations of one
site: one keeps the day regime, the other registers in and out. A night crew comes on top of them:
in on the evening before, out in the morning. Nothing here asks the hub for anything.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from simulator.authority.cast import Member, Wish
from simulator.authority.worlds import make

SITE: Final = "Werf Voorbeeld"
DAY_WORKS: Final = "1Y19FAKE001AZ"
IN_OUT_WORKS: Final = "1Y19FAKE002BZ"
BRUSSELS: Final = ZoneInfo("Europe/Brussels")
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
_HEADS: Final = (
    "site;works_number;company_number;company_name;family_name;given_name;inss;limosa;"
    "badge_uid;language;limosa_until;valid_until"
)


def local_ms(day: date, hour: int, minute: int = 0) -> int:
    """That time of the day in Brussels as UTC milliseconds; the first, where it comes twice."""
    return int(datetime.combine(day, time(hour, minute), BRUSSELS).timestamp()) * 1000


@dataclass(frozen=True, slots=True)
class Plot:
    """What makes one scenario day differ from another.

    Args:
        day: the day.
        people: planned or unplanned on it; the night crew is not among them.
        absent, unplanned, late, expired, unknown: how many of them are that.
        night: people of the night crew, half of them at each works.
        switches: the works of the day regime go over to in and out on this very day.
        senders: of each regime.
        lossy_eve: the answers of the authority are lost while the plan is sent, too.
    """

    day: date
    people: int
    absent: int
    unplanned: int
    late: int
    expired: int
    unknown: int = 2
    night: int = 12
    switches: bool = False
    senders: int = 1
    lossy_eve: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Tap:
    """A badge at a gate."""

    at_ms: int
    member: Member
    way: str
    night: bool = False


class Cast:
    """The people of a plot and their taps.

    Args:
        plot: the day.

    Attributes:
        people: who is planned, or comes unplanned.
        night: the night crew.
        everybody: both.
        taps: every tap, in the order in which they happen.
    """

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self._dice = random.Random(f"scenario {plot.day}")
        made = make(
            Wish(
                people=plot.people + plot.night,
                companies=4,
                seed=plot.day.toordinal(),
                day=plot.day,
                late_dimona=((time(9), plot.late),),
                limosa_expired=plot.expired,
                unknown_works=plot.unknown,
                absent=plot.absent,
                unplanned=plot.unplanned,
            )
        )
        head, _, works = made.world.partition("[[works]]")
        block, _, tail = works.partition("\n\n")
        self._world = (head, block, tail)
        plain = [one for one in made.members if (one.trouble, one.role) == ("none", "present")]
        crew = {one.badge for one in plain[: plot.night]}
        self.night = [
            replace(one, works=IN_OUT_WORKS if index % 2 else DAY_WORKS)
            for index, one in enumerate(plain[: plot.night])
        ]
        self.people = [
            one if one.trouble == "works-unknown" else replace(one, works=self._home(index, one))
            for index, one in enumerate(made.members)
            if one.badge not in crew
        ]
        self.everybody = [*self.people, *self.night]
        self.taps = self._all_taps()

    def _home(self, index: int, one: Member) -> str:
        """Two of five register in and out; what the day regime alone can show stays in it."""
        return IN_OUT_WORKS if one.trouble == "none" and index % 5 < 2 else DAY_WORKS

    def in_out(self, works: str, day: date) -> bool:
        """Whether these works register in and out on a day."""
        switched = self.plot.switches and works == DAY_WORKS and day >= self.plot.day
        return works == IN_OUT_WORKS or switched

    # ------------------------------------------------------------ files

    def world(self) -> str:
        """The world file of the authority: the works of the generator, twice."""
        head, block, tail = self._world
        number = block.partition('number = "')[2].partition('"')[0]
        day = block.replace(number, DAY_WORKS)
        in_out = block.replace(number, IN_OUT_WORKS)
        if self.plot.switches:
            day = day.replace("party = [", f"in_out_from = {self.plot.day}\nparty = [")
        in_out = in_out.replace("party = [", "in_out_from = 2026-01-01\nparty = [")
        return f"{head}[[works]]{day}\n\n[[works]]{in_out}\n\n{tail}"

    def people_file(self) -> bytes:
        """The people file of the hub."""
        rows = [
            ";".join(
                (
                    SITE, one.works, one.company, one.company_name, one.family_name,
                    one.given_name, "" if one.limosa else one.inss, one.limosa, one.badge,
                    one.language, self._limosa_ends(one), "",
                )
            )
            for one in self.everybody
        ]  # fmt: skip
        return "\n".join([_HEADS, *rows, ""]).encode()

    def _limosa_ends(self, one: Member) -> str:
        over = self.plot.day - timedelta(days=8)
        return over.isoformat() if one.trouble == "limosa-expired" else ""

    def planned(self) -> list[Member]:
        """Who is planned for the day."""
        return [one for one in self.people if one.role != "unplanned"]

    def plan_file(self) -> bytes:
        """The plan of the evening before."""
        rows = [
            ";".join(
                (
                    "" if one.limosa else one.inss, one.limosa, self.plot.day.isoformat(),
                    one.works, one.company,
                )
            )
            for one in self.planned()
        ]  # fmt: skip
        return "\n".join(["inss;limosa;day;works_number;company_number", *rows, ""]).encode()

    # ------------------------------------------------------------ taps

    def _all_taps(self) -> list[Tap]:
        """Every tap, in the order in which they happen."""
        came = [one for one in self.people if one.role != "absent"]
        found = [tap for one in came for tap in self._shift(one)]
        found += [tap for one in self.night for tap in self._night_shift(one)]
        return sorted(found, key=lambda tap: (tap.at_ms, tap.member.badge))

    def _some(self, minutes: int) -> int:
        return self._dice.randrange(minutes * MINUTE_MS)

    def _shift(self, one: Member) -> Iterator[Tap]:
        day = self.plot.day
        yield Tap(local_ms(day, 6) + self._some(100), one, "in")
        yield Tap(local_ms(day, 12) + self._some(10), one, "out")
        yield Tap(local_ms(day, 12, 30) + self._some(10), one, "in")
        yield Tap(local_ms(day, 16) + self._some(45), one, "out")

    def _night_shift(self, one: Member) -> Iterator[Tap]:
        """In the evening before and out in the morning; who registers in and out has a break of an
        hour after two: in autumn it begins and ends at the same time of the clock."""
        evening = self.plot.day - timedelta(days=1)
        yield Tap(local_ms(evening, 21, 45) + self._some(30), one, "in", night=True)
        if self.in_out(one.works, evening):
            out_ms = local_ms(self.plot.day, 1) + HOUR_MS + self._some(30)
            yield Tap(out_ms, one, "out", night=True)
            yield Tap(out_ms + HOUR_MS, one, "in", night=True)
        yield Tap(local_ms(self.plot.day, 5, 30) + self._some(20), one, "out", night=True)
