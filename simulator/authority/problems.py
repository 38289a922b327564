"""Problems of the in/out face: RFC 9457 with the types of the Belgian REST guide (Belgif).

Types, members and status codes follow that guide. Titles and details are for developers, in
English. As in the guide an issue quotes the value that was sent: a client must not log it.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, final

from starlette.responses import JSONResponse, Response

from simulator.authority.clock import brussels_iso

MEDIA_TYPE: Final = "application/problem+json"
REALM: Final = "presenceRegistration"
_HREF = "https://www.belgif.be/specification/rest/api-guide/problems/{}.html"

IssueType = Literal[
    "input-validation:schemaViolation",
    "input-validation:unknownInput",
    "ext:input-validation:exactlyOneOfExpected",
    "ext:input-validation:outOfRange",
    "ext:input-validation:rejectedInput",
    "ext:input-validation:requiredInput",
]
Place = Literal["body", "header", "path", "query"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong with a call; `value` is what was sent, None when nothing was."""

    type: IssueType
    where: Place
    name: str
    detail: str
    value: object = field(default=None, repr=False)

    def as_json(self) -> dict[str, object]:
        """The issue as a problem carries it."""
        prefix = "urn:problem-type:belgif"
        separator = "-" if self.type.startswith("ext:") else ":"
        issue: dict[str, object] = {
            "type": f"{prefix}{separator}{self.type}",
            "in": self.where,
            "name": self.name,
            "detail": self.detail,
        }
        return issue | {"value": self.value} if _quotable(self.value) else issue


@final
class Problem(Exception):
    """The whole call fails; nothing of it is stored.

    Args:
        name: last part of the type, such as `badRequest`.
        status: HTTP status.
        title: short and the same for every problem of the type.
        detail: what happened this time; never a person's number.
        more: further members.
        headers: further headers.
    """

    def __init__(
        self,
        name: str,
        status: int,
        title: str,
        detail: str,
        *,
        more: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name)
        self.name = name
        self.status = status
        self.title = title
        self.detail = detail
        self.more = dict(more or {})
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer to the call."""
        content = {
            "type": f"urn:problem-type:belgif:{self.name}",
            "href": _HREF.format(self.name),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": f"urn:uuid:{uuid.uuid4()}",
            **self.more,
        }
        return JSONResponse(content, self.status, self.headers, media_type=MEDIA_TYPE)


def bad_request(issues: Sequence[Issue]) -> Problem:
    """The call breaks the contract."""
    return Problem(
        "badRequest",
        400,
        "Bad Request",
        "The input message is incorrect",
        more={"issues": [issue.as_json() for issue in issues]},
    )


def no_access_token() -> Problem:
    """The call carries no bearer token."""
    return Problem(
        "noAccessToken",
        401,
        "No Access Token",
        "No Bearer access token found in Authorization HTTP header",
        headers={"WWW-Authenticate": f'Bearer realm="{REALM}"'},
    )


def invalid_access_token() -> Problem:
    """The token is none of ours."""
    return Problem(
        "invalidAccessToken",
        401,
        "Invalid Access Token",
        "The Bearer access token found in the Authorization HTTP header is invalid",
        headers={"WWW-Authenticate": _bearer("invalid_token")},
    )


def expired_access_token() -> Problem:
    """The token's time is over."""
    return Problem(
        "expiredAccessToken",
        401,
        "Expired Access Token",
        "The Bearer access token found in the Authorization HTTP header has expired",
        headers={"WWW-Authenticate": _bearer("invalid_token")},
    )


def missing_scope(required: Sequence[str]) -> Problem:
    """The token has none of the scopes the operation needs."""
    return Problem(
        "missingScope",
        403,
        "Missing Scope",
        "Forbidden to consult the resource",
        more={"requiredScopes": list(required)},
        headers={
            "WWW-Authenticate": f'{_bearer("insufficient_scope")}, scope="{" ".join(required)}"'
        },
    )


def missing_permission(detail: str) -> Problem:
    """The caller is known and has no right to this."""
    return Problem("missingPermission", 403, "Missing Permission", detail)


def not_found(detail: str) -> Problem:
    """There is no such thing, or the caller may not know of it."""
    return Problem("resourceNotFound", 404, "Resource Not Found", detail)


def not_allowed(allowed: str) -> Problem:
    """The path has other methods."""
    return Problem(
        "methodNotAllowed",
        405,
        "Method Not Allowed",
        "The method is not supported here",
        headers={"Allow": allowed},
    )


def too_large(limit: int) -> Problem:
    """The body is longer than `limit` bytes."""
    return Problem(
        "payloadTooLarge",
        413,
        "Payload Too Large",
        f"The body is larger than {limit} bytes",
        more={"limit": limit},
    )


def unsupported_media_type() -> Problem:
    """The body is announced as something else than JSON."""
    return Problem(
        "unsupportedMediaType", 415, "Unsupported Media Type", "application/json is expected"
    )


def too_many_requests(limit: int, retry_after_s: int, now_ms: int) -> Problem:
    """The caller calls too often; it may come back after `retry_after_s` seconds."""
    return Problem(
        "tooManyRequests",
        429,
        "Too Many Requests",
        f"No more requests accepted during next {retry_after_s} seconds",
        more={"limit": limit} | _come_back(retry_after_s, now_ms),
        headers={"Retry-After": str(retry_after_s)},
    )


def server_problem(status: int, retry_after_s: int | None, now_ms: int) -> Problem:
    """500, 502 or 503, as a test asked for it, with the time to come back if there is one."""
    name, title = {
        500: ("internalServerError", "Internal Server Error"),
        502: ("badGateway", "Bad Gateway"),
        503: ("serviceUnavailable", "Service Unavailable"),
    }[status]
    return Problem(
        name,
        status,
        title,
        "Simulator: asked for by a test",
        more={} if retry_after_s is None else _come_back(retry_after_s, now_ms),
        headers={} if retry_after_s is None else {"Retry-After": str(retry_after_s)},
    )


def _come_back(retry_after_s: int, now_ms: int) -> dict[str, object]:
    # As an instant and as seconds: the guide has both.
    return {
        "retryAfter": brussels_iso(now_ms + retry_after_s * 1000),
        "retryAfterSec": retry_after_s,
    }


def _bearer(error: str) -> str:
    return f'Bearer realm="{REALM}", error="{error}"'


def _quotable(value: object) -> bool:
    # Objects and lists may be large, and JSON has no infinity, which Python reads 1e999 as.
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
