"""Who had which badge when: the history of badges, appended to and never changed.

Theory of operation. The row of `badge` says whose a badge is now; `badge_event` says how it came
about. A tap is whose the badge was when the hub received it. A tap of a badge that was nobody's
then belongs to whom the badge is linked to later on the same Brussels day, because he stood at the
gate with it; a badge that is linked on another day brings nobody the taps of days before. Both
follow from the history alone, so that a rebuild decides as was decided then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert

from hub.domain.badges import ACTIVE
from hub.domain.day_regime import tap_day
from hub.domain.legal_day import brussels_day
from hub.storage.schema import badge_event

LINKED: Final = "linked"
RELEASED: Final = "released"
LOST: Final = "lost"
FOUND: Final = "found"
BLOCKED: Final = "blocked"
UNBLOCKED: Final = "unblocked"
DATED: Final = "dated"
EVENTS: Final = (LINKED, RELEASED, LOST, FOUND, BLOCKED, UNBLOCKED, DATED)

_DAYS: Final = ("valid_from", "valid_until")
_LINKS_OF = """
SELECT at_ms, event, person_id FROM badge_event
WHERE tag = ? AND event IN ('linked', 'released') ORDER BY id
"""


def append_badge_event(
    connection: Connection,
    tag: bytes,
    event: str,
    person_id: int,
    at_ms: int,
    actor: str,
    note: str = "",
) -> None:
    """Keeps that something happened to a badge, in the transaction of the change itself.

    Args:
        tag: the badge tag.
        event: one of `EVENTS`.
        person_id: whose it was at that moment; for `linked` whose it became.
        at_ms: UTC milliseconds.
        actor: `account:7`, `token:planner`, `command`.
        note: why, without person data.
    """
    if event not in EVENTS:
        raise ValueError("no such event of a badge")
    connection.execute(
        insert(badge_event).values(
            at_ms=at_ms, tag=tag, event=event, person_id=person_id, actor=actor, note=note
        )
    )


def badge_events(
    before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> list[tuple[str, int]]:
    """Returns (event, whose) of what became of a badge when its row was written anew.

    Args:
        before: its row as it was; None: there was none.
        after: the columns that were written; what is not among them stayed.
    """
    owner = int(after["person_id"])
    found: list[tuple[str, int]] = []
    if before is None or before["person_id"] != owner:
        if before is not None:
            found.append((RELEASED, int(before["person_id"])))
        found.append((LINKED, owner))
        was = ACTIVE
    else:
        was = str(before["state"])
        if any(before[name] != after.get(name, before[name]) for name in _DAYS):
            found.append((DATED, owner))
    is_now = str(after.get("state", was))
    if is_now != was:
        back = UNBLOCKED if was == BLOCKED else FOUND
        found.append(({ACTIVE: back, "lost": LOST}.get(is_now, BLOCKED), owner))
    return found


@dataclass(frozen=True, slots=True)
class Link:
    """A badge became somebody's, or nobody's.

    Args:
        at_ms: when, UTC milliseconds.
        person_id: whose; None: nobody's any more.
    """

    at_ms: int
    person_id: int | None


def links_of(connection: Connection, tag: bytes) -> tuple[Link, ...]:
    """Returns how a badge changed hands, oldest first; empty when nothing is known of it."""
    rows = connection.exec_driver_sql(_LINKS_OF, (tag,))
    return tuple(Link(row[0], row[2] if row[1] == LINKED else None) for row in rows)


def holder_of(links: Sequence[Link], at_ms: int | None, received_ms: int) -> Link | None:
    """Returns whose a tap is, and since when he had the badge; None: nobody's.

    Args:
        links: of its badge, oldest first.
        at_ms: moment of the tap, UTC milliseconds; None = undated.
        received_ms: when the hub first held it.
    """
    before = [link for link in links if link.at_ms <= received_ms]
    if before and before[-1].person_id is not None:
        return before[-1]
    for link in links[len(before) :]:
        if link.person_id is not None:
            same_day = brussels_day(link.at_ms) == tap_day(at_ms, received_ms)
            return link if same_day else None
    return None


def since_when(links: Sequence[Link], person_id: int, received_ms: int) -> int:
    """Returns since when somebody had the badge of a tap that is his; 0 when it is not known."""
    his = [link.at_ms for link in links if link.person_id == person_id]
    before = [at_ms for at_ms in his if at_ms <= received_ms]
    return before[-1] if before else next(iter(his), 0)
