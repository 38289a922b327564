"""What is measured and what it is held against, each started fresh for one run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench.load import Terminal
from hub.clock import now_ms
from hub.storage.engine import writing
from hub.storage.house import open_house
from hub.storage.register import Register
from hub.storage.schema import site
from hub.terminals.broker import Broker
from protocol.mac import broker_password

HUB_PASSWORD = "bench"
SLOW_SYNC = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
static void wait_more(void) { char *us = getenv("SLOW_SYNC_US"); if (us) usleep(atoi(us)); }
int fsync(int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync"); wait_more(); return real(fd); }
int fdatasync(int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync"); wait_more(); return real(fd); }
"""


@dataclass
class Subject:
    """Something that takes batches and acks them."""

    host: str
    port: int
    pid: int
    broker_pid: int
    keys: dict[str, bytes]
    folder: Path

    def terminals(self, per_message: int) -> list[Terminal]:
        """Returns its terminals, unconnected."""
        return [
            Terminal(name, key, name.encode().rjust(8, b"-")[:8], per_message)
            for name, key in self.keys.items()
        ]


@contextmanager
def scratch() -> Iterator[Path]:
    """Gives a folder on the disk to be measured (BENCH_TMP), removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=os.environ.get("BENCH_TMP")))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def slow_disk(folder: Path, added_us: int) -> dict[str, str]:
    """Returns the environment in which every sync of a process takes `added_us` longer."""
    source, library = folder / "slow.c", folder / "slow.so"
    source.write_text(SLOW_SYNC)
    command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return {"LD_PRELOAD": str(library), "SLOW_SYNC_US": str(added_us)}


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _spawn(arguments: list[str], cwd: Path, slow: dict[str, str]) -> subprocess.Popen[str]:
    root = Path(__file__).resolve().parent.parent
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(root)} | slow,
        stdout=subprocess.PIPE,
        stderr=(cwd / "errors.log").open("a"),
        text=True,
    )


@contextmanager
def running_hub(terminals: int, slow: dict[str, str] | None = None) -> Iterator[Subject]:
    """Runs the whole hub (`sitegate run`) with this many terminals and nothing to send to."""
    with scratch() as folder:
        house = open_house(folder / "hub")
        keys: dict[str, bytes] = {}
        with writing(house.engine) as connection:
            connection.execute(site.insert().values(id=1, name="Bench"))
            register = Register(connection, house.vault)
            for number in range(terminals):
                name = f"t{number}"
                keys[name] = register.add_terminal(name, name, "Bench", "in", now_ms()).key
        house.close()
        (folder / "site.toml").write_text('data = "hub"\n[broker]\nport = 0\n[web]\nport = 0\n')
        with run_hub(folder, slow) as (process, ready):
            broker = ready["broker"]
            yield Subject(broker["host"], broker["port"], process.pid, broker["pid"], keys, folder)


@contextmanager
def run_hub(
    folder: Path, slow: dict[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Runs `sitegate run` by the `site.toml` of a folder; gives it, and what it says when ready."""
    process = _spawn(["-m", "hub", "--settings", "site.toml", "run", "--json"], folder, slow or {})
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError((folder / "errors.log").read_text())
        yield process, json.loads(line)
    finally:
        _end(process)


@contextmanager
def running_other(
    kind: str, terminals: int, slow: dict[str, str] | None = None
) -> Iterator[Subject]:
    """Runs `echo` or `plain` behind the same broker with the same logins."""
    with scratch() as folder:
        keys = {f"t{number}": bytes([number % 250 + 1]) * 32 for number in range(terminals)}
        broker = Broker(folder / "broker", "127.0.0.1", 0, HUB_PASSWORD, died=lambda: None)
        broker.configure((name, broker_password(key)) for name, key in keys.items())
        broker.start()
        arguments = ["-m", f"bench.subjects.{kind}", "127.0.0.1", str(broker.port), HUB_PASSWORD]
        arguments += [str(folder / "plain.db")] if kind == "plain" else []
        process = _spawn(arguments, folder, slow or {})
        try:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise RuntimeError((folder / "errors.log").read_text())
            yield Subject("127.0.0.1", broker.port, process.pid, broker.pid or 0, keys, folder)
        finally:
            _end(process)
            broker.stop()


@contextmanager
def running_authority(latency_ms: int) -> Iterator[dict[str, str]]:
    """Runs the simulated authority; returns its addresses. What it checks afterwards does not begin
    while it runs.

    Args:
        latency_ms: how much longer each call takes, milliseconds.
    """
    with scratch() as folder:
        arguments = ["-m", "simulator.authority", "--store", str(folder / "authority.db")]
        process = _spawn([*arguments, "--validation-delay", "86400"], folder, {})
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError((folder / "errors.log").read_text())
            addresses: dict[str, str] = json.loads(line)
            connection = HTTPConnection(addresses["url"].removeprefix("http://"))
            order = json.dumps({"ms": latency_ms})
            connection.request("POST", "/sim/latency", order, {"Content-Type": "application/json"})
            if connection.getresponse().status != HTTPStatus.OK:
                raise RuntimeError("the simulated authority does not take its latency")
            connection.close()
            yield addresses
        finally:
            _end(process)


def resident_mb(pid: int) -> float:
    """Returns the resident memory of a process in megabytes (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS line")
