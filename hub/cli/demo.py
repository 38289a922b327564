"""`sitegate demo`: a whole site on this machine, without hardware.

The demo is the simulator's; it runs the hub as any site does, by this command line. Nothing of it
is imported here: the hub and the simulator meet only on the wire.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from hub.cli.app import JsonFlag, app


@app.command("demo")
def demo(
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open a browser.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Start gates, hub and a simulated authority, and open the page with the badges."""
    arguments = [sys.executable, "-m", "simulator.demo"]
    arguments += ["--no-browser"] if no_browser else []
    arguments += ["--json"] if as_json else []
    process = subprocess.Popen(arguments)
    while True:
        try:
            raise SystemExit(process.wait())
        except KeyboardInterrupt:
            # Ctrl-C reached the simulator too; it ends its processes and then itself.
            continue
