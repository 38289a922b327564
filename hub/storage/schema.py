"""The tables. Facts are append-only; everything derived can be dropped and rebuilt from them.

Register: site, works, works_regime, company, party, person, assignment, badge, terminal.
Plan: plan_entry, plan_pattern.
Firmware of the terminals, and what each last said: firmware, firmware_order, firmware_seen,
crash_log, gate_health.
Access: account, account_site, web_session, link, passkey, api_token, request_key.
Facts: stream, inbox, unbadged_act, erased_run, gap, incident, registration_event, evidence,
reconcile_run, badge_event, audit, import_run, erasure.
Kiosks, and who came there: kiosk, newcomer, visit.
Phones of workers: phone, phone_code, phone_place, phone_act, site_phone.
Reminders to companies: company_contact, and the facts reminder, reminder_count, reminder_row,
reminder_list.
Roll calls: roll_call, roll_call_person, roll_call_tick.
Alerts: alert, alert_telling; messages that leave the hub: notice, notice_channel.
Reports that go out by themselves: report_schedule, report_sending.
Derived from inbox + register: tap, clock_mark, gate_event, passage_count, presence.
Derived from inbox, acts and register: tap, act_done, clock_mark, gate_event, passage_count,
presence.
Half and half: the columns of `registration` that say whom it is for are facts, those that say where
it stands are derived from registration_event.
"""

from __future__ import annotations

from hub.storage.access_tables import (
    account,
    account_site,
    link,
    passkey,
    request_key,
    web_session,
)
from hub.storage.alert_tables import alert, alert_telling, notice, notice_channel
from hub.storage.derived_tables import (
    act_done,
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
    audit,
    badge_event,
    erased_run,
    erasure,
    evidence,
    evidence_item,
    gap,
    import_change,
    import_run,
    inbox,
    incident,
    reconcile_difference,
    reconcile_run,
    registration_event,
    stream,
    unbadged_act,
)
from hub.storage.kiosk_tables import kiosk, newcomer, visit
from hub.storage.phone_tables import phone, phone_act, phone_code, phone_place, site_phone
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
    party,
    person,
    plan_entry,
    plan_pattern,
    site,
    terminal,
    works,
    works_regime,
)
from hub.storage.reminder_tables import (
    company_contact,
    reminder,
    reminder_count,
    reminder_list,
    reminder_row,
)
from hub.storage.roll_call_tables import roll_call, roll_call_person, roll_call_tick
from hub.storage.schedule_tables import report_schedule, report_sending
from hub.storage.tables import metadata

__all__ = [
    "account",
    "account_site",
    "act_done",
    "alert",
    "alert_telling",
    "api_token",
    "assignment",
    "audit",
    "badge",
    "badge_event",
    "clock_mark",
    "company",
    "company_contact",
    "crash_log",
    "erased_run",
    "erasure",
    "evidence",
    "evidence_item",
    "firmware",
    "firmware_order",
    "firmware_seen",
    "gap",
    "gate_event",
    "gate_health",
    "import_change",
    "import_run",
    "inbox",
    "incident",
    "kiosk",
    "link",
    "meta",
    "metadata",
    "newcomer",
    "notice",
    "notice_channel",
    "party",
    "passage_count",
    "passkey",
    "person",
    "phone",
    "phone_act",
    "phone_code",
    "phone_place",
    "plan_entry",
    "plan_pattern",
    "presence",
    "projection",
    "reconcile_difference",
    "reconcile_run",
    "registration",
    "registration_event",
    "reminder",
    "reminder_count",
    "reminder_list",
    "reminder_row",
    "report_schedule",
    "report_sending",
    "request_key",
    "roll_call",
    "roll_call_person",
    "roll_call_tick",
    "site",
    "site_phone",
    "stream",
    "tap",
    "terminal",
    "unbadged_act",
    "visit",
    "web_session",
    "works",
    "works_regime",
]
