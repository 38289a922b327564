"""A registration as it is made: by a tap, by the plan, or by a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from hub.domain.registration import State


@dataclass(frozen=True, slots=True)
class NewRegistration:
    """Whom and what a registration is for, and how it begins. The facts in it never change.

    Args:
        reference: see `hub.domain.registration.client_reference`.
        person_id: whom it is for.
        site_id: where.
        works_number: number of the works declaration; empty while nobody has said which.
        day: Brussels day.
        state: first state: held, due or lapsed.
        cause: why it begins in it.
        tap_ms: moment of the act, or of the decision to plan, UTC milliseconds.
        due_ms: UTC milliseconds from which it may be sent.
        changed_ms: UTC milliseconds of this step.
        actor: who takes the step: projection, plan, reconcile, rebuild, command.
        regime: `day` or `in_out`.
        act: the tap that it is for, "stream.sequence", in the in/out regime; else empty.
        direction: `in` or `out` in the in/out regime; else None.
        stream_id, seq: the tap behind it; None for a planned one.
    """

    reference: str
    person_id: int
    site_id: int
    works_number: str
    day: date
    state: State
    cause: str
    tap_ms: int
    due_ms: int
    changed_ms: int
    actor: str = "projection"
    regime: str = "day"
    act: str = ""
    direction: str | None = None
    stream_id: int | None = None
    seq: int | None = None
