"""Reads the bodies of the in/out face: JSON of the form the contract describes, or the issues.

One violation in one item rejects the whole call; the contract itself is `schema/openapi.json`.
Unknown members are refused (our choice: the real service may pass over them).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, cast, final

from simulator.authority import problems
from simulator.authority.events import Act, Direction
from simulator.authority.problems import Issue, IssueType

ITEMS_MAX: Final = 200
# A call in which everything is wrong would otherwise be answered with more than it brought.
ISSUES_MAX: Final = 100
TEXT_MAX: Final = 255

SSIN: Final = re.compile(r"[0-9]{11}")
ENTERPRISE: Final = re.compile(r"[01][0-9]{9}")
FOREIGN_VAT: Final = re.compile(r"[A-Z]{2}.+")
WORKS: Final = re.compile(r"[A-HJ-NP-Z0-9]{13}")
# RFC 3339: date, time and offset are all needed.
MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
ADDRESS: Final = {
    "postCode": True,
    "municipalityName": True,
    "streetName": True,
    "houseNumber": False,
    "boxNumber": False,
}
_SURROGATE: Final = re.compile(rb"\\\\u[dD]")
EMPLOYER: Final = ("enterpriseNumber", "foreignVatNumber")
PLACE: Final = ("coordinates", "address")

ABSENT: Final = object()

_Members = dict[str, object]


@final
class Reader:
    """Collects everything that is wrong with a body while it is read.

    Each method returns the value, or None after noting an issue; a caller reads on and calls
    `settle` before it uses anything. An `ABSENT` member is None without an issue: whether it is
    needed is said by `members`.
    """

    def __init__(self) -> None:
        self._issues: list[Issue] = []

    def note(self, type_: IssueType, name: str, detail: str, value: object = None) -> None:
        """Adds an issue about a member of the body."""
        if len(self._issues) < ISSUES_MAX:
            self._issues.append(Issue(type_, "body", name, detail, value))

    def wrong(self, name: str, detail: str, value: object = None) -> None:
        """Adds a schema violation."""
        self.note("input-validation:schemaViolation", name, detail, value)

    def settle(self) -> None:
        """Ends the reading.

        Raises:
            Problem: badRequest with all issues, if there is one.
        """
        if self._issues:
            raise problems.bad_request(self._issues)

    def members(
        self, value: object, name: str, known: Sequence[str], needed: Sequence[str] = ()
    ) -> _Members:
        """The members of an object; empty after an issue."""
        if value is ABSENT:
            return {}
        if not isinstance(value, dict):
            self.wrong(name, "an object is expected")
            return {}
        found = cast("_Members", value)
        for member in found:
            if member not in known:
                self.note(
                    "input-validation:unknownInput", _below(name, member), "the member is not known"
                )
        for member in needed:
            if member not in found:
                self.wrong(_below(name, member), "the member is required")
        return found

    def one_of(self, value: object, name: str, choices: Sequence[str]) -> tuple[str, object] | None:
        """The one member of an object that must have exactly one of the choices."""
        found = self.members(value, name, choices)
        present = [choice for choice in choices if choice in found]
        if len(present) != 1:
            if isinstance(value, dict):
                self.note(
                    "ext:input-validation:exactlyOneOfExpected",
                    name,
                    f"exactly one of {', '.join(choices)} is expected",
                )
            return None
        return present[0], found[present[0]]

    def text(self, value: object, name: str, pattern: re.Pattern[str] | None = None) -> str | None:
        """A text that matches the whole pattern."""
        if value is ABSENT:
            return None
        if not isinstance(value, str) or (pattern is not None and not pattern.fullmatch(value)):
            expected = "a text" if pattern is None else f"a text of the form {pattern.pattern}"
            self.wrong(name, f"{expected} is expected", value)
            return None
        return value

    def word(self, value: object, name: str, longest: int) -> str | None:
        """A text of 1 to `longest` characters."""
        text = self.text(value, name)
        if text is not None and not 1 <= len(text) <= longest:
            self.wrong(name, f"1 to {longest} characters are expected", value)
            return None
        return text

    def choice(self, value: object, name: str, choices: Sequence[str]) -> str | None:
        """One of some words."""
        if value is ABSENT:
            return None
        if value not in choices:
            self.wrong(name, f"one of {', '.join(choices)} is expected", value)
            return None
        return cast("str", value)

    def direction(self, value: object, name: str) -> Direction | None:
        """`in` or `out`, in lower or upper case: which one is right is not known."""
        found = self.choice(value, name, ("in", "out", "IN", "OUT"))
        return None if found is None else cast("Direction", found.lower())

    def moment(self, value: object, name: str) -> int | None:
        """An instant with its offset, as UTC milliseconds."""
        at_ms = None
        if value is ABSENT:
            return None
        if isinstance(value, str) and MOMENT.fullmatch(value):
            at_ms = moment_ms(value)
        if at_ms is None:
            self.wrong(name, "a date-time of RFC 3339 with its offset is expected", value)
        return at_ms

    def number(self, value: object, name: str, limit: int) -> float | None:
        """A number from -limit to limit."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(name, "a number is expected", value)
            return None
        if not -limit <= value <= limit:
            self.note(
                "ext:input-validation:outOfRange", name, f"-{limit} to {limit} is expected", value
            )
            return None
        return value

    def place(self, value: object, name: str) -> Mapping[str, object]:
        """The object `placeOfWork`; empty after an issue."""
        match self.one_of(value, name, PLACE):
            case ("coordinates", sent):
                name = f"{name}.coordinates"
                axes = self.members(
                    sent, name, ("longitude", "latitude"), ("longitude", "latitude")
                )
                for axis, limit in (("longitude", 180), ("latitude", 90)):
                    if axis in axes:
                        self.number(axes[axis], f"{name}.{axis}", limit)
                return {"coordinates": axes}
            case ("address", sent):
                name = f"{name}.address"
                needed = [part for part, must in ADDRESS.items() if must]
                parts = self.members(sent, name, tuple(ADDRESS), needed)
                for part, text in parts.items():
                    if part in ADDRESS:
                        self.word(text, f"{name}.{part}", TEXT_MAX)
                return {"address": parts}
            case _:
                return {}

    def employer(self, value: object, name: str) -> tuple[int | None, str | None]:
        """Enterprise number or foreign VAT number; both None after an issue."""
        match self.one_of(value, name, EMPLOYER):
            case ("enterpriseNumber", sent):
                text = self.text(sent, f"{name}.enterpriseNumber", ENTERPRISE)
                return (None if text is None else int(text)), None
            case ("foreignVatNumber", sent):
                return None, self.text(sent, f"{name}.foreignVatNumber", FOREIGN_VAT)
            case _:
                return None, None


