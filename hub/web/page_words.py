"""The texts of one page in one language."""

from __future__ import annotations

from collections.abc import Sequence

from hub.errors import SitegateError
from hub.i18n import ErrorText, catalogue, error_text, text
from hub.web.words import Words


class PageWords:
    """Texts under one name of the catalogue, and those that every page needs.

    Args:
        language: one of `hub.i18n.LANGUAGES`.
        room: first part of the keys, the file of the catalogue.
    """

    def __init__(self, language: str, room: str) -> None:
        self.language = language
        self.room = room
        self.board = Words(language)

    def __call__(self, key: str, **values: object) -> str:
        """Returns the text of this page with that key."""
        return self.any(f"{self.room}.{key}", **values)

    def any(self, key: str, **values: object) -> str:
        """Returns the text with that whole key."""
        return self.board.typeset(text(key, self.language, **values))

    def has(self, key: str) -> bool:
        """Returns whether this page has a text with that key."""
        return f"{self.room}.{key}" in catalogue()

    def counted(self, key: str, count: int, **values: object) -> str:
        """Returns the text for one or for many."""
        return self(f"{key}_{'one' if count == 1 else 'many'}", count=count, **values)

    def explained(self, errors: Sequence[SitegateError]) -> list[ErrorText]:
        """Returns what happened, what was kept and what to do next, for each error."""
        told = [error_text(one.code, self.language, **one.extra) for one in errors]
        typeset = self.board.typeset
        return [
            ErrorText(one.code, typeset(one.happened), typeset(one.kept), typeset(one.next))
            for one in told
        ]
