"""`sitegate evidence`: what proves a registration, and whether anybody touched the proofs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from hub.application.evidence import Pairs
from hub.authority.evidence import read_items
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.errors import PermanentError, UsageError
from hub.i18n import moment_text, text
from hub.storage.chain import ChainReport, Head, parse_head
from hub.storage.engine import reading, writing
from hub.storage.evidence import Kept, exchanges_of, names_of, open_bodies
from hub.storage.evidence_chain import verify
from hub.storage.history import RegistrationEvent, read_events
from hub.storage.house import House, open_house
from hub.storage.incidents import add_incident

evidence = typer.Typer(
    help="What proves a registration: the exchanges with the authority.", no_args_is_help=True
)
app.add_typer(evidence, name="evidence")

WHOLE_EXPORT = "HUB-1354"
"""Incident: whole bodies, with the numbers of other people, were written to a folder."""


@dataclass(frozen=True, slots=True)
class Carried:
    """One exchange that carried the registration, and this item of it.

    Args:
        sound: nothing is wrong with its row.
        sent, answered: this item, masked; empty when the body holds none or cannot be read.
        request, answer: whole bodies; None when there is none or the row cannot be opened.
    """

    kept: Kept
    sound: bool
    sent: list[Pairs]
    answered: list[Pairs]
    request: bytes | None
    answer: bytes | None


@dataclass(frozen=True, slots=True)
class Proof:
    """All that is kept of one registration."""

    asked: str
    references: set[str]
    numbers: set[int]
    exchanges: list[Carried]
    history: list[RegistrationEvent]
    chain: ChainReport

    @property
    def proven(self) -> bool:
        """An answer that nobody touched carries the number, in a chain that nobody touched."""
        wanted = {self.asked} if self.asked.isdigit() else {str(one) for one in self.numbers}
        return self.chain.whole and any(
            one.sound and any(wanted & {value for _, value in item} for item in one.answered)
            for one in self.exchanges
        )


@evidence.command("show")
def show(
    number: Annotated[
        str, typer.Argument(help="Number of the authority, or our client reference.")
    ],
    export: Annotated[
        Path | None, typer.Option("--export", help="Also write it to this folder.")
    ] = None,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole", help="Export the exact messages; they hold numbers of other people too."
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Prove one registration: what was sent and answered for it, and that nobody touched it."""
    settings = given_settings()
    language = chosen_language(settings)
    if whole and export is None:
        raise typer.BadParameter("--export", param_hint="--whole")
    with closing(open_house(settings.data)) as house:
        with reading(house.engine) as connection:
            proof = _gather(connection, house, number.strip())
        if export is not None:
            _export(house, proof, export, whole)
    if as_json:
        print_json(_as_json(proof))
    else:
        typer.echo("\n".join(_lines(proof, language)))
        if whole:
            typer.echo(text("evidence.whole", language), err=True)
    if not proof.proven:
        raise typer.Exit(1)


