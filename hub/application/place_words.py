"""What the place of somebody's last tap or act is called: a gate, a kiosk, or his own phone."""

from __future__ import annotations

from hub.application.acts import PHONE_PLACE
from hub.i18n import text


def place_text(name: str, language: str) -> str:
    """Returns the name of a place as people read it.

    Args:
        name: of a gate or a kiosk as it is stored, or `PHONE_PLACE`.
        language: one of `hub.i18n.LANGUAGES`.
    """
    return text("phone.place", language) if name == PHONE_PLACE else name
