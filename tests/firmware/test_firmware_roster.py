"""The gate's roster against the plain rules of the protocol, with any tables."""

from __future__ import annotations

import hashlib
import io
import struct
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware import roster_base
from firmware.roster_base import Base, index_rows, new_index, trailer
from firmware.roster_changes import put
from firmware.roster_merge import Merge
from protocol import roster
from protocol.difference import difference, merged
from tests.protocol.pace import UNHURRIED

TABLES = st.dictionaries(
    st.integers(0, 40).map(lambda number: struct.pack(">Q", number)),
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from(("fr", "nl"))),
    max_size=40,
).map(lambda rows: roster.build_table([roster.pack_row(tag, *rest) for tag, rest in rows.items()]))
# Spread, and all with the same beginning: a beginning of two bytes, then anything.
TAGS = st.sets(
    st.tuples(
        st.sampled_from((b"\0\0", b"\0\1", b"\x80\0", b"\xff\xff")),
        st.binary(min_size=6, max_size=6),
    ).map(b"".join)
    | st.binary(min_size=8, max_size=8),
    max_size=150,
)


@UNHURRIED
@given(tags=TAGS, strangers=TAGS)
@pytest.mark.parametrize("most", [0, 5000])
def test_a_look_up_in_the_file_or_in_memory_answers_like_a_set(
    tags: set[bytes], strangers: set[bytes], most: int
) -> None:
    table = roster.build_table([roster.pack_row(tag, 1, 9, "nl") for tag in tags])
    content = table + trailer(1, hashlib.sha256(table).digest())
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(roster_base, "RAM_ROWS", most)
        # On a Pico a matter of milliseconds; here it walks all that the other tests left behind.
        patch.setattr(roster_base.gc, "collect", lambda: 0)
        path = Path(folder) / "roster"
        path.write_bytes(content)
        base = Base(str(path))
        assert base.load(len(content))
        assert base.in_memory == (most > 0 or not tags)
        for tag in tags | strangers:
            row = base.find(tag)
            assert (row is not None) == (tag in tags)
            assert row is None or bytes(row) == roster.pack_row(tag, 1, 9, "nl")
        base.forget()


@UNHURRIED
@given(tables=st.lists(TABLES, min_size=2, max_size=4))
def test_differences_upon_each_other_are_one_difference(tables: list[bytes]) -> None:
    gathered = bytearray()
    for before, after in pairwise(tables):
        changes = difference(before, after)
        for at in range(0, len(changes), 13):
            put(gathered, changes[at : at + 13])
    assert merged(tables[0], gathered) == tables[-1]


class _Table:
    """A table where the gate's merge reads it."""

    def __init__(self, table: bytes) -> None:
        self.rows = len(table) // 13
        self._table = table

    def read(self, first: int, target: memoryview) -> None:
        """As `firmware.roster_base.Base.read`."""
        target[:] = self._table[first * 13 : first * 13 + len(target)]


@UNHURRIED
@given(before=TABLES, after=TABLES, more=st.integers(0, 150))
def test_the_merge_of_the_gate_comes_to_the_same_bytes(
    before: bytes, after: bytes, more: int
) -> None:
    tail = b"".join(roster.pack_row(struct.pack(">Q", 100 + n), 1, 9, "de") for n in range(more))
    before += tail
    after += tail
    written = io.BytesIO()
    merge = Merge(_Table(before), difference(before, after), len(after) // 13, written)
    while merge.step():
        pass
    assert merge.right(hashlib.sha256(after).digest())
    assert written.getvalue() == after
    index = new_index(len(after) // 13)
    index_rows(index, 0, after)
    assert merge.index == index
    wrong = Merge(_Table(before), difference(before, after), len(after) // 13 + 1)
    while wrong.step():
        pass
    assert not wrong.right(hashlib.sha256(after).digest())
