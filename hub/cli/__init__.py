"""The command `sitegate`: verbs a site manager or an installer types.

Exit codes: 0 done, 1 failed, 2 something asked must be changed, 3 something is not reachable,
4 in doubt. Every error is told in four languages as what happened, what was kept, what to do next.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from sqlalchemy.exc import OperationalError

from hub.cli.app import app, exit_code, explain, invocation
from hub.errors import PermanentError, SitegateError

WHERE: Final[dict[str, tuple[str, ...]]] = {
    "account": ("accounts",),
    "alerts": ("alerts",),
    "audit": ("audit",),
    "badge": ("badges",),
    "balance": ("balance",),
    "bridge": ("bridge",),
    "broker": ("broker",),
    "company": ("companies",),
    "day": ("day",),
    "demo": ("demo",),
    "doctor": ("doctor",),
    "evidence": ("evidence",),
    "import": ("people",),
    "keys": ("keys",),
    "person": ("badges",),
    "plan": ("plan",),
    "privacy": ("privacy",),
    "rebuild": ("rebuild",),
    "reconcile": ("reconcile",),
    "registration": ("registration",),
    "report": ("report",),
    "retention": ("retention",),
    "roll-call": ("roll_call",),
    "run": ("run",),
    "schedule": ("schedule",),
    "settings": ("settings",),
    "site": ("companies",),
    "terminal": ("terminals", "terminal_changes", "flash", "updates"),
    "token": ("tokens",),
    "works": ("works", "companies"),
}
"""First word of a command -> the modules that hold what may follow it."""

_VALUED: Final = ("--settings", "--language", "-l")
"""What stands before that word and takes the next one as its value."""


def modules_for(arguments: Sequence[str]) -> list[str]:
    """Returns the command modules that this command line needs: all of them when in doubt.

    The pages and the authority take a second to import on a small computer, and most commands
    need neither.
    """
    words = iter(arguments)
    for word in words:
        if word in _VALUED:
            next(words, None)
        elif not word.startswith("-"):
            if word in WHERE:
                return list(WHERE[word])
            break
        elif word.partition("=")[0] not in _VALUED:
            break
    return sorted({name for names in WHERE.values() for name in names})


def main() -> None:
    """Runs the command line and ends the process with its exit code."""
    gc.disable()  # see `hub.__main__`
    for name in modules_for(sys.argv[1:]):
        # Importing a command module adds its commands to the application.
        import_module(f"hub.cli.{name}")
    gc.enable()
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
