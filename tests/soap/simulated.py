"""The simulated authority as a process of its own, reached over real HTTP only."""

from __future__ import annotations

import atexit
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

NOW = "2026-11-23T07:00:00"
"""Where its clock starts, Belgian time; it runs on from there."""
ROOT = Path(__file__).resolve().parents[2]


_NURSERY = """
import json, os, signal, sys
from simulator.authority.__main__ import main
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
for line in sys.stdin:
    arguments, pipe = json.loads(line)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(pipe, os.O_WRONLY), 1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os._exit(main(arguments))
    print(child, flush=True)
"""


class _Born:
    """One process of the simulated authority."""

    def __init__(self, pid: int, pipe: Path) -> None:
        self._pid = pid
        self._out = pipe.open()
        pipe.unlink()

    def first_line(self) -> str:
        """What it prints when it is ready."""
        return self._out.readline()

    def end(self) -> None:
        """Ends it as an operator would, and returns when it has gone."""
        os.kill(self._pid, signal.SIGTERM)
        self._out.read()  # its end is the end of the process
        self._out.close()


class _Nursery:
    """A process that has loaded the simulated authority once, and splits off others that run it.

    Loading takes longer than most tests. Each authority is a process of its own all the same, with
    its own store, clock and port.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _NURSERY],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self._end)
        self._said()

    def start(self, arguments: list[str]) -> _Born:
        """Starts an authority with these arguments of its program."""
        pipe = Path(tempfile.mkdtemp(prefix="sg-")) / "out"
        os.mkfifo(pipe)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([arguments, str(pipe)]) + "\n")
        self._process.stdin.flush()
        born = _Born(int(self._said()), pipe)
        pipe.parent.rmdir()
        return born

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()


@cache
def nursery() -> _Nursery:
    """The one of this test run."""
    return _Nursery()


class SimulatedAuthority:
    """Runs `python -m simulator.authority` while in use.

    Args:
        folder: where it keeps its store.
        more: further arguments of the program.
        now: where its clock starts, Belgian time.
    """

    def __init__(self, folder: Path, *more: str, now: str = NOW) -> None:
        self._arguments = ["--store", str(folder / "authority.db"), "--now", now, *more]

    def __enter__(self) -> SimulatedAuthority:
        self._process = nursery().start(["--port", "0", *self._arguments])
        urls = json.loads(self._process.first_line())
        self.url, self.soap, self.sts = urls["url"], urls["soap"], urls["sts"]
        self.rest, self.token = urls["rest"], urls["token"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A stalled call would keep it from ending.
        self.order("availability", mode="up")
        self._process.end()

    def order(self, what: str, **values: object) -> Any:
        """Posts to one of its control addresses."""
        return self._ask("POST", f"/sim/{what}", json.dumps(values))

    def registrations(self) -> list[dict[str, Any]]:
        """Returns all it holds."""
        return self._ask("GET", "/sim/registrations")

    def events(self) -> list[dict[str, Any]]:
        """Returns all that the in/out service holds."""
        return self._ask("GET", "/sim/events")

    def _ask(self, method: str, path: str, body: str | None = None) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = json.load(answer)
            assert answer.status == 200, said
            return said
        finally:
            connection.close()

    def references(self) -> list[str]:
        """Returns the client reference of each registration, sorted."""
        return sorted(row["reference"] for row in self.registrations())
