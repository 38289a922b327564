"""One thing that can be set, counted down, and limited to some operations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar, final

V = TypeVar("V")


@dataclass(slots=True)
class Setting(Generic[V]):
    """A value, and for how many calls more; None is until changed."""

    value: V
    calls: int | None


@final
class Switch(Generic[V]):
    """One thing that can be set: for all operations, or for some of them."""

    def __init__(self) -> None:
        self.everywhere: Setting[V] | None = None
        self.limited: dict[str, Setting[V]] = {}

    def put(self, value: V | None, calls: int | None, operations: Iterable[str]) -> None:
        """Sets it, or ends it with None; without operations nothing set before remains."""
        names = list(operations)
        setting = None if value is None else Setting(value, calls)
        if not names:
            self.limited.clear()
            self.everywhere = setting
        for name in names:
            self.limited.pop(name, None)
            if setting is not None:
                self.limited[name] = Setting(setting.value, calls)

    def look(self) -> V | None:
        """What is set for all operations; None is nothing."""
        return None if self.everywhere is None else self.everywhere.value

    def take(self, operation: str | None) -> V | None:
        """What this call meets, and counts it."""
        setting = self.limited.get(operation or "", self.everywhere)
        if setting is None:
            return None
        if setting.calls is not None:
            setting.calls -= 1
            if setting.calls <= 0 and setting is self.everywhere:
                self.everywhere = None
            elif setting.calls <= 0:
                del self.limited[operation or ""]
        return setting.value

    @property
    def calls(self) -> int | None:
        """Calls left of what is set for all operations."""
        return None if self.everywhere is None else self.everywhere.calls
