"""The command `sitegate`: verbs a site manager or an installer types.

Exit codes: 0 done, 1 failed, 2 something asked must be changed, 3 something is not reachable,
4 in doubt. Every error is told in four languages as what happened, what was kept, what to do next.
"""

from __future__ import annotations

import sys

from sqlalchemy.exc import OperationalError

from hub.cli.app import app, exit_code, explain, invocation
from hub.errors import PermanentError, SitegateError


def main() -> None:
    """Runs the command line and ends the process with its exit code."""
    # Importing a command module adds its commands to the application.
    from hub.cli import (
        balance,
        bridge,
        broker,
        demo,
        doctor,
        evidence,
        flash,
        people,
        plan,
        rebuild,
        reconcile,
        registration,
        run,
        settings,
        terminal_changes,
        terminals,
        tokens,
        updates,
        works,
    )

    del balance, bridge, broker, demo, doctor, evidence, flash, people, plan, rebuild, reconcile
    del registration, run, settings, terminal_changes, terminals, tokens, updates, works
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
