"""`sitegate registration`: what became of each presence, and what a person decides about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, select

from hub.application.attestation import Attestation
from hub.authority.services import services
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.cli.days import DayOption, day_of
from hub.clock import now_ms
from hub.domain.legal_day import day_bounds_ms
from hub.domain.registration import UNSENT, State
from hub.errors import UsageError
from hub.i18n import day_text, moment_text, text
from hub.storage import decisions
from hub.storage.attestations import attestation_of, steps_of
from hub.storage.engine import reading, writing
from hub.storage.house import open_house
from hub.storage.schema import company, person, registration, works
from hub.storage.works import regime_on

commands = typer.Typer(help="Presence registrations, one by one.", no_args_is_help=True)
app.add_typer(commands, name="registration")

ACTOR = "command"
Name = Annotated[str, typer.Argument(help="Our reference, or the authority's number.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would be done; change and send nothing.")
]
Note = Annotated[
    str | None, typer.Option("--note", help="Why, in your words; no names, no numbers.")
]


@commands.command("list")
def list_registrations(
    day: DayOption = "today",
    state: Annotated[
        str | None, typer.Option("--state", help="Only those in this state, for example held.")
    ] = None,
    works_number: Annotated[
        str | None, typer.Option("--works", help="Only those under this works number.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """List the registrations of a day: what needs you first."""
    settings = given_settings()
    language = chosen_language(settings)
    chosen = day_of(day, now_ms())
    if state is not None and state not in list(State):
        raise UsageError("HUB-1408", what="state", value=state[:20])
    query = (
        select(
            registration,
            person.c.given_name,
            person.c.family_name,
            company.c.name.label("company"),
        )
        .outerjoin(person, person.c.id == registration.c.person_id)
        .outerjoin(company, company.c.id == person.c.company_id)
        .where(registration.c.day == chosen.isoformat())
        .order_by(registration.c.tap_ms, registration.c.reference)
    )
    if state is not None:
        query = query.where(registration.c.state == state)
    if works_number is not None:
        query = query.where(registration.c.works_number == works_number)
    house = open_house(settings.data)
    try:
        with reading(house.engine) as connection:
            rows = connection.execute(query).all()
    finally:
        house.close()
    urgent = [State.HELD, State.REFUSED, State.LAPSED, State.IN_DOUBT, State.DUE, State.FLAGGED]
    rows = sorted(rows, key=lambda r: urgent.index(r.state) if r.state in urgent else len(urgent))
    if as_json:
        print_json({"day": chosen.isoformat(), "registrations": [_plain(row) for row in rows]})
        return
    if not rows:
        typer.echo(text("registration.none", language))
    for row in rows:
        what = "" if row.direction is None else f" {row.direction}"
        number = row.number or "-"
        typer.echo(
            f"{row.reference}  {number!s:>15}  {row.works_number or '?' * 13}{what}  "
            f"{text(f'dashboard.state.{row.state}', language)}"
        )
        typer.echo(
            f"    {row.given_name} {row.family_name}, {row.company or '-'}: "
            f"{text(f'cause.{row.cause}', language)}"
        )


@commands.command("show")
def show(name: Name, as_json: JsonFlag = False) -> None:
    """Show one registration: where it stands and its history; an attestation if it lapsed."""
    settings = given_settings()
    language = chosen_language(settings)
    house = open_house(settings.data)
    try:
        with reading(house.engine) as connection:
            row = decisions.find(connection, name)
            history = steps_of(connection, row.reference)
            attested = attestation_of(connection, row) if row.state == State.LAPSED else None
    finally:
        house.close()
    answer = json.loads(row.answer) if row.answer else {}
    until_ms = _until_ms(row) if row.state in UNSENT | {State.SENDING, State.IN_DOUBT} else None
    if as_json:
        print_json(
            {
                **_plain(row),
                "remarks": answer.get("remarks", []),
                "errors": answer.get("errors", []),
                "until_ms": until_ms,
                "history": [asdict(one) for one in history],
                "attestation": _plain_attestation(attested) if attested else None,
            }
        )
        return
    typer.echo(f"{row.reference}  {row.number or '-'}  {row.works_number or '?' * 13}  {row.site}")
    typer.echo(f"{row.given_name} {row.family_name}, {row.company or '-'}")
    what = f" ({row.direction}, {moment_text(row.tap_ms, language)})" if row.direction else ""
    typer.echo(f"{day_text(date.fromisoformat(row.day), language)}{what}")
    typer.echo(
        f"{text(f'dashboard.state.{row.state}', language)}: {text(f'cause.{row.cause}', language)}"
    )
    if until_ms is not None:
        told = moment_text(until_ms, language)
        typer.echo(text("registration.until", language, until=told))
    if answer.get("remarks"):
        told = "; ".join(answer["remarks"])
        typer.echo(text("registration.remarks", language, remarks=told))
    if answer.get("errors"):
        told = "; ".join(" ".join(pair) for pair in answer["errors"])
        typer.echo(text("registration.errors", language, errors=told))
    typer.echo(text("registration.history", language))
    for one in history:
        note = f" - {one.note}" if one.note else ""
        typer.echo(
            f"    {moment_text(one.at_ms, language)}  "
            f"{text(f'dashboard.state.{one.state}', language)}: "
            f"{text(f'cause.{one.cause}', language)} [{one.actor}]{note}"
        )
    if attested is not None:
        _tell_attestation(attested, language)


def _tell_attestation(attested: Attestation, language: str) -> None:
    until = day_text(attested.correct_until, language)
    typer.echo(text("registration.attestation", language, until=until))
    if attested.tap is not None:
        typer.echo(
            "    "
            + text(
                "registration.evidence_tap",
                language,
                terminal=attested.tap.terminal_id,
                journal=attested.tap.journal,
                seq=attested.tap.seq,
                received=moment_text(attested.tap.received_ms, language),
            )
        )
    typer.echo("    " + text("registration.evidence_digest", language, digest=attested.digest))


@commands.command("retry")
def retry(name: Name, dry_run: DryRun = False, as_json: JsonFlag = False) -> None:
    """Send a refused registration again, as the person's data are now."""
    _decide(
        lambda connection, now: decisions.retry(connection, name, now, ACTOR),
        "would_retry" if dry_run else "retried",
        dry_run,
        as_json,
    )