def parse(body: bytes) -> object:
    """The JSON value of a body.

    Raises:
        Problem: badRequest, it is none.
    """
    try:
        value = cast("object", json.loads(body, parse_constant=_no_constant))
        if _SURROGATE.search(body):
            # Half a character: JSON can write it, but it is no text.
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError):
        issue = Issue("input-validation:schemaViolation", "body", "", "the body is no JSON")
        raise problems.bad_request([issue]) from None


def _no_constant(name: str) -> object:
    # Python would take NaN and Infinity, which are no JSON.
    raise ValueError(name)


def moment_ms(text: str) -> int | None:
    """UTC milliseconds of a text that has the form of an instant; None if there is no such one."""
    try:
        return round(datetime.fromisoformat(text.upper()).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def read_bulk(body: object, reference_max: int) -> list[Act]:
    """The items of `registerInBulk`, in order.

    Raises:
        Problem: badRequest with an issue for everything that breaks the contract.
    """
    reader = Reader()
    sent = reader.members(body, "", ("items",), ("items",)).get("items")
    acts: list[Act] = []
    if isinstance(sent, list):
        items = cast("list[object]", sent)
        if not 1 <= len(items) <= ITEMS_MAX:
            reader.wrong("items", f"1 to {ITEMS_MAX} items are expected")
        else:
            acts = [_act(reader, one, f"items[{n}]", reference_max) for n, one in enumerate(items)]
    elif sent is not None or (isinstance(body, dict) and "items" in body):
        reader.wrong("items", "a list is expected")
    reader.settle()
    return acts


_ITEM: Final = (
    "registrationDate",
    "ssin",
    "type",
    "employer",
    "placeOfWork",
    "contractualRelationshipReference",
    "customReference",
)


def _act(reader: Reader, value: object, name: str, reference_max: int) -> Act:
    sent = reader.members(value, name, _ITEM, _ITEM[:-1])

    def take(member: str) -> tuple[object, str]:
        return sent.get(member, ABSENT), f"{name}.{member}"

    company, foreign_vat = reader.employer(*take("employer"))
    return Act(
        reader.moment(*take("registrationDate")) or 0,
        reader.text(*take("ssin"), SSIN) or "",
        reader.direction(*take("type")) or "in",
        reader.text(*take("contractualRelationshipReference"), WORKS) or "",
        reader.place(*take("placeOfWork")),
        company,
        foreign_vat,
        reader.word(*take("customReference"), reference_max),
    )


def _below(name: str, member: str) -> str:
    return f"{name}.{member}" if name else member
