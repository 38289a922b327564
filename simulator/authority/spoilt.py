"""An answer spoilt on its way out: lost, halved, slow, garbled, its entries in disorder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Final, cast, final

from starlette.types import Message, Receive, Scope, Send

from simulator.authority import tree
from simulator.authority.availability import Treatment
from simulator.authority.connection import gone, hang_up
from simulator.authority.messages import MESSAGES

_BATCHES: Final = (
    f"{{{MESSAGES}}}RegisterPresencesResponse",
    f"{{{MESSAGES}}}CancelPresencesResponse",
)
_PIECES: Final = 20
_GARBAGE: Final = b"\x00\x9f\x92\x96<<<{{{ neither one thing nor the other \xff\xfe" * 4


@final
class Answer:
    """An answer that was caught on its way out."""

    def __init__(self) -> None:
        self._start: Message = {}
        self.body = b""

    async def take(self, message: Message) -> None:
        """Stands for `send` while the answer is made."""
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            self.body += cast("bytes", message.get("body", b""))

    async def leave(self, treatment: Treatment, scope: Scope, receive: Receive, send: Send) -> None:
        """Goes out as the treatment has it, or not at all."""
        match treatment.mode:
            case "drop-after-commit" | "reset-after-commit":
                await hang_up(scope, receive, reset=treatment.mode == "reset-after-commit")
            case "half":
                await self._give(send, self.body[: len(self.body) // 2], length=len(self.body))
                await hang_up(scope, receive)
            case _:
                await self._drip(send, receive, self._spoilt(treatment), treatment.drip_ms)

    def _spoilt(self, treatment: Treatment) -> bytes:
        """The body as it is to arrive."""
        if treatment.mode == "truncate":
            return self.body[: len(self.body) // 2]
        if treatment.mode == "garbage":
            return _GARBAGE
        entries = treatment.mode in ("missing-entry", "twice-entry")
        if (not entries and treatment.order == "asked") or self._start.get("status") != 200:
            return self.body
        try:
            return _rearranged(self.body, treatment)
        except (tree.NotXmlError, ValueError):
            # No batch in it, so nothing to rearrange.
            return self.body

    async def _give(self, send: Send, body: bytes, *, length: int) -> None:
        """Sends head and body; a length beyond the body leaves the answer open."""
        headers = [
            (name, value)
            for name, value in cast("list[tuple[bytes, bytes]]", self._start["headers"])
            if name.lower() != b"content-length"
        ]
        headers.append((b"content-length", str(length).encode()))
        await send({**self._start, "headers": headers})
        more = length > len(body)
        await send({"type": "http.response.body", "body": body, "more_body": more})

    async def _drip(self, send: Send, receive: Receive, body: bytes, over_ms: int) -> None:
        """Sends the answer in pieces, evenly over a time; waits for nobody who has left."""
        size = -(-len(body) // _PIECES) if over_ms else max(1, len(body))
        await self._give(send, body[:size], length=len(body))
        left = asyncio.create_task(gone(receive))
        for at in range(size, len(body), size):
            await asyncio.wait({left}, timeout=over_ms / 1000 / (_PIECES - 1))
            # To a caller who has left, the rest goes out at once, to nobody.
            piece, more = body[at : at + size], at + size < len(body)
            await send({"type": "http.response.body", "body": piece, "more_body": more})
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)


def _rearranged(body: bytes, treatment: Treatment) -> bytes:
    """A batch answer with its entries in another order, one missing or one twice.

    Raises:
        NotXmlError: not XML.
        ValueError: not JSON either, or no batch in it.
    """
    if not body.lstrip().startswith(b"<"):
        said: object = json.loads(body)
        holder = said if isinstance(said, dict) else {"items": said}
        items = cast("dict[str, object]", holder).get("items")
        if not isinstance(items, list):
            raise ValueError("no batch")
        items[:] = _picked(cast("list[object]", items), treatment)
        return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    root = tree.parse(body)
    for name in _BATCHES:
        for batch in root.iter(name):
            tree.arrange(batch, _picked(list(batch), treatment))
    return tree.serialise(root)


def _picked(entries: Sequence[object], treatment: Treatment) -> list[object]:
    found, dice = list(entries), treatment.dice
    if treatment.order == "backwards":
        found.reverse()
    if treatment.order == "shuffled":
        dice.shuffle(found)
    if found and treatment.mode == "missing-entry":
        del found[dice.randrange(len(found))]
    if found and treatment.mode == "twice-entry":
        found.insert(dice.randrange(len(found) + 1), found[dice.randrange(len(found))])
    return found
