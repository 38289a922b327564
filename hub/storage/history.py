"""The history of registrations: each step is one appended fact and one changed row.

`registration_event` is the fact: what became of which registration, when, why and who did it. The
columns of `registration` that say where it stands follow from those facts; both are written in one
transaction, and a rebuild folds the facts again. Many steps at once cost little more than one: the
forwarder takes 200 of them for each call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from operator import attrgetter
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, func, insert, null, select, update

from hub.application.registrations import NewRegistration
from hub.domain.registration import State, TransitionError, check_transition
from hub.errors import LocalProtocolError
from hub.storage.many import ManyRows, marks
from hub.storage.schema import registration, registration_event

_IN_HAND = (State.SENDING, State.CANCELLING)
_IN_MAX = 500
"""Most references in one query: SQLite takes 32,766 values, PostgreSQL 65,535."""


@dataclass(frozen=True, slots=True)
class RegistrationEvent:
    """One step in the life of a registration, as a fact.

    Args:
        reference: client reference of the registration.
        at_ms: when, UTC milliseconds.
        state: state it takes.
        cause: why; key of the catalogue.
        number: number of the authority, for the step that brought it.
        answer: JSON of what the authority said of this item, without person numbers.
        due_ms: when it may be tried next (only for a step to `due`).
        actor: who: projection, plan, forwarder, authority, reconcile, rebuild, command or a login.
        tap_ms: moment of the act, where the step changed it.
        reason: HOLIDAY, DISEASE, PLANNING or C32A, for a step to `cancelling`.
        note: what the person who took the step wrote; never a number.
    """

    reference: str
    at_ms: int
    state: str
    cause: str
    number: int | None = None
    answer: str | None = None
    due_ms: int | None = None
    actor: str = "forwarder"
    tap_ms: int | None = None
    reason: str | None = None
    note: str | None = None


_NEW = insert(registration)
_NEW_COLUMNS = tuple(one.name for one in fields(NewRegistration) if one.name != "actor")


def create(connection: Connection, new: NewRegistration) -> None:
    """Adds a registration with its first step.

    Raises:
        TransitionError: HUB-1401, it cannot begin in that state.
        IntegrityError: (SQLAlchemy) its subject has a live one already.
    """
    check_transition(None, new.state)
    values = {name: getattr(new, name) for name in _NEW_COLUMNS}
    values |= {"day": new.day.isoformat(), "state": str(new.state), "cause": str(new.cause)}
    # The values apart from the statement: SQLAlchemy then compiles it once, and a plan of 3,000
    # people is handed over in a third of the time.
    connection.execute(_NEW, values)
    _append(
        connection,
        [
            RegistrationEvent(
                new.reference,
                new.changed_ms,
                str(new.state),
                str(new.cause),
                due_ms=new.due_ms,
                actor=new.actor,
                tap_ms=new.tap_ms,
            )
        ],
    )


def step(connection: Connection, event: RegistrationEvent) -> None:
    """Takes one step; see `steps`."""
    steps(connection, [event])


def steps(
    connection: Connection,
    events: Sequence[RegistrationEvent],
    start: frozenset[State] | None = None,
) -> None:
    """Takes steps in their order: each checked against the life cycle, kept, and shown in its row.

    Args:
        start: states in one of which each registration must be before; None: any.

    Raises:
        TransitionError: HUB-1401, the life cycle has no such step; nothing is written.
        LocalProtocolError: HUB-1402, there is no such registration; nothing is written.
    """
    if not events:
        return
    states = _states(connection, {event.reference for event in events})
    if start is not None:
        for state in states.values():
            if state not in start:
                raise TransitionError("HUB-1401", old=state, new=events[0].state)
    for event in events:
        if event.reference not in states:
            raise LocalProtocolError("HUB-1402", reference=event.reference)
        check_transition(states[event.reference], event.state)
        states[event.reference] = event.state
    _append(connection, events)
    for event_group in _alike(events):
        _show(connection, event_group)


def _states(connection: Connection, references: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    wanted = sorted(references)
    for start in range(0, len(wanted), _IN_MAX):
        some = wanted[start : start + _IN_MAX]
        places = marks(connection, len(some))
        query = f"SELECT reference, state FROM registration WHERE reference IN ({places})"  # noqa: S608
        rows = connection.exec_driver_sql(query, tuple(some))
        found.update((row[0], row[1]) for row in rows)
    return found


def _append(connection: Connection, events: Sequence[RegistrationEvent]) -> None:
    _KEEP.run(connection, [_plain(event) for event in events])


_COLUMNS = tuple(one.name for one in fields(RegistrationEvent))
_values_of = attrgetter(*_COLUMNS)
_KEEP = ManyRows(insert(registration_event).inline(), _COLUMNS)


def _plain(event: RegistrationEvent) -> dict[str, Any]:
    # Not `asdict`: its deep copies took more than half of the writer's time under a backlog.
    values = dict(zip(_COLUMNS, _values_of(event), strict=True))
    values["state"], values["cause"] = str(event.state), str(event.cause)
    return values


_CHANGING = ("number", "answer", "due_ms", "tap_ms")
_changing_of = attrgetter(*_CHANGING, "reason")


def _alike(events: Sequence[RegistrationEvent]) -> Iterator[list[RegistrationEvent]]:
    """Yields runs of events that set the same columns, each registration once in a run."""
    group: list[RegistrationEvent] = []
    seen: set[str] = set()
    shape: tuple[bool, ...] | None = None
    for event in events:
        its_shape = _shape(event)
        if group and (its_shape != shape or event.reference in seen):
            yield group
            group, seen = [], set()
        shape = its_shape
        group.append(event)
        seen.add(event.reference)
    if group:
        yield group


def _shape(event: RegistrationEvent) -> tuple[bool, ...]:
    given = [value is not None for value in _changing_of(event)]
    return (*given, event.state in _IN_HAND)


def _show(connection: Connection, events: list[RegistrationEvent]) -> None:
    """Brings the rows up to the events, which set the same columns."""
    first = events[0]
    names = tuple(name for name in _CHANGING if getattr(first, name) is not None)
    with_reason = first.reason is not None
    rows: list[dict[str, Any]] = []
    for event in events:
        row: dict[str, Any] = {
            "which": event.reference,
            "to_state": str(event.state),
            "to_cause": str(event.cause),
            "to_changed_ms": event.at_ms,
        }
        for name in names:
            row[f"to_{name}"] = getattr(event, name)
        if with_reason:
            row["to_reason"] = event.reason
        rows.append(row)
    _change(names, with_reason, first.state in _IN_HAND).run(connection, rows)


@lru_cache(maxsize=64)
def _change(names: tuple[str, ...], with_reason: bool, in_hand: bool) -> ManyRows:
    """The update of the rows for events of one shape; there are a handful of shapes."""
    values: dict[str, Any] = {
        "state": bindparam("to_state"),
        "cause": bindparam("to_cause"),
        "changed_ms": bindparam("to_changed_ms"),
    }
    values.update({name: bindparam(f"to_{name}") for name in names})
    if with_reason:
        values["cancel_reason"] = bindparam("to_reason")
    if not in_hand:
        values["lease_by"] = values["lease_until_ms"] = null()
    statement = (
        update(registration).where(registration.c.reference == bindparam("which")).values(values)
    )
    bound = ["which", *(value.key for value in values.values() if isinstance(value, BindParameter))]
    return ManyRows(statement, bound)


def read_events(
    connection: Connection, reference: str | None = None
) -> Iterator[RegistrationEvent]:
    """Yields the steps ever taken, oldest first; those of one registration when it is named."""
    columns = registration_event.c
    query = select(
        columns.reference,
        columns.at_ms,
        columns.state,
        columns.cause,
        columns.number,
        columns.answer,
        columns.due_ms,
        columns.actor,
        columns.tap_ms,
        columns.reason,
        columns.note,
    ).order_by(columns.id)
    if reference is not None:
        query = query.where(columns.reference == reference)
    for row in connection.execute(query).all():
        yield RegistrationEvent(*row)


def newest_step(connection: Connection) -> int:
    """Returns the number of the newest step, 0 when there is none: it rises with every step."""
    return connection.execute(select(func.max(registration_event.c.id))).scalar() or 0


def fold(connection: Connection) -> int:
    """Makes the derived columns of every registration again from its steps; returns how many steps.

    Raises:
        LocalProtocolError: HUB-1402, a step belongs to no registration; roll back.
    """
    known = set(connection.execute(select(registration.c.reference)).scalars())
    connection.execute(update(registration).values(number=None, answer=None, cancel_reason=None))
    folded: dict[str, dict[str, Any]] = {}
    count = 0
    for event in read_events(connection):
        if event.reference not in known:
            raise LocalProtocolError("HUB-1402", reference=event.reference)
        count += 1
        row = folded.setdefault(event.reference, {})
        row.update(state=event.state, cause=event.cause, changed_ms=event.at_ms)
        row.update({n: getattr(event, n) for n in _CHANGING if getattr(event, n) is not None})
        if event.reason is not None:
            row["cancel_reason"] = event.reason
    for reference, values in folded.items():
        connection.execute(
            update(registration).where(registration.c.reference == reference).values(values)
        )
    return count
