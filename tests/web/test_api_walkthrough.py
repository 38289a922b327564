"""The commands of docs/api.md work as they stand, against a real server."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from hub.application.access import COMMAND
from hub.storage.engine import writing
from hub.storage.tokens import Tokens
from hub.web.api import api_routers
from tests.hub.house import NOON_MS
from tests.web.two_companies import MAIN, World, two_companies

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
COMMANDS = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with two_companies(tmp_path / "world", True) as world:
        yield world


@pytest.fixture
def address(world: World) -> Iterator[str]:
    """Where the API of the world is served."""
    app = FastAPI(openapi_url=None)
    for router in api_routers(world.office, world.plans):
        app.include_router(router)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)
    listener.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_every_command_of_the_page_works(world: World, address: str) -> None:
    with writing(world.engine) as connection:
        tokens = Tokens(connection, world.vault, COMMAND, NOON_MS)
        token = tokens.add("planner", ["people", "plan", "registrations.read"], MAIN)
    # Each command says on a line of its own with which status it was answered.
    script = "".join(COMMANDS).replace(
        "curl -sS", r"""curl -sS -w '\n%{stderr}status %{http_code}\n'"""
    )
    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", script],
        env={"PATH": "/usr/bin:/bin", "TOKEN": token, "HUB": address},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    statuses = re.findall(r"^status (\d+)$", done.stderr, re.MULTILINE)
    assert statuses == ["200", "201", "200", "201", "200", "200", "200", "200", "200", "200"]
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    people, added, linked, changed, planned, registered, lost, bulk = answers
    # Those of all who work for the declaring contractor, under works that he takes part in.
    assert people["total"] == 6
    assert (added["inss"], added["language"]) == ("90.11.05-***.**", "fr")
    assert linked["badge"]["person"] == added["token"]
    assert changed["language"] == "nl"
    assert planned["added"] == 1
    assert len(registered["registrations"]) == 6
    assert (lost["handle"], lost["state"]) == (linked["badge"]["handle"], "lost")
    assert bulk["added"] == 1
    assert "90110599843" not in done.stdout
