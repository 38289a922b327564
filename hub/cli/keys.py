"""`sitegate keys`: the keys that numbers are sealed with."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.i18n import text
from hub.storage.engine import reading
from hub.storage.house import KEYS, open_house
from hub.storage.rotation import count_sealed, rotate_house
from hub.storage.secrets import open_next

keys = typer.Typer(help="The keys that numbers are sealed with.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@keys.command("check")
def check(as_json: JsonFlag = False) -> None:
    """Say whether the key file is this database's, and whether a replacement was cut off."""
    settings = given_settings()
    with closing(open_house(settings.data)) as house:
        pending = open_next(house.folder / KEYS) is not None
        with reading(house.engine) as connection:
            found = count_sealed(connection)
    if as_json:
        print_json({"good": True, "values": found.values, "evidence": found.evidence,
                    "cut_off": pending})  # fmt: skip
        return
    language = chosen_language(settings)
    typer.echo(text("keys.good", language, values=found.values, evidence=found.evidence))
    if pending:
        typer.echo(text("keys.cut_off", language))


@keys.command("rotate")
def rotate(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be sealed anew.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Seal everything with new keys. The hub must be stopped; badges stay as they are."""
    settings = given_settings()
    language = chosen_language(settings)
    with closing(open_house(settings.data)) as house:
        if dry_run:
            with reading(house.engine) as connection:
                done = count_sealed(connection)
        else:
            done = rotate_house(house, now_ms(), "command")
    if as_json:
        print_json({"dry_run": dry_run, "values": done.values, "evidence": done.evidence,
                    "ended": done.ended, "evidence_before": done.before,
                    "evidence_after": done.after})  # fmt: skip
        return
    key = "keys.would" if dry_run else "keys.rotated"
    typer.echo(
        text(key, language, values=done.values, evidence=done.evidence, ended=done.ended,
             before=done.before, after=done.after)
    )  # fmt: skip
    if not dry_run and settings.broker.external and not settings.broker.external_password_file:
        typer.echo(text("keys.broker", language))
