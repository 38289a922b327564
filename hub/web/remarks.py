"""What the authority remarks, in plain words where its meaning is known."""

from __future__ import annotations

from hub.i18n import catalogue
from hub.web.page_words import PageWords


def remark_text(words: PageWords, remark: str) -> str:
    """Returns a remark in the language of the page, with the authority's own words behind it; one
    that nobody translated as it came."""
    key = "_".join("".join(sign if sign.isalnum() else " " for sign in remark).lower().split())
    if f"remark.{key}" not in catalogue():
        return remark
    return f"{words.any(f'remark.{key}')} ({remark})"
