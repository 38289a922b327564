"""Badges: one person at a time, every change kept, and nothing of another company's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.application.access import Actor
from hub.domain.badges import badge_reason
from hub.errors import UsageError
from hub.storage.engine import reading, writing
from hub.storage.register import Register
from hub.storage.schema import audit, badge, badge_event
from protocol.record import REASON_BLOCKED, REASON_NONE
from tests.hub.house import BASILE, MILAN, NOON_MS
from tests.hub.register_world import CARD, DAY, SPARE, World, world
from tests.hub.test_register import one, take


@pytest.fixture
def site(tmp_path: Path) -> Iterator[World]:
    """Two companies on one site."""
    with world(tmp_path) as opened:
        yield opened


def events(site: World, card: bytes) -> list[tuple[str, int, str, str]]:
    """(event, person, actor, note) of a card, oldest first."""
    with reading(site.site.engine) as connection:
        rows = connection.execute(
            select(badge_event)
            .where(badge_event.c.tag == site.house.tag(card))
            .order_by(badge_event.c.id)
        ).all()
    return [(row.event, row.person_id, row.actor, row.note) for row in rows]


def audited(site: World) -> list[tuple[str, str, dict[str, object]]]:
    """(action, subject, detail) of every row of the audit."""
    with reading(site.site.engine) as connection:
        rows = connection.execute(
            select(audit).where(audit.c.action != "people.imported").order_by(audit.c.id)
        ).all()
    return [(row.action, row.subject, json.loads(row.detail)) for row in rows]


def at_the_gate(site: World, card: bytes) -> int | None:
    """Why a gate of this site refuses the card today; None: it does not know it."""
    with reading(site.site.engine) as connection:
        for row in Register(connection, site.house.house.vault).badges():
            if row.tag == site.house.tag(card):
                return badge_reason(row.state, row.valid_until, DAY, row.valid_from)
    return None


def link(site: World, actor: Actor, card: bytes, family: str) -> bool:
    """Links a card; returns whether it was re-issued."""
    token = site.token(family)
    with writing(site.site.engine) as connection:
        return site.badges(connection, actor).link(site.house.tag(card), token).reissued


def test_an_import_writes_the_history_too(site: World) -> None:
    assert events(site, MILAN) == [("linked", 1, "command", "")]
    house = site.house.house
    take(house, one(inss="85031299761", uid=MILAN.hex(), until="2026-12-31"))
    take(house, one(inss="03072199766", uid=MILAN.hex(), company="0999000228;Toitures"))
    assert [event[:2] for event in events(site, MILAN)] == [
        ("linked", 1),
        ("dated", 1),
        ("released", 1),
        ("linked", 2),
    ]


def test_a_person_may_have_several_badges(site: World) -> None:
    assert not link(site, site.contractor_a, CARD, "Aarts")
    assert not link(site, site.contractor_a, SPARE, "Aarts")
    with reading(site.site.engine) as connection:
        lines = site.badges(connection, site.contractor_a).of_person(site.token("Aarts"))
    assert [line.state for line in lines] == ["active"] * 3
    assert len({line.label for line in lines}) == len({line.handle for line in lines}) == 3
    assert all(card.hex() not in repr(lines).lower() for card in (CARD, SPARE, MILAN))
    assert all(site.house.tag(card).hex() not in repr(lines) for card in (CARD, SPARE, MILAN))


def test_a_badge_is_one_persons_at_a_time(site: World) -> None:
    assert link(site, site.supervisor, MILAN, "Gillard")
    with reading(site.site.engine) as connection:
        rows = connection.execute(
            select(badge.c.person_id).where(badge.c.tag == site.house.tag(MILAN))
        ).all()
        assert [row.person_id for row in rows] == [2]
        assert site.badges(connection).of_person(site.token("Aarts")) == []
        past = site.badges(connection).past_of_person(site.token("Aarts"))
    assert [change.event for _, change in past] == ["released", "linked"]
    assert [event[:3] for event in events(site, MILAN)[1:]] == [
        ("released", 1, "account:4"),
        ("linked", 2, "account:4"),
    ]
    assert [row[0] for row in audited(site)] == ["badge.released", "badge.linked"]


def test_lost_blocked_and_back_is_refused_at_gates_and_good_again(site: World) -> None:
    tag = site.house.tag(MILAN)
    for verb, reason in (
        ("lost", REASON_BLOCKED),
        ("found", REASON_NONE),
        ("block", REASON_BLOCKED),
        ("unblock", REASON_NONE),
        ("release", None),
    ):
        with writing(site.site.engine) as connection:
            register = Register(connection, site.house.house.vault)
            before = register.version()
            getattr(site.badges(connection, site.contractor_a), verb)(tag, f"why {verb}")
            assert register.version() > before  # what a running hub watches
        assert at_the_gate(site, MILAN) == reason, verb
    assert [(event[0], event[3]) for event in events(site, MILAN)[1:]] == [
        ("lost", "why lost"),
        ("found", "why found"),
        ("blocked", "why block"),
        ("unblocked", "why unblock"),
        ("released", "why release"),
    ]
    told = audited(site)
    assert [row[0] for row in told] == [
        "badge.lost",
        "badge.found",
        "badge.blocked",
        "badge.unblocked",
        "badge.released",
    ]
    assert {row[1] for row in told} == {told[0][1]}
    assert told[0][2] == {"note": "why lost", "person": "person:1"}
    assert tag.hex() not in repr(told)


def test_a_change_that_makes_no_sense_is_refused_and_changes_nothing(site: World) -> None:
    tag = site.house.tag(MILAN)
    with writing(site.site.engine) as connection:
        badges = site.badges(connection, site.contractor_a)
        for verb in (badges.found, badges.unblock):
            with pytest.raises(UsageError, match="HUB-1644"):
                verb(tag)
        badges.block(tag)
        for verb in (badges.block, badges.lost, badges.found):
            with pytest.raises(UsageError, match="HUB-1644"):
                verb(tag)
        with pytest.raises(UsageError, match="HUB-1643"):
            badges.link(tag, site.token("Aarts"))
        with pytest.raises(UsageError, match="HUB-1642"):
            badges.link(site.house.tag(CARD), site.token("Aarts"), DAY, DAY - timedelta(days=1))
    assert [event[0] for event in events(site, MILAN)] == ["linked", "blocked"]


def test_linking_again_dates_it_and_finds_it(site: World) -> None:
    tag, token = site.house.tag(MILAN), site.token("Aarts")
    with writing(site.site.engine) as connection:
        badges = site.badges(connection)
        badges.lost(tag)
        badges.link(tag, token, valid_until=DAY)
        (line,) = badges.of_person(token)
        assert (line.state, line.valid_until, line.expired) == ("active", DAY, False)
        later = site.badges(connection, now_ms=NOON_MS + 86_400_000)
        assert later.of_person(token)[0].expired
        badges.link(tag, token, valid_until=DAY)  # as it is: nothing happens
    assert [event[0] for event in events(site, MILAN)] == ["linked", "lost", "dated", "found"]


# ---------------------------------------------------------------- scope


def test_another_companys_badge_is_no_badge_to_a_contractor(site: World) -> None:
    theirs, nobodys = site.house.tag(BASILE), site.house.tag(CARD)
    before = events(site, BASILE)
    with writing(site.site.engine) as connection:
        badges = site.badges(connection, site.contractor_a)
        for tag in (theirs, nobodys):
            for verb in (badges.release, badges.lost, badges.found, badges.block, badges.unblock):
                with pytest.raises(UsageError) as refused:
                    verb(tag)
                assert (refused.value.code, refused.value.extra) == ("HUB-1640", {})
            assert badges.history(tag) == []
        for act in (badges.of_person, badges.past_of_person):
            with pytest.raises(UsageError, match="HUB-1621"):
                act(site.token("Gillard"))
        with pytest.raises(UsageError, match="HUB-1621"):
            badges.link(nobodys, site.token("Gillard"))
        with pytest.raises(UsageError) as taken:
            badges.link(theirs, site.token("Aarts"))
        assert (taken.value.code, taken.value.extra) == ("HUB-1641", {})
        with pytest.raises(UsageError, match="HUB-1640"):
            badges.by_handle(site.token("Aarts"), "0" * 32)
    assert events(site, BASILE) == before
    assert audited(site) == []


def test_the_history_of_a_badge_that_moved_shows_each_company_its_own_part(site: World) -> None:
    link(site, site.supervisor, MILAN, "Gillard")
    tag = site.house.tag(MILAN)
    with reading(site.site.engine) as connection:
        of_a = site.badges(connection, site.contractor_a).history(tag)
        of_b = site.badges(connection, site.contractor_b).history(tag)
        of_all = site.badges(connection).history(tag)
    assert [change.event for change in of_a] == ["released", "linked"]
    assert [change.event for change in of_b] == ["linked"]
    assert len(of_all) == 3


def test_who_only_looks_changes_no_badge(site: World) -> None:
    tag = site.house.tag(MILAN)
    with writing(site.site.engine) as connection:
        for actor in (site.inspector, site.guard, site.other_supervisor):
            with pytest.raises(UsageError, match="HUB-1640"):
                site.badges(connection, actor).block(tag)
            with pytest.raises(UsageError, match="HUB-1621"):
                site.badges(connection, actor).link(tag, site.token("Aarts"))
