"""`sitegate badge` and `sitegate person`: the same as the pages, from the command line.

A person is named by his token, a badge by what `badge list` shows of it, or by the UID of its card,
which is read and never printed. Every number is shown as its mask.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import typer

from hub.application.access import COMMAND
from hub.application.people import BadgeLine, PeopleFilter, PersonProblem
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.domain.identifiers import parse_badge_uid
from hub.domain.people import Kind
from hub.errors import UsageError
from hub.i18n import text
from hub.storage.badges import Badges
from hub.storage.engine import reading, writing
from hub.storage.house import open_house
from hub.storage.people import People
from hub.storage.secrets import Vault

badge = typer.Typer(help="Badges: whose they are, lost, blocked.", no_args_is_help=True)
person = typer.Typer(help="People of the register, numbers masked.", no_args_is_help=True)
app.add_typer(badge, name="badge")
app.add_typer(person, name="person")

Token = Annotated[str, typer.Argument(help="Token of the person, see `sitegate person list`.")]
Uid = Annotated[
    str | None,
    typer.Option("--uid", help="UID of the card, hexadecimal; `-` reads it from standard input."),
]
Handle = Annotated[
    str | None, typer.Option("--badge", help="The badge, as `sitegate badge list` names it.")
]
Note = Annotated[str, typer.Option("--note", help="Why; kept with the history. No person data.")]


@contextmanager
def _badges(write: bool) -> Iterator[tuple[Badges, Vault]]:
    settings = given_settings()
    opened = writing if write else reading
    with closing(open_house(settings.data)) as house, opened(house.engine) as connection:
        window_ms = settings.in_out.window_s * 1000
        yield Badges(connection, house.vault, COMMAND, now_ms(), window_ms), house.vault


def _tag(badges: Badges, vault: Vault, uid: str | None, handle: str | None) -> bytes:
    """The badge that was named, in one of the two ways."""
    if (uid is None) == (handle is None):
        raise UsageError("HUB-1645")
    if handle is not None:
        return badges.with_handle(handle)
    typed = sys.stdin.readline() if uid == "-" else uid or ""
    return vault.tag(parse_badge_uid(typed.strip()).reveal())


def _day(typed: str | None) -> date | None:
    if typed is None:
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError:
        raise UsageError("HUB-1635") from None


def _line(one: BadgeLine) -> dict[str, Any]:
    return {
        "badge": one.handle,
        "state": one.state,
        "expired": one.expired,
        "valid_from": one.valid_from.isoformat() if one.valid_from else None,
        "valid_until": one.valid_until.isoformat() if one.valid_until else None,
        "linked_ms": one.linked_ms,
    }


@badge.command("list")
def show_badges(token: Token, as_json: JsonFlag = False) -> None:
    """List the badges of a person."""
    with _badges(write=False) as (badges, _):
        lines = [_line(one) for one in badges.of_person(token)]
    if as_json:
        print_json({"badges": lines})
        return
    language = chosen_language()
    for one in lines:
        state = "expired" if one["expired"] and one["state"] == "active" else one["state"]
        word = text(f"people.badge_states.{state}", language)
        days = " ".join(day for day in (one["valid_from"], one["valid_until"]) if day)
        typer.echo(f"{one['badge']}  {word}  {days}".rstrip())
    if not lines:
        typer.echo(text("people.no_badges", language))


@badge.command("link")
def link(
    token: Token,
    uid: Uid = None,
    valid_from: Annotated[
        str | None, typer.Option("--valid-from", help="First day on which it opens, ISO.")
    ] = None,
    valid_until: Annotated[
        str | None, typer.Option("--valid-until", help="Last day on which it opens, ISO.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a badge this person's; the taps it made today become his."""
    with _badges(write=True) as (badges, vault):
        tag = _tag(badges, vault, uid, None)
        done = badges.link(tag, token, _day(valid_from), _day(valid_until))
    if as_json:
        print_json(asdict(done))
    else:
        typer.echo(
            text(
                "cli.badge_linked",
                chosen_language(),
                adopted=done.adopted,
                registered=done.registered,
            )
        )


