"""`sitegate run`: the hub."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import typer
import uvicorn

from hub.cli.app import JsonFlag, app, chosen_language, given_settings, print_json
from hub.clock import now_ms
from hub.errors import PermanentError, UsageError
from hub.i18n import text
from hub.main import Hub
from hub.web.api_plan import plan_router
from hub.web.app import create_app
from hub.web.live import Changes


class _Server(uvicorn.Server):
    """A server that leaves the signals to us.

    uvicorn raises a signal again once it has stopped, which would end the process before the hub
    has stopped its broker. It also waits for open connections, and live pages never close theirs.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes no signal."""
        yield


async def _serve(server: _Server, listener: socket.socket, changes: Changes) -> None:
    """Serves until SIGINT or SIGTERM; open live pages are ended then."""

    def end() -> None:
        server.should_exit = True
        changes.close()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    await server.serve(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
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


@app.command("run")
def run(as_json: JsonFlag = False) -> None:
    """Run the hub: broker, intake, registrations and dashboard, until Ctrl-C."""
    settings = given_settings()
    listener = _listen(settings.web.host, settings.web.port)
    try:
        hub = Hub(settings)
    except BaseException:
        listener.close()
        raise
    try:
        addresses = hub.start()
        web = create_app(
            hub.overview,
            hub.watch.gates,
            hub.authority_status,
            hub.changes,
            now_ms,
            settings.web.frame_ancestors,
            balance=hub.books,
            more=(plan_router(hub.sending.plans, hub.find_token, now_ms),),
        )
        config = uvicorn.Config(web, log_config=None, access_log=False, lifespan="off")
        server = _Server(config)
        host = f"[{settings.web.host}]" if ":" in settings.web.host else settings.web.host
        url = f"http://{host}:{listener.getsockname()[1]}/"
        if as_json:
            print_json(
                {
                    "dashboard": url,
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
        asyncio.run(_serve(server, listener, hub.changes))
    finally:
        hub.stop()
        listener.close()
