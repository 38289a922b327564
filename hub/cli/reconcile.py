"""`sitegate reconcile`: what the authority holds against what we hold, difference by difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Annotated, Any

import typer

from hub.application.ports import AuthorityPort
from hub.application.reconcile import Reconciler, RunReport, Subject
from hub.authority.services import services
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.cli.days import DayOption, day_of
from hub.clock import now_ms
from hub.errors import SitegateError, UsageError
from hub.i18n import text
from hub.storage.engine import reading
from hub.storage.evidence import EvidenceStore
from hub.storage.house import House, open_house
from hub.storage.reconcile import Reconciliations, subjects_of_day
from hub.storage.writer import Writer

ACTOR = "command"


@app.command("reconcile")
def reconcile(
    works: Annotated[
        str | None, typer.Option("--works", help="Only this works number; default: all of the day.")
    ] = None,
    day: DayOption = "today",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only compare; note nothing, take nothing over.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Ask the authority what it holds for a day and explain each difference."""
    settings = given_settings()
    language = chosen_language(settings)
    asked = day_of(day, now_ms())
    with closing(open_house(settings.data)) as house:
        writer = Writer(house.engine)
        writer.start()
        try:
            with reading(house.engine) as connection:
                subjects = subjects_of_day(connection, asked, works.strip() if works else None)
            keep = EvidenceStore(writer, house.vault).keep
            made = services(settings, now_ms, keep)
            adapters = {regime: service() for regime, service in made.items()}
            reports, error = _run(house, writer, adapters, subjects, not dry_run)
        finally:
            writer.stop()
    if as_json:
        print_json({"dry_run": dry_run, "runs": [_json(report, language) for report in reports]})
    else:
        typer.echo("\n".join(_lines(reports, dry_run, language)))
    if error is not None:
        raise error
    if any(report.unexplained for report in reports):
        raise typer.Exit(1)


def _run(
    house: House,
    writer: Writer,
    adapters: Mapping[str, AuthorityPort],
    subjects: list[Subject],
    write: bool,
) -> tuple[list[RunReport], SitegateError | None]:
    """Makes a run for each subject; returns what came of them and the first error."""
    reconciler = Reconciler(Reconciliations(house.engine, writer, house.vault), adapters)
    reports: list[RunReport] = []
    first: SitegateError | None = None
    for subject in subjects:
        try:
            if subject.regime not in adapters:
                raise UsageError("HUB-1360", regime=subject.regime)
            reports.append(reconciler.run(subject, ACTOR, now_ms(), write))
        except SitegateError as error:
            first = first or error
            reports.append(RunReport(subject, failed=error.code))
    return reports, first


def _lines(reports: list[RunReport], dry_run: bool, language: str) -> Iterator[str]:
    if not reports:
        yield text("reconcile.nothing", language)
    for report in reports:
        subject = report.subject
        if report.failed:
            yield f"{subject.works_number}, {subject.day}: {report.failed}"
            continue
        yield text(
            "reconcile.run",
            language,
            works=subject.works_number,
            day=subject.day,
            rows=report.rows,
            agreeing=report.agreeing,
            differences=len(report.differences),
            unexplained=len(report.unexplained),
        )
        for one in report.differences:
            mark = text(
                "reconcile.explained" if one.explained else "reconcile.unexplained", language
            )
            meaning = text(f"reconcile.{one.kind}.meaning", language)
            detail = f" [{one.detail}]" if one.detail else ""
            yield f"  {one.number or '-'}  {mark}: {meaning}{detail}"
            yield f"    {text(f'reconcile.{one.kind}.action', language)}"
    if dry_run:
        yield text("reconcile.dry_run", language)


def _json(report: RunReport, language: str) -> dict[str, Any]:
    subject = report.subject
    return {
        "works_number": subject.works_number,
        "day": subject.day.isoformat(),
        "regime": subject.regime,
        "failed": report.failed,
        "rows": report.rows,
        "agreeing": report.agreeing,
        "steps": report.steps,
        "differences": [
            {
                "kind": one.kind,
                "explained": one.explained,
                "number": one.number,
                "reference": one.reference,
                "person": one.person_id,
                "detail": one.detail,
                "meaning": text(f"reconcile.{one.kind}.meaning", language),
                "action": text(f"reconcile.{one.kind}.action", language),
            }
            for one in report.differences
        ],
    }
