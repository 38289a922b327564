"""`python -m simulator.authority`: the simulated authority as a program of its own."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from pathlib import Path

from simulator.authority.app import create_app
from simulator.authority.availability import Availability
from simulator.authority.clock import (
    Clock,
    brussels_day,
    instant_ms,
    running_from,
    system_now_ms,
)
from simulator.authority.operations import Authority, Settings
from simulator.authority.server import listen, serve
from simulator.authority.store import Store, StoreLayoutError
from simulator.authority.world import WorldFileError, load_world


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m simulator.authority",
        description="Simulated presence-registration authority. Not a government service.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="TCP port; 0 takes a free one")
    parser.add_argument("--store", type=Path, default=Path("authority.db"), help="SQLite file")
    parser.add_argument(
        "--world",
        type=Path,
        default=Path(__file__).parent / "world.toml",
        help="TOML file with the fake registers",
    )
    parser.add_argument(
        "--validation-delay", type=float, default=20.0, metavar="S", help="seconds, 0 or more"
    )
    parser.add_argument("--now", metavar="ISO", help="start the clock here; no zone means Belgium")
    parser.add_argument("--channel", default="WEBSERVICE", help="value of Channel in answers")
    parser.add_argument(
        "--cancel-grace-days",
        type=int,
        default=0,
        metavar="N",
        help="days after the registration day on which cancelling is still possible",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Runs until SIGTERM; returns 0, 1 when it could not start, 2 for a wrong argument."""
    arguments = _arguments(argv)
    if arguments.validation_delay < 0 or arguments.cancel_grace_days < 0:
        print("--validation-delay and --cancel-grace-days must not be negative", file=sys.stderr)
        return 2
    try:
        base = system_now_ms if arguments.now is None else running_from(instant_ms(arguments.now))
    except ValueError:
        print("--now: ISO 8601 instant expected", file=sys.stderr)
        return 2
    clock = Clock(base)
    try:
        world = load_world(arguments.world, brussels_day(clock()))
    except WorldFileError as problem:
        print(problem, file=sys.stderr)
        return 2
    settings = Settings(
        validation_delay_ms=round(arguments.validation_delay * 1000),
        channel=arguments.channel,
        cancel_grace_days=arguments.cancel_grace_days,
    )
    try:
        listener = listen(arguments.host, arguments.port)
    except OSError as problem:
        print(problem, file=sys.stderr)
        return 1
    with listener:
        try:
            store = Store(arguments.store)
        except (sqlite3.Error, StoreLayoutError) as problem:
            print(f"{arguments.store}: {problem}", file=sys.stderr)
            return 1
        availability = Availability()
        authority = Authority(store, world, clock, settings)
        serve(create_app(authority, availability), availability, listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
