"""The real smart card service with the real virtual reader, as a child of the test.

`pcscd` is compiled for one socket, /run/pcscd/pcscd.comm. Started the way systemd starts it, it
takes a socket that it is handed (file 3, LISTEN_FDS) and needs no service of the machine; the
client library goes where PCSCLITE_CSOCK_NAME says. It reads that variable once in the life of a
process, so one path serves all tests of a process. `vpcd` is given its port by its own line in a
folder of configuration, and takes the port above it as well for a second slot.
"""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import os
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from simulator.eid.card import Card
from simulator.eid.vpicc import Inserted

FOLDER = Path(tempfile.mkdtemp(prefix="sg-eid-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
SOCKET = FOLDER / "pcscd.comm"
os.environ["PCSCLITE_CSOCK_NAME"] = str(SOCKET)
READY_S = 30
_ATTEMPTS = 5
# Puts the socket where the service looks for it and becomes the service; it ends with whoever
# started it, also with one that is killed (Linux: PR_SET_PDEATHSIG, SIGTERM).
_STARTER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15)
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""


def program() -> str | None:
    """Path of `pcscd`; it is no program for users, so it may not be on the path."""
    return shutil.which("pcscd") or shutil.which("pcscd", path="/usr/sbin")


def driver() -> Path | None:
    """The driver of the virtual reader."""
    file = "pcsc/drivers/serial/libifdvpcd.so"
    found = [*Path("/usr/lib").glob(file), *Path("/usr/lib").glob(f"*/{file}")]
    return found[0] if found else None


@cache
def lacking() -> str:
    """What is missing here, empty when nothing is."""
    if program() is None:
        return "no pcscd"
    if driver() is None:
        return "no vsmartcard-vpcd"
    if importlib.util.find_spec("smartcard") is None:
        return "no pyscard"
    return ""


needs_service = [
    pytest.mark.processes,
    pytest.mark.skipif(bool(lacking()), reason=f"{lacking()}: make pcsc"),
]


@contextmanager
def smart_card_service(readers: bool = True) -> Iterator[int]:
    """Runs `pcscd` and gives the port of its virtual reader; it ends with the block.

    Args:
        readers: whether it has the virtual reader at all; without, the port is 0.
    """
    for _ in range(_ATTEMPTS):
        port = _free_ports() if readers else 0
        process = _start(port)
        try:
            if _ready(process):
                yield port
                return
        finally:
            process.terminate()
            process.wait(10)
            SOCKET.unlink(missing_ok=True)
    raise AssertionError("the port was taken by another again and again")


@contextmanager
def inserted(card: Card, port: int) -> Iterator[Inserted]:
    """The card in the reader; when the block ends the service has seen that it is out.

    It looks every few tenths of a second, and a test changes cards faster than any hand.
    """
    try:
        with Inserted(card, port) as plugged:
            yield plugged
    finally:
        _wait_until_empty()


def _wait_until_empty() -> None:
    scard: Any = importlib.import_module("smartcard.scard")
    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    try:
        _, names = scard.SCardListReaders(context, [])
        seen = [(name, scard.SCARD_STATE_UNAWARE) for name in names]
        while True:
            result, states = scard.SCardGetStatusChange(context, READY_S * 1000, seen)
            assert result == scard.SCARD_S_SUCCESS, result
            if not any(state & scard.SCARD_STATE_PRESENT for _, state, _ in states):
                return
            seen = [(name, state) for name, state, _ in states]
    finally:
        scard.SCardReleaseContext(context)


def _start(port: int) -> subprocess.Popen[str]:
    configuration = FOLDER / "readers"
    shutil.rmtree(configuration, ignore_errors=True)
    configuration.mkdir()
    if port:
        (configuration / "vpcd").write_text(
            f'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:{port:#x}\n'
            f"LIBPATH {driver()}\nCHANNELID {port:#x}\n"
        )
    SOCKET.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(SOCKET))
        listening.listen(8)
        number = listening.fileno()
        return subprocess.Popen(
            [sys.executable, "-c", _STARTER, str(number), str(program()),
             "--foreground", "--info", "--config", str(configuration), *_open_to_all()],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, pass_fds=(number,),
        )  # fmt: skip


@cache
def _open_to_all() -> list[str]:
    """Newer builds ask polkit who may use them, unless they are told not to."""
    told = subprocess.run([str(program()), "--help"], capture_output=True, text=True)
    return ["--disable-polkit"] if "--disable-polkit" in told.stdout + told.stderr else []


def _ready(process: subprocess.Popen[str]) -> bool:
    """Waits until the service serves; False when the reader could not take its port."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    output = process.stdout
    assert output is not None

    def pump() -> None:
        with output:
            for line in output:
                lines.put(line)
        lines.put("")

    threading.Thread(target=pump, daemon=True).start()
    seen: list[str] = []
    while True:
        line = lines.get(timeout=READY_S)
        seen.append(line)
        if "Could not initialize connection" in line:
            return False
        if "daemon ready" in line:
            return True
        assert line, "".join(seen)


def _free_ports() -> int:
    """A port that is free and whose successor is too; another may take them in between."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("", port + 1))
            except (OSError, OverflowError):
                continue
            return port
