"""The authority's services as a command calls them: one adapter for one question, then the end."""

from __future__ import annotations

from hub.application.evidence import Keep, keep_nothing
from hub.application.ports import AuthorityPort
from hub.authority.day import day_authority
from hub.authority.in_out import in_out_authority
from hub.clock import now_ms
from hub.errors import UsageError
from hub.settings import Settings


def authority_of(settings: Settings, regime: str, keep: Keep = keep_nothing) -> AuthorityPort:
    """Returns the service of a regime as the settings describe it.

    Args:
        keep: keeps each exchange as evidence.

    Raises:
        UsageError: HUB-1409, no address is set for it; what the adapters raise for their settings.
    """
    if regime == "in_out":
        if not settings.in_out.url:
            raise UsageError("HUB-1409", regime=regime)
        return in_out_authority(settings.in_out, now_ms, keep)()
    if not settings.authority.url:
        raise UsageError("HUB-1409", regime=regime)
    return day_authority(settings.authority, now_ms, keep)()
