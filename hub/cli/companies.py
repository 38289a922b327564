"""`sitegate company`, `sitegate site`, and who takes part in works: the register of the site."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.application.access import COMMAND
from hub.application.meter_words import meter_words
from hub.application.poster import Poster, phone_address
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.cli.days import day_of
from hub.cli.works import works
from hub.clock import now_ms
from hub.domain.companies import number_text, parse_number
from hub.domain.identifiers import parse_works_number
from hub.domain.legal_day import brussels_day
from hub.domain.money import parse_cents
from hub.errors import UsageError
from hub.i18n import money_text, text
from hub.reports.poster import poster_pdf
from hub.storage.companies import Companies
from hub.storage.contacts import Contacts
from hub.storage.declarations import Declarations
from hub.storage.engine import reading, writing
from hub.storage.house import open_house
from hub.storage.parties import Parties, PartyDraft, PartyLine
from hub.storage.sites import Sites

company = typer.Typer(help="Companies of the register.", no_args_is_help=True)
site = typer.Typer(help="Sites: address, languages, poster.", no_args_is_help=True)
app.add_typer(company, name="company")
app.add_typer(site, name="site")

Number = Annotated[str, typer.Argument(help="Enterprise number, or VAT number of a foreign one.")]
Works = Annotated[str, typer.Argument(help="Works number, 13 characters.")]
SiteName = Annotated[str, typer.Argument(help="Name of the site.")]
Languages = Annotated[
    str | None, typer.Option("--languages", help="Of the poster, in that order: nl,fr.")
]


# ---------------------------------------------------------------- companies


@company.command("list")
def list_companies(as_json: JsonFlag = False) -> None:
    """List the companies with their people and works declarations."""
    settings = given_settings()
    with closing(open_house(settings.data)) as house, reading(house.engine) as connection:
        rows = Companies(connection, house.vault, COMMAND, now_ms()).rows()
    if as_json:
        names = ("number", "name", "agency", "people", "works")
        told = [{name: getattr(row, name) for name in names} for row in rows]
        print_json({"companies": told})
        return
    if not rows:
        typer.echo(text("works.cli.no_companies", chosen_language(settings)))
    for row in rows:
        typer.echo(f"{number_text(row.number):16s} {row.people:6d}  {row.name}")
        for number in row.works:
            typer.echo(f"    + {number}")


@company.command("add")
def add_company(
    number: Number,
    name: Annotated[str, typer.Argument(help="Its name.")],
    agency: Annotated[bool, typer.Option("--agency", help="It lends workers to others.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Add a company."""
    settings = given_settings()
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        Companies(connection, house.vault, COMMAND, now_ms()).add(number, name, agency)
    _company_kept(parse_number(number), as_json)


