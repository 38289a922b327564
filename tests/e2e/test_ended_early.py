"""A hub that is asked to end before it serves leaves no broker behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.patience import until

pytestmark = pytest.mark.processes
SETTINGS = 'data = "hub"\n[broker]\nport = 0\n[web]\nport = 0\n'


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A hub that starts; whatever becomes of it, it ends with the test."""
    (tmp_path / "site.toml").write_text(SETTINGS)
    command = [sys.executable, "-m", "hub", "--settings", "site.toml", "run", "--json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()
    left = broker_of(tmp_path)
    if left and not gone(left):
        os.kill(left, signal.SIGKILL)


def broker_of(folder: Path) -> int:
    """The process number of the broker, 0 before it was written."""
    path = folder / "hub" / "broker" / "broker.pid"
    return int(path.read_text() or 0) if path.exists() else 0


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    return (
        not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()
    )


def test_as_soon_as_it_says_where_it_is(hub: subprocess.Popen[str]) -> None:
    assert hub.stdout is not None
    broker = json.loads(hub.stdout.readline())["broker"]["pid"]
    hub.send_signal(signal.SIGTERM)
    assert hub.wait(60) == 0
    assert gone(broker)


def test_as_soon_as_it_has_a_broker(hub: subprocess.Popen[str], tmp_path: Path) -> None:
    until(lambda: broker_of(tmp_path) > 0, "a broker")
    broker = broker_of(tmp_path)
    hub.send_signal(signal.SIGTERM)
    assert hub.wait(60) == 0
    until(lambda: gone(broker), "the end of the broker")
