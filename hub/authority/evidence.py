"""One item out of the bodies of an exchange: what was sent and answered for one registration.

A batch holds up to 200 people. Whoever wants to see what was sent for one of them sees that item
and no other, as (name, value) in the order of the message; person numbers and names are masked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from hub.application.evidence import Pairs
from hub.authority.answers import Unreadable, masked, read_body
from hub.authority.strict_json import read_json
from hub.domain.identifiers import mask_limosa, mask_person_number

if TYPE_CHECKING:
    from lxml.etree import _Element

_MANY: Final = frozenset(
    {
        "RegisterPresencesRequest",
        "RegisterPresencesResponse",
        "CancelPresencesRequest",
        "CancelPresencesResponse",
        "PresenceRegistrationList",
    }
)
"""Elements of the day service that hold one child for each registration."""

_REFERENCES: Final = frozenset({"ClientPresenceRegistrationReference", "customReference"})
_NUMBERS: Final = frozenset({"PresenceRegistrationId", "id"})
_PERSON_NUMBERS: Final = frozenset({"INSS", "ssin", "LimosaId"})
_MASKS: Final = {
    "INSS": mask_person_number,
    "ssin": mask_person_number,
    "LimosaId": mask_limosa,
    "givenName": lambda _: "***",
    "familyName": lambda _: "***",
}


def read_items(
    request: bytes,
    answer: bytes | None,
    regime: str,
    references: Collection[str],
    numbers: Collection[int],
    *,
    clear: bool = False,
) -> tuple[list[Pairs], list[Pairs]]:
    """Implements `hub.application.evidence.ReadItems`."""

    def read(body: bytes) -> list[Pairs]:
        try:
            return items_of(body, regime, references, numbers, clear=clear)
        except Unreadable:
            return []  # a page of a proxy, a torn answer: kept all the same

    sent = read(request)
    answered = [] if answer is None else read(answer)
    if answer is not None and sent and not answered:
        answered = _by_place(regime, request, answer, references)
    return sent, answered


def _by_place(
    regime: str, request: bytes, answer: bytes, references: Collection[str]
) -> list[Pairs]:
    """The refusal at the place of our item, where it does not say whom it refuses."""
    try:
        place = index_of(request, regime, references)
        found = None if place is None else item_at(answer, regime, *place)
    except Unreadable:
        return []
    return [] if found is None else [found]


def items_of(
    body: bytes,
    regime: str,
    references: Collection[str],
    numbers: Collection[int],
    *,
    clear: bool = False,
) -> list[Pairs]:
    """Returns the items of a body that carry one of these references or numbers, masked.

    Args:
        body: as it was on the wire.
        regime: `day` (SOAP) or `in_out` (JSON).
        clear: leave the number of the person in these items as it was sent.

    Raises:
        Unreadable: (`hub.authority.answers`) the body is no message of that service.
    """
    wanted = frozenset(references), frozenset(str(number) for number in numbers)
    found = _of_json(body) if regime == "in_out" else _of_soap(body)
    mask = _clear if clear else _masked
    return [tuple(mask(*pair) for pair in item) for item in found if _is_of(item, *wanted)]


def item_at(body: bytes, regime: str, index: int, count: int) -> Pairs | None:
    """Returns item `index` of an answer that has exactly `count`, masked; else None.

    For an entry that refuses an item without repeating our reference: the in/out service does.
    """
    found = list(_of_json(body) if regime == "in_out" else _of_soap(body))
    if len(found) != count or not 0 <= index < count:
        return None
    if any(name in _REFERENCES for name, _ in found[index]):
        return None
    return tuple(_masked(*pair) for pair in found[index])


def index_of(body: bytes, regime: str, references: Collection[str]) -> tuple[int, int] | None:
    """Returns (place, count) of the first item of a request that carries one of these."""
    found = list(_of_json(body) if regime == "in_out" else _of_soap(body))
    wanted = frozenset(references)
    for place, item in enumerate(found):
        if _is_of(item, wanted, frozenset()):
            return place, len(found)
    return None


def _is_of(
    item: Sequence[tuple[str, str]], references: frozenset[str], numbers: frozenset[str]
) -> bool:
    return any(
        (name in _REFERENCES and value in references) or (name in _NUMBERS and value in numbers)
        for name, value in item
    )


def _clear(name: str, value: str) -> tuple[str, str]:
    return (name, value) if name in _PERSON_NUMBERS else _masked(name, value)


def _masked(name: str, value: str) -> tuple[str, str]:
    if name in _MASKS:
        return name, _MASKS[name](value)
    return name, value if name in _REFERENCES or name in _NUMBERS else masked(value)


def _of_soap(body: bytes) -> Iterator[list[tuple[str, str]]]:
    yield from _entries(read_body(body))


def _entries(element: _Element) -> Iterator[list[tuple[str, str]]]:
    """The innermost lists of registrations; without one the whole message is one item."""
    lists = [inner for inner in element.iter() if _name(inner) in _MANY]
    if not lists:
        yield list(_leaves(element))
    for one in lists:
        for child in one:
            yield list(_leaves(child))


def _leaves(element: _Element) -> Iterator[tuple[str, str]]:
    for inner in element.iter():
        if len(inner) == 0 and inner.text and inner.text.strip():
            yield _name(inner), inner.text.strip()


def _name(element: _Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _of_json(body: bytes) -> Iterator[list[tuple[str, str]]]:
    value: Any = read_json(body)
    items = value.get("items") if isinstance(value, dict) else None
    for item in items if isinstance(items, list) else [value]:
        yield list(_fields("", item))


def _fields(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for inner, held in value.items():
            yield from _fields(str(inner), held)
    elif isinstance(value, list):
        for held in value:
            yield from _fields(name, held)
    elif value is not None:
        yield name, str(value)
