"""`sitegate demo`: a whole site on this machine, without hardware.

The demo is the simulator's; it runs the hub as any site does, by this command line. Nothing of it
is imported here: the hub and the simulator meet only on the wire.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.app import JsonFlag, app


@app.command("demo")
def demo(
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open a browser.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(help="Keep everything in this empty folder; default: one removed at the end."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Start gates, hub and a simulated authority, and open the page with the badges."""
    arguments = [sys.executable, "-m", "simulator.demo"]
    arguments += ["--no-browser"] if no_browser else []
    arguments += ["--json"] if as_json else []
    arguments += ["--folder", str(folder)] if folder else []
    # In place of this process, so that a signal meant for the demo reaches it.
    os.execv(sys.executable, arguments)  # noqa: S606
