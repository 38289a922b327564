"""`sitegate works`: works declarations, their regimes, and who works under which number."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, select

from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.cli.days import day_of
from hub.clock import now_ms
from hub.domain.audit import Noted
from hub.domain.identifiers import parse_company_number, parse_works_number
from hub.domain.legal_day import brussels_day
from hub.domain.works import REGIMES, Regime
from hub.errors import UsageError
from hub.i18n import text
from hub.storage import works as store
from hub.storage.audit import note
from hub.storage.decisions import find
from hub.storage.engine import reading, writing
from hub.storage.house import open_house
from hub.storage.register import Register
from hub.storage.schema import company, site
from hub.storage.schema import works as works_table

works = typer.Typer(help="Works declarations and who works under them.", no_args_is_help=True)
app.add_typer(works, name="works")

Number = Annotated[str, typer.Argument(help="Works number, 13 characters.")]
ACTOR = "command"


@works.command("list")
def list_works(as_json: JsonFlag = False) -> None:
    """List the works declarations with period, place, regimes and assignments."""
    settings = given_settings()
    language = chosen_language(settings)
    house = open_house(settings.data)
    try:
        with reading(house.engine) as connection:
            rows = store.all_works(connection)
            sites = {row.id: row.name for row in connection.execute(select(site))}
            companies = {row.id: row.name for row in connection.execute(select(company))}
            regimes = {
                row.number: store.regime_on(connection, row.number, brussels_day(now_ms()))
                for row in rows
            }
    finally:
        house.close()
    told = [
        {
            "works": row.number,
            "site": sites.get(row.site_id, ""),
            "from": row.from_day.isoformat() if row.from_day else None,
            "until": row.until_day.isoformat() if row.until_day else None,
            "regime": regimes[row.number],
            "regimes": [[day.isoformat(), regime] for day, regime in row.regimes],
            "place": row.place is not None,
            "people": row.people,
            "companies": [companies.get(key, "") for kind, key in row.assigned if kind != "person"],
            "people_assigned": sum(kind == "person" for kind, _ in row.assigned),
        }
        for row in rows
    ]
    if as_json:
        print_json({"works": told})
        return
    if not told:
        typer.echo(text("registration.works_none", language))
    for one in told:
        period = f"{one['from'] or '…'} - {one['until'] or '…'}"
        regime = text(f"registration.regime.{one['regime']}", language)
        typer.echo(f"{one['works']}  {one['site']}  {period}  {regime}")
        for name in one["companies"]:
            typer.echo(f"    + {name}")


@works.command("set")
def set_works(
    number: Number,
    site_name: Annotated[
        str | None, typer.Option("--site", help="Name of its site; made when it is new.")
    ] = None,
    from_day: Annotated[
        str | None, typer.Option("--from", help="First day on which it may be used.")
    ] = None,
    until_day: Annotated[
        str | None, typer.Option("--until", help="Last day on which it may be used.")
    ] = None,
    coordinates: Annotated[
        str | None,
        typer.Option("--coordinates", help="Place as LATITUDE,LONGITUDE, for the in/out service."),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option("--address", help="Place as STREET;NUMBER;POSTCODE;TOWN, instead."),
    ] = None,
    customer: Annotated[
        str | None, typer.Option("--customer", help="As the declaration names him.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Add a works declaration, or change what is given of one."""
    settings = given_settings()
    now = now_ms()
    parsed = parse_works_number(number)
    values: dict[str, str | None] = {}
    if from_day is not None:
        values["from_day"] = day_of(from_day, now).isoformat()
    if until_day is not None:
        values["until_day"] = day_of(until_day, now).isoformat()
    if coordinates is not None or address is not None:
        values["place"] = _place(coordinates, address)
    if customer is not None:
        values["customer"] = " ".join(customer.split())
    house = open_house(settings.data)
    try:
        with writing(house.engine) as connection:
            register = Register(connection, house.vault)
            known = connection.execute(
                select(works_table.c.site_id).where(works_table.c.number == parsed)
            ).scalar()
            if site_name is not None:
                site_id = register.site_named(site_name)
            elif known is not None:
                site_id = int(known)
            else:
                raise UsageError("HUB-1407", works=parsed)
            store.put_works(connection, parsed, site_id, **values)
            action = Noted.WORKS_ADDED if known is None else Noted.WORKS_CHANGED
            subject, changed = f"works:{parsed}", sorted(values)
            note(
                connection,
                house.vault,
                now,
                ACTOR,
                action,
                subject,
                site_id=site_id,
                changed=changed,
            )
            register.changed(now)
            name = connection.execute(select(site.c.name).where(site.c.id == site_id)).scalar_one()
    finally:
        house.close()
    if as_json:
        print_json({"works": parsed, "site": name, **values})
    else:
        language = chosen_language(settings)
        typer.echo(text("registration.works_kept", language, works=parsed, site=name))


