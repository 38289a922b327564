"""How hypothesis runs here: on a busy machine an example may take its time."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
EXHAUSTIVE = settings(UNHURRIED, max_examples=300)
