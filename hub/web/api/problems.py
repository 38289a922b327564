"""Answers of the API: JSON, and problem details (RFC 9457) for whatever is refused.

A problem says what happened, what was kept and what to do, in the caller's language, with a stable
`code`; what is wrong in a body is listed under `errors`, each with a JSON pointer. It never repeats
a value that came in, nor a name of a field that it does not know: either may be a person's number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Response

from hub.errors import SitegateError
from hub.i18n import error_text

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
MISSING: Final = "HUB-1703"
UNKNOWN: Final = "HUB-1704"
UNSUITED: Final = "HUB-1705"


class Refusal(Exception):
    """An answer instead of the one wanted.

    Args:
        status: HTTP status.
        code: of the error catalogue.
        headers: of the answer.
        more: further members of the problem.
        **values: what the text mentions; no person data.
    """

    def __init__(
        self,
        status: int,
        code: str,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
        **values: object,
    ) -> None:
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.more = dict(more or {})
        self.values = values
        super().__init__(code)

    @classmethod
    def by(
        cls, error: SitegateError, status: int, headers: Mapping[str, str] | None = None
    ) -> Refusal:
        """Returns the refusal that an error of the hub comes to."""
        refusal = cls(status, error.code, headers)
        refusal.values = dict(error.extra)
        return refusal


def answer(
    content: object,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    kind: str = JSON,
) -> Response:
    """Returns a JSON answer."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status, dict(headers or {}), kind)


def problem(refusal: Refusal, language: str) -> Response:
    """Returns a refusal as problem details in that language."""
    explained = error_text(refusal.code, language, **refusal.values)
    content = {
        "type": f"urn:sitegate:error:{refusal.code}",
        "title": explained.happened,
        "status": refusal.status,
        "detail": f"{explained.kept} {explained.next}",
        "code": refusal.code,
        **refusal.more,
    }
    headers = {**refusal.headers, "Content-Language": language}
    return answer(content, refusal.status, headers, PROBLEM)


def told(error: SitegateError, pointer: str, language: str) -> dict[str, str]:
    """Returns one entry of `errors`: where, which code, what is wrong and what to do."""
    explained = error_text(error.code, language, **error.extra)
    return {
        "pointer": pointer,
        "code": error.code,
        "reason": explained.happened,
        "next": explained.next,
    }


def misshapen(errors: Sequence[Mapping[str, Any]], language: str) -> Refusal:
    """Returns what a body or a query that does not fit its model is answered with.

    Args:
        errors: of pydantic; of each, only the place and the kind are used.
        language: of the reasons.
    """
    if any(one["type"] == "json_invalid" for one in errors):
        return Refusal(400, "HUB-1527")
    entries: dict[tuple[str, str], dict[str, str]] = {}
    for one in errors:
        kind, place = str(one["type"]), list(one["loc"])
        code = MISSING if kind == "missing" else UNSUITED
        if kind == "extra_forbidden":
            code, place = UNKNOWN, place[:-1]
        where = "query" if place[:1] == ["query"] else ""
        pointer = where + pointer_to(place[1:])
        entry = told(SitegateError(code), pointer, language)
        entries.setdefault((pointer, code), entry)
    return Refusal(422, "HUB-1702", more={"errors": list(entries.values())})


def pointer_to(place: Sequence[object]) -> str:
    """Returns a JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)
