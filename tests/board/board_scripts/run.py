"""Runs every `check_` function of the named modules and prints one JSON line for each.

    micropython run.py FOLDER checks_chip checks_tags ...

The same file runs on both interpreters, with the board's shims found first, as boot.py does it.
"""

import json
import os
import sys

_HERE = __file__.rpartition("/")[0]
_ROOT = _HERE + "/../../.."
sys.path[:0] = [_ROOT + "/simulator/board/shims", _ROOT, sys.argv[1]]
# Firmware and models as .mpy files, as a gate gets them: less heap, and no compiler at work.
_COMPILED = os.getenv("BOARD_COMPILED")
if _COMPILED:
    sys.path[:0] = [_COMPILED + "/simulator/board/shims", _COMPILED]

if sys.implementation.name == "cpython":
    import traceback

    from simulator.board import host_python

    host_python.install()

    def report(error):
        traceback.print_exception(error)
else:
    report = sys.print_exception


def main(names):
    failed = 0
    for module in names:
        checks = __import__(module)
        for name in dir(checks):
            if not name.startswith("check_"):
                continue
            verdict = "ok"
            try:
                verdict = getattr(checks, name)() or "ok"
            except Exception as error:  # noqa: BLE001 (a test runner)
                print(name)
                report(error)
                verdict = "failed"
                failed += 1
            print(json.dumps({"check": module + "." + name, "verdict": verdict}))
    return failed


sys.exit(1 if main(sys.argv[2:]) else 0)
