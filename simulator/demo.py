"""`python -m simulator.demo`: a whole site on one machine, and a page with badges to tap.

Prints the addresses when everything is up; Ctrl-C or SIGTERM ends every process it started.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from simulator.console.server import ConsoleServer
from simulator.console.texts import LANGUAGES, text
from simulator.gate import GateError
from simulator.site import SimulatedSite, SiteError, free_port


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account at the hub of the demo."""

    login: str
    name: str
    role: str
    of: tuple[str, ...]


SITE = ("--site", "Werf Noord")
PEOPLE = (
    Person("supervisor", "Saskia Maes", "supervisor", SITE),
    Person("administrator", "Ada Claes", "administrator", ()),
    Person("contractor", "Bram Peeters", "contractor", ("--company", "0999000129")),
    Person("roofer", "Claire Dubois", "contractor", ("--company", "0999000228")),
    Person("guard", "Gust Wouters", "guard", SITE),
    Person("inspector", "Ines Lambert", "inspector", SITE),
)
"""One for each role, and a contractor of another company who must see nothing of the first.
Invented, like the people with badges; nobody has a password."""


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="sitegate demo",
        description="A whole site on this machine: gates, hub, simulated authority, badges to tap.",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument("--json", action="store_true", help="one JSON line with every address")
    parser.add_argument("--port", type=int, default=0, help="port of the page; 0 takes a free one")
    parser.add_argument(
        "--folder", type=Path, help="keep everything here, empty (default: one removed at the end)"
    )
    parser.add_argument(
        "--interpreter",
        choices=("auto", "micropython", "python"),
        default="auto",
        help="what the gates run the firmware on",
    )
    return parser.parse_args(argv)


def _language() -> str:
    """The language of the person's environment, if it is one of ours."""
    spoken = (os.environ.get("LC_ALL") or os.environ.get("LANG") or "")[:2]
    return spoken if spoken in LANGUAGES else "en"


async def _run(arguments: argparse.Namespace, folder: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    started = time.monotonic()
    port = arguments.port or free_port()
    page = f"http://127.0.0.1:{port}/"
    # The page shows the dashboard in a frame beside the gates.
    site = SimulatedSite(
        folder, interpreter=arguments.interpreter, frame_ancestors=f"http://127.0.0.1:{port}"
    )
    starting = asyncio.create_task(site.start())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        return
    await starting
    links = await _let_people_in(site)
    console = ConsoleServer(site, port, links[PEOPLE[0].login])
    try:
        await console.start()
        _announce(arguments, site, page, links, time.monotonic() - started)
        if not arguments.no_browser:
            await asyncio.to_thread(webbrowser.open, page)
        await stop.wait()
    finally:
        stopping.cancel()
        await console.stop()
        await site.stop()


async def _let_people_in(site: SimulatedSite) -> dict[str, str]:
    """Gives everybody an account; returns a link for each, good once, by login."""

    async def add(person: Person) -> str:
        said = await site.command(
            "account", "add", person.login, "--name", person.name, "--role", person.role,
            *person.of, "--login", "--json",
        )  # fmt: skip
        return json.loads(said)["link"]

    made = await asyncio.gather(*(add(person) for person in PEOPLE))
    return {person.login: link for person, link in zip(PEOPLE, made, strict=True)}


def _announce(
    arguments: argparse.Namespace,
    site: SimulatedSite,
    page: str,
    links: dict[str, str],
    took: float,
) -> None:
    interpreters = sorted({gate.interpreter for gate in site.gates.values()})
    if arguments.json:
        addresses = {
            "page": page,
            "dashboard": site.dashboard,
            "authority": site.authority_url,
            "login": links[PEOPLE[0].login],
            "logins": links,
            "gates": sorted(site.gates),
            "firmware_on": interpreters,
            "hub_pid": site.hub.pid,
            "seconds": round(took, 1),
        }
        print(json.dumps(addresses), flush=True)
        return
    print(
        text(
            "ready",
            _language(),
            page=page,
            dashboard=site.dashboard,
            authority=site.authority_url,
            firmware=", ".join(interpreters),
            seconds=f"{took:.1f}",
            logins="\n".join(f"            {login:13s} {link}" for login, link in links.items()),
        ),
        flush=True,
    )


def main(argv: list[str] | None = None) -> int:
    """Runs the demo until it is stopped; returns the exit code."""
    arguments = _arguments(argv)
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="sitegate-demo-"))
    if folder.exists() and any(folder.iterdir()):
        print(text("folder_taken", _language(), folder=folder), file=sys.stderr)
        return 2
    try:
        asyncio.run(_run(arguments, folder))
    except (SiteError, GateError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if arguments.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
