"""Fixtures of the simulated authority's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulator.authority.assertion import Issuer, SigningKey
from simulator.authority.operations import Settings
from tests.authority.rest_rig import Channel
from tests.authority.rig import NOW, WORLD, Rig, served
from tests.authority.secured import Secured
from tests.authority.signing import Caller, caller, rsa_key

MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[MakeRig]:
    """Makes authorities on the same store file; closes what a test left open."""
    made: list[Rig] = []

    def make(
        now: str = NOW,
        world: Path = WORLD,
        settings: Settings | None = None,
        issuer: Issuer | None = None,
    ) -> Rig:
        rig = Rig(tmp_path, now, world, settings or Settings(), issuer)
        made.append(rig)
        return rig

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def rig(make_rig: MakeRig) -> Rig:
    """An authority on the morning of Monday 23 November 2026, Belgian time."""
    return make_rig()


@pytest.fixture(scope="module")
def spare_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """An authority one module shares, for calls that store nothing."""
    folder = tmp_path_factory.mktemp("spare")
    rig = Rig(folder, NOW, WORLD, Settings())
    yield rig
    rig.close()


@pytest.fixture
def base(rig: Rig) -> Iterator[str]:
    """The URL of a real server for `rig`."""
    with served(rig) as url:
        yield url


@pytest.fixture
def channel(rig: Rig, base: str) -> Channel:
    """A REST channel of the main contractor, with its token still to be fetched."""
    return Channel(rig, base)


@pytest.fixture(scope="module")
def spare_channel(spare_rig: Rig) -> Iterator[Channel]:
    """A REST channel one module shares, for calls that change nothing."""
    with served(spare_rig) as url:
        yield Channel(spare_rig, url)


@pytest.fixture(scope="session")
def sts_key() -> SigningKey:
    """A key of the token service, made once: that takes longer than a test."""
    key = rsa_key()
    return SigningKey(key, caller("sts", key=key).certificate)


@pytest.fixture(scope="session")
def main_caller() -> Caller:
    """The main contractor's key; RSA, as most of them are."""
    return caller("main contractor", key=rsa_key())


@pytest.fixture(scope="session")
def sub_caller() -> Caller:
    """The subcontractor's key."""
    return caller("subcontractor")


@pytest.fixture
def secured(
    make_rig: MakeRig, sts_key: SigningKey, main_caller: Caller, sub_caller: Caller
) -> Secured:
    """An authority in the signed profile; two senders have registered certificates."""
    secured = Secured(make_rig(issuer=Issuer(sts_key)), main_caller)
    secured.rig.order("sender", id="SIM-0001", certificate=main_caller.pem)
    secured.rig.order("sender", id="SIM-0002", certificate=sub_caller.pem)
    secured.rig.order("profile", profile="signed")
    return secured
