"""A database on disk for each test, and texts that must not be missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from hub import i18n
from hub.storage.engine import open_engine, writing
from tests.web.sample import add_morning, add_register
from tests.web.whole_hub import WholeHub, whole_hub


@pytest.fixture(autouse=True)
def _no_text_is_missing() -> Iterator[None]:
    i18n.strict(True)
    yield
    i18n.strict(False)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A new database without any row."""
    engine = open_engine(tmp_path / "sitegate.db")
    yield engine
    engine.dispose()


@pytest.fixture
def register(engine: Engine) -> Engine:
    """A database with site, people, badges and gates; nobody has tapped."""
    with writing(engine) as connection:
        add_register(connection)
    return engine


@pytest.fixture
def morning(register: Engine) -> Engine:
    """The sample morning: thirty people, every state."""
    with writing(register) as connection:
        add_morning(connection)
    return register


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[WholeHub]:
    """A whole hub in this process, without any account."""
    with whole_hub(tmp_path / "hub") as hub:
        yield hub
