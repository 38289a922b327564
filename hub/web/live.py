"""Pushes the board to browsers: says *that* something changed, and sends what looks different.

Theory of operation. Whatever changes the picture calls `Changes.notify`, from any thread. Each
browser has one stream. A stream takes the newest picture, sends the sections whose content differs
from what this browser shows, and waits for the next change, at least `PAUSE_S` (so at most four
events a second however many taps arrive) and at most `BEAT_S`: a picture is taken then too, since
the state of a gate may change without any event, and the browser learns that the stream lives.

An event has no name, so that the page's htmx puts its sections in place (templates/live.html).
The event id is the list of the sections' digests. It says what the browser shows, so a stream can
be resumed with nothing kept here for a browser that left: `Last-Event-ID` comes back and only what
differs is sent. After a restart of the hub no digest is known and everything is sent.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import threading
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

PAUSE_S = 0.25
"""Least time between two events of one stream."""
SHARE = 0.3
"""Most of the time that is spent on making pictures of one site in one language."""
REST_S = 1.0
"""Longest rest for that: a machine that is busy with other things shows what it can."""
BEAT_S = 10.0
"""Most time between two events of one stream; the page calls itself stale after 2.5 of them."""
RECHECK_S = 1.0
"""How long a stream believes that its session is still good."""
RETRY_MS = 2_000
"""What the browser waits before it connects again."""

# A digest of a section that holds one name could be tried against a list of names.
_DIGEST_KEY = secrets.token_bytes(16)
_Waiter = tuple[asyncio.AbstractEventLoop, asyncio.Event]


class Changes:
    """Counts changes and wakes those who wait for one. Safe from every thread.

    Args:
        committed: gives a number that changes with whatever is written to the database; None: of
            that nothing is known.
    """

    def __init__(self, committed: Callable[[], int] | None = None) -> None:
        self._committed = committed
        self._lock = threading.Lock()
        self._version = 0
        self._closed = False
        self._waiters: set[_Waiter] = set()

    @property
    def version(self) -> int:
        """Number of changes so far; read it before the data that it stands for."""
        return self._version

    def committed(self) -> int | None:
        """Returns a number that stands for all that is in the database; None: nobody says."""
        return None if self._committed is None else self._committed()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def notify(self) -> None:
        """Counts one change; never waits for a browser, however often it is called."""
        with self._lock:
            self._version += 1
            waiters, self._waiters = self._waiters, set()
        _wake(waiters)

    def close(self) -> None:
        """Ends every stream, so that a server that waits for its connections can stop."""
        with self._lock:
            self._closed = True
            waiters, self._waiters = self._waiters, set()
        _wake(waiters)

    async def wait(self, since: int) -> int:
        """Returns the version as soon as it is above `since`, or at once when closed."""
        waiter = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            if self._version > since or self._closed:
                return self._version
            self._waiters.add(waiter)
        try:
            await waiter[1].wait()
        finally:
            with self._lock:
                self._waiters.discard(waiter)
        return self._version


def _wake(waiters: set[_Waiter]) -> None:
    for loop, event in waiters:
        try:
            loop.call_soon_threadsafe(event.set)
        except RuntimeError:
            # That loop was closed under its streams: nobody waits there any more.
            continue


@dataclass(frozen=True, slots=True)
class Picture:
    """The board as it looked at one moment.

    Args:
        version: `Changes.version` from before the data was read.
        moment: HTML of the "as of" line, which differs in each picture.
        sections: section id -> HTML, in page order.
    """

    version: int
    moment: str
    sections: Mapping[str, str]
    state: str = field(init=False)
    """Says what these sections look like: one digest for each, in page order."""
    events: dict[str, bytes] = field(init=False, default_factory=dict, repr=False, compare=False)
    """The event for each state that was asked for: most browsers show the same."""

    def __post_init__(self) -> None:
        digests = ".".join(_digest(html) for html in self.sections.values())
        object.__setattr__(self, "state", digests)

    def differing(self, state: str) -> list[str]:
        """Returns the HTML of the sections that look different from `state`, all if unknown."""
        before, now = state.split("."), self.state.split(".")
        if len(before) != len(now):
            return list(self.sections.values())
        pairs = zip(self.sections.values(), before, now, strict=True)
        return [html for html, old, new in pairs if old != new]


def _digest(html: str) -> str:
    return hashlib.blake2s(html.encode(), key=_DIGEST_KEY, digest_size=6).hexdigest()


class SharedPicture:
    """One picture for all streams of one site and language.

    Two pictures begin at least `PAUSE_S` apart, and what the last one took is followed by a rest,
    so that no more than a share of the time goes there, but none longer than `REST_S`: who looks at
    the board must not slow down those who tap.

    Args:
        take: makes a picture of a version above the one given; slow, so it runs in a thread by
            itself.
        share: of the time, above 0 and at most 1.
    """

    def __init__(self, take: Callable[[int], Awaitable[Picture]], share: float = SHARE) -> None:
        self._take = take
        self._share = share
        self._lock = asyncio.Lock()
        self._picture: Picture | None = None
        self._began = 0.0
        self._next = 0.0

    async def get(self, newer_than: int = -1) -> Picture:
        """Returns a picture of a version above `newer_than`, or a fresh one.

        A first look is served at once from what others see; who waits for a change gets the
        picture that holds it as soon as one may be taken.
        """
        loop = asyncio.get_running_loop()
        asked = loop.time()
        async with self._lock:
            if self._picture is not None and (
                # Begun after this was asked for, so it is fresh: fifty who ask at once get one.
                self._began >= asked
                or (self._picture.version > newer_than and loop.time() < self._next)
            ):
                return self._picture
            await asyncio.sleep(self._next - loop.time())
            began = loop.time()
            self._picture = await self._take(newer_than)
            ended = loop.time()
            rest = min((ended - began) * (1 / self._share - 1), REST_S)
            self._began, self._next = began, max(began + PAUSE_S, ended + rest)
            return self._picture


def as_event(picture: Picture, state: str) -> bytes:
    """Returns the server-sent event that brings a page from `state` to the picture."""
    if (event := picture.events.get(state)) is not None:
        return event
    html = "\n".join([picture.moment, *picture.differing(state)])
    lines = [f"id: {picture.state}"]
    lines += [f"data: {line.strip()}" for line in html.splitlines() if line.strip()]
    event = picture.events[state] = ("\n".join(lines) + "\n\n").encode()
    return event


async def stream(
    changes: Changes, get: Callable[[int], Awaitable[Picture]], state: str
) -> AsyncIterator[bytes]:
    """Yields server-sent events until the browser leaves or `changes` is closed.

    Args:
        changes: what wakes the stream.
        get: gives a picture of a version above the one given, or a fresh one.
        state: what the browser shows already (an event id); empty for nothing.
    """
    yield f"retry: {RETRY_MS}\n\n".encode()
    version = -1
    while not changes.closed:
        picture = await get(version)
        yield as_event(picture, state)
        version, state = picture.version, picture.state
        await asyncio.sleep(PAUSE_S)
        try:
            await asyncio.wait_for(changes.wait(version), BEAT_S - PAUSE_S)
        except TimeoutError:
            continue  # the beat: nothing was notified, look all the same


async def while_allowed(
    events: AsyncIterator[bytes], allowed: Callable[[], Awaitable[bool]]
) -> AsyncIterator[bytes]:
    """Passes the events on until whom they are for may see them no more.

    It is asked again before each event, but not within `RECHECK_S` of the last time: who is logged
    out or shut out hears nothing new after that.
    """
    loop = asyncio.get_running_loop()
    checked = loop.time()
    async for event in events:
        if loop.time() - checked >= RECHECK_S:
            if not await allowed():
                return
            checked = loop.time()
        yield event


async def compressed(events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yields the events gzipped, each complete when it is yielded: one company of a board that
    changes makes a small event, since the rest repeats what went before."""
    # Level 1: a phone on the site's Wi-Fi waits for bytes, a Raspberry Pi for every millisecond.
    deflate = zlib.compressobj(level=1, wbits=16 + zlib.MAX_WBITS)
    async for event in events:
        yield deflate.compress(event) + deflate.flush(zlib.Z_SYNC_FLUSH)
    yield deflate.flush()