@works.command("regime")
def set_regime(
    number: Number,
    regime: Annotated[str, typer.Argument(help="day or in_out.")],
    from_day: Annotated[
        str, typer.Option("--from", help="First day of it, today or later; at its midnight.")
    ] = "today",
    as_json: JsonFlag = False,
) -> None:
    """Say under which regime a works declaration stands from a day on."""
    settings = given_settings()
    now = now_ms()
    day = day_of(from_day, now)
    if day < brussels_day(now):
        # What was decided for a day that is over stays decided.
        raise UsageError("HUB-1408", what="day", value=from_day[:20])
    chosen: Regime | None = next((one for one in REGIMES if one == regime), None)
    if chosen is None:
        raise UsageError("HUB-1408", what="regime", value=regime[:20])
    house = open_house(settings.data)
    try:
        with writing(house.engine) as connection:
            _known(connection, number)
            store.set_regime(connection, number, day, chosen)
            told: dict[str, Any] = {"regime": chosen, "from_day": day.isoformat()}
            subject = f"works:{number}"
            note(connection, house.vault, now, ACTOR, Noted.WORKS_CHANGED, subject, **told)
            Register(connection, house.vault).changed(now)
    finally:
        house.close()
    if as_json:
        print_json({"works": number, "regime": chosen, "from": day.isoformat()})
    else:
        language = chosen_language(settings)
        word = text(f"registration.regime.{chosen}", language)
        typer.echo(
            text("registration.works_regime", language, works=number, regime=word, day=str(day))
        )


@works.command("assign")
def assign(
    number: Number,
    company_number: Annotated[
        str | None, typer.Option("--company", help="Enterprise number: everyone it employs.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option("--person-of", help="The person of this registration (reference or number)."),
    ] = None,
    from_day: Annotated[str | None, typer.Option("--from", help="First day.")] = None,
    until_day: Annotated[str | None, typer.Option("--until", help="Last day.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="End the assignment instead.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Assign a company or a person to a works declaration, or end that."""
    settings = given_settings()
    now = now_ms()
    if (company_number is None) == (reference is None):
        raise UsageError("HUB-1408", what="--company / --person-of", value="")
    house = open_house(settings.data)
    try:
        with writing(house.engine) as connection:
            _known(connection, number)
            company_id = person_id = None
            if company_number is not None:
                company_id = store.company_id_of(connection, parse_company_number(company_number))
                if company_id is None:
                    raise UsageError("HUB-1408", what="--company", value=company_number[:20])
            else:
                person_id = int(find(connection, reference or "").person_id)
            if remove:
                count = store.unassign(
                    connection, number, person_id=person_id, company_id=company_id
                )
            else:
                store.assign(
                    connection,
                    number,
                    now,
                    ACTOR,
                    person_id=person_id,
                    company_id=company_id,
                    from_day=day_of(from_day, now) if from_day else None,
                    until_day=day_of(until_day, now) if until_day else None,
                )
                count = 1
            Register(connection, house.vault).changed(now)
    finally:
        house.close()
    if as_json:
        print_json({"works": number, "count": count, "removed": remove})
    else:
        key = "works_unassigned" if remove else "works_assigned"
        told = text(f"registration.{key}", chosen_language(settings), count=count, works=number)
        typer.echo(told)


def _known(connection: Connection, number: str) -> None:
    found = connection.execute(
        select(works_table.c.number).where(works_table.c.number == number)
    ).first()
    if found is None:
        raise UsageError("HUB-1407", works=number[:13])


def _place(coordinates: str | None, address: str | None) -> str:
    """JSON of a `Place`: coordinates or an address, never both."""
    if coordinates is not None and address is None:
        try:
            latitude, longitude = (float(part) for part in coordinates.split(","))
        except ValueError:
            raise UsageError("HUB-1408", what="--coordinates", value=coordinates[:40]) from None
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
            raise UsageError("HUB-1408", what="--coordinates", value=coordinates[:40])
        return json.dumps({"longitude": longitude, "latitude": latitude})
    parts = [part.strip() for part in (address or "").split(";")]
    if coordinates is not None or len(parts) != 4 or not all(parts):
        raise UsageError("HUB-1408", what="--address", value=(address or "")[:40])
    names = ("streetName", "houseNumber", "postCode", "municipalityName")
    return json.dumps({"address": dict(zip(names, parts, strict=True))})
