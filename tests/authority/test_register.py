"""registerPresences: what is stored, what is refused, and how batches behave."""

from __future__ import annotations

import pytest

from tests.authority.rig import (
    FIRST,
    LIMOSA_OK,
    MAIN,
    NS,
    OK,
    SUB,
    SUB_WORKER,
    WORKS_A,
    Rig,
    item,
    register,
)


def test_a_good_item_is_stored_and_numbered(rig: Rig) -> None:
    reply = rig.call(register(item(day="2026-11-23", reference="SITE7-20261123-000117")))
    assert (reply.status, reply.numbers) == (200, [FIRST])
    found = reply.body.find(".//t:PresenceRegistration", NS)
    assert [child.tag.partition("}")[2] for child in found] == [
        "PresenceRegistrationSubmitted",
        "Sector",
        "INSS",
        "PresenceRegistrationId",
        "CreationDate",
        "Channel",
        "LastValidation",
    ]
    assert reply.texts("RegistrationDate") == ["2026-11-23"]
    assert reply.texts("INSS") == [OK, OK]
    assert reply.texts("CompanyID") == ["999000129"]
    assert reply.texts("ClientPresenceRegistrationReference") == ["SITE7-20261123-000117"]
    assert reply.texts("Sector") == ["1"]
    assert reply.texts("CreationDate") == ["2026-11-23T06:41:07.312+01:00"]
    assert reply.texts("Channel") == ["WEBSERVICE"]
    assert reply.texts("Status") == ["SUCCESSFULLY REGISTERED"]
    assert reply.texts("ValidationDate") == []
    [held] = rig.stored()
    assert held["number"] == FIRST
    assert (held["inss"], held["company"], held["works"]) == (OK, "0999000129", WORKS_A)
    assert held["reference"] == "SITE7-20261123-000117"
    assert held["sender"] == "SIM-0001"


def test_without_a_date_it_is_today_and_the_echo_has_none(rig: Rig) -> None:
    reply = rig.call(register(item()))
    assert reply.texts("RegistrationDate") == []
    assert rig.stored()[0]["day"] == "2026-11-23"


def test_a_limosa_number_stands_alone_and_names_the_person_if_known(rig: Rig) -> None:
    reply = rig.call(register(item(limosa=LIMOSA_OK)))
    assert reply.texts("LimosaId") == [LIMOSA_OK]
    assert reply.texts("INSS") == ["90431599864"]
    held = rig.stored()[0]
    assert (held["inss"], held["limosa_id"], held["company"]) == (None, LIMOSA_OK, None)


def test_numbers_rise_and_are_never_given_twice(rig: Rig) -> None:
    assert rig.register(item(), item(SUB_WORKER, SUB)) == [FIRST, FIRST + 1]
    assert rig.register(item(SUB_WORKER, SUB)) == [FIRST + 2]


def test_a_duplicate_is_accepted_and_stored(rig: Rig) -> None:
    assert rig.register(item(), item()) == [FIRST, FIRST + 1]
    assert len(rig.stored()) == 2


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (item(day="2026-11-22"), "SIM-DATE"),
        (item(day="2026-11-25"), "SIM-DATE"),
        (item(day="12026-11-23"), "SIM-DATE"),
        (item("85031299760"), "SIM-INSS"),
        (item("85023099796"), "SIM-INSS"),
        (item("٨٥٠٣١٢٩٩٧٦١"), "SIM-INSS"),
        (item(company=999000128), "SIM-COMPANY"),
        (item(company=2199000193), "SIM-COMPANY"),
        (item(company=-999000129), "SIM-COMPANY"),
        (item(works="1Y19FAKE001A"), "SIM-PLACE"),
        (item(works=""), "SIM-PLACE"),
        (item(works="1Y19FAKE001BZ"), "SIM-PLACE"),
        (item(works="1Y19FAKE001AY"), "SIM-PLACE"),
        (item(works="1Y1IFAKE001AZ"), "SIM-PLACE"),
        (item(works="1Y1OFAKE001AZ"), "SIM-PLACE"),
        (item(works="1y19fake001az"), "SIM-PLACE"),
        (item(limosa="2499900000000018"), "SIM-LIMOSA-FORMAT"),
        (item(limosa="24999000000000188"), "SIM-LIMOSA-FORMAT"),
        (item(limosa="L1-24999000000000"), "SIM-LIMOSA-FORMAT"),
    ],
)
def test_each_request_level_error(rig: Rig, wrong: str, code: str) -> None:
    reply = rig.call(register(wrong))
    assert (reply.status, reply.codes) == (200, [code])
    assert reply.texts("ErrorDescription")[0].startswith("Simulator:")
    assert reply.numbers == []
    assert rig.stored() == []


