"""MACs against the standard library's HMAC, and what separates their contexts."""

from __future__ import annotations

import hashlib
import hmac
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError
from protocol.mac import Mac, badge_tag, broker_password, context
from tests.protocol.pace import UNHURRIED

KEY = bytes(range(32))


def reference(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


@UNHURRIED
@given(
    key=st.binary(min_size=32, max_size=32),
    front=st.binary(max_size=60),
    payload=st.binary(max_size=600),
)
def test_it_is_hmac_sha256_cut_to_16_bytes(key: bytes, front: bytes, payload: bytes) -> None:
    mac = Mac(key)
    expected = reference(key, front + payload)[:16]
    assert mac.sign(front, payload) == expected
    assert mac.sign(front, payload) == expected  # a kept state is not used up
    assert mac.verify(front, payload, expected)


@pytest.mark.parametrize("bit", range(128))
def test_one_flipped_bit_of_the_mac_is_refused(bit: int) -> None:
    mac = Mac(KEY)
    spoiled = bytearray(mac.sign(b"c", b"payload"))
    spoiled[bit // 8] ^= 1 << bit % 8
    assert not mac.verify(b"c", b"payload", bytes(spoiled))


@pytest.mark.parametrize("length", [0, 1, 15, 17, 32])
def test_a_mac_of_another_length_is_refused(length: int) -> None:
    mac = Mac(KEY)
    assert not mac.verify(b"", b"payload", reference(KEY, b"payload")[:length])


def test_a_mac_with_a_zero_in_front_is_refused() -> None:
    mac = Mac(KEY)
    assert not mac.verify(b"", b"payload", b"\0" + mac.sign(b"", b"payload"))


def test_no_two_contexts_are_the_same_or_one_the_start_of_another() -> None:
    contexts = [
        context(direction, leaf, terminal)
        for direction in ("up", "down")
        for leaf in ("batch", "control", "roster")
        for terminal in ("g", "g-1", "g-11", "gate-1")
    ]
    contexts.append(b"sitegate/1 broker password")
    for one, other in itertools.permutations(contexts, 2):
        assert not other.startswith(one)
    assert context("up", "batch", "gate-1") == b"sitegate/1 up batch gate-1\0"


def test_a_mac_of_one_context_is_worthless_in_another() -> None:
    mac = Mac(KEY)
    signed = mac.sign(context("up", "control", "gate-1"), b"payload")
    for other in (("down", "control", "gate-1"), ("up", "batch", "gate-1"), ("up", "control", "g")):
        assert not mac.verify(context(*other), b"payload", signed)
    assert not Mac(KEY[::-1]).verify(context("up", "control", "gate-1"), b"payload", signed)


def test_the_tag_of_a_badge_is_eight_bytes_of_its_hmac() -> None:
    for size in (4, 7, 10):
        uid = bytes(range(size))
        assert badge_tag(KEY, uid) == reference(KEY, uid)[:8]


@pytest.mark.parametrize("size", [0, 3, 5, 6, 8, 9, 11])
def test_a_uid_of_another_size_has_no_tag(size: int) -> None:
    with pytest.raises(LocalProtocolError):
        badge_tag(KEY, bytes(size))


def test_the_password_comes_from_the_key_and_is_no_other_mac() -> None:
    assert broker_password(KEY) == reference(KEY, b"sitegate/1 broker password")[:16].hex()


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_key_has_32_bytes(size: int) -> None:
    with pytest.raises(LocalProtocolError):
        Mac(bytes(size))
