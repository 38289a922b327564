"""In these tests a missing text is a failure, never a fallback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub import i18n


@pytest.fixture(autouse=True)
def strict_texts() -> Iterator[None]:
    i18n.strict(True)
    yield
    i18n.strict(False)