@evidence.command("check")
def check(
    head: Annotated[
        str | None, typer.Option("--head", help="An end of the chain noted earlier, ROW:DIGEST.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Look at every row: whether one was changed, taken out, put in or cut off the end."""
    settings = given_settings()
    noted: Head | None = None
    if head is not None:
        try:
            noted = parse_head(head)
        except ValueError:
            raise typer.BadParameter("ROW:DIGEST", param_hint="--head") from None
    with closing(open_house(settings.data)) as house, reading(house.engine) as connection:
        report = verify(connection, house.vault, noted)
    language = chosen_language(settings)
    if as_json:
        print_json(_chain_json(report))
    else:
        typer.echo(_chain_line(report, language))
        for row, fault in report.faults[:20]:
            typer.echo("  " + text(f"evidence.fault.{fault}", language, row=row))
    if not report.whole:
        raise PermanentError("HUB-1351", faults=len(report.faults), row=report.faults[0][0])


# ---------------------------------------------------------------- gathering


def _gather(connection: Connection, house: House, asked: str) -> Proof:
    references, numbers = names_of(connection, asked)
    kept = exchanges_of(connection, references, numbers)
    history = [event for one in sorted(references) for event in read_events(connection, one)]
    if not kept and not history:
        raise PermanentError("HUB-1350")
    chain = verify(connection, house.vault)
    exchanges = [_carried(house, one, chain, references, numbers) for one in kept]
    return Proof(asked, references, numbers, exchanges, history, chain)


def _carried(
    house: House, kept: Kept, chain: ChainReport, references: set[str], numbers: set[int]
) -> Carried:
    sound = chain.sound(kept.row)
    try:
        request, answer = open_bodies(house.vault, kept.sealed)
    except PermanentError:
        return Carried(kept, False, [], [], None, None)
    sent, answered = read_items(request, answer, kept.regime, references, numbers)
    return Carried(kept, sound, sent, answered, request, answer)


# ---------------------------------------------------------------- telling


def _lines(proof: Proof, language: str) -> Iterator[str]:
    numbers = ", ".join(str(one) for one in sorted(proof.numbers)) or "-"
    references = ", ".join(sorted(proof.references)) or "-"
    yield text("evidence.title", language, numbers=numbers, references=references)
    yield text("evidence.proven" if proof.proven else "evidence.not_proven", language)
    for one in proof.exchanges:
        kept = one.kept
        yield ""
        yield text(
            "evidence.exchange",
            language,
            row=kept.row,
            time=moment_text(kept.at_ms, language),
            operation=kept.operation,
            outcome=text(f"evidence.outcome.{kept.outcome}", language),
            sound=text("evidence.sound" if one.sound else "evidence.unsound", language),
        )
        for key, items in (("sent", one.sent), ("answered", one.answered)):
            for item in items:
                yield "  " + text(f"evidence.{key}", language)
                yield from (f"    {name}: {value}" for name, value in item)
    yield ""
    yield text("evidence.history", language)
    for event in proof.history:
        time = moment_text(event.at_ms, language)
        said = text(f"cause.{event.cause}", language)
        given = f" {event.number}" if event.number is not None else ""
        yield f"  {time}  {event.state}{given}  {said} ({event.actor})"
    yield ""
    yield _chain_line(proof.chain, language)


def _chain_line(report: ChainReport, language: str) -> str:
    key = "evidence.chain_whole" if report.whole else "evidence.chain_broken"
    return text(key, language, rows=report.rows, head=report.head, faults=len(report.faults))


def _chain_json(report: ChainReport) -> dict[str, Any]:
    return {
        "whole": report.whole,
        "rows": report.rows,
        "head": str(report.head),
        "faults": [{"row": row, "fault": fault} for row, fault in report.faults],
    }


def _as_json(proof: Proof) -> dict[str, Any]:
    return {
        "asked": proof.asked,
        "proven": proof.proven,
        "numbers": sorted(proof.numbers),
        "references": sorted(proof.references),
        "exchanges": [
            {
                "row": one.kept.row,
                "at_ms": one.kept.at_ms,
                "regime": one.kept.regime,
                "operation": one.kept.operation,
                "outcome": one.kept.outcome,
                "sound": one.sound,
                "digest": one.kept.digest.hex(),
                "previous": one.kept.previous.hex(),
                "sent": one.sent,
                "answered": one.answered,
            }
            for one in proof.exchanges
        ],
        "history": [
            {
                "at_ms": event.at_ms,
                "state": event.state,
                "cause": event.cause,
                "number": event.number,
                "actor": event.actor,
            }
            for event in proof.history
        ],
        "chain": _chain_json(proof.chain),
    }


def _export(house: House, proof: Proof, folder: Path, whole: bool) -> None:
    """Writes the proof, and with `whole` the exact bodies; never over a file that is there."""
    files = {
        f"evidence-{proof.asked}.json": json.dumps(
            _as_json(proof), ensure_ascii=False, indent=1
        ).encode()
        + b"\n"
    }
    for one in proof.exchanges if whole else ():
        kind = "json" if one.kept.regime == "in_out" else "xml"
        for name, body in (("request", one.request), ("answer", one.answer)):
            if body is not None:
                files[f"exchange-{one.kept.row}-{name}.{kind}"] = body
    if whole:
        # Who looks at numbers of other people leaves a trace, before he sees them.
        with writing(house.engine) as connection:
            add_incident(connection, now_ms(), WHOLE_EXPORT, None, str(len(proof.exchanges)))
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, content in files.items():
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
    except OSError as error:
        reason = type(error).__name__
        raise UsageError("HUB-1353", folder=str(folder), reason=reason) from None
