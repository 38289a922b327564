"""Asking something that may not answer, without waiting longer than one can afford.

A locked or damaged database, or a disk that hangs, may keep a question for a minute. Whoever needs
a list *now* gives up after a limit. As long as a question that was given up still hangs, no other
one is asked: each would wait as long, and hold a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")
LIMIT_S: Final = 2.0


class Unanswered(Exception):
    """There was no answer in time; ask again later."""


class _Asked(Generic[T]):
    def __init__(self, question: Callable[[], T]) -> None:
        self._question = question
        self.done = threading.Event()
        self.answer: T | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.answer = self._question()
        except BaseException as error:  # noqa: BLE001 - handed to who asked
            self.error = error
        finally:
            self.done.set()


class Prompt:
    """Asks, each question in a thread of its own. Safe from every thread.

    Args:
        limit_s: seconds to wait, above 0.
    """

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._given_up: set[_Asked[Any]] = set()

    @property
    def hanging(self) -> bool:
        """Whether a question that was given up has still no answer."""
        with self._lock:
            self._given_up = {one for one in self._given_up if not one.done.is_set()}
            return bool(self._given_up)

    def ask(self, question: Callable[[], T], limit_s: float | None = None) -> T:
        """Returns what `question` returns, raises what it raises.

        Args:
            limit_s: seconds to wait this time; None for the usual limit.

        Raises:
            Unanswered: it took too long, or an earlier one still hangs.
        """
        if self.hanging:
            raise Unanswered
        asked = _Asked(question)
        # A daemon: the end of the process does not wait for what hangs.
        threading.Thread(target=asked.run, name="prompt", daemon=True).start()
        if not asked.done.wait(self._limit_s if limit_s is None else limit_s):
            with self._lock:
                self._given_up.add(asked)
            raise Unanswered
        if asked.error is not None:
            raise asked.error
        return asked.answer  # pyright: ignore[reportReturnType]
