"""`sitegate audit`: who did or looked at what, and whether anybody touched the record of it."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date
from typing import Annotated

import typer

from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.domain.audit import Noted
from hub.errors import PermanentError
from hub.i18n import moment_text, text
from hub.storage.audit_reader import PAGE, AuditRow, Subjects, Wanted, read_page, verify_audit
from hub.storage.chain import Head, parse_head
from hub.storage.engine import reading
from hub.storage.house import open_house

audit = typer.Typer(help="Who did or looked at what.", no_args_is_help=True)
app.add_typer(audit, name="audit")


@audit.command("list")
def show_page(
    page: Annotated[int, typer.Option("--page", min=1, help="Page, newest first.")] = 1,
    subject: Annotated[
        str | None, typer.Option("--subject", help="About whom, as listed: person:TOKEN.")
    ] = None,
    actor: Annotated[
        str | None, typer.Option("--actor", help="By whom, as listed: command, account:HANDLE.")
    ] = None,
    action: Annotated[
        str | None, typer.Option("--action", help="What was done: person.revealed.")
    ] = None,
    day: Annotated[str | None, typer.Option("--day", help="On which day: 2026-11-23.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List who did or looked at what, without names and numbers of people."""
    settings = given_settings()
    language = chosen_language(settings)
    if action is not None and action not in set(Noted):
        raise typer.BadParameter(", ".join(Noted), param_hint="--action")
    try:
        asked_day = None if day is None else date.fromisoformat(day)
    except ValueError:
        raise typer.BadParameter("YYYY-MM-DD", param_hint="--day") from None
    with closing(open_house(settings.data)) as house, reading(house.engine) as connection:
        subjects = Subjects(connection, house.vault)
        about = None if subject is None else subjects.written(subject)
        by = None if actor is None else subjects.written(actor)
        unknown = (subject is not None and about is None) or (actor is not None and by is None)
        rows: list[AuditRow] = []
        total = 0
        if not unknown:
            rows, total = read_page(connection, Wanted(about, by, action, asked_day), page)
        seen = [(row, subjects.of(row.actor), subjects.of(row.subject)) for row in rows]
    pages = -(-total // PAGE)
    if as_json:
        listed = [
            {
                "row": row.number,
                "at_ms": row.at_ms,
                "actor": str(who),
                "action": row.action,
                "subject": str(what),
                "detail": row.detail,
            }
            for row, who, what in seen
        ]
        print_json({"rows": listed, "total": total, "page": page, "pages": pages})
        return
    for row, who, what in seen:
        moment = moment_text(row.at_ms, language)
        done = text(f"audit.did.{row.action}", language)
        detail = f"  {json.dumps(row.detail, ensure_ascii=False)}" if row.detail else ""
        typer.echo(f"{row.number:7d}  {moment}  {who}  {done}  {what}{detail}")
    typer.echo(text("audit.listed", language, total=total, page=page, pages=max(1, pages)))


@audit.command("check")
def check(
    head: Annotated[
        str | None, typer.Option("--head", help="An end of the chain noted earlier, ROW:DIGEST.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Look at every row: whether one was changed, taken out, put in or cut off the end."""
    settings = given_settings()
    language = chosen_language(settings)
    noted: Head | None = None
    if head is not None:
        try:
            noted = parse_head(head)
        except ValueError:
            raise typer.BadParameter("ROW:DIGEST", param_hint="--head") from None
    with closing(open_house(settings.data)) as house, reading(house.engine) as connection:
        report = verify_audit(connection, house.vault, noted)
    if as_json:
        print_json(
            {
                "whole": report.whole,
                "rows": report.rows,
                "head": str(report.head),
                "erased_before": report.anchor.row,
                "faults": [{"row": row, "fault": fault} for row, fault in report.faults],
            }
        )
    else:
        key = "audit.chain_whole" if report.whole else "audit.chain_broken"
        faults = len(report.faults)
        typer.echo(text(key, language, rows=report.rows, head=report.head, faults=faults))
        for row, fault in report.faults[:20]:
            typer.echo("  " + text(f"audit.fault.{fault}", language, row=row))
    if not report.whole:
        raise PermanentError("HUB-1710", faults=len(report.faults), row=report.faults[0][0])
