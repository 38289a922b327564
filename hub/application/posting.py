"""Takes messages from the outbox and hands them over, until each is taken or given up.

Theory of operation. One message after the other, the oldest first. What becomes of it:

    taken                                   sent, and its channel is well
    nobody answers                          tried again; the channel waits 30 s, then twice as long
                                            each time, up to an hour
    this message is not taken now           tried again; it alone waits, as long
    our access or a setting is refused      tried again; the channel waits 15 minutes
    this message will never be taken        given up at once; the others go on
    older than KEEP_TRYING_MS               given up

A channel that waits holds back its own messages only, so that a mail server that is away does not
delay the others, and is not called for each message that waits. All of it is in the store: a
restart goes on where it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from hub.application.mailing import Notice, PostponedError, Sender
from hub.errors import PermanentError, SitegateError, StoppedError, UsageError

FIRST_MS: Final = 30_000
LONGEST_MS: Final = 3_600_000
STOPPED_MS: Final = 15 * 60_000
KEEP_TRYING_MS: Final = 3 * 24 * 3_600_000
"""What a message told of is settled by then, or was told by another."""
LOOK_MS: Final = 5_000
TOO_OLD: Final = "HUB-1812"

log = structlog.get_logger()


def pause_ms(failures: int) -> int:
    """Returns how long a channel waits after so many failures in a row, 1 or more."""
    return min(FIRST_MS << min(failures - 1, 20), LONGEST_MS)


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How one channel goes.

    Args:
        channel: `mail`, `webhook` or `others`.
        failures: in a row; 0 when the last message was taken.
        next_try_ms: not before this, UTC milliseconds.
        code: of the last failure, empty when the last message was taken.
        last_sent_ms: when a message was last taken; None for never.
        waiting: messages that wait for it.
        oldest_ms: since when the oldest of them waits; None when none does.
    """

    channel: str
    failures: int = 0
    next_try_ms: int = 0
    code: str = ""
    last_sent_ms: int | None = None
    waiting: int = 0
    oldest_ms: int | None = None


class PostPort(Protocol):
    """Where messages wait and channels are remembered; each call is one transaction."""

    def channels(self) -> dict[str, ChannelState]:
        """Returns every channel that was ever used, by name."""
        ...

    def oldest(self, channel: str, now_ms: int) -> tuple[Notice, int] | None:
        """Returns the oldest message of a channel that may be tried now, and how often it failed;
        None when none may."""
        ...

    def sent(self, handle: str, at_ms: int) -> None:
        """The other side has taken it."""
        ...

    def given_up(self, handle: str, code: str, at_ms: int) -> None:
        """It will never be sent."""
        ...

    def failed(self, handle: str, code: str, next_try_ms: int) -> None:
        """It was not taken; its channel waits until then, UTC milliseconds."""
        ...

    def postponed(self, handle: str, code: str, next_try_ms: int) -> None:
        """It was not taken; it waits until then, and its channel is well."""
        ...


class Posting:
    """Hands messages over; one thread steps it.

    Args:
        port: the outbox.
        senders: by channel.
        clock: UTC milliseconds.
        changed: called after something a page shows has changed.
    """

    def __init__(
        self,
        port: PostPort,
        senders: Mapping[str, Sender],
        clock: Callable[[], int],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._port = port
        self._senders = senders
        self._clock = clock
        self._changed = changed

    def step(self) -> int:
        """Hands over what can be handed over now; returns when to look again, UTC milliseconds."""
        wakes = [self._clock() + LOOK_MS]
        for channel, sender in self._senders.items():
            while True:
                now_ms = self._clock()
                state = self._port.channels().get(channel) or ChannelState(channel)
                if now_ms < state.next_try_ms <= now_ms + LONGEST_MS:
                    wakes.append(state.next_try_ms)
                    break
                found = self._port.oldest(channel, now_ms)
                if found is None:
                    break
                self._hand_over(sender, *found, state)
                self._changed()
        return min(wakes)

    def _hand_over(
        self, sender: Sender, notice: Notice, attempts: int, state: ChannelState
    ) -> None:
        now_ms = self._clock()
        if now_ms - notice.made_ms > KEEP_TRYING_MS:
            log.warning("notice given up", code=TOO_OLD, channel=notice.channel)
            self._port.given_up(notice.handle, TOO_OLD, now_ms)
            return
        try:
            sender.send(notice)
        except PermanentError as error:
            log.warning("notice given up", code=error.code, channel=notice.channel)
            self._port.given_up(notice.handle, error.code, self._clock())
        except PostponedError as error:
            log.warning("notice not sent", code=error.code, channel=notice.channel)
            wait_ms = pause_ms(attempts + 1)
            self._port.postponed(notice.handle, error.code, self._clock() + wait_ms)
        except SitegateError as error:
            refused = isinstance(error, StoppedError | UsageError)
            wait_ms = STOPPED_MS if refused else pause_ms(state.failures + 1)
            log.warning("notice not sent", code=error.code, channel=notice.channel)
            self._port.failed(notice.handle, error.code, self._clock() + wait_ms)
        else:
            self._port.sent(notice.handle, self._clock())


class Stepped(Protocol):
    """Something that is stepped until the hub ends."""

    def step(self) -> int:
        """Does what is due; returns when to call again, UTC milliseconds."""
        ...


class StepThread:
    """Steps something until it is stopped; a defect ends a step and never the thread.

    Args:
        name: of the thread, and of the log line about a defect.
        stepped: what is stepped, by this thread only.
        clock: UTC milliseconds.
    """

    DEFECT_MS: Final = 60_000

    def __init__(self, name: str, stepped: Stepped, clock: Callable[[], int]) -> None:
        self._name = name
        self._stepped = stepped
        self._clock = clock
        self._stopping = threading.Event()
        self._news = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do; returns at once."""
        self._news.set()

    def stop(self, timeout_s: float | None = None) -> bool:
        """Ends the thread after the step that is under way; returns False when it still runs.

        Args:
            timeout_s: seconds to wait for it; None waits for ever.
        """
        self._stopping.set()
        self._news.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._news.clear()
            now_ms = self._clock()
            try:
                wake_ms = self._stepped.step()
            except Exception as error:  # noqa: BLE001 - the next alert must be told
                # The text of an unexpected error may hold anything: only its kind is logged.
                log.error("step failed", thread=self._name, error=type(error).__name__)
                wake_ms = now_ms + self.DEFECT_MS
            wait_ms = min(max(0, wake_ms - self._clock()), self.DEFECT_MS)
            self._news.wait(wait_ms / 1000)
