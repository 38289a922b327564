"""Why a tap or a registration stands where it stands: one word each, explained in four languages.

The value is the key in the message catalogue (``cause.<value>``) and what the tables hold. Each
word belongs to one step or to one reason for taking no step; a test keeps list and catalogue equal.
"""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """The reason of the newest step, or of no step, as shown on the dashboard."""

    # A tap or a plan makes a registration.
    FIRST_TAP = "first_tap"
    FIRST_TAP_OUT = "first_tap_out"
    PLANNED = "planned"
    ACT_IN = "act_in"
    ACT_OUT = "act_out"
    # A tap makes none.
    SECOND_TAP = "second_tap"
    NIGHT_SHIFT = "night_shift"
    REPEATED_ACT = "repeated_act"
    GATE_REFUSED = "gate_refused"
    UNKNOWN_BADGE = "unknown_badge"
    NOT_A_WORKER = "not_a_worker"
    LET_IN_UNKNOWN = "let_in_unknown"
    # Held: something is missing.
    NO_IDENTITY = "no_identity"
    NO_COMPANY = "no_company"
    NO_INSS = "no_inss"
    NO_WORKS_NUMBER = "no_works_number"
    NEWCOMER = "newcomer"
    WORKS_CONFLICT = "works_conflict"
    NO_DIRECTION = "no_direction"
    NO_PLACE = "no_place"
    LIMOSA_PERIOD = "limosa_period"
    CLOCK_WRONG = "clock_wrong"
    CLOCK_UNKNOWN = "clock_unknown"
    TOO_EARLY = "too_early"
    # Lapsed.
    ARRIVED_LATE = "arrived_late"
    DAY_OVER = "day_over"
    ACT_ARRIVED_LATE = "act_arrived_late"
    WINDOW_OVER = "window_over"
    ATTESTED = "attested"
    # Due again, or no longer needed.
    COMPLETED = "completed"
    CORRECTED = "corrected"
    REDATED = "redated"
    ASSIGNED = "assigned"
    RETRIED = "retried"
    GIVEN_UP = "given_up"
    # Sending and what came of it.
    CLAIMED = "claimed"
    NOT_CARRIED_OUT = "not_carried_out"
    ANSWER_LOST = "answer_lost"
    LEASE_OVER = "lease_over"
    ANSWERED = "answered"
    FOUND = "found"
    NOT_FOUND = "not_found"
    REFUSED_BY_AUTHORITY = "refused_by_authority"
    ACCESS_REFUSED = "access_refused"
    # The authority's own check, later.
    VALIDATION_PASSED = "validation_passed"
    VALIDATION_REMARKS = "validation_remarks"
    # Withdrawing.
    WITHDRAWN = "withdrawn"
    CANCEL_ASKED = "cancel_asked"
    CANCEL_CONFIRMED = "cancel_confirmed"
    CANCEL_REFUSED = "cancel_refused"
    CANCELLED_ELSEWHERE = "cancelled_elsewhere"
    # Another channel did it.
    REGISTERED_ELSEWHERE = "registered_elsewhere"
