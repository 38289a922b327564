"""Topics of protocol version 1: ``sitegate/1/<terminal>/up|down/<leaf>``.

| topic | from | payload |
| --- | --- | --- |
| up/batch | terminal | batch (`batch`) |
| up/control | terminal | control message (`messages`) |
| up/status | terminal, or its last will | ``online`` or ``offline``, retained, a hint without MAC |
| down/control | hub | control message (`messages`) |
| down/roster | hub | roster chunk (`roster`) |
| down/changes | hub | chunk of changes to a roster (`roster`) |
| down/firmware | hub | piece of an update |
"""

from protocol.errors import LocalProtocolError, MalformedError
from protocol.limits import TERMINAL_ID_MAX

UP_LEAVES = ("batch", "control", "status")
DOWN_LEAVES = ("control", "roster", "changes", "firmware")

STATUS_ONLINE = b"online"
STATUS_OFFLINE = b"offline"

_ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
_TOPIC_MAX = len("sitegate/1//down/firmware") + TERMINAL_ID_MAX


def valid_terminal_id(terminal: str) -> bool:
    """Returns whether `terminal` is 1..24 characters of a-z, 0-9 and hyphen."""
    if not 1 <= len(terminal) <= TERMINAL_ID_MAX:
        return False
    return all(character in _ID_CHARACTERS for character in terminal)


def up_topic(terminal: str, leaf: str) -> str:
    """Returns the topic a terminal publishes `leaf` on: batch, control or status.

    Raises:
        LocalProtocolError: not a terminal id, or not a leaf of this direction.
    """
    if leaf not in UP_LEAVES or not valid_terminal_id(terminal):
        raise LocalProtocolError("topic")
    return f"sitegate/1/{terminal}/up/{leaf}"


def down_topic(terminal: str, leaf: str) -> str:
    """Returns the topic the hub publishes `leaf` on, one of DOWN_LEAVES.

    Raises:
        LocalProtocolError: not a terminal id, or not a leaf of this direction.
    """
    if leaf not in DOWN_LEAVES or not valid_terminal_id(terminal):
        raise LocalProtocolError("topic")
    return f"sitegate/1/{terminal}/down/{leaf}"


def parse_topic(topic: str) -> tuple[str, str, str]:
    """Returns (terminal, ``"up"`` or ``"down"``, leaf) of a topic of this protocol.

    Raises:
        MalformedError: any other topic.
    """
    if len(topic) <= _TOPIC_MAX:
        parts = topic.split("/")
        if len(parts) == 5 and parts[0] == "sitegate" and parts[1] == "1":
            terminal, direction, leaf = parts[2], parts[3], parts[4]
            known = (direction == "up" and leaf in UP_LEAVES) or (
                direction == "down" and leaf in DOWN_LEAVES
            )
            if known and valid_terminal_id(terminal):
                return terminal, direction, leaf
    raise MalformedError("topic")