def test_an_item_gets_all_its_errors_and_its_echo(rig: Rig) -> None:
    wrong = item("85031299760", 1, "X", day="2026-01-01", reference="r")
    reply = rig.call(register(wrong))
    assert reply.codes == ["SIM-DATE", "SIM-INSS", "SIM-COMPANY", "SIM-PLACE"]
    assert reply.texts("RegistrationDate") == ["2026-01-01"]
    assert reply.texts("ClientPresenceRegistrationReference") == ["r"]


def test_a_works_number_of_an_unknown_series_is_registered(rig: Rig) -> None:
    assert rig.register(item(works="2Z00000000000")) == [FIRST]


def test_an_xs_date_with_a_zone_means_the_day_that_is_written(rig: Rig) -> None:
    # As an instant, 2026-11-24+14:00 begins on the 23rd in Belgium.
    rig.register(item(day="2026-11-24+14:00"), item(day="2026-11-23Z"))
    assert [held["day"] for held in rig.stored()] == ["2026-11-24", "2026-11-23"]


def test_a_mixed_batch_answers_each_item(rig: Rig) -> None:
    reply = rig.call(
        register(item(reference="a"), item(company=1, reference="b"), item(reference="c"))
    )
    kinds = [entry[0].tag.partition("}")[2] for entry in reply.entries]
    assert kinds == ["PresenceRegistration", "PresenceRegistrationError", "PresenceRegistration"]
    assert reply.texts("ClientPresenceRegistrationReference") == ["a", "b", "c"]
    assert reply.numbers == [FIRST, FIRST + 1]


def test_answers_come_last_first_on_request(rig: Rig) -> None:
    rig.order("answers", backwards=True)
    reply = rig.call(register(*(item(reference=name) for name in "abc")))
    assert reply.texts("ClientPresenceRegistrationReference") == ["c", "b", "a"]
    assert reply.numbers == [FIRST + 2, FIRST + 1, FIRST]


def test_two_hundred_items_are_stored_in_one_transaction(rig: Rig) -> None:
    statements: list[str] = []
    rig.store._db.set_trace_callback(statements.append)
    reply = rig.call(register(*(item(reference=f"r{n}") for n in range(200))))
    assert len(reply.numbers) == 200
    assert statements.count("BEGIN IMMEDIATE") == statements.count("COMMIT") == 1


def test_two_hundred_and_one_items_fault(rig: Rig) -> None:
    reply = rig.call(register(*[item()] * 201))
    assert (reply.status, reply.fault) == (500, "SOA-03006")
    assert rig.stored() == []


def test_one_schema_error_among_two_hundred_faults_them_all(rig: Rig) -> None:
    items = [item(reference=f"r{n}") for n in range(200)]
    items[137] = item("8503129976")
    reply = rig.call(register(*items))
    assert (reply.status, reply.fault) == (500, "SOA-03006")
    assert rig.stored() == []


def test_the_leading_zero_of_a_company_may_be_sent_and_is_not_echoed(rig: Rig) -> None:
    reply = rig.call(register(item().replace(str(MAIN), f"0{MAIN}")))
    assert reply.texts("CompanyID") == ["999000129"]
