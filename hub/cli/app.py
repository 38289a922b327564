"""The typer application, what all commands share, and how an error is told."""

from __future__ import annotations

import json
import locale
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hub.errors import InDoubtError, SitegateError, TransientError, UsageError
from hub.i18n import LANGUAGES, error_text
from hub.logs import configure_logs
from hub.settings import Settings, load_settings

app = typer.Typer(
    name="sitegate",
    help="Badge at the gate, presence registered with Belgian social security.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object for scripts.")]


@dataclass
class Invocation:
    """What was given before the command's name, and the settings once they are read."""

    settings_file: Path | None = None
    language: str | None = None
    settings: Settings | None = None


invocation = Invocation()


@app.callback()
def common(
    settings: Annotated[
        Path | None,
        typer.Option(help="Settings file (TOML); default: sitegate.toml in this folder."),
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", "-l", help="Language of messages: fr, nl, de, en.")
    ] = None,
) -> None:
    """Badge at the gate, presence registered with Belgian social security."""
    if language is not None and language not in LANGUAGES:
        raise typer.BadParameter(", ".join(LANGUAGES), param_hint="--language")
    invocation.settings_file = settings
    invocation.language = language
    invocation.settings = None


def given_settings() -> Settings:
    """Returns the settings of this invocation and sets up the logs accordingly."""
    settings = load_settings(invocation.settings_file)
    invocation.settings = settings
    configure_logs(settings.log_level)
    return settings


def chosen_language(settings: Settings | None = None) -> str:
    """Returns the language asked for, else that of the person's environment, else the setting."""
    settings = settings or invocation.settings
    if invocation.language:
        return invocation.language
    spoken = (os.environ.get("LC_ALL") or os.environ.get("LANG") or locale.getlocale()[0] or "")[:2]
    if spoken in LANGUAGES:
        return spoken
    return settings.language if settings else "en"


def exit_code(error: SitegateError) -> int:
    """Returns the exit code for this kind of error."""
    if isinstance(error, UsageError):
        return 2
    if isinstance(error, TransientError):
        return 3
    if isinstance(error, InDoubtError):
        return 4
    return 1


def explain(error: SitegateError) -> None:
    """Prints code, what happened, what was kept and what to do next, to standard error."""
    told = error_text(error.code, chosen_language(), **error.extra)
    typer.echo(f"{error.code}: {told.happened}\n  {told.kept}\n  {told.next}", err=True)


def print_json(value: object) -> None:
    """Prints one JSON object on one line."""
    typer.echo(json.dumps(value, ensure_ascii=False))
