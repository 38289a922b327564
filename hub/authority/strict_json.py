"""JSON of somebody else, read so that nothing in it can surprise.

Python's reader takes more than the standard allows (RFC 8259): not-a-number, a name given twice,
numbers of any length. Two readers that disagree about a message are how a hostile one gets past a
check, so all that is refused here.
"""

from __future__ import annotations

import json
from typing import NoReturn

from hub.authority.answers import Unreadable


def read_json(content: bytes) -> object:
    """Returns the value of a JSON text in UTF-8.

    Raises:
        Unreadable: `malformed`: no such text, a name twice in one object, `NaN`, `Infinity`, or
            nested too deeply to be read.
    """
    try:
        return json.loads(
            content.decode("utf-8"), object_pairs_hook=_named_once, parse_constant=_no_number
        )
    except (ValueError, RecursionError):
        pass
    # Outside the handler: the library's error holds the whole text.
    raise Unreadable("malformed")


def _named_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _no_number(text: str) -> NoReturn:
    raise ValueError
