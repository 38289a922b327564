"""Fixtures of the simulated authority's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulator.authority.operations import Settings
from tests.authority.rig import NOW, WORLD, Rig, served

MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[MakeRig]:
    """Makes authorities on the same store file; closes what a test left open."""
    made: list[Rig] = []

    def make(
        now: str = NOW,
        world: Path = WORLD,
        settings: Settings | None = None,
    ) -> Rig:
        rig = Rig(tmp_path, now, world, settings or Settings())
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
    rig = Rig(tmp_path_factory.mktemp("spare"), NOW, WORLD, Settings())
    yield rig
    rig.close()


@pytest.fixture
def base(rig: Rig) -> Iterator[str]:
    """The URL of a real server for `rig`."""
    with served(rig) as url:
        yield url
