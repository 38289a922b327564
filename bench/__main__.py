"""`make bench`: every measurement of docs/performance.md, printed with what it is held against.

`python -m bench [NAME ...] [--runs N]`; names: intake, slow, latency, projection, registering,
receipt, blocking, browsing, importing, watching, figures, ticks, firmware, device. Nothing of the
test suite depends on these figures. BENCH_TMP names a folder on the disk to be measured.
"""

from __future__ import annotations

import argparse
import platform
import sys

from bench import (
    blocking,
    board,
    browsing,
    device,
    importing,
    intake,
    projecting,
    registering,
    watching,
)

MEASUREMENTS = {
    "intake": intake.throughput,
    "slow": intake.throughput_slow_disk,
    "latency": intake.latency,
    "projection": projecting.projection,
    "registering": registering.throughput,
    "receipt": registering.receipts,
    "blocking": blocking.blocking,
    "browsing": browsing.browsing,
    "importing": importing.importing,
    "watching": watching.watching,
    "figures": watching.figures,
    "ticks": watching.ticks,
    "firmware": board.firmware,
    "device": device.tap_time,
}


def main() -> int:
    """Runs the measurements named, or all of them."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measures what docs/performance.md reports."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument("--runs", type=int, default=5, help="runs of each case (median is shown)")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(MEASUREMENTS)
    if unknown or arguments.runs < 1:
        parser.error(f"unknown: {', '.join(sorted(unknown))}" if unknown else "--runs is 1 or more")
    print(f"{platform.platform()}, Python {platform.python_version()}, {arguments.runs} runs")
    for name in arguments.names or MEASUREMENTS:
        MEASUREMENTS[name](arguments.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
