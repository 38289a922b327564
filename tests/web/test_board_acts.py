"""Each act of the board does what it says: the outbox, the register and the audit show it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from hub.domain.registration import CANCEL_REASONS
from hub.storage.engine import reading
from hub.storage.schema import (
    assignment,
    badge,
    person,
    registration,
    registration_event,
    site,
    works,
)
from protocol.record import REASON_UNKNOWN_BADGE, VERDICT_REFUSED
from tests.hub.house import MILAN, NOON_MS
from tests.web.registration_world import (
    ELSEWHERE,
    HOUR,
    INSPECTOR,
    NUMBER,
    SUPERVISOR,
    Morning,
    morning_of,
)

OTHER_WORKS = "1Y19TEST001FZ"
CARD = bytes.fromhex("04A1B2C3D4E599")


@pytest.fixture
def morning(tmp_path: Path) -> Iterator[Morning]:
    """A site of its own at noon."""
    with morning_of(tmp_path) as opened:
        yield opened


def refused(morning: Morning) -> str:
    """Milan came, and the authority refused him."""
    morning.tap(MILAN)
    reference = morning.reference("Aarts")
    morning.step(reference, "sending", "refused", answer='{"errors": [["SOA-1105", "unknown"]]}')
    return reference


def registered(morning: Morning) -> str:
    """Milan came and has a number."""
    morning.tap(MILAN)
    reference = morning.reference("Aarts")
    morning.step(reference, "sending", "registered", number=NUMBER)
    return reference


# ---------------------------------------------------------------- each act and its effect


def test_retry_makes_a_refused_one_leave_now(morning: Morning) -> None:
    reference = refused(morning)
    assert morning.leaving() == []
    offered = dict(morning.offers("Aarts"))
    assert offered[f"/registrations/{reference}/retry"] == "Send again now"
    page = morning.press(f"/registrations/{reference}/retry")
    assert "leaves with the next call" in page.text
    assert morning.leaving() == [reference]
    assert morning.noted()[-1] == "registration.retried"
    assert morning.told == 1


def test_retry_makes_one_that_waits_for_a_moment_leave_now(morning: Morning) -> None:
    morning.tap(MILAN)
    reference = morning.reference("Aarts")
    morning.step(reference, "sending", "due", due_ms=NOON_MS + HOUR)
    assert morning.leaving() == []
    page = morning.get(f"/registrations/{reference}").text
    assert "Send again now" in page
    assert morning.post(f"/registrations/{reference}/retry").headers["location"] == (
        f"/registrations/{reference}?said=retried"
    )
    assert morning.leaving() == [reference]


def test_what_is_in_doubt_is_never_sent_by_a_button(morning: Morning) -> None:
    morning.tap(MILAN)
    reference = morning.reference("Aarts")
    morning.step(reference, "sending", "in_doubt")
    assert "Send again now" not in morning.get(f"/registrations/{reference}").text
    answer = morning.post(f"/registrations/{reference}/retry")
    assert (answer.status_code, "HUB-1404" in answer.text) == (409, True)
    assert morning.leaving() == []


def test_a_fixed_number_is_decided_again_at_once(morning: Morning) -> None:
    morning.unnumbered("Aarts")
    morning.tap(MILAN)
    reference = morning.reference("Aarts")
    (path, label), *_ = morning.offers("Aarts")
    assert (path, label) == (
        f"/people/{morning.token('Aarts')}/change?field=inss&site=1", "Fix the number"
    )  # fmt: skip
    form = morning.get(path).text
    assert re.search(r'<input id="f-inss"[^>]* autofocus', form)
    assert '<input type="hidden" name="site" value="1">' in form
    page = morning.press(
        path.partition("?")[0], kind="employee", family_name="Aarts", given_name="Milan",
        company="0999000129", works="1Y19FAKE001AZ", language="nl", inss="90.11.05-998.43",
    )  # fmt: skip
    assert "the presence is being sent now" in page.text
    assert morning.leaving() == [reference]
    assert morning.red() == []


def test_a_number_that_helps_nothing_says_that_something_is_missing(morning: Morning) -> None:
    morning.unnumbered("Aarts")
    morning.tap(MILAN)
    (path, _), *_ = morning.offers("Aarts")
    morning.know("Aarts", company_id=None)
    page = morning.press(
        path.partition("?")[0], kind="visitor", family_name="Aarts", given_name="Milan",
        company="", works="1Y19FAKE001AZ", language="nl",
    )  # fmt: skip
    assert "What is still missing is said below" in page.text


def test_an_unknown_badge_leads_to_the_form_with_that_very_badge(morning: Morning) -> None:
    morning.tap(CARD, verdict=VERDICT_REFUSED, reason=REASON_UNKNOWN_BADGE)
    html = morning.get("/?site=1").text
    (path,) = re.findall(r'formaction="(/enrol/tap/[0-9a-f]+)"', html)
    assert morning.vault.tag(CARD).hex() not in html
    answer = morning.post(path)
    assert answer.status_code == 303
    form = answer.headers["location"]
    assert "Send" not in form
    milan = morning.token("Aarts")
    assert morning.post(f"{form}/link", person=milan).status_code == 303
    with reading(morning.site.engine) as connection:
        query = (
            select(person.c.family_name)
            .join(badge, badge.c.person_id == person.c.id)
            .where(badge.c.tag == morning.vault.tag(CARD))
        )
        assert connection.execute(query).scalar() == "Aarts"
    # The tap is his, and on its way.
    assert len(morning.leaving()) == 1


def test_a_badge_of_another_site_or_of_somebody_is_not_found(morning: Morning) -> None:
    morning.tap(CARD, verdict=VERDICT_REFUSED, reason=REASON_UNKNOWN_BADGE)
    (path,) = re.findall(r'"(/enrol/tap/[0-9a-f]+)"', morning.get("/?site=1").text)
    assert morning.as_(ELSEWHERE).post(path).status_code == 404
    assert morning.as_(SUPERVISOR).post("/enrol/tap/" + "f" * 32).status_code == 404
    morning.now_ms += 24 * HOUR
    assert morning.post(path).status_code == 404


def conflict(morning: Morning) -> str:
    """Milan may fall under two declarations, and nobody said which."""

    def two(connection: Connection) -> None:
        connection.execute(insert(works).values(number=OTHER_WORKS, site_id=1))
        key = connection.execute(
            select(person.c.id).where(person.c.family_name == "Aarts")
        ).scalar_one()
        connection.execute(
            insert(assignment).values(
                works_number=OTHER_WORKS, person_id=key, added_ms=NOON_MS, actor="command"
            )
        )

    morning.write(two)
    morning.tap(MILAN)
    return morning.reference("Aarts")


def test_assigned_works_make_the_registration(morning: Morning) -> None:
    held = conflict(morning)
    (path, label), *_ = morning.offers("Aarts")
    assert (path, label) == (f"/registrations/{held}?site=1#assign", "Choose the works")
    form = morning.get(f"/registrations/{held}?site=1").text
    assert f'<option value="{OTHER_WORKS}">' in form
    page = morning.press(f"/registrations/{held}/assign", works=OTHER_WORKS)
    assert "Works declaration chosen" in page.text
    made = morning.reference("Aarts")
    assert made != held
    assert morning.leaving() == [made]
    assert [row.works_number for row in morning.rows("Aarts") if row.reference == made] == [
        OTHER_WORKS
    ]
    assert morning.noted()[-1] == "registration.assigned"


@pytest.mark.parametrize("number", ["", "1Y19FAKE009ZZ"])
def test_works_of_another_site_or_none_are_refused(morning: Morning, number: str) -> None:
    held = conflict(morning)
    answer = morning.post(f"/registrations/{held}/assign", works=number, site="1")
    assert (answer.status_code, "HUB-1762" in answer.text) == (409, True)
    assert morning.leaving() == []


def test_a_reason_makes_a_cancellation_due(morning: Morning) -> None:
    reference = registered(morning)
    page = morning.get(f"/registrations/{reference}").text
    reasons = re.findall(r'<option value="([A-Z0-9]+)"', page)
    assert tuple(reasons) == CANCEL_REASONS
    assert morning.withdrawing() == []
    answer = morning.post(f"/registrations/{reference}/cancel", reason="DISEASE")
    assert answer.headers["location"] == f"/registrations/{reference}?said=cancelling"
    assert morning.withdrawing() == [(NUMBER, "DISEASE")]
    assert morning.noted()[-1] == "registration.cancelled"


@pytest.mark.parametrize("reason", ["", "OTHER", "disease"])
def test_only_reasons_that_the_authority_knows_are_taken(morning: Morning, reason: str) -> None:
    reference = registered(morning)
    answer = morning.post(f"/registrations/{reference}/cancel", reason=reason)
    assert (answer.status_code, "HUB-1763" in answer.text) == (409, True)
    assert morning.withdrawing() == []


def test_a_visitor_leaves_the_red_list(morning: Morning) -> None:
    morning.unnumbered("Aarts")
    morning.tap(MILAN)
    reference = morning.reference("Aarts")
    assert morning.red() == ["Aarts"]
    offered = dict(morning.offers("Aarts"))
    assert offered[f"/registrations/{reference}?site=1#visitor"] == "This is a visitor"
    page = morning.press(f"/registrations/{reference}/visitor")
    assert "is a visitor and is not registered" in page.text
    assert morning.red() == []
    assert [row.state for row in morning.rows("Aarts")] == ["dropped"]
    assert morning.overview.board(1, "2026-11-23", NOON_MS).visitors == 1
    assert morning.noted()[-1] == "person.changed"


def test_a_visitor_whom_the_authority_holds_stays_until_he_is_withdrawn(morning: Morning) -> None:
    registered(morning)
    token = morning.token("Aarts")
    page = morning.press(f"/registrations/of/{token}/visitor")
    assert "What the NSSO already holds stays" in page.text
    assert [row.state for row in morning.rows("Aarts")] == ["registered"]


def test_somebody_who_came_although_it_was_taken_back_is_registered_again(morning: Morning) -> None:
    first = registered(morning)
    morning.step(first, "cancelling", reason="PLANNING")
    morning.step(first, "cancelled")
    assert morning.red() == ["Aarts"]
    (path, label), *_ = morning.offers("Aarts")
    assert (path, label) == (
        f"/registrations/of/{morning.token('Aarts')}/register", "Register now"
    )  # fmt: skip
    page = morning.press(path)
    assert "the presence is being registered" in page.text
    again = morning.reference("Aarts")
    assert again != first
    assert morning.leaving() == [again]
    assert morning.noted()[-1] == "registration.made"
    # Pressed twice, it makes no second one.
    assert "make no new registration" in morning.press(path).text


def test_what_was_given_up_is_not_sent_and_the_note_holds_no_number(morning: Morning) -> None:
    morning.tap(MILAN)
    reference = morning.reference("Aarts")
    answer = morning.post(
        f"/registrations/{reference}/drop", note="delivers for 85.03.12-997.61", site="1"
    )
    assert answer.headers["location"] == "/?site=1&said=dropped"
    assert morning.leaving() == []
    with reading(morning.site.engine) as connection:
        notes = (
            connection.execute(
                select(registration_event.c.note).where(registration_event.c.state == "dropped")
            )
            .scalars()
            .all()
        )
    assert notes == ["delivers for •••"]


# ---------------------------------------------------------------- too late


def lapsed(morning: Morning) -> str:
    """Milan's tap of yesterday came in today."""
    morning.tap(MILAN, NOON_MS - 24 * HOUR, received_ms=NOON_MS)
    return morning.reference("Aarts")


