"""Request-level rules: what is refused at once, before anything is stored.

The real service's business error codes are not public. Every code here begins with `SIM-` so that
nobody mistakes it for a real one; only the conditions are imitated.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

from simulator.authority import numbers
from simulator.authority.clock import instant_ms
from simulator.authority.presence import (
    CANCELLED,
    ERRORS_MAX,
    Cancellation,
    Criteria,
    Registration,
    RequestError,
    Sender,
    Submission,
)

CANCEL_REASONS: Final = ("HOLIDAY", "DISEASE", "PLANNING", "C32A", "OTHER")
FETCH_MAX: Final = 500

DATE: Final = RequestError("SIM-DATE", "Simulator: the date must be today or tomorrow in Belgium")
INSS: Final = RequestError("SIM-INSS", "Simulator: the INSS or BIS number is not possible")
COMPANY: Final = RequestError("SIM-COMPANY", "Simulator: the enterprise number is not possible")
PLACE: Final = RequestError("SIM-PLACE", "Simulator: the works number is not possible")
LIMOSA: Final = RequestError("SIM-LIMOSA-FORMAT", "Simulator: the Limosa number is not possible")
CANCEL_UNKNOWN: Final = RequestError(
    "SIM-CANCEL-UNKNOWN", "Simulator: there is no registration with this number"
)
CANCEL_TWICE: Final = RequestError(
    "SIM-CANCEL-TWICE", "Simulator: this registration is cancelled already"
)
CANCEL_LATE: Final = RequestError(
    "SIM-CANCEL-LATE", "Simulator: the registration day is over, cancelling is no longer possible"
)
CANCEL_REASON: Final = RequestError(
    "SIM-CANCEL-REASON", "Simulator: the reason must be HOLIDAY, DISEASE, PLANNING, C32A or OTHER"
)
RIGHTS: Final = RequestError(
    "SIM-RIGHTS", "Simulator: the sender has no right on this company or these works"
)
SEARCH_PERIOD: Final = RequestError(
    "SIM-SEARCH-PERIOD", "Simulator: a search needs a registration period whose start is not later"
)
SEARCH_PAGE: Final = RequestError(
    "SIM-SEARCH-PAGE", "Simulator: first row and fetch size must not be negative"
)
ALL: Final = (
    DATE,
    INSS,
    COMPANY,
    PLACE,
    LIMOSA,
    CANCEL_UNKNOWN,
    CANCEL_TWICE,
    CANCEL_LATE,
    CANCEL_REASON,
    RIGHTS,
    SEARCH_PERIOD,
    SEARCH_PAGE,
)

# `xs:date` may carry a zone. It is ignored: the day that was written is the day that is meant.
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})?")


def calendar_day(text: str) -> date | None:
    """The day an `xs:date` names, or None when it lies outside the years 1 to 9999."""
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return date.fromisoformat(match[1])
    except ValueError:
        return None


def registration_day(submission: Submission, today: date, days_ahead: int = 1) -> date | None:
    """The Belgian day a submission is for, or None when that day is not allowed.

    A submission without a date is for today.

    Args:
        submission: what was sent.
        today: the Belgian day.
        days_ahead: the web service takes today and tomorrow (1), other channels look further.
    """
    if submission.date_text is None:
        return today
    day = calendar_day(submission.date_text)
    last = today + timedelta(days=days_ahead)
    return day if day is not None and today <= day <= last else None


def register_errors(
    submission: Submission, today: date, days_ahead: int = 1
) -> tuple[RequestError, ...]:
    """Every reason to refuse a submission, at most ten; empty when it is to be stored.

    Unknown people, companies and works are no reason: those become remarks later.
    """
    errors: list[RequestError] = []
    if registration_day(submission, today, days_ahead) is None:
        errors.append(DATE)
    if submission.inss is not None and not numbers.inss_ok(submission.inss, today):
        errors.append(INSS)
    if submission.company is not None and not numbers.company_ok(submission.company):
        errors.append(COMPANY)
    if submission.limosa is not None and not numbers.limosa_ok(submission.limosa):
        errors.append(LIMOSA)
    if not numbers.works_number_ok(submission.works):
        errors.append(PLACE)
    return tuple(errors[:ERRORS_MAX])


def cancel_errors(
    cancellation: Cancellation,
    registration: Registration | None,
    sender: Sender,
    today: date,
    grace_days: int,
) -> tuple[RequestError, ...]:
    """Every reason to refuse a cancellation, at most ten; empty when it is to be carried out.

    Args:
        cancellation: what was asked.
        registration: the registration of that number, None if there is none.
        sender: who asks; the sender's company or the worker's employer may cancel.
        today: the Belgian day.
        grace_days: days after the registration day during which cancelling stays possible.
    """
    errors: list[RequestError] = []
    if registration is None:
        errors.append(CANCEL_UNKNOWN)
    elif not _may_cancel(registration, sender):
        errors.append(RIGHTS)
    elif registration.last.status == CANCELLED:
        errors.append(CANCEL_TWICE)
    elif today > registration.day + timedelta(days=grace_days):
        errors.append(CANCEL_LATE)
    if cancellation.reason.upper() not in CANCEL_REASONS:
        errors.append(CANCEL_REASON)
    return tuple(errors[:ERRORS_MAX])


def _may_cancel(registration: Registration, sender: Sender) -> bool:
    return (
        sender.id == registration.sender.id
        or sender.company == registration.sender.company
        or sender.company == registration.submission.company
    )


def search_errors(criteria: Criteria) -> tuple[RequestError, ...]:
    """Every reason to refuse a search for its own form, whoever asks."""
    errors: list[RequestError] = []
    if not criteria.periods or not all(_period_ok(*period) for period in criteria.periods):
        errors.append(SEARCH_PERIOD)
    elif not _instants_ok(criteria.created_from, criteria.created_until):
        errors.append(SEARCH_PERIOD)
    if criteria.first_row < 0 or criteria.fetch_size < 0:
        errors.append(SEARCH_PAGE)
    return tuple(errors)


def _period_ok(first: str, last: str) -> bool:
    start, end = calendar_day(first), calendar_day(last)
    return start is not None and end is not None and start <= end


def _instants_ok(*texts: str | None) -> bool:
    try:
        for text in texts:
            if text is not None:
                instant_ms(text)
    except ValueError:
        return False
    return True
