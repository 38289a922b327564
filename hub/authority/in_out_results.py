"""Which entry of an answer of the in/out service belongs to which item that was sent.

The service echoes our reference with what it created; whether it does so with what it did not
create is not known, and neither is whether it keeps the order. So there are three ways, the surest
first, and no fourth:

    all references are echoed                     each by its reference, whatever the order
    one entry has none, or those without one      they fall to the references that are left: no
    are refusals for the same reason              other way to share them out gives another result
    every echoed reference stands at its place    by position, if what else is echoed fits

Anything else contradicts itself and puts the call in doubt: a search costs little, a number shown
with the wrong person a fine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub.application.ports import PresenceItem, Refused, Registered
from hub.authority.answers import Unreadable, masked
from hub.authority.in_out_answers import (
    Labels,
    Presence,
    as_object,
    entries_of,
    read_presence,
    text_of,
    word_of,
)


class Unclear(Exception):
    """An answer of which it cannot be said for certain what it says of each item.

    Args:
        asked: items sent.
        answered: items of which it is clear.
    """

    def __init__(self, asked: int, answered: int) -> None:
        super().__init__(f"{answered} of {asked}")
        self.asked = asked
        self.answered = answered


@dataclass(frozen=True, slots=True, repr=False)
class _Entry:
    """One entry of an answer: a registration, or the errors of one that was not made."""

    reference: str
    presence: Presence | None = None
    errors: tuple[tuple[str, str], ...] = ()


def register_results(
    answer: object, items: Sequence[PresenceItem]
) -> tuple[list[Registered | Refused], dict[str, Labels]]:
    """Returns one result for each item sent, in the order sent, and the texts of all remarks.

    Raises:
        Unreadable: this is not the answer to a registration.
        Unclear: it cannot be said for certain which entry belongs to which item.
    """
    entries = [_entry(entry) for entry in entries_of(answer)]
    matched = _matched(entries, [item.reference for item in items])
    results: list[Registered | Refused] = []
    labels: dict[str, Labels] = {}
    for item, entry in zip(items, matched, strict=True):
        if entry.presence is not None:
            if not _fits(entry, item):
                raise Unclear(len(items), len(results))
            labels.update(entry.presence.labels)
        results.append(_result(entry, item.reference, item.inss or ""))
    return results, labels


def _matched(entries: Sequence[_Entry], references: Sequence[str]) -> list[_Entry]:
    """Returns the entry of each reference by the rules above.

    Raises:
        Unclear: none of them applies.
    """
    echoed = {entry.reference: entry for entry in entries if entry.reference}
    numbers = [entry.presence.registered.number for entry in entries if entry.presence is not None]
    silent = [entry for entry in entries if not entry.reference]
    if (
        len(entries) != len(references)
        or len(echoed) + len(silent) != len(entries)
        or not set(echoed) <= set(references)
        or len(set(numbers)) != len(numbers)
    ):
        raise Unclear(len(references), len(set(echoed) & set(references)))
    refusals = {entry.errors for entry in silent if entry.presence is None}
    if len(silent) <= 1 or (len(refusals) == 1 and all(entry.presence is None for entry in silent)):
        rest = iter(silent)
        return [echoed.get(reference) or next(rest) for reference in references]
    for entry, reference in zip(entries, references, strict=True):
        if entry.reference not in ("", reference):
            raise Unclear(len(references), len(echoed))
    return list(entries)


def _fits(entry: _Entry, item: PresenceItem) -> bool:
    """Whether what the service echoes is the act that we sent.

    A person may come back with a newer number than the one sent, so the number counts only when
    nothing but the position says whose entry it is.
    """
    wanted: dict[str, object] = {
        "direction": item.direction,
        "act_s": None if item.act_ms is None else item.act_ms // 1000,
        "works": item.works_number,
    }
    if not entry.reference:
        wanted["inss"] = item.inss
    facts = entry.presence.facts if entry.presence is not None else {}
    return all(facts.get(name, value) == value for name, value in wanted.items())


def _entry(value: object) -> _Entry:
    entry = as_object(value)
    done = entry.get("createdPresenceRegistration")
    refused = entry.get("notCreatedPresenceRegistration")
    if (done is None) == (refused is None):
        raise Unreadable("unexpected")
    if done is not None:
        presence = read_presence(done)
        return _Entry(presence.registered.reference, presence)
    it = as_object(refused)
    listed = it.get("errorList") or []
    if not isinstance(listed, list):
        raise Unreadable("unexpected")
    errors = tuple(
        (text_of(error, "errorCode"), text_of(error, "errorDescription"))
        for error in map(as_object, listed)
    )
    return _Entry(word_of(text_of(it, "customReference")), errors=errors)


def _result(entry: _Entry, reference: str, secret: str = "") -> Registered | Refused:
    secrets = (secret,) if secret else ()
    if entry.presence is None:
        errors = tuple(
            (masked(code, secrets), masked(text, secrets)) for code, text in entry.errors
        )
        return Refused(reference, errors)
    stored = entry.presence.registered
    return Registered(reference, stored.number, stored.created, stored.status, stored.remarks)
