"""Later validation of in/out registrations: the same registers and rules as for day presences.

An event is judged as a day presence of the Belgian day of its act would be, and each remark gets
the code of the catalogue. Two findings are its own: the same act was registered before (a twin),
and somebody went in and did not go out. The latter can only be said when the day is over and the
last `out` of that day can no longer arrive; an `out` after midnight takes it back.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from typing import Final, final

from simulator.authority.clock import BRUSSELS
from simulator.authority.event_store import Judgement
from simulator.authority.events import INVALID, VALID, Event
from simulator.authority.presence import REGISTERED, Registration, Submission, Validation
from simulator.authority.refdata import OUT_MISSING, catalogues
from simulator.authority.registers import Registers
from simulator.authority.store import Store
from simulator.authority.validation import remarks

_CHUNK: Final = 200


def day_end_ms(day: date) -> int:
    """The instant at which a Belgian day ends, UTC milliseconds."""
    midnight = datetime.combine(day + timedelta(days=1), time_of_day(), BRUSSELS)
    return int(midnight.timestamp()) * 1000


def event_remarks(
    event: Event, registers: Registers, *, twin: bool, out_missing: bool
) -> tuple[str, ...]:
    """The codes of the remarks on an event as the registers stand; none means valid.

    Args:
        event: judged for the Belgian day of its act.
        registers: the facts known now.
        twin: the same act was registered earlier.
        out_missing: the person went in, the day is over, and there is no way out.
    """
    code_of = catalogues().code_of
    found = [
        code_of[remark] for remark in remarks(_presence(event), registers, twin=twin, in_out=True)
    ]
    return (*found, OUT_MISSING) if out_missing else tuple(found)


def _presence(event: Event) -> Registration:
    """The day presence that an event would be."""
    act = event.act
    return Registration(
        event.number,
        event.day,
        Submission(act.works, inss=act.ssin, company=act.company, foreign_vat=act.foreign_vat),
        event.person,
        None,
        event.created_ms,
        event.channel,
        event.sender,
        Validation(REGISTERED),
        event.due_ms,
    )


@final
class EventValidator:
    """Works off the queue of events. Not safe for concurrent use: `Authority` holds its lock.

    Args:
        store: where events and their queue live.
        registers: the facts.
        late_ms: how long after an act its registration may still arrive.
    """

    def __init__(self, store: Store, registers: Registers, *, late_ms: int) -> None:
        self._store = store
        self._events = store.events
        self._registers = registers
        self._late_ms = late_ms

    def run(self, now_ms: int) -> int:
        """Does a share of what is due; returns how many events were validated, 0 at the end."""
        batch = self._events.due(now_ms, _CHUNK)
        if batch:
            with self._store.transaction():
                self._events.judge([self._judge(event, now_ms) for event in batch])
        return len(batch)

    def _judge(self, event: Event, now_ms: int) -> Judgement:
        over_ms = day_end_ms(event.day) + self._late_ms
        inside = event.act.direction == "in"
        found = event_remarks(
            event,
            self._registers,
            twin=self._events.has_earlier_twin(event),
            out_missing=inside and now_ms >= over_ms and not self._events.went_out(event),
        )
        again_ms = over_ms if inside and now_ms < over_ms else None
        return Judgement(event.number, INVALID if found else VALID, found, again_ms)
