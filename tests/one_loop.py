"""Applications that are asked without a server answer in one event loop for all tests of a worker.

A test client that was not entered begins an event loop and two threads for each request: two of
the six milliseconds that the smallest request took. What an application must not carry over from
one loop to the next it does not carry over in a running hub either, which has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi.testclient import TestClient

_open = ExitStack()
_portal: BlockingPortal | None = None


def begin() -> None:
    """From here on, one."""
    TestClient._portal_factory = _shared  # pyright: ignore[reportAttributeAccessIssue]


def end() -> None:
    """Ends the loop, if there is one."""
    global _portal
    _open.close()
    _portal = None


@contextmanager
def _shared(client: TestClient) -> Iterator[BlockingPortal]:
    global _portal
    if client.portal is not None:
        yield client.portal
        return
    if _portal is None:
        _portal = _open.enter_context(start_blocking_portal("asyncio"))
    yield _portal
