"""Topics and terminal ids."""

from __future__ import annotations

import pytest

from protocol import topics
from protocol.errors import LocalProtocolError, MalformedError


@pytest.mark.parametrize("leaf", ["batch", "control", "status"])
def test_up_topics_are_read_back(leaf: str) -> None:
    topic = topics.up_topic("gate-1", leaf)
    assert topic == f"sitegate/1/gate-1/up/{leaf}"
    assert topics.parse_topic(topic) == ("gate-1", "up", leaf)


@pytest.mark.parametrize("leaf", ["control", "roster"])
def test_down_topics_are_read_back(leaf: str) -> None:
    topic = topics.down_topic("gate-1", leaf)
    assert topic == f"sitegate/1/gate-1/down/{leaf}"
    assert topics.parse_topic(topic) == ("gate-1", "down", leaf)


@pytest.mark.parametrize("terminal", ["a", "7", "-", "gate-1", "x" * 24])
def test_terminal_ids(terminal: str) -> None:
    assert topics.valid_terminal_id(terminal)
    topic = topics.down_topic(terminal, "control")
    assert topics.parse_topic(topic) == (terminal, "down", "control")


@pytest.mark.parametrize(
    "terminal", ["", "x" * 25, "Gate", "gate_1", "gate/1", "+", "#", "gáte", "gate 1", "gate\n"]
)
def test_what_is_no_terminal_id(terminal: str) -> None:
    assert not topics.valid_terminal_id(terminal)
    for build in (topics.up_topic, topics.down_topic):
        with pytest.raises(LocalProtocolError):
            build(terminal, "control")
    with pytest.raises(MalformedError):
        topics.parse_topic(f"sitegate/1/{terminal}/up/control")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "sitegate",
        "sitegate/1/gate-1/up",
        "sitegate/1/gate-1/up/batch/x",
        "sitegate/2/gate-1/up/batch",
        "sitegat/1/gate-1/up/batch",
        "/sitegate/1/gate-1/up/batch",
        "sitegate/1/gate-1/up/roster",
        "sitegate/1/gate-1/down/batch",
        "sitegate/1/gate-1/down/status",
        "sitegate/1/gate-1/sideways/batch",
        "sitegate/1/gate-1/up/BATCH",
        "sitegate/1/" + "/" * 1000,
    ],
)
def test_other_topics_are_refused(topic: str) -> None:
    with pytest.raises(MalformedError):
        topics.parse_topic(topic)


def test_a_leaf_goes_one_way() -> None:
    with pytest.raises(LocalProtocolError):
        topics.up_topic("gate-1", "roster")
    with pytest.raises(LocalProtocolError):
        topics.down_topic("gate-1", "batch")
