"""What a kiosk says, and how its screens are drawn: a frame of its own, with no way out of it."""

from __future__ import annotations

from typing import Any, Final

from fastapi.responses import HTMLResponse

from hub.i18n import time_text
from hub.storage.kiosks import Kiosk
from hub.web.access import FORM_FIELD
from hub.web.drawing import LANGUAGE_NAMES, asset, template
from hub.web.kiosk_device import Told, Turn
from hub.web.page_words import PageWords

SLOW_MS: Final = 8_000
"""Without an answer of the authority for so long, a screen says that nobody has to wait for it."""
IDLE_S: Final = {"done": 20, "start": 20}
"""Seconds without a touch until the next person; a form that is typed in waits a minute."""
_FORM_IDLE_S: Final = 60
_STAGE_SHAPES: Final = {
    "kept": "kept",
    "waiting": "kept",
    "held": "held",
    "counted": "hub",
    "registered": "registered",
    "not_made": "warning",
}


class KioskWords(PageWords):
    """Texts of a kiosk in one language."""

    def __init__(self, language: str) -> None:
        super().__init__(language, "kiosk")

    def stage(self, stage: str, told: Told, number: int | None) -> str:
        """Returns the big word: how far it is. Registered is only said with the number."""
        if stage == "registered":
            return self("stage.registered", number=number)
        if told.case in ("visit", "emergency"):
            return self(f"stage.{told.case}")
        word = "kept" if stage in ("waiting", "held", "not_made") else stage
        return self(f"stage.{word}")

    def say(self, stage: str, told: Told, waited_ms: int) -> str:
        """Returns what that means for whoever stands there."""
        if told.case == "emergency":
            return self("say.emergency", count=told.people)
        if stage in ("kept", "waiting") and waited_ms >= SLOW_MS:
            return self("say.slow")
        if stage == "counted" and told.who.works_here:
            return self("say.done")
        return self(f"say.{'kept' if stage == 'waiting' else stage}")

    def when(self, utc_ms: int) -> str:
        """Returns a time of day."""
        return time_text(utc_ms, self.language, seconds=False)


def draw_screen(
    name: str, words: KioskWords, kiosk: Kiosk, turn: Turn, now_ms: int, **values: Any
) -> HTMLResponse:
    """Returns a screen of a kiosk.

    Args:
        name: its template, which extends `kiosk_frame.html`.
        kiosk: where.
        turn: of whom.
        now_ms: UTC milliseconds.
        **values: what the template draws.
    """
    page = name.removeprefix("kiosk_").removesuffix(".html")
    html = template(name).render(
        words=words,
        kiosk=kiosk,
        turn=turn,
        page=page,
        asset=asset,
        languages=LANGUAGE_NAMES,
        csrf=kiosk.csrf,
        csrf_field=FORM_FIELD,
        idle_s=IDLE_S.get(page, _FORM_IDLE_S),
        is_open=kiosk.open_until_ms > now_ms,
        shape=_STAGE_SHAPES.get,
        now_ms=now_ms,
        **values,
    )
    response = HTMLResponse(html)
    response.headers["Content-Language"] = words.language
    response.headers["Vary"] = "Cookie"
    return response
