"""`sitegate settings`: what is set, so that nobody has to guess."""

from __future__ import annotations

from functools import reduce

import typer

from hub.cli.app import JsonFlag, app, given_settings, print_json
from hub.settings import setting_names


@app.command("settings")
def show_settings(as_json: JsonFlag = False) -> None:
    """Show every setting with its value and meaning."""
    settings = given_settings()
    rows = [
        (name, reduce(getattr, name.split("."), settings), description)
        for name, description in setting_names()
    ]
    if as_json:
        print_json({name: str(value) for name, value, _ in rows})
        return
    for name, value, description in rows:
        typer.echo(f"{name:28s} {value!s:30s} {description}")
