"""The outbox that the forwarder's tests use keeps the contract of every outbox."""

from __future__ import annotations

import pytest

from tests.hub.memory_outbox import MemoryOutbox
from tests.hub.outbox_contract import OutboxBench, OutboxContract


class TestMemoryOutbox(OutboxContract):
    @pytest.fixture
    def bench(self) -> OutboxBench:
        return MemoryOutbox()
