"""The tables. Facts are append-only; everything derived can be dropped and rebuilt from them.

Register (imported): site, works, works_regime, company, person, assignment, badge, terminal.
Plan: plan_entry, plan_pattern.
Firmware of the terminals, and what each last said: firmware, firmware_order, firmware_seen,
crash_log, gate_health.
Facts: stream, inbox, gap, incident, registration_event, evidence, reconcile_run.
Derived from inbox + register: tap, clock_mark, gate_event, passage_count, presence.
Half and half: the columns of `registration` that say whom it is for are facts, those that say where
it stands are derived from registration_event.
"""

from __future__ import annotations

from hub.storage.derived_tables import (
    clock_mark,
    gate_event,
    passage_count,
    presence,
    projection,
    registration,
    tap,
)
from hub.storage.fact_tables import (
    api_token,
    evidence,
    evidence_item,
    gap,
    inbox,
    incident,
    reconcile_difference,
    reconcile_run,
    registration_event,
    stream,
)
from hub.storage.register_tables import (
    assignment,
    badge,
    company,
    crash_log,
    firmware,
    firmware_order,
    firmware_seen,
    gate_health,
    meta,
    person,
    plan_entry,
    plan_pattern,
    site,
    terminal,
    works,
    works_regime,
)
from hub.storage.tables import metadata

__all__ = [
    "api_token",
    "assignment",
    "badge",
    "clock_mark",
    "company",
    "crash_log",
    "evidence",
    "evidence_item",
    "firmware",
    "firmware_order",
    "firmware_seen",
    "gap",
    "gate_event",
    "gate_health",
    "inbox",
    "incident",
    "meta",
    "metadata",
    "passage_count",
    "person",
    "plan_entry",
    "plan_pattern",
    "presence",
    "projection",
    "reconcile_difference",
    "reconcile_run",
    "registration",
    "registration_event",
    "site",
    "stream",
    "tap",
    "terminal",
    "works",
    "works_regime",
]
