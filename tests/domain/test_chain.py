"""Chains: levels, who is below whom, and what a chain refuses to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.chain import Link, below, check_link, in_order
from hub.errors import UsageError

# 1 declares; 2 and 3 work for it, 4 for 2, 5 for 4; 6 lends workers to 2.
LINKS = [Link(1, None), Link(2, 1), Link(3, 1), Link(4, 2), Link(5, 4), Link(6, 2, agency=True)]


def refused(new: Link, links: list[Link] | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        check_link(LINKS if links is None else links, new)
    return caught.value.code


def test_below_reaches_down_and_never_up_or_sideways() -> None:
    assert below(LINKS, 1) == {2, 3, 4, 5, 6}
    assert below(LINKS, 2) == {4, 5, 6}
    assert below(LINKS, 3) == frozenset()
    assert below(LINKS, 99) == frozenset()


def test_a_tree_is_read_each_company_before_those_below_it() -> None:
    read = [(link.company, level) for link, level in in_order(LINKS)]
    assert read == [(1, 0), (2, 1), (4, 2), (5, 3), (6, 2), (3, 1)]


def test_a_part_of_a_chain_has_its_own_top() -> None:
    part = [link for link in LINKS if link.company in (2, 4)]
    assert [(link.company, level) for link, level in in_order(part)] == [(2, 0), (4, 1)]


def test_a_good_place_is_taken() -> None:
    check_link([], Link(1, None))
    check_link(LINKS, Link(7, 5))
    check_link(LINKS, Link(4, 3))
    check_link(LINKS, Link(6, 4, agency=True))
    check_link(LINKS, Link(1, None))


def test_a_circle_is_refused() -> None:
    assert refused(Link(2, 2)) == "HUB-1656"
    assert refused(Link(2, 4)) == "HUB-1656"
    assert refused(Link(2, 5)) == "HUB-1656"
    assert refused(Link(1, 5)) == "HUB-1656"


def test_whoever_is_above_takes_part_and_one_declares() -> None:
    assert refused(Link(7, 8)) == "HUB-1657"
    assert refused(Link(7, 8), []) == "HUB-1657"
    assert refused(Link(7, None)) == "HUB-1658"
    assert refused(Link(2, None)) == "HUB-1658"


def test_an_agency_stands_below_who_uses_its_workers_and_above_nobody() -> None:
    assert refused(Link(1, None, agency=True), []) == "HUB-1660"
    assert refused(Link(7, 6)) == "HUB-1660"
    assert refused(Link(4, 2, agency=True)) == "HUB-1660"


@given(st.lists(st.tuples(st.integers(1, 8), st.none() | st.integers(1, 8)), max_size=20))
def test_whatever_was_let_in_is_one_tree(steps: list[tuple[int, int | None]]) -> None:
    links: dict[int, Link] = {}
    for company, above in steps:
        new = Link(company, above)
        try:
            check_link(links.values(), new)
        except UsageError:
            continue
        links[company] = new
    read = list(in_order(list(links.values())))
    assert sorted(link.company for link, _ in read) == sorted(links)
    level_of = {link.company: level for link, level in read}
    for link, level in read:
        assert level == (0 if link.above is None else level_of[link.above] + 1)
        assert link.company not in below(links.values(), link.company)
    assert sum(link.above is None for link in links.values()) <= 1