@commands.command("drop")
def drop(name: Name, note: Note = None, dry_run: DryRun = False, as_json: JsonFlag = False) -> None:
    """Give up a registration that was never stored: a visitor, a mistake."""
    _decide(
        lambda connection, now: decisions.give_up(connection, name, now, ACTOR, note),
        "dropped",
        dry_run,
        as_json,
    )


@commands.command("cancel")
def cancel(
    name: Name,
    reason: Annotated[str, typer.Option("--reason", help="HOLIDAY, DISEASE, PLANNING or C32A.")],
    dry_run: DryRun = False,
    as_json: JsonFlag = False,
) -> None:
    """Withdraw a registration at the authority, with a reason."""
    can_cancel = given_settings().in_out.can_cancel
    _decide(
        lambda connection, now: decisions.withdraw(
            connection, name, reason.upper(), now, ACTOR, can_cancel
        ),
        "would_cancel" if dry_run else "cancelling",
        dry_run,
        as_json,
        reason=reason.upper(),
    )


@commands.command("assign")
def assign(
    name: Name,
    works_number: Annotated[str, typer.Option("--works", help="Works number it falls under.")],
    dry_run: DryRun = False,
    as_json: JsonFlag = False,
) -> None:
    """Say under which works number a held presence falls."""

    def choose(connection: Connection, now: int) -> str:
        known = connection.execute(
            select(works.c.number).where(works.c.number == works_number)
        ).first()
        if known is None:
            raise UsageError("HUB-1407", works=works_number[:13])
        return decisions.choose(connection, name, works_number, now, ACTOR)

    _decide(choose, "assigned", dry_run, as_json, works=works_number)


