"""Due registrations go to the authority and come back with a number; none is sent again blindly.

Theory of operation. There is one lane for each regime, and in it several senders and one who takes
care, each with a forwarder, an outbox and a connection of his own; they share the pace, so that one
call decides whether a service is back. A step does up to four things, and the outbox keeps each
before the next begins:

    recover   what an interrupted step left in `sending`, and any lease that ran out: `in_doubt`
    lapse     what was not sent within its legal window is never sent
    send      what is `due` is claimed (`sending`, committed) and registered, up to 200 in a call
    care      what is `in_doubt` is searched (`doubt`), what is to be withdrawn is (`cancelling`),
              and what has its number is read again (`watch`)

What a call brings decides where its items go:

    an answer for each item  registered with its number, or refused with the authority's errors
    TransientError           due again after a growing wait; nothing was stored
    StoppedError             due again; no call for five minutes, and an alarm
    PermanentError           the item to blame is found (`isolation`) and refused, the others go;
                             at once when the service says which it is
    InDoubtError             in_doubt: searched before anything else is done with it
    anything else            a defect: the next step begins with `recover`

An item that was in doubt travels with ever fewer others, so that one which makes the service fall
over does not keep 199 people in doubt with it. Sending and looking up keep their own pace: a
refused search must not stop registrations.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import time
from itertools import groupby
from random import Random
from typing import Literal

from hub.application.cancelling import CancelDesk
from hub.application.doubt import SETTLE_MS, DoubtSearch
from hub.application.isolation import Isolation
from hub.application.outbox import Claim, OutboxPort
from hub.application.pace import Pace, PaceState, asked_wait_ms
from hub.application.ports import BATCH_MAX, AuthorityPort, Refused
from hub.application.watch import Watch
from hub.application.windows import DayWindow, Window
from hub.domain.causes import Cause
from hub.errors import (
    InDoubtError,
    LocalProtocolError,
    PermanentError,
    SitegateError,
    StoppedError,
    TransientError,
)

IDLE_MS = 30_000
"""Longest time between two steps; what becomes due by the clock alone waits at most this long."""
STOP_MS = 300_000
"""No call for this long after our access was refused."""
BROKEN_MS = 60_000
"""No call for this long after a defect of ours."""
ISOLATE_CALLS_MAX = 40
"""Most calls for one refused batch, about what four bad items of 200 need."""
ALONE = 4
"""How many lost answers make an item travel alone."""

_URGENCY: list[PaceState] = ["unknown", "ok", "retrying", "stopped"]


@dataclass(frozen=True, slots=True)
class ForwardStatus:
    """How forwarding stands, for pages and alarms: the worst of sending and taking care.

    Args:
        state: `ok`, `retrying` (goes on by itself), `stopped` (needs a human) or `unknown`
            (nothing was sent yet).
        last_success_ms: last usable answer, UTC milliseconds.
        next_try_ms: next call while it waits, UTC milliseconds.
        error_code: stable code of what is wrong, empty for nothing.
    """

    state: PaceState = "unknown"
    last_success_ms: int | None = None
    next_try_ms: int | None = None
    error_code: str = ""

    @property
    def alarm(self) -> bool:
        """Somebody must act."""
        return self.state == "stopped"


def worst(statuses: Sequence[ForwardStatus]) -> ForwardStatus:
    """Returns how several stand together: as the worst of them, with the newest success of all."""
    status = max(statuses, key=lambda one: _URGENCY.index(one.state))
    newest = max(
        (s.last_success_ms for s in statuses if s.last_success_ms is not None), default=None
    )
    return replace(status, last_success_ms=newest)


class Forwarder:
    """Brings every due registration to the authority or says why not; one thread steps it.

    Args:
        outbox: where registrations and their states are kept.
        authority: the service; its calls block.
        clock: UTC milliseconds. One step may take minutes, so the time is read again and again.
        random: source of the jitter.
        settle_ms: milliseconds after a lost answer before an absence is believed.
        window: when the service takes an item.
        sending: the pace of sending, shared by the senders of a lane; None: its own.
        sends: this one sends.
        cares: this one lapses, looks up, withdraws and watches.
        close_at: local time of the next day at which a legal day is closed.
        monotonic: milliseconds that no setting of the clock moves; None: `clock` does.
        doubted: called when something came in doubt, for whoever looks it up.
        more: called when more is due than one call carries, or the service is back: for the other
            senders.
    """

    def __init__(
        self,
        outbox: OutboxPort,
        authority: AuthorityPort,
        clock: Callable[[], int],
        random: Random,
        settle_ms: int = SETTLE_MS,
        *,
        window: Window | None = None,
        sending: Pace | None = None,
        sends: bool = True,
        cares: bool = True,
        close_at: time = time(6),
        monotonic: Callable[[], int] | None = None,
        doubted: Callable[[], None] = lambda: None,
        more: Callable[[], None] = lambda: None,
    ) -> None:
        self._outbox = outbox
        self._authority = authority
        self._clock = clock
        self._window = window or DayWindow()
        self._sending = sending or Pace(random)
        self._sends = sends
        self._cares = cares
        self._doubted = doubted
        self._more = more
        self._search = DoubtSearch(
            outbox, authority, clock, random, settle_ms, self._window, monotonic
        )
        self._cancels = CancelDesk(outbox, authority, clock, Pace(random), settle_ms)
        self._watch = Watch(outbox, authority, clock, Pace(random), close_at)
        # A step that did not end, by a crash or an exception, may have left items in `sending`.
        self._interrupted = True
        # How often the answer for a registration was lost, while it has none.
        self._doubts: dict[str, int] = {}
        self._halted = threading.Event()

    def step(self) -> int:
        """Does all that can be done now; returns when to step again, UTC milliseconds.

        What it raises is a defect of ours; the next step begins by putting in doubt what this one
        left in `sending`.
        """
        now_ms = self._clock()
        if self._interrupted or self._cares:
            self._outbox.recover(now_ms)
        self._interrupted = True
        wakes = [now_ms + IDLE_MS]
        if self._cares:
            self._outbox.lapse_over(now_ms)
        if self._sends:
            # Sending first: a defect in searching must not keep registrations from leaving.
            wakes.append(self._send())
        if self._cares:
            for care in (self._search, self._cancels, self._watch):
                if self._halted.is_set():
                    break
                wakes.append(care.step())
        self._interrupted = False
        return min(wakes)

    def status(self) -> ForwardStatus:
        """Returns how forwarding stands; any thread may ask."""
        return self._summary()

    def broke(self) -> int:
        """Notes a defect: calls wait and the alarm is up; returns when to step again."""
        now_ms = self._clock()
        self._sending.stopped(now_ms, "HUB-1319", BROKEN_MS)
        return now_ms + BROKEN_MS

    def halt(self) -> None:
        """Ends a running step after its present call; any thread may ask."""
        self._halted.set()

    # ---------------------------------------------------------------- sending

    def _send(self) -> int:
        now_ms = self._clock()
        if not self._sending.admit(now_ms):
            # Ready and not admitted: another sender's call decides, and he will say when it has.
            return self._sending.next_try_ms if not self._sending.ready(now_ms) else now_ms + 1000
        claims = self._sendable(self._outbox.claim(now_ms, BATCH_MAX), now_ms)
        if not claims:
            self._sending.not_called()
            self._note_recovery()
            return now_ms + IDLE_MS
        if not self._sending.ready(self._clock()):
            # Another sender's call failed while this one claimed: nobody adds a call to that.
            self._sending.not_called()
            self._give_back(claims)
            return self._sending.next_try_ms
        if len(claims) == BATCH_MAX:
            self._more()
        batches = list(self._batches(claims))
        while batches:
            batch = batches.pop(0)
            outcome = self._register(batch)
            if isinstance(outcome, SitegateError):
                outcome = self._isolate(batch, outcome)
            if outcome == "halt":
                self._give_back([claim for rest in batches for claim in rest])
                return max(self._sending.next_try_ms, now_ms)
            if batches:
                self._outbox.extend(
                    [claim.reference for rest in batches for claim in rest], self._clock()
                )
        return now_ms

    def _note_recovery(self) -> None:
        """Ends the retrying of which nothing is left, once a search has shown the service alive."""
        alive_ms = self._search.pace.last_success_ms
        if alive_ms is not None and self._sending.retrying_since(alive_ms):
            self._sending.succeeded(alive_ms)

    def _sendable(self, claims: Sequence[Claim], now_ms: int) -> list[Claim]:
        """Returns what the service takes at this moment; what it will take later waits."""
        over = [c.reference for c in claims if self._window.closes_ms(c.item) <= now_ms]
        if over:
            # Its window closed between this step's lapse and its claim.
            self._outbox.back_to_due(over, self._window.lapsed, now_ms, now_ms)
            self._outbox.lapse_over(now_ms)
        left = [claim for claim in claims if claim.reference not in over]
        for claim in left:
            opens_ms = self._window.opens_ms(claim.item)
            if opens_ms > now_ms:
                self._outbox.back_to_due([claim.reference], Cause.TOO_EARLY, opens_ms, now_ms)
        return [claim for claim in left if self._window.opens_ms(claim.item) <= now_ms]

    def _batches(self, claims: Sequence[Claim]) -> Iterator[list[Claim]]:
        """Yields the calls to make: fresh items together, those in doubt before in small company:
        50, then 12, then 3, then alone."""

        def doubts(claim: Claim) -> int:
            return self._doubts.get(claim.reference, 0)

        for times, group in groupby(sorted(claims, key=doubts), key=doubts):
            size = max(1, BATCH_MAX >> 2 * times)
            alike = list(group)
            for start in range(0, len(alike), size):
                yield alike[start : start + size]

    def _register(self, claims: Sequence[Claim]) -> SitegateError | Literal["answered", "halt"]:
        """Makes one call and keeps what it brought; a refusal of the whole call is returned."""
        now_ms = self._clock()
        if self._halted.is_set() or any(
            self._window.closes_ms(claim.item) <= now_ms for claim in claims
        ):
            # Calls before this one may have taken until after midnight.
            self._sending.not_called()
            self._give_back(claims)
            return "halt"
        try:
            results = self._authority.register([claim.item for claim in claims])
        except TransientError as error:
            self._sending.failed(self._clock(), error.code, asked_wait_ms(error))
            self._give_back(claims)
            return "halt"
        except StoppedError as error:
            self._sending.stopped(self._clock(), error.code, STOP_MS)
            self._give_back(claims, Cause.ACCESS_REFUSED)
            return "halt"
        except InDoubtError as error:
            now_ms = self._clock()
            self._outbox.in_doubt([claim.reference for claim in claims], now_ms)
            self._sending.failed(now_ms, error.code)
            self._doubted()
            for claim in claims:
                self._doubts[claim.reference] = self._doubts.get(claim.reference, 0) + 1
            return "halt"
        except (PermanentError, LocalProtocolError) as error:
            # What our own contract check keeps back is as harmless as what the service refuses.
            return error
        now_ms = self._clock()
        was_away = self._sending.state in ("retrying", "stopped")
        self._sending.succeeded(now_ms)
        if was_away:
            self._more()
        self._outbox.answered(results, now_ms)
        self._forget_doubts(claims)
        missing = {claim.reference for claim in claims} - {result.reference for result in results}
        if missing:
            # No adapter of ours does this; if one did, those people must not be forgotten.
            self._outbox.in_doubt(sorted(missing), now_ms)
            self._doubted()
        return "answered"

    def _isolate(
        self, batch: Sequence[Claim], refusal: SitegateError
    ) -> Literal["answered", "halt"]:
        """Refuses the items to blame for a refused call, with their own refusal; sends the others.

        When all those calls pass nothing, the service refuses everything and no item is to blame:
        they wait, and somebody is called.
        """
        named = _blamed(batch, refusal)
        if named:
            self._refuse([(claim, refusal) for claim in named])
            self._give_back([claim for claim in batch if claim not in named])
            return "answered"
        isolation = Isolation(batch, refusal)
        calls = 0
        halted = False
        while calls < ISOLATE_CALLS_MAX and not halted and not isolation.done:
            part = isolation.next()
            if not part:
                break
            calls += 1
            in_hand = [claim.reference for claim in [*part, *isolation.left()]]
            self._outbox.extend(in_hand, self._clock())
            outcome = self._register(part)
            if outcome == "answered":
                isolation.answered()
            elif outcome == "halt":
                halted = True
            else:
                isolation.refused(outcome)
        left = isolation.left()
        bad = [claim for claim, _ in isolation.bad]
        if left and not halted and not isolation.passed:
            self._sending.stopped(self._clock(), "HUB-1320", STOP_MS)
            self._give_back(left + bad)
            return "halt"
        self._refuse(isolation.bad)
        for claim in isolation.suspected:
            self._doubts[claim.reference] = ALONE
        self._give_back([*left, *isolation.suspected])
        if halted:
            return "halt"
        self._sending.succeeded(self._clock())
        return "answered"

    def _refuse(self, bad: Sequence[tuple[Claim, SitegateError]]) -> None:
        if bad:
            self._outbox.answered(
                [Refused(claim.reference, _errors(error)) for claim, error in bad], self._clock()
            )
            self._forget_doubts([claim for claim, _ in bad])

    def _give_back(self, claims: Sequence[Claim], cause: Cause = Cause.NOT_CARRIED_OUT) -> None:
        """Makes claims due again of which nothing was stored."""
        if claims:
            now_ms = self._clock()
            next_try_ms = max(now_ms, self._sending.next_try_ms)
            references = [claim.reference for claim in claims]
            self._outbox.back_to_due(references, cause, next_try_ms, now_ms)

    def _forget_doubts(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            self._doubts.pop(claim.reference, None)

    def _summary(self) -> ForwardStatus:
        paces = (self._sending, self._search.pace, self._cancels.pace, self._watch.pace)
        worst = max(paces, key=lambda pace: _URGENCY.index(pace.state))
        waits = worst.state in ("retrying", "stopped")
        return ForwardStatus(
            state=worst.state,
            last_success_ms=max(
                (pace.last_success_ms for pace in paces if pace.last_success_ms is not None),
                default=None,
            ),
            next_try_ms=worst.next_try_ms if waits else None,
            error_code=worst.error_code,
        )


def _blamed(batch: Sequence[Claim], refusal: SitegateError) -> list[Claim]:
    """Returns the items that the service itself named as the reason, none when it named none."""
    named = refusal.extra.get("items")
    if not isinstance(named, tuple) or not 0 < len(named) < len(batch):
        return []
    if not all(isinstance(index, int) and 0 <= index < len(batch) for index in named):
        return []
    return [batch[index] for index in sorted(set(named))]


def _errors(refusal: SitegateError) -> tuple[tuple[str, str], ...]:
    """What is kept of a refusal: our code, and that of the authority where it gave one."""
    return ((refusal.code, str(refusal.extra.get("fault", ""))),)
