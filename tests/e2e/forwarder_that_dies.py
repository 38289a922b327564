"""What brings registrations to an authority, as a process that is killed at the worst moment.

The real data folder, writer, outbox, forwarder and adapter; only the clock jumps from wake to wake,
so that a settling time takes no time. `die_at` names the operation and the numbered point at which
the process kills itself with SIGKILL; without it, it works for five minutes of its clock and ends.

    1  claimed, and that is committed; nothing has been sent
    2  the request is sent, and nothing of the answer has been read
    3  the answer is there, and nothing of it is committed
    4  what the answer says is committed

Started as a program it has loaded all that once, and splits off a process for each line that it is
told: to load takes four times as long as such a life. Its answer to a line is the exit code of
that process, negative for a signal.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select

from hub.application.forward import Forwarder
from hub.application.ports import (
    AuthorityPort,
    Cancel,
    PresenceItem,
    Refused,
    Registered,
    Seen,
)
from hub.application.windows import ActWindow, DayWindow
from hub.authority.day import day_authority
from hub.authority.in_out import in_out_authority
from hub.domain.causes import Cause
from hub.settings import AuthoritySettings, InOutSettings
from hub.storage.engine import reading
from hub.storage.house import lock_house, open_house
from hub.storage.outbox import Outbox
from hub.storage.schema import registration
from hub.storage.writer import Writer

FOR_MS = 300_000

_die_at = ""
_armed = False


def die() -> None:
    """The end, without any chance to tidy up."""
    os.kill(os.getpid(), signal.SIGKILL)


def at(operation: str, point: int) -> None:
    """Dies when this is where it is to happen."""
    if f"{operation}:{point}" == _die_at:
        die()


def die_instead(proper: Callable[..., Any]) -> Callable[..., Any]:
    """Reading from a socket, except in the call after whose request it is to die."""

    def read(*given: Any) -> Any:
        if _armed:
            die()
        return proper(*given)

    return read


class Watched:
    """`AuthorityPort` that passes the points 1 to 3 on its way."""

    def __init__(self, proper: AuthorityPort) -> None:
        self._proper = proper

    def _passes(self, operation: str, call: Callable[[], Any]) -> Any:
        global _armed
        at(operation, 1)
        _armed = f"{operation}:2" == _die_at
        result = call()
        at(operation, 3)
        return result

    def register(self, items: Sequence[PresenceItem]) -> list[Registered | Refused]:
        return self._passes("register", lambda: self._proper.register(items))

    def cancel(self, cancels: Sequence[Cancel]) -> list[Registered | Refused]:
        return self._passes("cancel", lambda: self._proper.cancel(cancels))

    def search(self, works_number: str, day: date) -> list[Seen]:
        return self._proper.search(works_number, day)

    def get(self, number: int) -> Registered | None:
        return self._proper.get(number)


class WatchedOutbox(Outbox):
    """The outbox, passing point 4 after its commits."""

    def answered(self, results: Sequence[Registered | Refused], now_ms: int) -> None:
        super().answered(results, now_ms)
        at("register", 4)

    def cancelled(self, references: Sequence[str], cause: Cause, now_ms: int) -> None:
        super().cancelled(references, cause, now_ms)
        if references:
            at("cancel", 4)


class Clock:
    """UTC milliseconds, as they are set."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def run(
    folder: Path, regime: str, service: dict[str, Any], now_ms: int, die_at: str
) -> dict[str, tuple[str, int | None]]:
    """Works until nothing is left to do; returns the (state, number) of each registration."""
    global _die_at
    _die_at = die_at
    lock = lock_house(folder)
    house = open_house(folder)
    writer = Writer(house.engine)
    writer.start()
    clock = Clock(now_ms)
    if regime == "day":
        adapter = day_authority(AuthoritySettings(**service), clock)()
    else:
        adapter = in_out_authority(InOutSettings(**service), clock)()
        # A token is fetched before, so that the first answer read in a call is the call's own.
        adapter.get(1)
    socket.socket.recv = die_instead(socket.socket.recv)
    socket.socket.recv_into = die_instead(socket.socket.recv_into)
    outbox = WatchedOutbox(writer, house.vault, regime=regime)
    window = DayWindow() if regime == "day" else ActWindow()
    forwarder = Forwarder(outbox, Watched(adapter), clock, Random(3), window=window)
    while clock.now_ms < now_ms + FOR_MS:
        clock.now_ms = max(forwarder.step(), clock.now_ms + 1)
    with reading(house.engine) as connection:
        rows = connection.execute(
            select(registration.c.reference, registration.c.state, registration.c.number)
        ).all()
    writer.stop()
    house.close()
    lock.close()
    return {row.reference: (row.state, row.number) for row in rows}


def live(told: dict[str, Any], said: Path) -> int:
    """One life, in a process of its own; what came of it, or why it failed, is in `said`."""
    try:
        said.write_text(json.dumps(run(Path(told.pop("folder")), **told)))
    except Exception:  # noqa: BLE001 - the test says it
        said.write_text(traceback.format_exc())
        return 1
    return 0


if __name__ == "__main__":
    for line in sys.stdin:
        life = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(live(life["told"], Path(life["said"])))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
