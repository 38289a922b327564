"""Makes everything that is made from the sources in hardware/: python -m hardware.draw_all"""

from __future__ import annotations

import sys

from hardware import (
    bom,
    draw_box,
    draw_harness,
    draw_lamps,
    draw_schematic,
    draw_turnstile,
    make_pins,
    power,
)


def main() -> int:
    """Writes all files; returns 0 if every one could be made."""
    for make in (make_pins, bom, power, draw_box, draw_lamps, draw_turnstile):
        make.main()
    return max(make() for make in (draw_schematic.main, draw_harness.main))


if __name__ == "__main__":
    sys.exit(main())