def _change(
    act: Callable[[Badges, bytes, str], None],
    said: str,
    uid: str | None,
    handle: str | None,
    note: str,
    as_json: bool,
) -> None:
    with _badges(write=True) as (badges, vault):
        act(badges, _tag(badges, vault, uid, handle), note)
    if as_json:
        print_json({"done": said})
    else:
        typer.echo(text(f"people.said.badge_{said}", chosen_language()))


@badge.command("release")
def release(
    uid: Uid = None, handle: Handle = None, note: Note = "", as_json: JsonFlag = False
) -> None:
    """Make a badge nobody's; gates refuse it as unknown."""
    _change(Badges.release, "released", uid, handle, note, as_json)


@badge.command("lost")
def lost(
    uid: Uid = None, handle: Handle = None, note: Note = "", as_json: JsonFlag = False
) -> None:
    """Report a badge lost; gates refuse it."""
    _change(Badges.lost, "lost", uid, handle, note, as_json)


@badge.command("found")
def found(
    uid: Uid = None, handle: Handle = None, note: Note = "", as_json: JsonFlag = False
) -> None:
    """Make a lost badge good again."""
    _change(Badges.found, "found", uid, handle, note, as_json)


@badge.command("block")
def block(
    uid: Uid = None, handle: Handle = None, note: Note = "", as_json: JsonFlag = False
) -> None:
    """Block a badge; gates refuse it until it is unblocked."""
    _change(Badges.block, "blocked", uid, handle, note, as_json)


@badge.command("unblock")
def unblock(
    uid: Uid = None, handle: Handle = None, note: Note = "", as_json: JsonFlag = False
) -> None:
    """Make a blocked badge good again."""
    _change(Badges.unblock, "unblocked", uid, handle, note, as_json)


# ---------------------------------------------------------------- people


@contextmanager
def _people() -> Iterator[People]:
    settings = given_settings()
    with closing(open_house(settings.data)) as house, reading(house.engine) as connection:
        yield People(connection, house.vault, COMMAND, now_ms())


@person.command("list")
def show_people(
    name: Annotated[str, typer.Option("--name", help="Part of the name.")] = "",
    company: Annotated[str, typer.Option("--company", help="Number of the employer.")] = "",
    kind: Annotated[str, typer.Option("--kind", help=", ".join(Kind))] = "",
    problem: Annotated[str, typer.Option("--problem", help=", ".join(PersonProblem))] = "",
    page: Annotated[int, typer.Option("--page", min=1, help="Page, 50 people each.")] = 1,
    as_json: JsonFlag = False,
) -> None:
    """List people by name, with what is to be settled."""
    if (kind and kind not in tuple(Kind)) or (problem and problem not in tuple(PersonProblem)):
        raise UsageError("HUB-1622")
    with _people() as people:
        lines, total = people.rows(PeopleFilter(name, None, None, company, kind, problem, page))
    if as_json:
        print_json({"people": [asdict(one) for one in lines], "total": total})
        return
    language = chosen_language()
    for one in lines:
        problems = ", ".join(text(f"people.problems.{name}", language) for name in one.problems)
        shown = f"{one.family_name} {one.given_name}"
        kind_word = text(f"people.kinds.{one.kind}", language)
        line = f"{one.token}  {shown}  {kind_word}  {one.company}  {one.masked}  {problems}"
        typer.echo(line.rstrip())
    key = "people.count_one" if total == 1 else "people.count_many"
    typer.echo(text(key, language, count=total))


@person.command("show")
def show_person(token: Token, as_json: JsonFlag = False) -> None:
    """Show one person; every number is masked."""
    with _people() as people:
        file = people.row(token)
    shown = {
        key: value.isoformat() if isinstance(value, date) else value
        for key, value in asdict(file).items()
        if not key.startswith("may_") and key != "person_id"
    }
    if as_json:
        print_json(shown)
        return
    for key, value in shown.items():
        if value:
            typer.echo(f"{key:20s} {value}")