def test_what_came_too_late_offers_the_attestation_and_is_never_sent(morning: Morning) -> None:
    reference = lapsed(morning)
    offered = morning.offers("Aarts")
    assert offered[0] == (f"/registrations/{reference}?site=1#attest", "Attestation")
    board = morning.get("/?site=1").text
    assert "nothing is ever sent with another date" in board
    assert "until Tuesday 22 December 2026" in board
    page = morning.get(f"/registrations/{reference}?site=1").text
    assert "SHA-256 digest" in page
    assert "journal 6a6f75726e616c31 of gate gate-in" in page
    assert "Send again now" not in page
    answer = morning.post(f"/registrations/{reference}/retry")
    assert answer.status_code == 409
    assert morning.leaving() == []
    assert "correction was asked for" in morning.press(f"/registrations/{reference}/attest").text
    assert morning.noted()[-1] == "registration.attested"
    # Asked once, it offers nothing any more.
    assert [label for _, label in morning.offers("Aarts")] == ["Details"]


# ---------------------------------------------------------------- who may


def acts(morning: Morning, reference: str) -> list[str]:
    """Every address that changes something about a person or a registration."""
    token = morning.token("Aarts")
    return [
        *(
            f"/registrations/{reference}/{act}"
            for act in ("retry", "assign", "drop", "cancel", "attest", "visitor", "reveal")
        ),
        f"/registrations/of/{token}/register",
        f"/registrations/of/{token}/visitor",
    ]


