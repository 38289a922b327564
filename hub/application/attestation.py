"""What shows that a person acted in time when his registration did not: for a correction.

What lapsed is never sent with another time. The employer may ask the authority for a correction
within 30 days, with supporting documents; an attestation brings together what this hub has: what
was done, when, why it was late, and by what that can be checked. It holds no person number: whoever
sends it adds that himself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from hub.domain.in_out_regime import correction_until


@dataclass(frozen=True, slots=True)
class TapEvidence:
    """The tap behind a registration, as its gate recorded it.

    Args:
        terminal_id: the gate.
        journal: hex of the journal's identity.
        seq: number of the record in that journal.
        at_ms: moment by the gate's clock, UTC milliseconds; None when it had none.
        quality: how good that clock was, `QUALITY_*` of `protocol.record`.
        received_ms: when the hub held it, UTC milliseconds.
        record: the 32 bytes as they came, under the gate's MAC.
    """

    terminal_id: str
    journal: str
    seq: int
    at_ms: int | None
    quality: int
    received_ms: int
    record: bytes


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One step in the life of the registration."""

    at_ms: int
    state: str
    cause: str
    actor: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Attestation:
    """Everything this hub can say of a registration that lapsed.

    Args:
        what: `day`, `in` or `out`.
        late_ms: milliseconds from the act to its receipt by the hub; None without a tap.
        correct_until: last day on which a correction may be asked.
        digest: hex SHA-256 over everything above, so that a copy can be compared.
    """

    reference: str
    site: str
    works_number: str
    company: str
    what: str
    day: date
    act_ms: int
    cause: str
    tap: TapEvidence | None
    late_ms: int | None
    history: tuple[HistoryStep, ...]
    correct_until: date
    digest: str


def attestation(
    *,
    reference: str,
    site: str,
    works_number: str,
    company: str,
    what: str,
    day: date,
    act_ms: int,
    cause: str,
    tap: TapEvidence | None,
    history: Sequence[HistoryStep],
) -> Attestation:
    """Returns the attestation of a registration; the same facts give the same digest."""
    facts = [reference, site, works_number, company, what, day.isoformat(), str(act_ms), cause]
    if tap is not None:
        facts += [
            tap.terminal_id, tap.journal, str(tap.seq), str(tap.at_ms), str(tap.quality),
            str(tap.received_ms), tap.record.hex(),
        ]  # fmt: skip
    for one in history:
        facts += [str(one.at_ms), one.state, one.cause, one.actor, one.note or ""]
    digest = hashlib.sha256("".join(f"{len(fact)}:{fact}" for fact in facts).encode()).hexdigest()
    return Attestation(
        reference=reference,
        site=site,
        works_number=works_number,
        company=company,
        what=what,
        day=day,
        act_ms=act_ms,
        cause=cause,
        tap=tap,
        late_ms=None if tap is None else tap.received_ms - act_ms,
        history=tuple(history),
        correct_until=correction_until(day),
        digest=digest,
    )
