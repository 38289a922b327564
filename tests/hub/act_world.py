"""A site at which people come and go without a badge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.application.acts import Channel, KeptAct, Means, NewAct, Standing, keep
from hub.storage import works as store
from hub.storage.acts import Acts, standing_of
from hub.storage.engine import reading, writing
from hub.storage.projection import RegisterView
from hub.storage.works import set_regime
from protocol.record import DIRECTION_IN
from tests.hub.derived import Site
from tests.hub.house import NOON_MS, people_house

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
WORKS = "1Y19FAKE001AZ"
PLACE = '{"longitude": 4.3517, "latitude": 50.8466}'
P_MILAN, P_BASILE, P_PIOTR = 1, 2, 3
TODAY = "2026-11-23"


def brussels(text: str) -> int:
    """UTC milliseconds of a wall clock in Brussels; `fold=1` for the second of two such hours."""
    text, _, fold = text.partition(" fold=")
    moment = datetime.fromisoformat(text).replace(
        tzinfo=ZoneInfo("Europe/Brussels"), fold=int(fold or 0)
    )
    return int(moment.timestamp() * 1000)


def act(who: int = P_MILAN, at_ms: int = NOON_MS, name: str = "", **more: object) -> NewAct:
    """An act at the kiosk."""
    made = NewAct(
        reference=name or f"reference-of-{who}-{at_ms}",
        at_ms=at_ms,
        site_id=1,
        direction=DIRECTION_IN,
        person_id=who,
        channel=Channel.KIOSK,
        means=Means.INSS,
        place="kiosk-00000001",
        by="kiosk-00000001",
    )
    return replace(made, **more)  # pyright: ignore[reportArgumentType]


class Gate(Site):
    """A site at which people act without a badge."""

    def act(self, one: NewAct, received_ms: int | None = None, project: bool = True) -> KeptAct:
        """Keeps an act; and lets it have its effect."""
        with writing(self.engine) as connection:
            kept = keep(Acts(connection), one, one.at_ms if received_ms is None else received_ms)
        if project:
            self.project()
        return kept

    def standing(self, reference: str) -> Standing | None:
        """How far an act has come."""
        with reading(self.engine) as connection:
            return standing_of(connection, reference)

    def in_out(self) -> None:
        """The works stand under the in/out regime."""
        with writing(self.engine) as connection:
            store.put_works(connection, WORKS, 1, place=PLACE)
            set_regime(connection, WORKS, date(2026, 1, 1), "in_out")
        self.register = RegisterView()


@contextmanager
def gate_on(folder: Path) -> Iterator[Gate]:
    """A site on a folder."""
    with people_house(folder) as house:
        yield Gate(house)
