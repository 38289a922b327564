"""One moment of everything the dashboard shows, gathered once and then drawn or given as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any, Final

from hub.application.access import EVERYTHING, Scope
from hub.application.flow import Flow
from hub.application.overview import (
    AuthorityStatus,
    Board,
    GateStatus,
    OverviewPort,
    PersonRow,
    RegistrationRow,
    SiteName,
)
from hub.domain.legal_day import brussels_day
from hub.web.live import Changes
from hub.web.recent import Recent

FLOW_MS: Final = 60_000
"""How old the curve of the day may be."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known at one moment.

    Args:
        as_of_ms: that moment, UTC milliseconds.
        today: its Brussels day, ISO.
        sites: every site that there is for who looks, by name.
        board: the site that was asked for; None when the hub has no site.
        gates: live state of that site's gates.
        authority: live state of the link to the authority.
        flow: how many were on that site through the day, at most `FLOW_MS` old.
        version: number of changes so far, from before the board was read.
    """

    as_of_ms: int
    today: str
    sites: tuple[SiteName, ...]
    board: Board | None
    gates: tuple[GateStatus, ...]
    authority: AuthorityStatus
    flow: Flow | None = None
    version: int = 0

    def around(self) -> dict[str, Any]:
        """Returns what a script is told beside the board and the curve of its site."""
        told = {gate.terminal_id: gate.news for gate in self.board.gates} if self.board else {}
        return {
            "as_of_ms": self.as_of_ms,
            "today": self.today,
            "sites": [asdict(site) for site in self.sites],
            "gates": [
                asdict(gate)
                | {
                    "alarms": [
                        {"urgent": one.alarm.urgent, **asdict(one)}
                        for one in gate.alarms(told.get(gate.terminal_id, ()))
                    ]
                }
                for gate in self.gates
            ],
            "authority": asdict(self.authority),
        }


_REGISTRATION: Final = tuple(one.name for one in fields(RegistrationRow))
_PERSON: Final = tuple(one.name for one in fields(PersonRow) if one.name != "order")
_BOARD: Final = tuple(one.name for one in fields(Board))


def _board(board: Board) -> dict[str, Any]:
    # `asdict` copies everything to the last number: a second for 3,000 people.
    content = {name: getattr(board, name) for name in _BOARD}
    return content | {
        "site": asdict(board.site),
        "not_registered": [_person(one) for one in board.not_registered],
        "waiting": [_person(one) for one in board.waiting],
        "turned_away": [asdict(one) for one in board.turned_away],
        "gates": [
            asdict(gate)
            | {"news": [{"name": one.name, "level": one.level, **asdict(one)} for one in gate.news]}
            for gate in board.gates
        ],
        "expected": [
            {"name": company.name, "people": [_person(one) for one in company.people]}
            for company in board.expected
        ],
        "companies": [
            {
                "name": company.name,
                "on_site": company.on_site,
                "seen": company.seen,
                "registered": company.registered,
                "visitors": company.visitors,
                "people": [_person(one) for one in company.people],
            }
            for company in board.companies
        ],
    }


def _person(person: PersonRow) -> dict[str, Any]:
    content = {name: getattr(person, name) for name in _PERSON}
    content["registrations"] = [
        {name: getattr(row, name) for name in _REGISTRATION} for row in person.registrations
    ]
    return content


def _flow(flow: Flow) -> dict[str, Any]:
    content = asdict(flow)
    del content["highest"]
    return content


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _covers(within: Scope, site_id: int) -> bool:
    return within.everything or site_id in within.sites


class Scenes:
    """Takes scenes; safe from every thread.

    Args:
        overview: the store.
        gates: gives the live state of every gate.
        authority: gives the live state of the link to the authority.
        clock: UTC milliseconds.
        changes: counts what a board may have become old by.
    """

    def __init__(
        self,
        overview: OverviewPort,
        gates: Callable[[], list[GateStatus]],
        authority: Callable[[], AuthorityStatus],
        clock: Callable[[], int],
        changes: Changes,
    ) -> None:
        self._overview = overview
        self._gates = gates
        self._authority = authority
        self._clock = clock
        self._changes = changes
        self._flows: dict[int, Flow] = {}
        self._boards: Recent[Board] = Recent(changes, clock)
        self._texts: dict[tuple[str, int | None], tuple[object, str]] = {}

    def take(
        self, site_id: int | None, within: Scope = EVERYTHING, holding: int | None = None
    ) -> Scene:
        """Returns the scene of a site; it reads the database, so it takes milliseconds.

        Args:
            site_id: None takes the first site by name.
            within: the sites that there are for who asks.
            holding: number of changes that the board has to hold: one that was read after as many
                may serve again, as `Recent` says. None: none may.

        Raises:
            LookupError: no such site.
        """
        now_ms = self._clock()
        today = brussels_day(now_ms).isoformat()
        sites = tuple(one for one in self._overview.sites() if _covers(within, one.id))
        if site_id is None and sites:
            site_id = sites[0].id
        elif site_id is not None and not _covers(within, site_id):
            raise LookupError("no such site")
        version, board = self._changes.version, None
        if site_id is not None:
            # To read thousands of people takes a tenth of a second: for each who looks at a morning
            # on which nothing happens, and for each language in which all look at once.
            version, board = self._boards.holding(
                (site_id, today), partial(self._overview.board, site_id, today, now_ms), holding
            )
        live = {gate.terminal_id: gate for gate in self._gates()}
        return Scene(
            as_of_ms=now_ms if board is None else board.as_of_ms,
            today=today,
            sites=sites,
            board=board,
            # A gate of which this run of the hub heard nothing is shown as just that.
            gates=tuple(
                live.get(gate.terminal_id)
                or GateStatus(gate.terminal_id, gate.name, gate.direction)
                for gate in (board.gates if board else ())
            ),
            authority=self._authority(),
            flow=None if site_id is None else self._flow(site_id, today, now_ms),
            version=version,
        )

    def written(self, scene: Scene) -> bytes:
        """Returns a scene as JSON for scripts: names, references and numbers of registrations.

        Like the page it holds no person number, no card UID and no badge tag. What 3,000 people
        become is 2 MB, and takes as long as to read them: it is written once of each board.
        """
        parts = [_json(scene.around())[:-1]]
        for name, value, told in (("board", scene.board, _board), ("flow", scene.flow, _flow)):
            text = "null" if value is None else self._text(name, scene, value, told)
            parts.append(f'"{name}":{text}')
        return (",".join(parts) + "}").encode()

    def _text(
        self, name: str, scene: Scene, value: Any, told: Callable[[Any], dict[str, Any]]
    ) -> str:
        key = (name, None if scene.board is None else scene.board.site.id)
        of, text = self._texts.get(key, (None, ""))
        if of is not value:
            text = _json(told(value))
            self._texts[key] = value, text
        return text

    def pulse(self) -> tuple[int, AuthorityStatus]:
        """Returns the moment and the state of the authority's link, once the database answered."""
        self._overview.sites()
        return self._clock(), self._authority()

    def _flow(self, site_id: int, today: str, now_ms: int) -> Flow:
        """The curve reads every tap of the day, and a minute more changes nothing in it."""
        known = self._flows.get(site_id)
        fresh = known is not None and 0 <= now_ms - known.until_ms < FLOW_MS
        if known is None or not fresh:
            known = self._flows[site_id] = self._overview.flow(site_id, today, now_ms)
        return known
