"""Sites to show: one of the test's own, and one with real gates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.authority.operations import Settings
from simulator.console import tapping
from tests.authority.rig import NOW, WORLD, Rig
from tests.authority.rig import served as authority_served
from tests.console.serving import Served, served
from tests.console.standin import StandInSite


@pytest.fixture
def quick_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """People in front of stand-in gates neither read nor wait for long."""
    monkeypatch.setattr(tapping, "PATIENCE_S", 0.5)
    monkeypatch.setattr(tapping, "READ_S", 0.0)
    monkeypatch.setattr(tapping, "STEP_ASIDE_S", 0.0)


@pytest.fixture
def standin(quick_people: None) -> Iterator[Served[StandInSite]]:
    """The page of a stand-in site whose authority does not run."""

    async def make() -> StandInSite:
        return StandInSite()

    with served(make) as page:
        yield page


@pytest.fixture(scope="module")
def quiet_site() -> Iterator[Served[StandInSite]]:
    """The page of a stand-in site that no test of the module changes."""

    async def make() -> StandInSite:
        return StandInSite()

    with served(make) as page:
        yield page
        assert page.site.diary == []


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[tuple[Rig, str]]:
    """A real simulated authority and its address, with the slash."""
    rig = Rig(tmp_path, NOW, WORLD, Settings())
    with authority_served(rig) as url:
        yield rig, f"{url}/"
    rig.close()
