"""`sitegate run`: the hub."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer
import uvicorn

from hub.authority.evidence import read_items
from hub.cli.accounts import HOUR_MS
from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.errors import PermanentError, UsageError
from hub.i18n import moment_text, text
from hub.main import Hub
from hub.reports.day_list import day_list_pdf
from hub.reports.poster import poster_pdf
from hub.reports.reminder import reminder_pdf
from hub.reports.report_table import report_pdf
from hub.reports.roll_call_apart import roll_call_paper
from hub.settings import Settings, link_base
from hub.storage.accounts import set_up_link
from hub.terminals.card_reader import CardReader
from hub.web.live import Changes
from hub.web.office import Office
from hub.web.pages import Running
from hub.web.whole import whole_app

BACKLOG: Final = 128
"""Connections that wait until the pages are ready."""
GRACE_S: Final = 5
"""Seconds that requests have to end when the hub is stopped. A browser that connected at that very
moment and asks for nothing would keep it from ending (seen with Chromium)."""
_YOUNG: Final = 10_000
"""New objects until Python looks for those left over: a board of 3,000 people makes 30,000."""


class _Server(uvicorn.Server):
    """A server that leaves the signals to us.

    uvicorn raises a signal again once it has stopped, which would end the process before the hub
    has stopped its broker. It also waits for open connections, and live pages never close theirs.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes no signal."""
        yield


async def _serve(
    server: _Server, listener: socket.socket, changes: Changes, cards: CardReader
) -> None:
    """Serves until SIGINT or SIGTERM; live pages and waiting for a card are ended then."""

    def end() -> None:
        server.should_exit = True
        changes.close()
        cards.close()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    await server.serve(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Returns the socket of the pages, bound and not yet listening.

    Args:
        host: a name or an address of this machine.
        port: 0 takes a free one.

    Raises:
        PermanentError: HUB-1005, another program has the port.
        UsageError: HUB-1002, this is no address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends at once only where the protocol is named; else each answer of two parts waits
    # 40 ms for the browser to acknowledge the first (measured).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PermanentError("HUB-1005", port=port) from None
        reason = error.strerror or type(error).__name__
        raise UsageError("HUB-1002", key="web.host", reason=reason) from None
    return listener


def _set_up(office: Office, settings: Settings, port: int) -> tuple[str, int] | None:
    """Returns the link that makes the first account, and until when; None: there is one."""
    made_ms = office.clock()
    until_ms = made_ms + settings.access.link_hours * HOUR_MS
    secret = office.write(
        lambda connection: set_up_link(connection, office.vault, made_ms, until_ms)
    )
    return None if secret is None else (f"{link_base(settings, port)}/link/{secret}", until_ms)


def _end_before_it_serves(number: int, frame: object) -> None:
    """Who is asked to end while it starts stops what has started: the broker would outlive it."""
    raise SystemExit(0)


def _settle() -> None:
    """What a hub is made of stays: Python need not look through it again for what is left over.

    On a site of 3,000 people it looked through 200,000 objects every five seconds, and everything
    waited: a figure came half a second later (`python -m bench figures`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 10, 10)


@app.command("run")
def run(as_json: JsonFlag = False) -> None:
    """Run the hub: broker, intake, registrations and dashboard, until Ctrl-C."""
    signal.signal(signal.SIGTERM, _end_before_it_serves)
    settings = given_settings()
    listener = listen(settings.web.host, settings.web.port)
    try:
        hub = Hub(settings)
    except BaseException:
        listener.close()
        raise
    cards = CardReader()
    try:
        addresses = hub.start()
        web = whole_app(
            hub.office,
            Running(
                hub.changes,
                hub.watch.gates,
                hub.enrolment,
                cards,
                poster_pdf,
                day_list_pdf,
                hub.pins_trouble,
                hub.roll_call,
                roll_call_paper,
                read_items=read_items,
                acted=hub.acted,
                search=hub.sending.search,
                telling=hub.telling,
                draw_report=report_pdf,
                draw_reminder=reminder_pdf,
                report_wanted=hub.scheduling.wake,
            ),
            hub.overview,
            hub.authority_status,
            hub.books,
            hub.sending.plans,
        )
        config = uvicorn.Config(
            web,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_S,
        )
        server = _Server(config)
        host = f"[{settings.web.host}]" if ":" in settings.web.host else settings.web.host
        _settle()
        # Whoever comes at the address as soon as he reads it waits a moment; he is not turned away.
        listener.listen(BACKLOG)
        port = listener.getsockname()[1]
        url = f"http://{host}:{port}/"
        first = _set_up(hub.office, settings, port)
        if as_json:
            print_json(
                {
                    "dashboard": url,
                    **({"set_up": first[0]} if first else {}),
                    "pid": os.getpid(),
                    "broker": {
                        "host": addresses.broker_host,
                        "port": addresses.broker_port,
                        "pid": addresses.broker_pid,
                    },
                }
            )
        else:
            typer.echo(
                text(
                    "cli.running",
                    chosen_language(settings),
                    url=url,
                    broker=f"{addresses.broker_host}:{addresses.broker_port}",
                )
            )
            if first:
                link, until_ms = first
                language = chosen_language(settings)
                until = moment_text(until_ms, language)
                typer.echo(text("access.cli.set_up", language, url=link, until=until))
        asyncio.run(_serve(server, listener, hub.changes, cards))
    finally:
        hub.stop()
        listener.close()
