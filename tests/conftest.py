"""For all tests: a text that lacks a language, a key or a value is an error and not a fallback."""

from __future__ import annotations

from hub.i18n import strict

strict(True)
