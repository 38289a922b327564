"""How well the service can be reached: the disturbances a test or a console asks for.

Theory of operation. The mode says what happens to the next SOAP calls; with a number of calls it
goes back to `up` by itself after that many. Faults and latency are counted down the same way. The
first thing that applies decides: mode, then fault, then latency and normal service.

    mode                what the caller sees                         stored?
    up                  an answer                                    yes
    down                HTTP 503                                     no
    refuse              connection closed without an answer          no
    unavailable         SOAP fault SOA-02002, Retry true             no
    drop-after-commit   connection closed without an answer          yes
    stall               nothing, until the mode is set again; a      only if the caller
                        caller still there is then served            waited long enough
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Final, Literal, final, get_args

Mode = Literal["up", "down", "refuse", "unavailable", "drop-after-commit", "stall"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)


@dataclass(frozen=True, slots=True)
class Treatment:
    """What happens to one call."""

    mode: Mode
    fault_code: str | None
    fault_element: str
    latency_ms: int
    backwards: bool


@dataclass(slots=True)
class State:
    """What is set at the moment; a count of None lasts until it is set again.

    `stalled` is not set but counted: the calls that wait.
    """

    mode: Mode = "up"
    mode_calls: int | None = None
    fault_code: str | None = None
    fault_element: str = "SystemError"
    fault_calls: int | None = None
    latency_ms: int = 0
    latency_calls: int | None = None
    backwards: bool = False
    stalled: int = 0


@final
class Availability:
    """Decides what happens to each call. Belongs to one event loop; not for other threads."""

    def __init__(self) -> None:
        self._state = State()
        self._released = asyncio.Event()
        self._closing = False

    @property
    def mode(self) -> Mode:
        """The mode the next call will meet."""
        return self._state.mode

    @property
    def stalled(self) -> int:
        """Calls that wait in a stall now."""
        return self._state.stalled

    @property
    def closing(self) -> bool:
        """True once the server is stopping: waiting calls are hung up."""
        return self._closing

    def as_json(self) -> dict[str, object]:
        """Everything that is set, for the console."""
        return asdict(self._state)

    def set_mode(self, mode: Mode, calls: int | None = None) -> None:
        """Sets the mode, for `calls` calls or for good, and releases stalled calls."""
        self._state.mode = mode
        self._state.mode_calls = None if mode == "up" else calls
        self._release()

    def set_fault(self, code: str | None, element: str, calls: int | None) -> None:
        """Answers the next calls with a SOAP fault; None ends it."""
        self._state.fault_code = code
        self._state.fault_element = element
        self._state.fault_calls = calls if code else None

    def set_latency(self, ms: int, calls: int | None) -> None:
        """Delays the next calls by `ms` milliseconds before they are carried out; 0 ends it."""
        self._state.latency_ms = ms
        self._state.latency_calls = calls if ms else None

    def set_backwards(self, backwards: bool) -> None:
        """Answers the items of a batch last first."""
        self._state.backwards = backwards

    def close(self) -> None:
        """Releases stalled calls for good: the server is stopping."""
        self._closing = True
        self._release()

    def admit(self) -> Treatment:
        """Says what happens to the call that just came in, and counts it."""
        state = self._state
        mode = state.mode
        if state.mode_calls is not None:
            state.mode_calls -= 1
            if state.mode_calls <= 0:
                state.mode, state.mode_calls = "up", None
        if mode not in ("up", "drop-after-commit", "stall"):
            return Treatment(mode, None, state.fault_element, 0, state.backwards)
        code = state.fault_code
        if state.fault_calls is not None:
            state.fault_calls -= 1
            if state.fault_calls <= 0:
                state.fault_code, state.fault_calls = None, None
        latency_ms = state.latency_ms
        if state.latency_calls is not None:
            state.latency_calls -= 1
            if state.latency_calls <= 0:
                state.latency_ms, state.latency_calls = 0, None
        return Treatment(mode, code, state.fault_element, latency_ms, state.backwards)

    async def released(self) -> None:
        """Returns when the mode is set again or the server stops."""
        if self._closing:
            return
        self._state.stalled += 1
        try:
            await self._released.wait()
        finally:
            self._state.stalled -= 1

    def _release(self) -> None:
        # Calls that wait hold the old event; later ones wait for the new one.
        self._released.set()
        self._released = asyncio.Event()
