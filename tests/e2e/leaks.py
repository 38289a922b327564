"""Finding a secret in whatever was produced, however it is written down.

A *needle* is a number of a person, the UID of a card or a name. `encodings` lists the ways in which
it may stand in a file or a message; `found` looks for all of them. What is found is told by place
and encoding and never by the secret itself.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

_SEPARATORS = b" .-/_:,;|\\'\"\t[](){}"
_CORE = 6
"""Least characters of base64 that are looked for: fewer are found anywhere."""


@dataclass(frozen=True, repr=False)
class Needle:
    """Something that must not be there.

    Args:
        kind: "number" (digits), "card" (UID in hex) or "name".
        label: how it is called in a failure.
        value: itself.
    """

    kind: str
    label: str
    value: str

    def __repr__(self) -> str:
        return f"Needle({self.kind}, {self.label})"


def base64_cores(value: bytes) -> Iterator[bytes]:
    """Yields what all texts in base64 that hold `value` share, for its three alignments."""
    for ahead in range(3):
        whole = base64.b64encode(bytes(ahead) + value)
        first = -(-ahead * 8 // 6)
        last = (ahead + len(value)) * 8 // 6
        core = whole[first:last]
        if len(core) >= _CORE:
            yield core
            yield core.translate(bytes.maketrans(b"+/", b"-_"))


def _of_bytes(name: str, value: bytes) -> Iterator[tuple[str, bytes]]:
    for order, ordered in (("", value), (" reversed", value[::-1])):
        if len(ordered) >= 5:
            yield f"{name}{order} bytes", ordered
        yield f"{name}{order} hex", ordered.hex().encode()
        yield f"{name}{order} decimal", str(int.from_bytes(ordered, "big")).encode()
        for core in base64_cores(ordered):
            yield f"{name}{order} base64", core
        yield f"{name}{order} percent", "".join(f"%{one:02x}" for one in ordered).encode()
        yield f"{name}{order} escaped", "".join(f"\\x{one:02x}" for one in ordered).encode()
        yield f"{name}{order} as Python", repr(ordered)[2:-1].encode()
        for gap in (",", ", ", " "):
            yield f"{name}{order} list", gap.join(str(one) for one in ordered).encode()


def _of_text(name: str, value: str) -> Iterator[tuple[str, bytes]]:
    for order, ordered in (("", value), (" reversed", value[::-1])):
        for code in ("utf-8", "utf-16-le", "utf-16-be"):
            yield f"{name}{order} {code}", ordered.encode(code)
        yield f"{name}{order} url", quote(ordered).encode()
    yield from _of_bytes(f"{name} text", value.encode())


def encodings(needle: Needle) -> list[tuple[str, bytes]]:
    """Returns (name of the encoding, what it looks like in lower case where case says nothing)."""
    found: list[tuple[str, bytes]] = []
    if needle.kind == "number":
        found += _of_text("digits", needle.value)
        number = int(needle.value)
        found += _of_bytes("integer", number.to_bytes((number.bit_length() + 7) // 8, "big"))
        padded = needle.value if len(needle.value) % 2 == 0 else "0" + needle.value
        found.append(("packed decimal", bytes.fromhex(padded)))
    elif needle.kind == "card":
        raw = bytes.fromhex(needle.value)
        found += _of_bytes("uid", raw)
        for text in (raw.hex(), raw.hex().upper()):
            found += _of_text("uid hex", text)
    else:
        for text in {needle.value, needle.value.upper(), needle.value.lower()}:
            found += _of_text("name", text)
    return found


@dataclass(frozen=True)
class Haystack:
    """One thing that was produced: what it is called, and its bytes."""

    place: str
    content: bytes


class Search:
    """Looks for needles.

    Args:
        needles: what must not be there.
    """

    def __init__(self, needles: Sequence[Needle]) -> None:
        self._exact: list[tuple[Needle, str, bytes]] = []
        self._folded: list[tuple[Needle, str, bytes]] = []
        for needle in needles:
            for name, pattern in encodings(needle):
                bucket = self._exact if name.endswith(("base64", "bytes")) else self._folded
                bucket.append((needle, name, pattern if bucket is self._exact else pattern.lower()))
        self._bare = [one for one in self._folded if " hex" in one[1] or "digits" in one[1]]

    def found(self, stack: Haystack) -> set[tuple[str, str, str]]:
        """Returns (place, label of the needle, encoding) of everything that was found."""
        hits: set[tuple[str, str, str]] = set()
        content, folded = stack.content, stack.content.lower()
        hits |= {(stack.place, n.label, name) for n, name, one in self._exact if one in content}
        hits |= {(stack.place, n.label, name) for n, name, one in self._folded if one in folded}
        # A number that is written in groups, whichever: 85.03.12-997.61, 04:A1:B2.
        bare = folded.translate(None, _SEPARATORS)
        hits |= {(stack.place, n.label, "in groups") for n, _, one in self._bare if one in bare}
        return hits


def told(hits: Iterable[tuple[str, str, str]]) -> list[str]:
    """Returns the failures, without what was found."""
    return sorted(f"{place}: {label} ({encoding})" for place, label, encoding in hits)


def addresses(page: bytes) -> bytes:
    """Returns every address that a page leads to, one a line."""
    return b"\n".join(re.findall(rb'(?:href|src|action)="([^"]*)"', page))
