"""Whatever comes back: the error is typed, nothing leaks, and no number lands at another person."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.application.ports import PresenceItem, Refused, Registered
from hub.authority import in_out_answers, in_out_results, problems
from hub.authority.answers import Unreadable
from hub.authority.in_out_results import Unclear
from hub.authority.strict_json import read_json
from hub.authority.web_exchange import WebAnswer
from hub.errors import InDoubtError
from tests.rest.acts import ACT_MS, DAY, INSS, WORKS, act, reference, wire
from tests.rest.conftest import Make
from tests.rest.service import Reply, Service, created, not_created, shown
from tests.soap.test_privacy import everything_said_by

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from([INSS, reference(0), "id", "2026-11-23T06:41:07+01:00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)

NOT_JSON = {
    "nothing": b"",
    "a word": b"hello",
    "torn": json.dumps({"items": [created(wire(1), 1)]}).encode()[:-2],
    "two values": b"{}{}",
    "a name twice": b'{"items":[],"items":[]}',
    "a name twice, deep": b'{"items":[{"a":{"b":1,"b":1}}]}',
    "NaN": b'{"items":[NaN]}',
    "infinity": b'{"items":[-Infinity]}',
    "a comment": b'{"items":[] /* none */}',
    "deep lists": b"[" * 1_000_000,
    "deep objects": b'{"a":' * 100_000,
    "a number of 5,000 digits": b"9" * 5000,
    "a mark at its head": b"\xef\xbb\xbf{}",
    "UTF-16": json.dumps({"items": []}).encode("utf-16"),
    "not UTF-8": b'{"items":["\xff"]}',
    "a zero byte": b'{"items":[]}\0',
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_json_by_the_book_is_not_read(make: Make, name: str) -> None:
    with pytest.raises(Unreadable):
        read_json(NOT_JSON[name])
    with Service(Reply(NOT_JSON[name])) as service, pytest.raises(InDoubtError) as caught:
        make(service).register([act(1)])
    assert caught.value.extra["cause"] == "malformed"


@given(st.binary(max_size=60))
def test_any_bytes_are_json_or_unreadable(content: bytes) -> None:
    failure: Unreadable | None = None
    try:
        read_json(content)
    except Unreadable as error:
        failure = error
    # What the library raised holds the whole text, so it must not hang on.
    assert failure is None or failure.__context__ is None


SENT = [act(n, act_ms=ACT_MS + n * 1000, direction="in" if n % 2 else "out") for n in range(4)]


def moment(index: int) -> str:
    return f"2026-11-23T06:41:{7 + index:02}+01:00"


def sound() -> list[dict[str, Any]]:
    """The answer to `SENT`, with one refusal."""
    items = [
        wire(
            n, registrationDate=f"2026-11-23T06:41:{7 + n:02}+01:00", type="in" if n % 2 else "out"
        )
        for n in range(4)
    ]
    entries = [created(item, 500 + n) for n, item in enumerate(items)]
    entries[2] = not_created(("SIM-X", f"not {INSS}"))
    return entries


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    children: Any = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    for name, inner in children:
        found += paths(inner, (*path, name))
    return found


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = put(changed[path[0]], path[1:], new)
    return changed


ANSWER = {"items": sound()}


@given(st.sampled_from(paths(ANSWER)), JSON)
def test_any_part_of_any_type_is_an_answer_or_unreadable(path: tuple[Any, ...], new: Any) -> None:
    answer = put(ANSWER, path, new)
    results, said = None, ""
    try:
        results, _ = in_out_results.register_results(answer, SENT)
    except (Unreadable, Unclear) as error:
        said = everything_said_by(error)
    assert INSS not in said
    if results is not None:
        assert [result.reference for result in results] == [item.reference for item in SENT]
        assert INSS not in repr(results)
        # Texts go to a database: half a character would not.
        repr(results).encode()
    try:
        written = json.dumps(answer, allow_nan=False)
    except ValueError:
        return  # an infinite number, which JSON has no way to write
    read_json(written.encode())


@given(JSON)
def test_anything_at_all_is_an_answer_or_unreadable(answer: Any) -> None:
    for read in (
        lambda: in_out_results.register_results(answer, SENT),
        lambda: in_out_answers.search_page(answer, 50, WORKS, DAY),
        lambda: in_out_answers.read_presence(answer),
    ):
        try:
            read()
        except (Unreadable, Unclear):
            continue
    told = problems.read_problem(WebAnswer(400, json.dumps(answer).encode()), ACT_MS)
    error = problems.refusal(told, 400, True, range(4))
    assert INSS not in str(error)


ROW = shown(wire(1), 7, remarks=[{"code": "CAW_14", "labels": {"nl": "Dubbel"}}])


@given(st.sampled_from(paths(ROW)[1:]), JSON)
def test_a_row_of_any_type_is_seen_or_unreadable(path: tuple[Any, ...], new: Any) -> None:
    page, said = None, ""
    try:
        page = in_out_answers.search_page([put(ROW, path, new)], 50, WORKS, DAY)
    except Unreadable as error:
        said = everything_said_by(error)
    assert INSS not in said
    if page is not None:
        assert len(page.rows) == 1
        assert INSS not in repr([page.rows, page])


BELGIF = "urn:problem-type:belgif"
ISSUES = {
    "type": f"{BELGIF}:badRequest",
    "instance": "urn:uuid:123e4567-e89b-12d3-a456-426614174000",
    "retryAfter": "2026-11-23T06:42:10+01:00",
    "retryAfterSec": 5,
    "issues": [
        {
            "type": "urn:problem-type:belgif:input-validation:schemaViolation",
            "name": "items[0].ssin",
        }
    ],
}


@given(st.sampled_from(paths(ISSUES)), JSON, st.text(max_size=12), st.integers(100, 599))
def test_any_problem_is_an_error_of_ours(
    path: tuple[Any, ...], new: Any, wait: str, status: int
) -> None:
    body = json.dumps(put(ISSUES, path, new)).encode()
    told = problems.read_problem(WebAnswer(status, body, "", wait), ACT_MS)
    for writes in (True, False):
        error = problems.refusal(told, status, writes, (3,))
        assert INSS not in str(error)
        assert set(error.extra.get("items", ())) <= {3}  # pyright: ignore[reportArgumentType]


# ---------------------------------------------------------------- who gets which number


class Plan:
    """What a service did with four acts, and how it wrote it down."""

    def __init__(self, stored: list[bool], echoed: list[bool], order: list[int]) -> None:
        self.stored, self.echoed, self.order = stored, echoed, order

    def entries(self) -> list[dict[str, Any]]:
        made = []
        for n, entry in enumerate(sound()):
            if not self.stored[n]:
                made.append(not_created((f"E{n}", "")))
                continue
            kept = copy.deepcopy(
                entry.get("createdPresenceRegistration") or shown(wire(n, type="out"), 500 + n)
            )
            kept["registrationDate"] = moment(n)
            if not self.echoed[n]:
                del kept["customReference"]
            made.append({"createdPresenceRegistration": kept})
        return [made[at] for at in self.order]


PLANS = st.builds(
    Plan,
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.permutations(range(4)),
)


def truth(plan: Plan) -> list[int | str]:
    return [500 + n if plan.stored[n] else f"E{n}" for n in range(4)]


def told(results: list[Registered | Refused]) -> list[int | str]:
    return [
        result.number if isinstance(result, Registered) else result.errors[0][0]
        for result in results
    ]


@given(PLANS)
def test_a_number_never_lands_at_another_act(plan: Plan) -> None:
    try:
        results, _ = in_out_results.register_results({"items": plan.entries()}, SENT)
    except Unclear:
        # Doubt is allowed only where the order is not ours or a reference is missing.
        assert plan.order != sorted(plan.order)
        assert not all(s and e for s, e in zip(plan.stored, plan.echoed, strict=True))
        return
    found = told(results)
    for n, (right, given_) in enumerate(zip(truth(plan), found, strict=True)):
        # Reasons of refusals may change places when nothing at all tells them apart.
        if plan.stored[n] or isinstance(given_, int):
            assert given_ == right


@given(PLANS, st.integers(0, 3))
def test_an_entry_that_is_missing_or_twice_is_noticed(plan: Plan, at: int) -> None:
    entries = plan.entries()
    for wrong in (entries[:at] + entries[at + 1 :], [*entries, entries[at]]):
        with pytest.raises(Unclear):
            in_out_results.register_results({"items": wrong}, SENT)


def test_four_acts_are_four() -> None:
    assert isinstance(SENT[0], PresenceItem)
    results, _ = in_out_results.register_results(ANSWER, SENT)
    assert told(results) == [500, 501, "SIM-X", 503]
