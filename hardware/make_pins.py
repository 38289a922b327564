"""Writes firmware/pins.py from hardware/pinout.toml: python -m hardware.make_pins

A test fails when the committed file is not what this writes.
"""

from __future__ import annotations

from hardware.pinout import ROOT, Pinout, read

PINS = ROOT / "firmware" / "pins.py"

_HEAD = '''"""Which GPIO carries what; hardware/make_pins.py writes it from hardware/pinout.toml.

Numbers are GP numbers of the RP2040, not positions on the header.
"""
'''


def module(pinout: Pinout) -> str:
    """Returns the text of firmware/pins.py."""
    lines = [_HEAD]
    for signal in pinout.signals:
        lines.append(f"{signal.constant} = {signal.gpio}")
    lines.append("")
    for constant in pinout.constants:
        number = f"0x{constant.value:02X}" if constant.name.endswith("_ADDRESS") else constant.value
        lines += [f"{constant.name} = {number}", f'"""{constant.note}"""']
    return "\n".join(lines) + "\n"


def main() -> None:
    """Writes the file and says so."""
    PINS.write_text(module(read()), "utf-8")
    print(f"sitegate: wrote {PINS.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
