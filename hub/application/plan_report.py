"""What people and programs read about the plan: a file's report, and a day with its problems.

Person numbers appear as their masks only, and the content of a cell never.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from hub.application.people_report import problems_told, render_problems
from hub.application.planning import Pattern, PlanCheck, PlannedDay, PlannedPerson, Withdrawn
from hub.domain.plan import Finding, weekdays_text
from hub.i18n import error_text, text


def render_check(check: PlanCheck, language: str) -> str:
    """Returns the problems of a plan, what to do about them, and the counts."""
    parts = render_problems(check.problems, language)
    parts.append(
        text(
            "plan.summary",
            language,
            rows=check.row_count,
            errors=check.errors,
            warnings=check.warnings,
            new=len(check.entries),
            unchanged=check.unchanged,
        )
    )
    return "\n\n".join(parts)


def check_told(check: PlanCheck, good_rows_only: bool, language: str) -> dict[str, Any]:
    """Returns the report for scripts."""
    return {
        "accepted": check.writable(good_rows_only),
        "rows": check.row_count,
        "good_rows": check.good_rows,
        "errors": check.errors,
        "warnings": check.warnings,
        "new": len(check.entries),
        "unchanged": check.unchanged,
        "problems": problems_told(check.problems, language),
    }


def person_told(person: PlannedPerson) -> dict[str, Any]:
    """Returns a person for scripts; the number is masked."""
    return {
        "ref": person.ref,
        "family_name": person.family_name,
        "given_name": person.given_name,
        "number": person.masked,
        "company_number": person.company_number or None,
        "company_name": person.company_name or None,
    }


def program_days_told(
    days: Iterable[PlannedDay], language: str, whole: bool
) -> list[dict[str, Any]]:
    """Returns the entries of the plan for a program, each person with the token of his address.

    Args:
        whole: it acts for the whole hub. Another one gets no numbers of rows, which would tell how
            many people and entries others have.
    """
    listed = list(days)
    told = days_told(listed, language)
    for one, planned in zip(told, listed, strict=True):
        one["person"]["token"] = planned.person.token
        if not whole:
            del one["entry"], one["person"]["ref"]
    return told


def days_told(days: Iterable[PlannedDay], language: str) -> list[dict[str, Any]]:
    """Returns the entries of the plan for scripts, each problem explained in that language."""
    return [
        {
            "entry": one.entry_id,
            "person": person_told(one.person),
            "works_number": one.works_number,
            "site": one.site,
            "day": one.day.isoformat(),
            "source": one.source,
            "regime": one.regime,
            "problems": [_finding_told(finding, language) for finding in one.findings],
            "warnings": [_finding_told(finding, language) for finding in one.warnings],
            "state": one.state,
            "registration_number": one.number,
            "seen": one.seen,
        }
        for one in days
    ]


def _finding_told(finding: Finding, language: str) -> dict[str, Any]:
    explained = error_text(finding.code, language, **dict(finding.values))
    return {
        "code": finding.code,
        "column": finding.column,
        "reason": explained.happened,
        "next": explained.next,
    }


def render_days(days: Sequence[PlannedDay], language: str) -> str:
    """Returns a table of entries, and under each what is to be corrected."""
    names = ("entry", "ref", "person", "number", "company", "works", "state")
    lines = [tuple(text(f"plan.column.{name}", language) for name in names)]
    notes: list[list[str]] = [[]]
    for one in days:
        lines.append(
            (
                str(one.entry_id),
                str(one.person.ref),
                f"{one.person.family_name} {one.person.given_name}",
                one.person.masked or "-",
                one.person.company_name or one.person.company_number or "-",
                one.works_number,
                _state(one, language),
            )
        )
        notes.append([_note(finding, language) for finding in (*one.findings, *one.warnings)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    shown: list[str] = []
    for line, its_notes in zip(lines, notes, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        shown.append("  ".join(cells).rstrip())
        shown.extend(its_notes)
    return "\n".join(shown)


def _note(finding: Finding, language: str) -> str:
    explained = error_text(finding.code, language, **dict(finding.values))
    return f"    {finding.code}: {explained.happened} {explained.next}"


def _state(one: PlannedDay, language: str) -> str:
    if one.state is not None:
        state = text(f"dashboard.state.{one.state}", language)
        if one.number is not None:
            state += f" {one.number}"
    elif one.regime == "in_out":
        state = text("plan.state.expected", language)
    else:
        state = text("plan.state.problem" if one.findings else "plan.state.planned", language)
    return f"{state}, {text('plan.state.seen', language)}" if one.seen else state


def render_people(people: Iterable[PlannedPerson]) -> str:
    """Returns one line for each person: reference, name, masked number, company."""
    return "\n".join(
        f"{one.ref:6d}  {one.family_name} {one.given_name}  {one.masked or '-'}  "
        f"{one.company_name or one.company_number or '-'}"
        for one in people
    )


def patterns_told(patterns: Iterable[Pattern]) -> list[dict[str, Any]]:
    """Returns weekly patterns for scripts."""
    return [
        {
            "pattern": one.pattern_id,
            "person": person_told(one.person),
            "works_number": one.works_number,
            "days": weekdays_text(one.weekdays),
            "from": one.from_day.isoformat(),
            "until": _iso(one.until_day),
        }
        for one in patterns
    ]


def render_patterns(patterns: Iterable[Pattern]) -> str:
    """Returns one line for each weekly pattern."""
    return "\n".join(
        f"{one.pattern_id:6d}  {one.person.family_name} {one.person.given_name}  "
        f"{one.works_number}  {weekdays_text(one.weekdays)}  {one.from_day.isoformat()} - "
        f"{_iso(one.until_day) or ''}".rstrip()
        for one in patterns
    )


def withdrawn_told(done: Iterable[Withdrawn]) -> list[dict[str, Any]]:
    """Returns what became of withdrawn entries, for scripts."""
    return [{"entry": one.entry_id, "outcome": one.outcome} for one in done]


def render_withdrawn(done: Iterable[Withdrawn], language: str) -> str:
    """Returns one line for each withdrawn entry."""
    return "\n".join(
        f"{one.entry_id:6d}  {text(f'plan.outcome.{one.outcome}', language)}" for one in done
    )


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