@commands.command("attest")
def attest(name: Name, note: Note = None, as_json: JsonFlag = False) -> None:
    """Note that the correction of a lapsed registration was asked of the authority."""
    _decide(
        lambda connection, now: decisions.attest(connection, name, now, ACTOR, note),
        "attested",
        False,
        as_json,
    )


@commands.command("search")
def search(
    works_number: Annotated[str, typer.Option("--works", help="Works number.")],
    day: DayOption = "today",
    as_json: JsonFlag = False,
) -> None:
    """Ask the authority, now, what it holds for a works number and day; changes nothing."""
    settings = given_settings()
    language = chosen_language(settings)
    chosen = day_of(day, now_ms())
    house = open_house(settings.data)
    try:
        with reading(house.engine) as connection:
            regime = regime_on(connection, works_number, chosen)
            ours = {
                row.number: row.reference
                for row in connection.execute(
                    select(registration.c.number, registration.c.reference).where(
                        registration.c.works_number == works_number,
                        registration.c.number.is_not(None),
                    )
                )
            }
        service = services(settings, now_ms).get(regime)
        if service is None:
            raise UsageError("HUB-1409", regime=regime)
        rows = service().search(works_number, chosen)
    finally:
        house.close()
    rows = sorted(rows, key=lambda row: row.registered.number)
    if as_json:
        print_json(
            {
                "works": works_number,
                "day": chosen.isoformat(),
                "regime": regime,
                "registrations": [
                    {
                        "number": row.registered.number,
                        "status": row.registered.status,
                        "remarks": list(row.registered.remarks),
                        "direction": row.direction,
                        "act_ms": row.act_ms,
                        "channel": row.channel,
                        "reference": ours.get(row.registered.number),
                    }
                    for row in rows
                ],
            }
        )
        return
    told = day_text(chosen, language)
    typer.echo(
        text("registration.found_there", language, count=len(rows), works=works_number, day=told)
    )
    for row in rows:
        whose = "ours" if row.registered.number in ours else "elsewhere"
        remarks = "; ".join(row.registered.remarks)
        typer.echo(
            f"    {row.registered.number}  {row.registered.status}  {row.channel}  "
            f"{text(f'registration.{whose}', language)}  {remarks}".rstrip()
        )


class _Undo(Exception):
    """Carries the result out of a transaction that is to be rolled back."""


def _decide(
    decision: Callable[[Connection, int], str],
    told: str,
    dry_run: bool,
    as_json: bool,
    **values: object,
) -> None:
    """Takes a decision, or only tries it, and says what it means."""
    settings = given_settings()
    house = open_house(settings.data)
    number: int | None = None
    reference = ""
    try:
        with writing(house.engine) as connection:
            reference = decision(connection, now_ms())
            number = decisions.find(connection, reference).number
            if dry_run:
                raise _Undo
    except _Undo:
        pass
    finally:
        house.close()
    if as_json:
        print_json({"reference": reference, "number": number, "written": not dry_run, **values})
        return
    language = chosen_language(settings)
    values.update(reference=reference, number=number or "-")
    typer.echo(text(f"registration.{told}", language, **values))
    if dry_run:
        typer.echo(text("cli.dry_run", language))


def _until_ms(row: Any) -> int:
    if row.regime == "in_out":
        return row.tap_ms + given_settings().in_out.window_s * 1000
    return day_bounds_ms(date.fromisoformat(row.day))[1]


def _plain(row: Any) -> dict[str, Any]:
    return {
        "reference": row.reference,
        "number": row.number,
        "day": row.day,
        "works": row.works_number,
        "regime": row.regime,
        "direction": row.direction,
        "state": row.state,
        "cause": row.cause,
        "tap_ms": row.tap_ms,
        "changed_ms": row.changed_ms,
        "given_name": row.given_name,
        "family_name": row.family_name,
        "company": row.company,
    }


def _plain_attestation(attested: Attestation) -> dict[str, Any]:
    values = asdict(attested)
    values["day"] = attested.day.isoformat()
    values["correct_until"] = attested.correct_until.isoformat()
    if attested.tap is not None:
        values["tap"]["record"] = attested.tap.record.hex()
    return values