@company.command("set")
def set_company(
    number: Number,
    name: Annotated[str | None, typer.Option("--name", help="Its name.")] = None,
    agency: Annotated[
        bool | None, typer.Option("--agency/--no-agency", help="Whether it lends workers.")
    ] = None,
    new_number: Annotated[str | None, typer.Option("--number", help="The right number.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Change what is given of a company."""
    settings = given_settings()
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        companies = Companies(connection, house.vault, COMMAND, now_ms())
        kept = companies.change(number, name, agency, new_number)
    _company_kept(kept, as_json)


@company.command("contact")
def company_contact(
    number: Number,
    mail: Annotated[str | None, typer.Option("--mail", help="Its mail address.")] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="Of its mails: fr, nl, de or en.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Forget the address.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Say where reminders to a company go, or change it."""
    settings = given_settings()
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        contacts = Contacts(connection, house.vault, COMMAND, now_ms())
        found = contacts.of(number)
        if remove:
            contacts.remove(number)
            found = None
        elif mail is not None or language is not None:
            address = mail if mail is not None else found.address if found else ""
            usual = found.language if found else chosen_language(settings)
            found = contacts.put(number, address, usual if language is None else language)
    parsed = parse_number(number)
    if as_json:
        told = None if found is None else {"mail": found.address, "language": found.language}
        print_json({"company": parsed, "contact": told})
        return
    spoken, shown = chosen_language(settings), number_text(parsed)
    if found is None:
        typer.echo(text("companies.cli.no_contact", spoken, company=shown))
        return
    typer.echo(
        text(
            "companies.cli.contact",
            spoken,
            company=shown,
            address=found.address,
            language=found.language,
        )
    )


def _company_kept(number: str, as_json: bool) -> None:
    if as_json:
        print_json({"company": number})
    else:
        told = text("works.cli.company_kept", chosen_language(), company=number_text(number))
        typer.echo(told)


# ---------------------------------------------------------------- parties of works


@works.command("party")
def set_party(
    number: Works,
    company: Annotated[str, typer.Argument(help="Number of the company.")],
    under: Annotated[
        str | None, typer.Option("--under", help="The company it works for; without: it declares.")
    ] = None,
    amount: Annotated[
        str | None, typer.Option("--amount", help="Its contract in euro, without VAT.")
    ] = None,
    from_day: Annotated[str | None, typer.Option("--from", help="First day.")] = None,
    until_day: Annotated[str | None, typer.Option("--until", help="Last day.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take it out instead.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Give a company its place in a works declaration, change what is given, or take it out."""
    settings, now = given_settings(), now_ms()
    works_number, party = parse_works_number(number), parse_number(company)
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        parties = Parties(connection, house.vault, COMMAND, now)
        if remove:
            parties.remove(works_number, party)
        else:
            lines = parties.chain(works_number, brussels_day(now)).lines
            known = next((line for line in lines if line.number == party), None)
            draft = PartyDraft(
                party,
                parse_number(under) if under else known.above if known else None,
                parse_cents(amount) if amount else known.cents if known else None,
                day_of(from_day, now) if from_day else known.from_day if known else None,
                day_of(until_day, now) if until_day else known.until_day if known else None,
            )
            parties.put(works_number, draft)
    if as_json:
        print_json({"works": works_number, "company": party, "removed": remove})
    else:
        key = "works.cli.party_removed" if remove else "works.cli.party_kept"
        told = text(key, chosen_language(), company=number_text(party), works=works_number)
        typer.echo(told)


@works.command("threshold")
def threshold(number: Works, as_json: JsonFlag = False) -> None:
    """Say whether registration is compulsory at these works, and why."""
    settings, now = given_settings(), now_ms()
    works_number = parse_works_number(number)
    with closing(open_house(settings.data)) as house, reading(house.engine) as connection:
        start = Declarations(connection, house.vault, COMMAND, now).row(works_number).from_day
        parties = Parties(connection, house.vault, COMMAND, now)
        seen = parties.chain(works_number, brussels_day(now))
    if seen.meter is None:  # a command sees every chain whole
        raise UsageError("HUB-1407", works=works_number)
    if as_json:
        found: dict[str, Any] = asdict(seen.meter)
        found["from_day"] = found["from_day"].isoformat() if found["from_day"] else None
        print_json({"works": works_number, **found, "parties": [_party(x) for x in seen.lines]})
        return
    language = chosen_language(settings)
    told = meter_words(seen.meter, start, language)
    for line in (told.headline, told.because, *told.notes):
        typer.echo(line)
    for one in seen.lines:
        untold = text("works.party.untold", language)
        amount = untold if one.cents is None else money_text(one.cents, language)
        typer.echo(f"{'    ' * one.depth}  {number_text(one.number)}  {one.name}  {amount}")


def _party(line: PartyLine) -> dict[str, Any]:
    return {
        "company": line.number,
        "name": line.name,
        "agency": line.agency,
        "level": line.level,
        "under": line.above,
        "cents": line.cents,
        "from": line.from_day.isoformat() if line.from_day else None,
        "until": line.until_day.isoformat() if line.until_day else None,
    }


# ---------------------------------------------------------------- sites


@site.command("list")
def list_sites(as_json: JsonFlag = False) -> None:
    """List the sites with address, languages and works declarations."""
    settings = given_settings()
    with closing(open_house(settings.data)) as house, reading(house.engine) as connection:
        rows = Sites(connection, house.vault, COMMAND, now_ms()).rows()
    if as_json:
        names = ("name", "address", "languages", "works")
        print_json({"sites": [{name: getattr(row, name) for name in names} for row in rows]})
        return
    if not rows:
        typer.echo(text("works.cli.no_sites", chosen_language(settings)))
    for row in rows:
        typer.echo(f"{row.name}  {row.address}  {','.join(row.languages)}")
        for number in row.works:
            typer.echo(f"    + {number}")


@site.command("set")
def set_site(
    name: SiteName,
    address: Annotated[str | None, typer.Option("--address", help="Where it is.")] = None,
    languages: Languages = None,
    new_name: Annotated[str | None, typer.Option("--name", help="Its new name.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Change what is given of a site, which is added when it is new."""
    settings = given_settings()
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        sites = Sites(connection, house.vault, COMMAND, now_ms())
        known = next((row for row in sites.rows() if row.name == name), None)
        before = ("nl", "fr") if known is None else known.languages
        chosen = [one.strip() for one in languages.split(",")] if languages else before
        kept = new_name or name
        if known is None:
            sites.add(kept, address or "", chosen)
        else:
            where = known.address if address is None else address
            sites.change(known.handle, kept, where, chosen)
    if as_json:
        print_json({"site": kept})
    else:
        typer.echo(text("works.cli.site_kept", chosen_language(), site=kept))


@site.command("poster")
def make_poster(
    name: SiteName,
    file: Annotated[Path, typer.Argument(help="The PDF to write.")],
    languages: Languages = None,
    as_json: JsonFlag = False,
) -> None:
    """Write the poster of a site as a PDF of one A4 sheet."""
    settings, now = given_settings(), now_ms()
    if not settings.access.public_url:
        raise UsageError("HUB-1665")
    with closing(open_house(settings.data)) as house, reading(house.engine) as connection:
        row = Sites(connection, house.vault, COMMAND, now).named(name)
    chosen = tuple(languages.split(",")) if languages else row.languages
    if any(one not in ("fr", "nl", "de", "en") for one in chosen):
        raise UsageError("HUB-1663")
    url = phone_address(settings.access.public_url, row.handle)
    content = poster_pdf(Poster(row.name, row.address, chosen, row.works, url), now)
    try:
        file.write_bytes(content)
    except OSError as error:
        raise UsageError("HUB-1669", file=str(file), reason=type(error).__name__) from None
    if as_json:
        print_json({"site": row.name, "file": str(file), "url": url})
    else:
        typer.echo(text("works.cli.poster_kept", chosen_language(), file=str(file)))
