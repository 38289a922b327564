"""What the hub must know of a terminal to talk to it."""

from __future__ import annotations

from dataclasses import dataclass

DESK = "desk"
"""A terminal that is no gate: badges are held to it to be linked, and nobody goes anywhere. What
it is it stays: a rebuild would else make presences of what was held to it, or lose some."""
DIRECTIONS = ("in", "out", "none", "buttons", "toggle", DESK)
"""How a gate learns which way somebody goes: people pass one way only, nobody can tell, two buttons
say it, or who was inside goes out. Each record carries the direction that came of it. A desk has
none, and is told so."""


@dataclass(frozen=True, slots=True, repr=False)
class TerminalKey:
    """A terminal of the register with its key; the `repr` does not show the key.

    Args:
        terminal: id, `[a-z0-9-]{1,24}`.
        site_id: the site whose roster it holds.
        name: what people call the gate.
        direction: one of DIRECTIONS.
        key: 32 bytes shared with the terminal and nobody else.
        follows: it wants to know which way people went at the other gates of its site.
        lane: which of the lanes of an entrance it is; may be empty.
        key_number: 1 for its first key, one more for each that came into use after it.
        next_key: the key that takes the place of `key` as soon as something signed with it comes;
            None when there is no such.
    """

    terminal: str
    site_id: int
    name: str
    direction: str
    key: bytes
    follows: bool = False
    lane: str = ""
    key_number: int = 1
    next_key: bytes | None = None

    def __repr__(self) -> str:
        return f"TerminalKey({self.terminal})"

    def logins(self) -> list[tuple[str, bytes]]:
        """Returns (user name at the broker, key) of every key in force, the one in use first."""
        found = [(broker_user(self.terminal, self.key_number), self.key)]
        if self.next_key is not None:
            found.append((broker_user(self.terminal, self.key_number + 1), self.next_key))
        return found

    def newest(self) -> tuple[int, bytes]:
        """Returns number and key of what a gate must be given now."""
        if self.next_key is not None:
            return self.key_number + 1, self.next_key
        return self.key_number, self.key


def broker_user(terminal: str, key_number: int) -> str:
    """Returns the user name of a terminal at the broker with its n-th key.

    A broker knows one password for a name, and while a key is replaced two must be good. A dot is
    in no terminal id, so no name stands for two gates.
    """
    return terminal if key_number == 1 else f"{terminal}.{key_number}"


def terminal_of_user(user: str) -> str:
    """Returns the terminal that logs in under this name; see `broker_user`."""
    return user.partition(".")[0]
