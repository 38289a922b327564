"""How well the service can be reached: the disturbances a test, a script or a console asks for.

Theory of operation. A mode says what happens to the next calls; with a number of calls it goes back
to `up` by itself after that many. Faults, latency, dripping and the order of answers are counted
down the same way. Each can be set for all operations or for some; what is set for an operation
wins over what is set for all, and a switch wins over the script. The first thing that applies
decides: maintenance, mode, then fault, then latency and normal service.

    mode                what the caller sees                              carried out?
    up                  an answer                                         yes
    down                HTTP 503, or another status that was set          no
    maintenance         SOAP fault SOA-02001; REST 503 and Retry-After    no
    refuse              connection closed without an answer               no
    reset               connection reset (TCP RST)                        no
    unavailable         SOAP fault SOA-02002, Retry true; REST 503        no
    expired-token       SOAP fault SOA-01001; REST 401                    no
    drop-after-commit   connection closed without an answer               yes
    reset-after-commit  connection reset (TCP RST)                        yes
    half                the promised length, half of it, then closed      yes
    truncate            half of the body, with a length that fits         yes
    garbage             bytes that are neither XML nor JSON               yes
    missing-entry       a batch answer without one of its entries         yes
    twice-entry         a batch answer with one entry twice               yes
    stall               nothing, until the mode is set again; a           only if the caller
                        caller still there is then served                 waited long enough
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, final, get_args

from simulator.authority.script import Effect, Script
from simulator.authority.switch import Switch

Mode = Literal[
    "up",
    "down",
    "refuse",
    "unavailable",
    "drop-after-commit",
    "stall",
    "maintenance",
    "reset",
    "reset-after-commit",
    "half",
    "truncate",
    "garbage",
    "missing-entry",
    "twice-entry",
    "expired-token",
]
Operation = Literal["register", "cancel", "search", "get", "token", "sts"]
Arrangement = Literal["asked", "backwards", "shuffled"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
OPERATIONS: Final[tuple[Operation, ...]] = get_args(Operation)
# Those of which nothing is carried out, so that fault, latency and the rest do not matter.
TURNED_AWAY: Final = frozenset(
    {"down", "maintenance", "refuse", "reset", "unavailable", "expired-token"}
)


@dataclass(frozen=True, slots=True)
class ModeSet:
    """A mode with what belongs to it: the status of `down`, and when to come back."""

    mode: Mode = "up"
    status: int = 503
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class FaultSet:
    """A SOAP fault: code, and the element of its detail."""

    code: str
    element: str = "SystemError"


@dataclass(frozen=True, slots=True)
class Treatment:
    """What happens to one call.

    Attributes:
        mode: see the table of this module.
        status: HTTP status of `down`.
        retry_after_s: seconds for Retry-After; None leaves it out.
        fault_code: SOAP fault to answer, None for none.
        fault_element: element of its detail.
        latency_ms: wait before the call is carried out.
        drip_ms: the answer comes in small pieces over this time; 0 at once.
        order: of the entries of a batch answer.
        dice: what chance decides inside this call.
        shut_s: the door is shut for this long, 0 not at all.
        skew_ms: the script's clock skew at this moment.
    """

    mode: Mode = "up"
    status: int = 503
    retry_after_s: int | None = None
    fault_code: str | None = None
    fault_element: str = "SystemError"
    latency_ms: int = 0
    drip_ms: int = 0
    order: Arrangement = "asked"
    dice: random.Random = field(default_factory=random.Random, repr=False, compare=False)
    shut_s: float = 0
    skew_ms: int = 0


@final
class Availability:
    """Decides what happens to each call. Belongs to one event loop; not for other threads.

    Args:
        script: disturbances that come by themselves; none if left out.
        seed: of what chance decides for the switches.
    """

    def __init__(self, script: Script | None = None, *, seed: int = 0) -> None:
        self.script = script
        self.shut_door: Callable[[float], None] | None = None
        self._mode: Switch[ModeSet] = Switch()
        self._fault: Switch[FaultSet] = Switch()
        self._latency: Switch[tuple[int, int]] = Switch()
        self._drip: Switch[int] = Switch()
        self._order: Switch[Arrangement] = Switch()
        self._window: tuple[int | None, int | None] | None = None
        self._dice = random.Random(seed)
        self._stalled = 0
        self._released = asyncio.Event()
        self._closing = False

    @property
    def mode(self) -> Mode:
        """The mode the next call will meet, unless its operation has one of its own."""
        return (self._mode.look() or ModeSet()).mode

    @property
    def stalled(self) -> int:
        """Calls that wait in a stall now."""
        return self._stalled

    @property
    def closing(self) -> bool:
        """True once the server is stopping: waiting calls are hung up."""
        return self._closing

    def as_json(self) -> dict[str, object]:
        """Everything that is set, for the console."""
        mode = self._mode.look() or ModeSet()
        fault = self._fault.look()
        low, high = self._latency.look() or (0, 0)
        order = self._order.look() or "asked"
        return {
            "mode": mode.mode,
            "mode_calls": self._mode.calls,
            "status": mode.status,
            "retry_after_s": mode.retry_after_s,
            "fault_code": None if fault is None else fault.code,
            "fault_element": "SystemError" if fault is None else fault.element,
            "fault_calls": self._fault.calls,
            "latency_ms": low,
            "latency_to_ms": high,
            "latency_calls": self._latency.calls,
            "drip_ms": self._drip.look() or 0,
            "drip_calls": self._drip.calls,
            "backwards": order == "backwards",
            "order": order,
            "order_calls": self._order.calls,
            "limited": self._limited(),
            "stalled": self._stalled,
        }

    def _limited(self) -> dict[str, dict[str, object]]:
        found: dict[str, dict[str, object]] = {}
        for name, switch in (
            ("mode", self._mode),
            ("fault", self._fault),
            ("latency", self._latency),
            ("drip", self._drip),
            ("order", self._order),
        ):
            for operation, setting in switch.limited.items():
                value = setting.value
                shown: object = value
                if isinstance(value, ModeSet):
                    shown = value.mode
                elif isinstance(value, FaultSet):
                    shown = value.code
                entry = {"value": shown, "calls": setting.calls}
                found.setdefault(operation, {})[name] = entry
        return found

    def set_mode(
        self,
        mode: Mode,
        calls: int | None = None,
        operations: Iterable[str] = (),
        *,
        status: int = 503,
        retry_after_s: int | None = None,
    ) -> None:
        """Sets the mode, for `calls` calls or for good, and releases stalled calls."""
        value = None if mode == "up" else ModeSet(mode, status, retry_after_s)
        self._mode.put(value, calls, operations)
        self._release()

    def set_fault(
        self, code: str | None, element: str, calls: int | None, operations: Iterable[str] = ()
    ) -> None:
        """Answers the next calls with a SOAP fault; None ends it."""
        self._fault.put(None if code is None else FaultSet(code, element), calls, operations)

    def set_latency(
        self,
        ms: int,
        calls: int | None,
        operations: Iterable[str] = (),
        *,
        to_ms: int | None = None,
        seed: int | None = None,
    ) -> None:
        """Delays the next calls before they are carried out; 0 ends it.

        Args:
            ms: the delay, milliseconds; with `to_ms` the shortest one.
            calls: how many calls; None until changed.
            operations: which ones; none means all.
            to_ms: the longest delay; each call draws one, all equally likely.
            seed: of these draws, when they are to be repeatable from here on.
        """
        high = ms if to_ms is None else to_ms
        self._latency.put((ms, high) if high else None, calls, operations)
        if seed is not None:
            self._dice.seed(seed)

    def set_drip(self, ms: int, calls: int | None, operations: Iterable[str] = ()) -> None:
        """Answers the next calls in small pieces over `ms` milliseconds; 0 ends it."""
        self._drip.put(ms or None, calls, operations)

    def set_order(
        self, order: Arrangement, calls: int | None = None, operations: Iterable[str] = ()
    ) -> None:
        """Answers the items of a batch as asked, last first, or in an order chance decides."""
        self._order.put(None if order == "asked" else order, calls, operations)

    def set_backwards(self, backwards: bool) -> None:
        """Answers the items of a batch last first."""
        self.set_order("backwards" if backwards else "asked")

    def set_maintenance(self, from_ms: int | None, until_ms: int | None) -> None:
        """Closes the service between two instants of the world's time; None is no limit."""
        self._window = (from_ms, until_ms)

    def end_maintenance(self) -> None:
        """Forgets the window."""
        self._window = None

    @property
    def maintenance(self) -> tuple[int | None, int | None] | None:
        """The window, None when there is none."""
        return self._window

    def close(self) -> None:
        """Releases stalled calls for good: the server is stopping."""
        self._closing = True
        self._release()

    def admit(self, operation: str | None = None, now_ms: int = 0) -> Treatment:
        """Says what happens to the call that just came in, and counts it.

        Args:
            operation: which one, None if it cannot be told.
            now_ms: the world's time.
        """
        scripted = Effect() if self.script is None else self.script.meet(operation, now_ms)
        found = self._maintained(now_ms) or self._mode.take(operation)
        if found is None and scripted.mode is not None:
            found = ModeSet(scripted.mode, scripted.status, scripted.retry_after_s)
        found = found or ModeSet()
        if found.mode in TURNED_AWAY:
            return Treatment(
                found.mode,
                found.status,
                found.retry_after_s,
                shut_s=scripted.shut_s,
                skew_ms=scripted.skew_ms,
            )
        fault = self._fault.take(operation)
        if fault is None and scripted.fault is not None:
            fault = FaultSet(scripted.fault, scripted.element)
        latency = self._latency.take(operation)
        return Treatment(
            found.mode,
            fault_code=None if fault is None else fault.code,
            fault_element="SystemError" if fault is None else fault.element,
            latency_ms=scripted.latency_ms if latency is None else self._dice.randint(*latency),
            drip_ms=self._drip.take(operation) or scripted.drip_ms,
            order=self._order.take(operation) or scripted.answers,
            dice=random.Random(self._dice.random() if scripted.chance is None else scripted.chance),
            shut_s=scripted.shut_s,
            skew_ms=scripted.skew_ms,
        )

    def _maintained(self, now_ms: int) -> ModeSet | None:
        if self._window is None:
            return None
        from_ms, until_ms = self._window
        if (from_ms is not None and now_ms < from_ms) or (
            until_ms is not None and now_ms >= until_ms
        ):
            return None
        left_s = None if until_ms is None else -((now_ms - until_ms) // 1000)
        return ModeSet("maintenance", retry_after_s=left_s)

    async def released(self) -> None:
        """Returns when the mode is set again or the server stops."""
        if self._closing:
            return
        self._stalled += 1
        try:
            await self._released.wait()
        finally:
            self._stalled -= 1

    def _release(self) -> None:
        # Calls that wait hold the old event; later ones wait for the new one.
        self._released.set()
        self._released = asyncio.Event()
