"""What an answer means that is not the one asked for: Belgif problems (RFC 9457) as our errors.

Theory of operation. As in `hub.authority.faults`, the decision hangs on one question, "may the
authority have stored something?". The surest source first:

    type and status of the problem, both as listed     contract/problems.toml says
    the HTTP status alone                              contract/problems.toml says
    anything else                                      a write is in doubt, a read may be repeated

A problem names the items to blame (`items[3].ssin`): their places go into the error, so that the
caller need not halve the call to find them. It also quotes their values, in `value` and in its
texts; none of that is read. What an error repeats are type, field names and the ticket, and only
in the form that they have in the guide.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

from hub.authority.answers import Unreadable
from hub.authority.strict_json import read_json
from hub.authority.transport import contract_file
from hub.authority.web_exchange import WebAnswer
from hub.errors import (
    InDoubtError,
    PermanentError,
    SitegateError,
    StoppedError,
    TransientError,
)

NOT_FOUND = "urn:problem-type:belgif:resourceNotFound"
WAIT_MAX_S = 24 * 3600
"""Longest wait that we believe, in seconds; a day is longer than any registration may wait."""

_CLASSES: dict[str, tuple[type[SitegateError], str]] = {
    "transient": (TransientError, "HUB-1310"),
    "in_doubt": (InDoubtError, "HUB-1302"),
    "permanent": (PermanentError, "HUB-1303"),
    "stopped": (StoppedError, "HUB-1304"),
}
_TYPE = re.compile(r"urn:problem-type:[a-z-]{1,20}(?::[A-Za-z-]{1,40}){1,3}")
_TICKET = re.compile(r"urn:uuid:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
# `items[3].employer.enterpriseNumber`, and the same as a JSON pointer (RFC 6901).
_BLAMED = re.compile(r"items(?:\[([0-9]{1,3})\]|/([0-9]{1,3}))((?:[./][A-Za-z]{1,40}){0,4})")
_RULE = re.compile(r"(?:urn:problem-type:[a-z-]{1,20}:input-validation:)?([A-Za-z]{1,40})")
_SECONDS = re.compile(r"[0-9]{1,6}")
_ISSUES_MAX = 200


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem, reduced to what decides; it holds no text and no value of the service.

    Args:
        kind: its type; empty when it is none of the guide's form.
        blamed: (place in the call from 0, field and rule) of each item it names, by place.
        rules: kinds of its issues, whatever they name.
        retry_after_s: whole seconds it asks us to wait; None when it does not say.
        ticket: what the service's own support asks for; empty when there is none.
    """

    kind: str = ""
    blamed: tuple[tuple[int, str], ...] = ()
    rules: tuple[str, ...] = ()
    retry_after_s: int | None = None
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class _Verdict:
    write: str
    read: str
    error: str

    def word(self, writes: bool) -> str:
        return self.write if writes else self.read


@dataclass(frozen=True, slots=True)
class TokenWords:
    """What the refusals of the token service mean; see contract/problems.toml."""

    stopped: frozenset[str]
    transient: frozenset[str]
    transient_status: frozenset[int]


@cache
def _tables() -> tuple[dict[tuple[str, int], _Verdict], list[tuple[range, _Verdict]], TokenWords]:
    data = tomllib.loads(contract_file("problems.toml").decode())
    by_problem = {
        (row["type"], status): _verdict(row) for row in data["problem"] for status in row["status"]
    }
    by_status = [(range(row["from"], row["to"] + 1), _verdict(row)) for row in data["http"]]
    token = TokenWords(**{name: frozenset(words) for name, words in data["token"].items()})
    return by_problem, by_status, token


def _verdict(row: dict[str, Any]) -> _Verdict:
    verdict = _Verdict(row["write"], row["read"], row.get("error", ""))
    if verdict.write not in _CLASSES or verdict.read not in _CLASSES:
        raise ValueError("problems.toml holds a word that means nothing")
    return verdict


def token_words() -> TokenWords:
    """Returns what the refusals of the token service mean."""
    return _tables()[2]


