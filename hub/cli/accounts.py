"""`sitegate account`: who may log in, and the way back when nobody can.

Whoever may start commands on the hub's own machine reads its files anyway, so that a command may
do what an administrator may, and give out a link to any account.
"""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer
from sqlalchemy import Connection

from hub.application.access import COMMAND
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.domain.rights import Role
from hub.i18n import moment_text, text
from hub.settings import Settings, link_base
from hub.storage.accounts import AccountRow, Accounts, NewAccount
from hub.storage.engine import reading, writing
from hub.storage.house import House, open_house
from hub.storage.links import Purpose

account = typer.Typer(help="People who may log in.", no_args_is_help=True)
app.add_typer(account, name="account")

HOUR_MS = 3_600_000
LoginFlag = Annotated[
    bool, typer.Option("--login", help="The link logs in, instead of asking for a password.")
]
Login = Annotated[str, typer.Argument(help="What is typed to log in.")]


@account.command("add")
def add(
    login: Login,
    name: Annotated[str, typer.Option("--name", help="What others see.")],
    role: Annotated[
        Role, typer.Option("--role", help="Any but worker, whose link is made with his badge.")
    ],
    company: Annotated[
        str, typer.Option("--company", help="Number of a contractor's company.")
    ] = "",
    site: Annotated[
        list[str] | None, typer.Option("--site", help="Site of a supervisor, guard or inspector.")
    ] = None,
    language: Annotated[str, typer.Option("--speaks", help="fr, nl, de or en.")] = "",
    to_log_in: LoginFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Add an account and print the link with which its owner chooses a password."""
    settings = given_settings()
    new = NewAccount(login, name, role, company, tuple(site or ()), language)
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        accounts = _accounts(house, connection)
        row = accounts.add(new)
        purpose = Purpose.LOGIN if to_log_in else Purpose.INVITATION
        _show_link(settings, accounts, row, purpose, as_json)


@account.command("list")
def show_all(as_json: JsonFlag = False) -> None:
    """List the accounts."""
    settings = given_settings()
    with closing(open_house(settings.data)) as house, reading(house.engine) as connection:
        rows = _accounts(house, connection).rows()
    language = chosen_language(settings)
    if as_json:
        print_json({"accounts": [_told(row) for row in rows]})
    elif not rows:
        typer.echo(text("access.cli.none", language))
    for row in () if as_json else rows:
        of = row.company or ", ".join(row.sites)
        role = text(f"frame.role.{row.role}", language)
        state = text(f"access.accounts.state_{row.state}", language)
        typer.echo(f"{row.login:30s} {row.name:30s} {role}, {state}" + (f", {of}" if of else ""))


@account.command("link")
def link(
    login: Login,
    to_log_in: LoginFlag = False,
    no_second: Annotated[
        bool, typer.Option("--remove-second-factor", help="For who lost his telephone.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Print a link, good once, with which the owner of an account chooses a new password."""
    settings = given_settings()
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        accounts = _accounts(house, connection)
        row = accounts.by_login(login)
        if no_second:
            accounts.remove_second_factor(row)
        purpose = Purpose.INVITATION if row.state == "invited" else Purpose.RESET
        if to_log_in:
            purpose = Purpose.LOGIN
        _show_link(settings, accounts, row, purpose, as_json)


@account.command("disable")
def disable(login: Login, as_json: JsonFlag = False) -> None:
    """Shut an account: its sessions and links end now."""
    _change(login, "disabled", as_json)


@account.command("enable")
def enable(login: Login, as_json: JsonFlag = False) -> None:
    """Open a shut account again."""
    _change(login, "enabled", as_json)


@account.command("unlock")
def unlock(login: Login, as_json: JsonFlag = False) -> None:
    """End the wait of an account after wrong passwords."""
    _change(login, "unlocked", as_json)


def _change(login: str, what: str, as_json: bool) -> None:
    settings = given_settings()
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        accounts = _accounts(house, connection)
        row = accounts.by_login(login)
        {
            "disabled": accounts.disable,
            "enabled": accounts.enable,
            "unlocked": accounts.unlock,
        }[what](row)
    if as_json:
        print_json({"login": row.login, what: True})
    else:
        typer.echo(text(f"access.cli.{what}", chosen_language(settings), login=row.login))


def _accounts(house: House, connection: Connection) -> Accounts:
    return Accounts(connection, house.vault, COMMAND, now_ms())


def _show_link(
    settings: Settings, accounts: Accounts, row: AccountRow, purpose: Purpose, as_json: bool
) -> None:
    until_ms = now_ms() + settings.access.link_hours * HOUR_MS
    url = f"{link_base(settings)}/link/{accounts.link(row, purpose, until_ms)}"
    if as_json:
        print_json({"login": row.login, "purpose": str(purpose), "link": url, "until_ms": until_ms})
        return
    language = chosen_language(settings)
    until = moment_text(until_ms, language)
    typer.echo(text("access.cli.link", language, login=row.login, until=until, url=url))


def _told(row: AccountRow) -> dict[str, object]:
    return {
        "login": row.login,
        "name": row.name,
        "role": str(row.role),
        "company": row.company,
        "sites": list(row.sites),
        "state": row.state,
        "second_factor": row.second_factor,
        "added_ms": row.added_ms,
        "locked_until_ms": row.locked_until_ms,
    }
