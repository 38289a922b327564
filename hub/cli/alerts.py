"""`sitegate alerts`: what is open, taking care of it, and whether messages arrive."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from hub.application.access import COMMAND, EVERYTHING
from hub.application.alert_words import advice, title, where
from hub.application.alerting import Kept
from hub.cli.app import (
    JsonFlag,
    app,
    chosen_language,
    exit_code,
    explain,
    given_settings,
    print_json,
)
from hub.clock import now_ms
from hub.errors import SitegateError
from hub.i18n import iso_text, moment_text, text
from hub.notices.channels import senders
from hub.settings import link_base
from hub.storage.alerts import acknowledge, open_alerts
from hub.storage.engine import reading, writing
from hub.storage.house import open_house
from hub.storage.notices import channel_states
from hub.telling import send_test, wanted_of

alerts = typer.Typer(help="What somebody must know.", no_args_is_help=True)
app.add_typer(alerts, name="alerts")


@alerts.command("list")
def list_(as_json: JsonFlag = False) -> None:
    """Show what is open, and how each channel of messages goes."""
    settings = given_settings()
    language = chosen_language(settings)
    with closing(open_house(settings.data)) as house, reading(house.engine) as connection:
        found = open_alerts(connection, house.vault, EVERYTHING)
        states = channel_states(connection)
    if as_json:
        print_json(
            {
                "open": [_as_json(one, language) for one in found],
                "channels": [
                    {
                        "channel": one.channel,
                        "waiting": one.waiting,
                        "failures": one.failures,
                        "code": one.code or None,
                        "last_sent_ms": one.last_sent_ms,
                    }
                    for one in states.values()
                ],
            }
        )
        return
    if not found:
        typer.echo(text("alerts.nothing", language))
    for one in found:
        alert = one.alert
        acked = alert.acked_ms is not None
        typer.echo(
            text(
                "alerts.cli.line_acked" if acked else "alerts.cli.line",
                language,
                handle=one.handle,
                level=text(f"alerts.level.{alert.rule.level}", language),
                site=where(alert, language),
                what=title(alert, language),
                since=moment_text(alert.first_ms, language),
            )
        )
        typer.echo(f"    {advice(alert, language)}")
    for state in states.values():
        typer.echo(
            text(
                "alerts.cli.channel",
                language,
                channel=text(f"alerts.channel.{state.channel}", language),
                count=state.waiting,
                state=state.code or text("alerts.well", language),
            )
        )


@alerts.command("ack")
def ack(
    handle: Annotated[str, typer.Argument(help="What `sitegate alerts list` shows first.")],
    note: Annotated[str, typer.Option("--note", help="What was found or done.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Take care of an alert: nobody else is told of it."""
    settings = given_settings()
    language = chosen_language(settings)
    with closing(open_house(settings.data)) as house, writing(house.engine) as connection:
        wanted = wanted_of(settings, link_base(settings))
        done = acknowledge(connection, house.vault, handle, COMMAND, now_ms(), note, wanted)
    if as_json:
        print_json({"acknowledged": done})
        return
    typer.echo(text(f"alerts.said.{'acknowledged' if done else 'settled'}", language))


@alerts.command("test")
def send_tests(as_json: JsonFlag = False) -> None:
    """Send a test message to every recipient; exit code of the last one that was not reached."""
    settings = given_settings()
    language = chosen_language(settings)
    by_channel = senders(settings, now_ms)
    told: list[dict[str, object]] = []
    failed: SitegateError | None = None
    for one in wanted_of(settings, link_base(settings)).recipients:
        who = one.to or one.channel
        code = None
        try:
            send_test(by_channel, one, now_ms())
        except SitegateError as error:
            failed, code = error, error.code
            if not as_json:
                typer.echo(f"{who}:", err=True)
                explain(error)
        else:
            if not as_json:
                typer.echo(text("alerts.cli.sent", language, who=who))
        told.append({"channel": one.channel, "to": one.to, "sent": code is None, "code": code})
    if as_json:
        print_json({"tests": told})
    elif not told:
        typer.echo(text("alerts.cli.nobody", language))
    if failed is not None:
        raise typer.Exit(exit_code(failed))


def _as_json(one: Kept, language: str) -> dict[str, object]:
    alert = one.alert
    return {
        "handle": one.handle,
        "kind": str(alert.kind),
        "level": str(alert.rule.level),
        "site": alert.details.get("site"),
        "title": title(alert, language),
        "next": advice(alert, language),
        "count": alert.count,
        "since": iso_text(alert.first_ms),
        "acknowledged": alert.acked_ms is not None,
        "step": alert.step,
        "details": dict(alert.details),
    }
