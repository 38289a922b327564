"""What a person at the keyboard reads after a people file was checked: table, remedies, verdict.

Each line names the row as the spreadsheet shows it, the column and the reason; the content of a
cell is never printed, so a report may be mailed or kept.
"""

from __future__ import annotations

import json
from typing import Any, Final

from hub.application.people_file import PeopleFile, Problem
from hub.i18n import error_text, text

SHOWN_MAX: Final = 200
"""Most problems in the table; one wrong column in a long file repeats itself."""


def render_report(people_file: PeopleFile, language: str) -> str:
    """Returns the whole report as plain text: problems, what to do, counts, what was kept."""
    parts = render_problems(people_file.problems, language)
    parts.append(_summary(people_file, language) + "\n" + _verdict(people_file, language))
    return "\n\n".join(parts) + "\n"


def to_json(people_file: PeopleFile, language: str = "en") -> str:
    """Returns the report as one JSON object on one line, for scripts."""
    report = {
        "accepted": people_file.accepted,
        "rows": people_file.row_count,
        "errors": len(people_file.errors),
        "warnings": len(people_file.warnings),
        **_counts(people_file),
        "verdict": _verdict(people_file, language),
        "problems": problems_told(people_file.problems, language),
    }
    return json.dumps(report, ensure_ascii=False)


def render_problems(problems: tuple[Problem, ...], language: str) -> list[str]:
    """Returns the paragraphs about the problems: a table and what to do; none when all is well."""
    shown = problems[:SHOWN_MAX]
    if not shown:
        return []
    table = _table(shown, language)
    hidden = len(problems) - len(shown)
    if hidden:
        table += "\n" + text("import.more", language, count=hidden)
    return [table, _remedies(problems, language)]


def problems_told(problems: tuple[Problem, ...], language: str) -> list[dict[str, Any]]:
    """Returns each problem for scripts, explained in that language."""
    told: list[dict[str, Any]] = []
    for entry in problems:
        explained = error_text(entry.code, language, **dict(entry.values))
        told.append(
            {
                "row": entry.row,
                "column": entry.column,
                "severity": entry.severity,
                "code": entry.code,
                "values": dict(entry.values),
                "reason": explained.happened,
                "kept": explained.kept,
                "next": explained.next,
            }
        )
    return told


def _table(problems: tuple[Problem, ...], language: str) -> str:
    lines = [
        tuple(
            text(f"import.{name}", language) for name in ("row", "column", "kind", "code", "reason")
        )
    ]
    for entry in problems:
        where = text("import.whole_file", language) if entry.row is None else str(entry.row)
        reason = error_text(entry.code, language, **dict(entry.values)).happened
        kind = text(f"import.{entry.severity}", language)
        lines.append((where, entry.column or "-", kind, entry.code, reason))
    widths = [max(len(line[index]) for line in lines) for index in range(4)]
    return "\n".join(
        "  ".join(
            [cell.ljust(width) for cell, width in zip(line, widths, strict=False)] + [line[4]]
        )
        for line in lines
    )


def _remedies(problems: tuple[Problem, ...], language: str) -> str:
    """One remedy for each code, in the order in which the codes come up."""
    lines = [text("import.remedies", language)]
    seen: set[str] = set()
    for entry in problems:
        if entry.code not in seen:
            seen.add(entry.code)
            explained = error_text(entry.code, language, **dict(entry.values))
            lines.append(f"  {entry.code}  {explained.next}")
    return "\n".join(lines)


def _summary(people_file: PeopleFile, language: str) -> str:
    return text(
        "import.summary",
        language,
        rows=people_file.row_count,
        errors=len(people_file.errors),
        warnings=len(people_file.warnings),
    )


def _verdict(people_file: PeopleFile, language: str) -> str:
    if not people_file.accepted:
        return text("import.refused", language)
    return text("import.accepted", language, **_counts(people_file))


def _counts(people_file: PeopleFile) -> dict[str, int]:
    rows = people_file.rows
    return {
        "people": len(rows),
        "badges": sum(row.badge_uid is not None for row in rows),
        "companies": len({row.company_number for row in rows if row.company_number}),
        "sites": len({row.site for row in rows if row.site}),
    }
