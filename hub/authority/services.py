"""The services that the settings name: what makes an adapter for each regime that is set up."""

from __future__ import annotations

from collections.abc import Callable

from hub.application.evidence import Keep, keep_nothing
from hub.application.ports import AuthorityPort
from hub.authority.day import day_authority
from hub.authority.in_out import in_out_authority
from hub.clock import Clock
from hub.settings import Settings


def services(
    settings: Settings, clock: Clock, keep: Keep = keep_nothing
) -> dict[str, Callable[[], AuthorityPort]]:
    """Returns, by regime, what makes an adapter; each thread that calls makes its own.

    Args:
        settings: a service without an address is left out.
        clock: UTC milliseconds.
        keep: keeps each exchange as evidence.

    Raises:
        UsageError: a setting of a service cannot be used.
    """
    found: dict[str, Callable[[], AuthorityPort]] = {}
    if settings.authority.url:
        found["day"] = day_authority(settings.authority, clock, keep)
    if settings.in_out.url:
        found["in_out"] = in_out_authority(settings.in_out, clock, keep)
    return found