def test_an_inspector_reads_and_is_offered_nothing_to_change(morning: Morning) -> None:
    reference = refused(morning)
    morning.tap(CARD, verdict=VERDICT_REFUSED, reason=REASON_UNKNOWN_BADGE)
    morning.as_(INSPECTOR)
    assert morning.offers("Aarts") == [(f"/registrations/{reference}?site=1", "Details")]
    page = morning.get(f"/registrations/{reference}").text
    assert "You can read this; others settle it." in page
    assert "<button" not in page.partition("<main")[2]
    assert "/enrol/tap/" not in morning.get("/?site=1").text
    for path in acts(morning, reference):
        assert morning.post(path).status_code == 403, path


def test_what_belongs_to_another_site_does_not_exist(morning: Morning) -> None:
    reference = refused(morning)
    morning.as_(ELSEWHERE)
    assert morning.get(f"/registrations/{reference}").status_code == 404
    nobody = morning.get("/registrations/" + "0" * 24)
    assert morning.get(f"/registrations/{reference}").text == nobody.text
    for path in acts(morning, reference):
        assert morning.post(path, reason="asked by the inspector").status_code == 404, path
    assert morning.noted() == ["people.imported"]
    assert morning.leaving() == []


def test_somebody_of_another_site_is_settled_by_his_company(morning: Morning) -> None:
    """He came here, and whoever runs this site may neither correct him nor see his number."""
    morning.unnumbered("Aarts")
    morning.tap(MILAN)
    reference = morning.reference("Aarts")

    def move(connection: Connection) -> None:
        connection.execute(insert(site).values(id=2, name="Werf Zuid"))
        connection.execute(insert(works).values(number=OTHER_WORKS, site_id=2))

    morning.write(move)
    morning.know("Aarts", works_number=OTHER_WORKS)
    assert morning.offers("Aarts") == [(f"/registrations/{reference}?site=1", "Details")]
    assert "this person is not kept here" in morning.get("/?site=1").text
    page = morning.get(f"/registrations/{reference}").text
    assert "/people/" not in page.partition("<main")[2]
    for act in ("visitor", "reveal"):
        answer = morning.post(f"/registrations/{reference}/{act}", reason="asked by somebody")
        assert answer.status_code == 404, act
    assert "person.revealed" not in morning.noted()


