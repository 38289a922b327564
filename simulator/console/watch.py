"""Keeps browsers up to date: what the gates show, sent as it changes.

Theory of operation. A gate calls back up to 20 times a second. Nothing is drawn then: a number is
counted up and whoever waits is woken. Each browser has one stream, which draws every gate, sends
the parts that differ from what it sent before, pauses `PAUSE_S`, and waits for the next change. So
changes between two events become one, gate by gate, and a slow browser delays nobody.

A beat every `BEAT_S` tells the browser that the stream lives. Everything runs on one event loop.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

from simulator.console.drawing import drawn, unsent
from simulator.console.ports import SiteLike
from simulator.console.texts import text

PAUSE_S: Final = 0.05
"""As fast as a board reports."""
BEAT_S: Final = 5.0
RETRY_MS: Final = 1_000
STREAMS_MAX: Final = 16

_NOTHING: Final = object()


class Watch:
    """Sees every change of the gates and of the authority's mode.

    Args:
        site: whose gates; they must exist already.
    """

    def __init__(self, site: SiteLike) -> None:
        self._site = site
        self._mode: str | None = None
        self._version = 0
        self._changed = asyncio.Event()
        self._closed = False
        self._streams = 0
        self._forget: Sequence[Callable[[], None]] = [
            gate.on_panel(lambda _: self.touch()) for gate in site.gates.values()
        ]

    @property
    def full(self) -> bool:
        """Whether as many browsers are watching as are allowed to."""
        return self._streams >= STREAMS_MAX

    @property
    def mode(self) -> str | None:
        """How the authority is to be reached, as it last said; None when it did not answer."""
        return self._mode

    @mode.setter
    def mode(self, mode: str | None) -> None:
        if mode != self._mode:
            self._mode = mode
            self.touch()

    def touch(self) -> None:
        """Something may have changed: every stream looks again."""
        self._version += 1
        self._wake()

    def close(self) -> None:
        """Ends every stream and leaves the gates. Harmless when done already."""
        self._closed = True
        for forget in self._forget:
            forget()
        self._forget = ()
        self._wake()

    def _wake(self) -> None:
        # Who waits holds the old event; who comes later waits for the new one.
        self._changed.set()
        self._changed = asyncio.Event()

    def views(self, language: str) -> list[dict[str, Any]]:
        """Returns every gate as the page draws it, in the order of the site's plan."""
        found: list[dict[str, Any]] = []
        for plan in self._site.plans:
            gate = self._site.gates[plan.terminal]
            view = {
                "terminal": plan.terminal,
                "name": plan.name,
                "direction": plan.direction,
                "powered": gate.powered,
                "network": self._site.wires[plan.terminal].state == "open",
                "unsent": unsent(gate.panel["lines"]),
                **drawn(gate.panel),
            }
            view["hint"] = _hint(view, language)
            view["spoken"] = _spoken(view, language)
            found.append(view)
        return found

    async def stream(self, language: str) -> AsyncIterator[bytes]:
        """Yields server-sent events until the browser leaves or `close` is called.

        The first event of each gate brings all of it, so a browser that comes back needs nothing
        kept for it here.
        """
        shown: dict[str, dict[str, Any]] = {}
        mode: object = _NOTHING
        self._streams += 1
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            while not self._closed:
                version = self._version
                for view in self.views(language):
                    before = shown.get(view["terminal"], {})
                    news = {k: v for k, v in view.items() if v != before.get(k, _NOTHING)}
                    if news:
                        yield _event("gate", news | {"terminal": view["terminal"]})
                    shown[view["terminal"]] = view
                if mode != self._mode:
                    mode = self._mode
                    words = explained(self._mode, language)
                    yield _event("authority", {"mode": mode, "explained": words})
                await asyncio.sleep(PAUSE_S)
                try:
                    await self._wait(version)
                except TimeoutError:
                    yield _event("beat", {})
        finally:
            self._streams -= 1

    async def _wait(self, version: int) -> None:
        if self._version == version and not self._closed:
            await asyncio.wait_for(self._changed.wait(), BEAT_S)


def explained(mode: str | None, language: str) -> str:
    """Returns what the authority's mode does, for people."""
    return text("mode_away" if mode is None else f"mode_{mode}_more", language)


def _hint(view: dict[str, Any], language: str) -> str:
    """Where the taps of this gate are."""
    if not view["powered"]:
        return text("hint_off", language)
    if view["unsent"]:
        return text("hint_unsent", language, count=view["unsent"])
    # An answer covers the count for two seconds: just then nobody can say where the tap is.
    return text("hint_sent" if view["unsent"] == 0 else "hint_see", language)


def _spoken(view: dict[str, Any], language: str) -> str:
    """The picture of a gate in words, for those who do not see it."""
    return text(
        "spoken",
        language,
        lamps=text(f"lamps_{view['lamps']}", language),
        arm=text(f"arm_{view['arm']}", language),
        lines=", ".join(view["lines"]) or text("display_dark", language),
    )


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
