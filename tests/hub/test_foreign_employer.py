"""People of a foreign company: what is sent for them, and that its number is no enterprise number.

Day regime: the Limosa number alone. In/out regime: the BIS number with the foreign VAT number.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import insert, select, update

from hub.application.forward import Forwarder
from hub.application.windows import ActWindow
from hub.authority.in_out import in_out_authority
from hub.authority.soap import SoapAuthority
from hub.domain.legal_day import brussels_day
from hub.domain.registration import State
from hub.settings import InOutSettings
from hub.storage.completing import Completion
from hub.storage.engine import reading, writing
from hub.storage.outbox import Outbox
from hub.storage.plan_reader import PlanReader
from hub.storage.schema import company, person, registration, works, works_regime
from hub.storage.works import put_works
from hub.storage.writer import Writer
from tests.hub.derived import Site
from tests.hub.house import NOON_MS, PIOTR, TestHouse, people_house, record
from tests.hub.service import HandClock
from tests.rest.conftest import certified, pem
from tests.soap.simulated import SimulatedAuthority

VAT = "PL5260001246"
BIS = "90431599864"
LIMOSA = "24999000000000187"
WORKS = "1Y19FAKE001AZ"
PLACE = '{"longitude": 4.3517, "latitude": 50.8466}'


def employ(house: TestHouse, *, limosa: bool = True, inss: bool = True, vat: str = VAT) -> None:
    """Piotr works for a company with this number."""
    vault = house.house.vault
    with writing(house.house.engine) as connection:
        key = connection.execute(insert(company).values(number=vat, name="Budowa"))
        values: dict[str, object] = {"company_id": key.inserted_primary_key[0]}  # pyright: ignore[reportOptionalSubscript]
        if inss:
            values["inss_sealed"] = vault.seal("inss", BIS.encode())
            values["inss_index"] = vault.index("inss", BIS)
        if not limosa:
            values |= {"limosa_sealed": None, "limosa_index": None}
        connection.execute(update(person).where(person.c.family_name == "Kowalik").values(**values))


def in_out(house: TestHouse) -> None:
    """The works stand under the in/out regime, and their place is known."""
    with writing(house.house.engine) as connection:
        site_id = connection.execute(select(works.c.site_id)).scalar_one()
        put_works(connection, WORKS, site_id, place=PLACE)
        connection.execute(
            insert(works_regime).values(works_number=WORKS, from_day="2026-01-01", regime="in_out")
        )


def tapped(house: TestHouse) -> tuple[str, str]:
    """State and cause of the registration that a tap of Piotr's makes."""
    site = Site(house)
    site.arrive("gate-in", NOON_MS, record(1, site.house.tag(PIOTR), NOON_MS))
    site.project()
    (row,) = site.rows(registration)
    return row.state, row.cause


@pytest.fixture
def house(tmp_path: Path) -> Iterator[TestHouse]:
    with people_house(tmp_path) as opened:
        yield opened


def test_a_bis_number_alone_does_not_go_out_with_a_foreign_number(house: TestHouse) -> None:
    employ(house, limosa=False)
    assert tapped(house) == ("held", "no_company")
    writer = Writer(house.house.engine)
    writer.start()
    try:
        completion = Completion(writer, lambda: None)
        assert completion.complete(NOON_MS) == 0
        with writing(house.house.engine) as connection:
            connection.execute(
                update(company).where(company.c.number == VAT).values(number="0999000426")
            )
        assert completion.complete(NOON_MS) == 1
        claims = Outbox(writer, house.house.vault).claim(NOON_MS, 10)
        assert [claim.item.company_number for claim in claims] == ["0999000426"]
    finally:
        writer.stop()


def test_what_is_missing_is_seen_in_the_plan_too(house: TestHouse) -> None:
    employ(house)
    with reading(house.house.engine) as connection:
        key = connection.execute(
            select(person.c.id).where(person.c.family_name == "Kowalik")
        ).scalar_one()
        reader = PlanReader(connection, house.house.vault, brussels_day(NOON_MS))
        facts = reader.facts(key, WORKS, brussels_day(NOON_MS))
    assert (facts.has_company, facts.has_foreign_vat, facts.has_limosa) == (False, True, True)


@pytest.mark.processes
def test_the_simulated_authority_gets_each_regimes_own_numbers(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (tmp_path / "channel.pem").write_bytes(pem(key))
    with SimulatedAuthority(tmp_path) as authority:
        certificate = certified(key).public_bytes(Encoding.PEM).decode()
        authority.order("client", id="sim-client-1", certificate=certificate)
        authority.order("clock", now="2026-11-23T12:00:02")
        settings = InOutSettings(
            url=authority.rest,
            token_url=authority.token,
            client_id="sim-client-1",
            certificate=str(tmp_path / "channel.pem"),
        )
        clock = HandClock(NOON_MS + 2000)
        for regime in ("day", "in_out"):
            with people_house(tmp_path / regime) as house:
                employ(house)
                if regime == "in_out":
                    in_out(house)
                assert tapped(house)[0] == State.DUE
                writer = Writer(house.house.engine)
                writer.start()
                try:
                    outbox = Outbox(writer, house.house.vault, regime=regime)
                    if regime == "day":
                        port = SoapAuthority(authority.soap, 5, 10)
                        forwarder = Forwarder(outbox, port, clock, Random(7))
                    else:
                        port = in_out_authority(settings, clock)()
                        forwarder = Forwarder(outbox, port, clock, Random(7), window=ActWindow())
                    forwarder.step()
                finally:
                    writer.stop()
                (row,) = Site(house).rows(registration)
                assert row.state == State.REGISTERED, (row.cause, row.answer)
        (day,) = authority.registrations()
        (act,) = authority.events()
    assert (day["inss"], day["company"], day["limosa_id"]) == (None, None, LIMOSA)
    assert VAT not in str(day)
    assert (act["ssin"], act["company"], act["foreign_vat"]) == (BIS, None, VAT)
