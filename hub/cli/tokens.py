"""`sitegate token`: which programs may use the API."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated, Any

import typer

from hub.application.access import COMMAND
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.i18n import moment_text, text
from hub.storage.engine import reading, writing
from hub.storage.house import open_house
from hub.storage.tokens import SCOPES, TokenRow, Tokens

token = typer.Typer(help="Programs that may use the API.", no_args_is_help=True)
app.add_typer(token, name="token")

Name = Annotated[str, typer.Argument(help="Name: a-z, 0-9, . and -, at most 40.")]


@token.command("add")
def add(
    name: Name,
    scope: Annotated[
        list[str], typer.Option("--scope", help=f"What it is good for: {', '.join(SCOPES)}.")
    ],
    company: Annotated[
        str | None, typer.Option("--company", help="Number of the company whose people it sees.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a token for a program; it is shown this once only."""
    settings = given_settings()
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        made = Tokens(connection, house.vault, COMMAND, now_ms()).add(name, scope, company)
    whole = name if company is None else f"{company}/{name}"
    if as_json:
        told: dict[str, Any] = {"name": whole, "scopes": sorted(set(scope)), "token": made}
        print_json({**told, "company_number": company})
    else:
        scopes = ", ".join(sorted(set(scope)))
        language = chosen_language(settings)
        typer.echo(text("plan.token_added", language, name=whole, scopes=scopes, token=made))


@token.command("list")
def show_all(as_json: JsonFlag = False) -> None:
    """List the tokens, without themselves."""
    settings = given_settings()
    with closing(open_house(settings.data)) as house, reading(house.engine) as connection:
        found = Tokens(connection, house.vault, COMMAND, now_ms()).rows()
    language = chosen_language(settings)
    if as_json:
        print_json({"tokens": [_told(one) for one in found]})
    elif not found:
        typer.echo(text("plan.no_tokens", language))
    else:
        for one in found:
            revoked = (
                "" if one.revoked_ms is None else f"  - {moment_text(one.revoked_ms, language)}"
            )
            added = moment_text(one.added_ms, language)
            typer.echo(f"{one.name:40s} {' '.join(one.scopes):10s} {added}{revoked}")


@token.command("revoke")
def revoke(name: Name, as_json: JsonFlag = False) -> None:
    """Make a token worthless from now on."""
    settings = given_settings()
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        Tokens(connection, house.vault, COMMAND, now_ms()).revoke(name)
    if as_json:
        print_json({"name": name, "revoked": True})
    else:
        typer.echo(text("plan.token_revoked", chosen_language(settings), name=name))


def _told(one: TokenRow) -> dict[str, Any]:
    return {
        "name": one.name,
        "scopes": list(one.scopes),
        "company_number": one.company_number or None,
        "added_ms": one.added_ms,
        "revoked_ms": one.revoked_ms,
    }
