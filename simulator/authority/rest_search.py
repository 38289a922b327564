"""Reads the criteria of a REST search.

The window is official and mandatory; that any other member of a registration may be a criterion is
read in a public client. Ours, because unknown: the shape of `sort` (`{"registrationDate": "desc"}`,
or `{"property": "...", "direction": "..."}`), that a window may be given in days, and the limits.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from typing import Final, cast

from simulator.authority.clock import BRUSSELS
from simulator.authority.event_store import DAY_MS
from simulator.authority.events import EVENT_STATUSES, VALIDITIES, EventCriteria
from simulator.authority.problems import Issue, bad_request
from simulator.authority.rest_schema import (
    ABSENT,
    ADDRESS,
    SSIN,
    TEXT_MAX,
    WORKS,
    Reader,
    moment_ms,
)
from simulator.authority.rest_switches import Shape

PAGE_SIZE: Final = 50
PAGE_MAX: Final = 1_000_000

SORTABLE: Final = {
    "id": "number",
    "registrationDate": "act_ms",
    "type": "direction",
    "contractualRelationshipReference": "works",
    "customReference": "reference",
    "activity": "activity",
    "channel": "channel",
    "status": "status",
    "validity": "validity",
}
_CRITERIA: Final = (*SORTABLE, "ssin", "employer", "placeOfWork", "remarks")


def read_paging(page: str | None, page_size: str | None, shape: Shape) -> tuple[int, int]:
    """Page, from 1, and size of a page from the query.

    Raises:
        Problem: badRequest, one is no number or outside its range.
    """
    wanted: list[int] = []
    issues: list[Issue] = []
    for name, text, default, most in (
        ("page", page, 1, PAGE_MAX),
        ("pageSize", page_size, PAGE_SIZE, shape.page_size_max),
    ):
        value = default if text is None else _whole(text)
        if value is None or not 1 <= value <= most:
            detail = f"a number from 1 to {most} is expected"
            issues.append(Issue("input-validation:schemaViolation", "query", name, detail, text))
        else:
            wanted.append(value)
    if issues:
        raise bad_request(issues)
    return min(wanted[0], PAGE_MAX), wanted[1]


def read_search(body: object, page: int, page_size: int, shape: Shape) -> EventCriteria:
    """The criteria and the order of a search.

    Raises:
        Problem: badRequest with an issue for everything that breaks the contract.
    """
    reader = Reader()
    sent = reader.members(body, "", ("criteria", "sort"), ("criteria",))
    name = "criteria"
    criteria = reader.members(sent.get(name, ABSENT), name, _CRITERIA, ("registrationDate",))
    first_ms, last_ms = _window(reader, criteria.get("registrationDate", ABSENT), shape)
    equal: list[tuple[str, object]] = []

    def take(member: str) -> tuple[object, str]:
        return criteria.get(member, ABSENT), f"{name}.{member}"

    number = criteria.get("id")
    if "id" in criteria and (isinstance(number, bool) or not isinstance(number, int)):
        reader.wrong(f"{name}.id", "a whole number is expected", number)
    elif "id" in criteria:
        # No row has a number that SQLite could not hold either.
        equal.append(("number", number if abs(cast("int", number)) < 2**63 else -1))
    company, foreign_vat = (
        reader.employer(*take("employer")) if "employer" in criteria else (None, None)
    )
    for column, value in (
        ("direction", reader.direction(*take("type"))),
        ("works", reader.text(*take("contractualRelationshipReference"), WORKS)),
        ("reference", reader.word(*take("customReference"), TEXT_MAX)),
        ("activity", reader.word(*take("activity"), TEXT_MAX)),
        ("channel", reader.word(*take("channel"), TEXT_MAX)),
        ("status", reader.choice(*_coded(reader, *take("status")), EVENT_STATUSES)),
        ("validity", reader.choice(*take("validity"), VALIDITIES)),
        ("company", company),
        ("foreign_vat", foreign_vat),
    ):
        if value is not None:
            equal.append((column, value))
    sort, descending = _sort(reader, sent.get("sort", ABSENT))
    found = EventCriteria(
        first_ms,
        last_ms,
        tuple(equal),
        _place(reader, *take("placeOfWork")),
        reader.text(*take("ssin"), SSIN),
        _remarks(reader, *take("remarks")),
        sort,
        descending,
        page,
        page_size,
    )
    reader.settle()
    return found


def _window(reader: Reader, value: object, shape: Shape) -> tuple[int, int]:
    name = "criteria.registrationDate"
    ends = reader.members(value, name, ("startDate", "endDate"), ("startDate", "endDate"))
    if len(ends) < 2:
        return 0, 0
    first = _end(ends.get("startDate"), last=False)
    last = _end(ends.get("endDate"), last=True)
    for member, instant in (("startDate", first), ("endDate", last)):
        if instant is None:
            detail = "a date, or a date-time with its offset, is expected"
            reader.wrong(f"{name}.{member}", detail, ends.get(member))
    if first is None or last is None:
        return 0, 0
    if first > last:
        reader.note("ext:input-validation:rejectedInput", name, "the window ends before it starts")
    longest = shape.window_days_max
    if longest is not None and last - first > longest * DAY_MS:
        detail = f"the window is longer than {longest} days"
        reader.note("ext:input-validation:outOfRange", name, detail)
    return first, last


def _end(value: object, *, last: bool) -> int | None:
    """One end of the window as UTC milliseconds: an instant, or the edge of a Belgian day."""
    if not isinstance(value, str):
        return None
    if len(value) == 10:
        try:
            day = date.fromisoformat(value)
            edge = datetime.combine(day + timedelta(days=last), time_of_day(), BRUSSELS)
            return round(edge.timestamp() * 1000) - last
        except (ValueError, OverflowError):
            return None
    return moment_ms(value) if value[-1:] in "Zz" or value[-6:-5] in ("+", "-") else None


def _coded(reader: Reader, value: object, name: str) -> tuple[object, str]:
    """A code alone, or in an object as answers carry it."""
    if not isinstance(value, dict):
        return value, name
    return reader.members(value, name, ("code",), ("code",)).get("code", ABSENT), f"{name}.code"


def _remarks(reader: Reader, value: object, name: str) -> tuple[str, ...]:
    if value is ABSENT:
        return ()
    if not isinstance(value, list):
        reader.wrong(name, "a list is expected")
        return ()
    codes: list[str] = []
    for index, one in enumerate(cast("list[object]", value)):
        code = reader.word(*_coded(reader, one, f"{name}[{index}]"), TEXT_MAX)
        if code is not None:
            codes.append(code)
    return tuple(codes[:100])


def _place(reader: Reader, value: object, name: str) -> tuple[tuple[str, object], ...]:
    """Paths and values of a part of `placeOfWork`."""
    found: list[tuple[str, object]] = []
    for kind, inside in reader.members(value, name, ("coordinates", "address")).items():
        if kind == "coordinates":
            axes = reader.members(inside, f"{name}.{kind}", ("longitude", "latitude"))
            for axis, sent in axes.items():
                number = reader.number(sent, f"{name}.{kind}.{axis}", 180)
                found.append((f"{kind}.{axis}", number))
        elif kind == "address":
            parts = reader.members(inside, f"{name}.{kind}", tuple(ADDRESS))
            for part, sent in parts.items():
                text = reader.word(sent, f"{name}.{kind}.{part}", TEXT_MAX)
                found.append((f"{kind}.{part}", text))
    return tuple(found)


def _sort(reader: Reader, value: object) -> tuple[str, bool]:
    sent = reader.members(value, "sort", (*SORTABLE, "property", "direction"))
    if "property" in sent:
        chosen, direction = sent["property"], sent.get("direction", "asc")
    elif sent:
        chosen, direction = next(iter(sent.items()))
    else:
        return "number", False
    member = reader.choice(chosen, "sort", tuple(SORTABLE))
    way = reader.choice(direction, "sort", ("asc", "desc", "ASC", "DESC"))
    return SORTABLE.get(member or "", "number"), (way or "").lower() == "desc"


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