def read_problem(answer: WebAnswer, now_ms: int) -> Problem:
    """Returns what decides of a refusal; it never fails, whatever the body is.

    Args:
        now_ms: UTC milliseconds, for a wait that is given as a moment.
    """
    try:
        body = read_json(answer.body)
    except Unreadable:
        body = None
    it = body if isinstance(body, dict) else {}
    said = (answer.retry_after, it.get("retryAfterSec"), it.get("retryAfter"))
    # A moment depends on two clocks that may differ, so it counts only when it stands alone.
    waits = [wait for wait in map(_seconds, said) if wait is not None]
    waits = waits or [wait for one in said if (wait := _seconds_until(one, now_ms)) is not None]
    return Problem(
        kind=_token(it.get("type"), _TYPE),
        blamed=tuple(sorted(dict(_blamed(it.get("issues"))).items())),
        rules=tuple(_rules(it.get("issues"))),
        retry_after_s=min(max(waits), WAIT_MAX_S) if waits else None,
        ticket=_token(it.get("instance"), _TICKET),
    )


def refusal(
    problem: Problem, status: int, writes: bool, places: Sequence[int] = ()
) -> SitegateError:
    """Returns the error for an answer that refuses the call.

    A `PermanentError` of a call with items has `items`, the places to blame in the list that the
    caller gave (empty: the service names none), and `rules`, field and rule for each of them.

    Args:
        problem: what `read_problem` made of the answer.
        status: HTTP status.
        writes: the call was register or cancel.
        places: for each item sent, its place in the list that the caller gave.
    """
    by_problem, by_status, _ = _tables()
    extra: dict[str, object] = {"http": status, "cause": "problem" if problem.kind else "status"}
    if problem.kind:
        extra["problem"] = problem.kind.rsplit(":", 1)[-1]
    if problem.ticket:
        extra["ticket"] = problem.ticket
    if problem.retry_after_s is not None:
        extra["retry_after_s"] = problem.retry_after_s

    known = by_problem.get((problem.kind, status))
    if known is None:
        known = next((verdict for statuses, verdict in by_status if status in statuses), None)
    word = known.word(writes) if known is not None else "in_doubt"
    if word == "in_doubt" and not writes:
        word = "transient"
    if word == "permanent" and places:
        blamed = [(places[at], rule) for at, rule in problem.blamed if at < len(places)]
        extra["items"] = tuple(place for place, _ in blamed)
        extra["rules"] = tuple(rule for _, rule in blamed)
    error_class, code = _CLASSES[word]
    if word == "permanent" and not writes:
        code = "HUB-1312"
    if known is not None and known.error:
        code = known.error
    return error_class(code, **extra)


def _blamed(issues: object) -> Iterator[tuple[int, str]]:
    """Yields place, field and rule of each issue that names an item; the first of an item last."""
    for issue in reversed(_listed(issues)):
        name = issue.get("name")
        if not isinstance(name, str):
            continue
        found = _BLAMED.fullmatch(name.removeprefix("/").removeprefix("body."))
        if found is not None:
            field = found[3].strip("./").replace("/", ".")
            yield int(found[1] or found[2]), f"{field} {_rule(issue)}".strip()


def _rules(issues: object) -> Iterator[str]:
    for issue in _listed(issues):
        if rule := _rule(issue):
            yield rule


def _rule(issue: Mapping[str, Any]) -> str:
    rule = issue.get("type")
    found = _RULE.fullmatch(rule) if isinstance(rule, str) else None
    return found[1] if found is not None else ""


def _listed(issues: object) -> list[dict[str, Any]]:
    listed = issues[:_ISSUES_MAX] if isinstance(issues, list) else []
    return [issue for issue in listed if isinstance(issue, dict)]


def _token(value: object, form: re.Pattern[str]) -> str:
    return value if isinstance(value, str) and form.fullmatch(value) else ""


def _seconds(value: object) -> int | None:
    """Returns the whole seconds of a wait."""
    if isinstance(value, int) and not isinstance(value, bool):
        return max(0, min(value, WAIT_MAX_S))
    return int(value) if isinstance(value, str) and _SECONDS.fullmatch(value) else None


def _seconds_until(value: object, now_ms: int) -> int | None:
    """Returns the whole seconds to an HTTP date or an RFC 3339 moment."""
    if not isinstance(value, str):
        return None
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(value)
            at = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            return max(0, -(-(int(at.timestamp() * 1000) - now_ms) // 1000))
        except (ValueError, OverflowError, TypeError):
            continue
    return None
