"""`python -m simulator.authority`: the simulated authority as a program of its own."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

from simulator.authority.app import create_app
from simulator.authority.availability import Availability
from simulator.authority.clock import (
    Clock,
    ClockFileError,
    SharedClock,
    brussels_day,
    instant_ms,
    running_from,
    system_now_ms,
)
from simulator.authority.operations import Authority, Settings
from simulator.authority.orders import ScriptFileError, load_script
from simulator.authority.profile import PROFILES, Security
from simulator.authority.secured import LIFE_MAX_S
from simulator.authority.server import listen, serve
from simulator.authority.store import Store, StoreLayoutError
from simulator.authority.sts import LIFE_S, TokenService
from simulator.authority.world import WorldFileError, load_world

_DESKTOP_DAYS_MAX = 366


def _seconds(text: str) -> tuple[float, float | None]:
    """One number of seconds, or two with a colon between them."""
    low, colon, high = text.partition(":")
    return float(low), float(high) if colon else None


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
        "--validation-delay",
        type=_seconds,
        default=(20.0, None),
        metavar="S[:S]",
        help="seconds until the first validation, fixed or drawn from a range",
    )
    parser.add_argument(
        "--validation-repeat",
        type=float,
        default=0.0,
        metavar="S",
        help="validate again every so many seconds; 0 only when there is a reason",
    )
    parser.add_argument("--seed", type=int, default=0, help="of what chance decides")
    parser.add_argument("--now", metavar="ISO", help="start the clock here; no zone means Belgium")
    parser.add_argument(
        "--clock-file",
        type=Path,
        metavar="FILE",
        help="share the time with other processes through this file; made when absent",
    )
    parser.add_argument(
        "--script", type=Path, metavar="FILE", help="TOML file with disturbances to come"
    )
    parser.add_argument("--channel", default="WEBSERVICE", help="value of Channel in answers")
    parser.add_argument(
        "--desktop-channel", default="DESKTOP", help="the same for what the desktop pages register"
    )
    parser.add_argument(
        "--mobile-channel", default="MOBILE", help="the same for what the mobile page registers"
    )
    parser.add_argument(
        "--desktop-days",
        type=int,
        default=35,
        metavar="N",
        help="how many days ahead the desktop pages register, 0 to 366",
    )
    parser.add_argument(
        "--cancel-grace-days",
        type=int,
        default=0,
        metavar="N",
        help="days after the registration day on which cancelling is still possible",
    )
    parser.add_argument(
        "--future-tolerance",
        type=float,
        default=120.0,
        metavar="S",
        help="seconds by which the time of an in/out act may lie in the future",
    )
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        default="open",
        help="who calls: believed (open) or proved by a signed assertion (signed)",
    )
    parser.add_argument(
        "--token-life", type=int, default=LIFE_S, metavar="S", help="seconds, 1 or more"
    )
    return parser.parse_args(argv)


def _clock(base: Callable[[], int], file: Path | None, *, starts: bool) -> Clock:
    """The clock; a file that is shared is set only when an instant was asked for."""
    if file is None:
        return Clock(base)
    clock = Clock(SharedClock(file, base()))
    if starts:
        clock.move_to(base())
    return clock


def main(argv: list[str] | None = None) -> int:
    """Runs until SIGTERM; returns 0, 1 when it could not start, 2 for a wrong argument."""
    arguments = _arguments(argv)
    if not 0 <= arguments.desktop_days <= _DESKTOP_DAYS_MAX:
        print(f"--desktop-days: 0 to {_DESKTOP_DAYS_MAX}", file=sys.stderr)
        return 2
    shortest, longest = arguments.validation_delay
    least = min(shortest, arguments.cancel_grace_days, arguments.validation_repeat)
    if least < 0 or (longest is not None and longest < shortest):
        print(
            "--validation-delay, --validation-repeat and --cancel-grace-days must not be negative,"
            " a range must not run backwards",
            file=sys.stderr,
        )
        return 2
    if arguments.future_tolerance < 0:
        print("--future-tolerance must not be negative", file=sys.stderr)
        return 2
    if not 1 <= arguments.token_life <= LIFE_MAX_S:
        print(f"--token-life must be 1..{LIFE_MAX_S}", file=sys.stderr)
        return 2
    try:
        base = system_now_ms if arguments.now is None else running_from(instant_ms(arguments.now))
    except ValueError:
        print("--now: ISO 8601 instant expected", file=sys.stderr)
        return 2
    try:
        clock = _clock(base, arguments.clock_file, starts=arguments.now is not None)
        world = load_world(arguments.world, brussels_day(clock()))
        script = None if arguments.script is None else load_script(arguments.script, clock())
    except (WorldFileError, ScriptFileError, ClockFileError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2
    settings = Settings(
        validation_delay_ms=round(shortest * 1000),
        validation_delay_to_ms=None if longest is None else round(longest * 1000),
        seed=arguments.seed,
        repeat_ms=round(arguments.validation_repeat * 1000),
        channel=arguments.channel,
        desktop_channel=arguments.desktop_channel,
        mobile_channel=arguments.mobile_channel,
        desktop_days_ahead=arguments.desktop_days,
        cancel_grace_days=arguments.cancel_grace_days,
        act_early_ms=round(arguments.future_tolerance * 1000),
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
        availability = Availability(script, seed=arguments.seed)
        authority = Authority(store, world, clock, settings)
        senders = authority.registers.senders
        tokens = TokenService(senders, clock, life_s=arguments.token_life)
        security = Security(senders, clock, profile=arguments.profile, tokens=tokens)
        serve(create_app(authority, availability, security), availability, listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
