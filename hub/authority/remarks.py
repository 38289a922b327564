"""Texts of the in/out service's remarks, from the service itself and in its own words.

Only the codes are kept with a registration. The texts come from the catalogue of the service
(`refData/remarks`), asked at most once a day, and from the answers that brought a remark; none is
written down in this program, because the list is not public and the authority may change it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from hub.authority.in_out_answers import Labels
from hub.clock import Clock
from hub.errors import SitegateError

DAY_MS = 24 * 3600 * 1000
AGAIN_MS = 60 * 1000
"""Milliseconds until a catalogue that could not be loaded is asked for again."""

_ORDER = ("en", "fr", "nl", "de")
_CODES_MAX = 1000


class RemarkTexts:
    """Texts by code and language; any number of threads share it.

    Args:
        clock: UTC milliseconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._labels: dict[str, Labels] = {}
        self._next_ms = 0

    def learn(self, labels: Mapping[str, Labels]) -> None:
        """Keeps texts that came with an answer."""
        with self._lock:
            for code, texts in labels.items():
                if code in self._labels or len(self._labels) < _CODES_MAX:
                    self._labels[code] = {**self._labels.get(code, {}), **texts}

    def label(self, code: str, language: str) -> str:
        """Returns the text in that language, else in another one, else the code. Never asks."""
        with self._lock:
            texts = self._labels.get(code, {})
        for name in (language.lower(), *_ORDER, *texts):
            if texts.get(name):
                return texts[name]
        return code

    def refresh(self, load: Callable[[], Mapping[str, Labels]]) -> SitegateError | None:
        """Asks for the catalogue when it is older than a day; returns why that failed, if it did.

        Only one thread asks; the others go on with what is there.
        """
        now_ms = self._clock()
        with self._lock:
            if now_ms < self._next_ms:
                return None
            self._next_ms = now_ms + AGAIN_MS
        try:
            labels = load()
        except SitegateError as error:
            return error
        self.learn(labels)
        with self._lock:
            self._next_ms = now_ms + DAY_MS
        return None
