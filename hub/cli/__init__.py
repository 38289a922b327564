"""The command `sitegate`: verbs a site manager or an installer types.

Exit codes: 0 done, 1 failed, 2 something asked must be changed, 3 something is not reachable,
4 in doubt. Every error is told in four languages as what happened, what was kept, what to do next.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

from sqlalchemy.exc import OperationalError

from hub.cli.app import app, exit_code, explain, invocation
from hub.errors import PermanentError, SitegateError

_COMMANDS: Final = (
    "accounts",
    "audit",
    "badges",
    "balance",
    "bridge",
    "broker",
    "companies",
    "demo",
    "doctor",
    "evidence",
    "flash",
    "keys",
    "people",
    "plan",
    "privacy",
    "rebuild",
    "reconcile",
    "registration",
    "retention",
    "run",
    "settings",
    "terminal_changes",
    "terminals",
    "tokens",
    "updates",
    "works",
)
"""Modules with commands, one a line."""


def main() -> None:
    """Runs the command line and ends the process with its exit code."""
    for name in _COMMANDS:
        # Importing a command module adds its commands to the application.
        import_module(f"hub.cli.{name}")
    try:
        app(prog_name="sitegate")
    except SitegateError as error:
        explain(error)
        sys.exit(exit_code(error))
    except OperationalError as error:
        # Rights, space, a lock that another command holds: the transaction was rolled back.
        folder = invocation.settings.data if invocation.settings else ""
        unwritable = PermanentError("HUB-1003", folder=folder, reason=type(error.orig).__name__)
        explain(unwritable)
        sys.exit(exit_code(unwritable))
