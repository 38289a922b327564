"""The chain of a works declaration: who works for whom, and on which level.

One company has the contract with the customer and declares the works; everyone else stands below
exactly one company, for which he works. An agency counts as a subcontractor of the company that
uses its workers: it stands below that one, and nobody stands below an agency. A chain never closes
to a circle, and nothing reaches from one declaration into another: who is below somebody there is
not below him here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hub.errors import UsageError


@dataclass(frozen=True, slots=True)
class Link:
    """One company of a chain.

    Args:
        company: its number in the register.
        above: for whom it works; None for the declaring contractor.
        agency: it lends workers.
    """

    company: int
    above: int | None
    agency: bool = False


def check_link(links: Iterable[Link], new: Link) -> None:
    """Refuses a company at a place where it cannot stand; it may stand elsewhere already.

    Raises:
        UsageError: HUB-1657 the company above takes no part, HUB-1658 there is a declaring
            contractor already, HUB-1656 it would stand below itself, HUB-1660 an agency on top, or
            somebody below an agency.
    """
    others = [link for link in links if link.company != new.company]
    by_company = {link.company: link for link in others}
    if new.above is None:
        if any(link.above is None for link in others):
            raise UsageError("HUB-1658")
        if new.agency:
            raise UsageError("HUB-1660")
        return
    if new.above == new.company or new.above in below([*others, new], new.company):
        raise UsageError("HUB-1656")
    if new.above not in by_company:
        raise UsageError("HUB-1657")
    if by_company[new.above].agency:
        raise UsageError("HUB-1660")
    if new.agency and any(link.above == new.company for link in others):
        raise UsageError("HUB-1660")


def below(links: Iterable[Link], company: int) -> frozenset[int]:
    """Returns everyone who works for a company, directly or through others."""
    under: dict[int | None, list[int]] = {}
    for link in links:
        under.setdefault(link.above, []).append(link.company)
    found: set[int] = set()
    waiting = list(under.get(company, ()))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(under.get(one, ()))
    return frozenset(found - {company})


def in_order(links: Sequence[Link]) -> Iterator[tuple[Link, int]]:
    """Yields (link, level) as a tree is read: each company before those below it.

    Level 0 is the declaring contractor. Companies below the same one keep the given order; whoever
    stands below a company that is not among `links` is a top of its own.
    """
    known = {link.company for link in links}
    under: dict[int | None, list[Link]] = {}
    for link in links:
        under.setdefault(link.above if link.above in known else None, []).append(link)
    waiting = [(link, 0) for link in reversed(under.get(None, ()))]
    while waiting:
        link, level = waiting.pop()
        yield link, level
        waiting.extend((one, level + 1) for one in reversed(under.get(link.company, ())))
