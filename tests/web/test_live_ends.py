"""A live stream ends with the session that opened it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from hub.web import live
from hub.web.live import while_allowed


def heard(answers: list[bool]) -> list[bytes]:
    """The events that came through, while the session is asked after in this order."""

    async def events() -> AsyncIterator[bytes]:
        for number in range(5):
            yield b"%d" % number

    async def allowed() -> bool:
        return answers.pop(0)

    async def run() -> list[bytes]:
        return [event async for event in while_allowed(events(), allowed)]

    return asyncio.run(run())


def test_nothing_comes_after_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "RECHECK_S", 0.0)
    assert heard([True, True, False]) == [b"0", b"1"]
    assert heard([False]) == []
    assert heard([True] * 5) == [b"0", b"1", b"2", b"3", b"4"]


def test_the_session_is_not_asked_after_all_the_time() -> None:
    assert live.RECHECK_S <= 1.0
    assert heard([]) == [b"0", b"1", b"2", b"3", b"4"]
