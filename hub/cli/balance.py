"""`sitegate balance`: the books of a day, and by its exit code whether they balance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Annotated

import typer

from hub.application.balance import SiteBooks, Tally
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.cli.days import DayOption, day_of
from hub.clock import now_ms
from hub.errors import UsageError
from hub.i18n import day_text, moment_text, text
from hub.storage.balance import Books
from hub.storage.house import open_house

_WIDTH = 44


@app.command("balance")
def balance(
    day: DayOption = "today",
    site: Annotated[
        str | None, typer.Option("--site", help="Only this site, by its name; default: all.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Count the books of a day: taps stored, presences registered or explained."""
    settings = given_settings()
    language = chosen_language(settings)
    now = now_ms()
    asked = day_of(day, now)
    with closing(open_house(settings.data)) as house:
        found = Books(house.engine).books(asked, now)
    books = tuple(one for one in found if site is None or one.site == site.strip())
    if site is not None and not books:
        raise UsageError("HUB-1365", site=site[:64])
    balances = all(one.balances for one in books)
    if as_json:
        sites = [one.as_json() for one in books]
        print_json({"day": asked.isoformat(), "balances": balances, "sites": sites})
    else:
        lines = [line for one in books for line in _lines(one, language)]
        typer.echo("\n".join(lines) if books else text("balance.none", language))
    if not balances:
        raise typer.Exit(1)


def _lines(books: SiteBooks, language: str) -> Iterator[str]:
    verdict = "no" if not books.balances else "yes" if books.past else "so_far"
    day = day_text(books.day, language)
    yield f"{books.site}, {day}: {text(f'balance.{verdict}', language)}"
    for point, count in books.points:
        yield "  ! " + text(f"balance.point.{point}", language, count=count)
    yield from _account("taps", books, language)
    if books.presences.total or not books.acts.total:
        yield from _tally("presences", books.presences, language)
    if books.acts.total:
        yield from _tally("acts", books.acts, language)
    if books.planned or books.registered_unseen:
        yield from _account("plan", books, language)
    yield from _compared(books, language)


def _account(name: str, books: SiteBooks, language: str) -> Iterator[str]:
    taps = books.taps
    lines = {
        "taps": (
            ("received", taps.received, True),
            ("stored", taps.stored, True),
            ("undated", taps.undated, False),
            ("ahead", taps.ahead, False),
            ("open", taps.open, False),
            ("unreadable", taps.unreadable, False),
            ("lost", taps.lost, False),
            ("missing", taps.missing, True),
        ),
        "plan": (
            ("planned", books.planned, True),
            ("not_seen", books.not_seen, True),
            ("registered_unseen", books.registered_unseen, True),
        ),
    }
    yield "  " + text(f"balance.{name}.title", language)
    for key, count, always in lines[name]:
        if count or always:
            yield _line(text(f"balance.{name}.{key}", language), count)


def _tally(name: str, made: Tally, language: str) -> Iterator[str]:
    yield "  " + text(f"balance.{name}.title", language)
    for key, count in (
        ("total", made.total),
        ("registered", made.registered),
        ("remarks", made.remarks),
        ("waiting", made.waiting),
        ("explained", made.exceptions),
        ("unexplained", made.unexplained),
    ):
        yield _line(text(f"balance.tally.{key}", language), count)
        if key == "explained":
            for state, cause, number in made.explained:
                said = text(f"cause.{cause}", language)
                if state:
                    word = text(f"dashboard.state.{state}", language)
                    said = text("balance.tally.reason", language, state=word, cause=said)
                yield f"        {number} x {said}"


def _compared(books: SiteBooks, language: str) -> Iterator[str]:
    compared = books.compared
    yield "  " + text("balance.compared.title", language)
    if compared.failed:
        yield "    " + text("balance.compared.failed", language, code=compared.failed)
    if compared.at_ms is None:
        yield "    " + text("balance.compared.never", language)
    else:
        time = moment_text(compared.at_ms, language)
        yield "    " + text("balance.compared.at", language, time=time)
        if not compared.differences:
            yield "    " + text("balance.compared.agree", language)
    for kind, explained, count in compared.differences:
        meaning = text(f"reconcile.{kind}.meaning", language)
        yield f"    {count} x {meaning}"
        if not explained:
            yield "        " + text(f"reconcile.{kind}.action", language)


def _line(label: str, count: int) -> str:
    return f"    {label:<{_WIDTH}}{count:>7}"
