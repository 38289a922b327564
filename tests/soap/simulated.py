"""The simulated authority as a process of its own, reached over real HTTP only."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

NOW = "2026-11-23T07:00:00"
"""Where its clock starts, Belgian time; it runs on from there."""
ROOT = Path(__file__).resolve().parents[2]


class SimulatedAuthority:
    """Runs `python -m simulator.authority` while in use.

    Args:
        folder: where it keeps its store.
        more: further arguments of the program.
    """

    def __init__(self, folder: Path, *more: str) -> None:
        self._arguments = ["--store", str(folder / "authority.db"), "--now", NOW, *more]

    def __enter__(self) -> SimulatedAuthority:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "simulator.authority", "--port", "0", *self._arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        urls = json.loads(self._process.stdout.readline())
        self.url, self.soap = urls["url"], urls["soap"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A stalled call would keep it from ending.
        self.order("availability", mode="up")
        self._process.terminate()
        self._process.communicate(timeout=10)

    def order(self, what: str, **values: object) -> Any:
        """Posts to one of its control addresses."""
        return self._ask("POST", f"/sim/{what}", json.dumps(values))

    def registrations(self) -> list[dict[str, Any]]:
        """Returns all it holds."""
        return self._ask("GET", "/sim/registrations")

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