def test_a_form_of_another_session_changes_nothing(morning: Morning) -> None:
    reference = refused(morning)
    for path in acts(morning, reference):
        assert morning.post(path, csrf="of somebody else").status_code == 403, path
    assert morning.noted() == ["people.imported"]


def test_the_board_of_one_session_holds_nothing_of_another(morning: Morning) -> None:
    """The sections are drawn once for all who may do the same; only the page has the token."""
    refused(morning)
    page = morning.get("/?site=1").text
    section = page.partition('<section id="unregistered"')[2].partition("</section>")[0]
    assert SUPERVISOR.csrf in page
    assert SUPERVISOR.csrf not in section
    assert 'form="acts" formaction="/registrations/' in section
    assert '<form id="acts" method="post"' in page


# ---------------------------------------------------------------- nights


def test_who_only_goes_home_in_the_morning_is_registered_by_the_night(morning: Morning) -> None:
    morning.tap(MILAN, NOON_MS - 14 * HOUR)  # Sunday at ten in the evening
    reference = morning.reference("Aarts")
    morning.step(reference, "sending", "registered", number=NUMBER)
    morning.tap(MILAN, NOON_MS - 6 * HOUR, out=True)
    board = morning.overview.board(1, "2026-11-23", NOON_MS)
    assert board.not_registered == ()
    assert (board.seen, board.registered, board.on_site) == (1, 1, 0)
    assert f"registered no. {NUMBER}" in re.sub(r"<[^>]+>|\s+", " ", morning.get("/").text)


def test_an_open_matter_of_the_night_stands_once(morning: Morning) -> None:
    morning.unnumbered("Aarts")
    morning.tap(MILAN, NOON_MS - 14 * HOUR)
    morning.tap(MILAN, NOON_MS - 6 * HOUR, out=True)
    (one,) = morning.not_registered()
    assert (one.family_name, one.day) == ("Aarts", "2026-11-23")
    assert one.deciding is not None
    assert one.deciding.day == "2026-11-22"


def test_who_goes_out_without_a_night_is_still_not_registered(morning: Morning) -> None:
    morning.tap(MILAN, NOON_MS - 6 * HOUR, out=True)
    reference = morning.reference("Aarts")
    morning.write(
        lambda connection: connection.execute(
            registration.delete().where(registration.c.reference == reference)
        )
    )
    assert morning.red() == ["Aarts"]
