"""What the hub must know of a terminal to talk to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class TerminalKey:
    """A terminal of the register with its key; the `repr` does not show the key.

    Args:
        terminal: id, `[a-z0-9-]{1,24}`.
        site_id: the site whose roster it holds.
        name: what people call the gate.
        direction: "in" or "out".
        key: 32 bytes shared with the terminal and nobody else.
    """

    terminal: str
    site_id: int
    name: str
    direction: str
    key: bytes

    def __repr__(self) -> str:
        return f"TerminalKey({self.terminal})"
