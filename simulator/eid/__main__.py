"""Puts an invented identity card into the virtual reader until Enter is pressed.

    python -m simulator.eid --card residence

The reader is Debian's package vsmartcard-vpcd in a running `pcscd`.
"""

from __future__ import annotations

import argparse
import sys

from simulator.eid.card import foreign_card, identity_card
from simulator.eid.people import HOLDERS
from simulator.eid.vpicc import Inserted


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m simulator.eid", description=__doc__)
    parser.add_argument("--card", choices=[*HOLDERS, "foreign"], default="citizen")
    parser.add_argument("--port", type=int, default=35963, help="TCP port of the virtual reader")
    given = parser.parse_args()
    card = foreign_card() if given.card == "foreign" else identity_card(HOLDERS[given.card])
    try:
        with Inserted(card, given.port):
            print(f"The card {given.card} is in. Enter takes it out.", flush=True)
            sys.stdin.readline()
    except OSError as error:
        print(f"No virtual reader on port {given.port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
