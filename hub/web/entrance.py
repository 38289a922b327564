"""What the pages before a login share: cookies, the way on, where a request came from.

Before somebody is logged in there is no session to bind a form to, and a page elsewhere could log
somebody in as another (login CSRF). So a form here brings the value of a cookie that only this
hub's own pages are told; `SameSite=Lax` keeps the cookie from posts of other sites. The header
`Origin` cannot be asked: under `Referrer-Policy: no-referrer` browsers send `null`.
"""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Final

from fastapi import Request, Response

from hub.settings import AccessSettings
from hub.web.access import FORM_FIELD, SESSION_COOKIE, FormStale

BEFORE_COOKIE: Final = "sitegate_before"
_VALUE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
NEXT_MAX: Final = 500
HERE: Final = "/"


def way_on(path: str) -> str:
    """Returns where to go after a login: the path asked for when it is one of this hub, else `/`.

    A browser reads `//host`, `/\\host` and, after taking out tabs and line ends, `/<tab>/host` as
    another host's (WHATWG URL, 4.4), so that only plain signs are taken.
    """
    plain = re.fullmatch(r"/(?![/\\])[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*", path[: NEXT_MAX + 1])
    if plain is None or len(path) > NEXT_MAX or path.startswith(("/login", "/link/", "/logout")):
        return HERE
    return path


def form_token(request: Request) -> str:
    """Returns the token that the forms of a browser without session bring back."""
    known = request.cookies.get(BEFORE_COOKIE, "")
    return known if _VALUE.fullmatch(known) else secrets.token_urlsafe(32)


async def check_before(request: Request) -> dict[str, str]:
    """Returns the fields of a form that was made for this browser.

    Raises:
        FormStale: it was not.
    """
    form = await request.form()
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    known = request.cookies.get(BEFORE_COOKIE, "")
    given = fields.get(FORM_FIELD, "")
    if not _VALUE.fullmatch(known) or not hmac.compare_digest(given.encode(), known.encode()):
        raise FormStale
    return fields


def remember_form(response: Response, token: str, settings: AccessSettings) -> None:
    """Gives a browser the cookie that its form is checked against."""
    _set(response, BEFORE_COOKIE, token, settings)


def remember_session(response: Response, cookie: str, settings: AccessSettings) -> None:
    """Gives a browser its session; it forgets it when it is closed."""
    _set(response, SESSION_COOKIE, cookie, settings)


def forget_session(response: Response, settings: AccessSettings) -> None:
    """Takes the session from a browser."""
    response.delete_cookie(
        SESSION_COOKIE, path="/", httponly=True, samesite="lax", secure=is_secure(settings)
    )


def is_secure(settings: AccessSettings) -> bool:
    """Returns whether people reach the pages by `https`, so that cookies go no other way."""
    return settings.public_url.startswith("https:")


def address_of(request: Request) -> str:
    """Returns where a request came from; a proxy on this machine is believed about it."""
    return request.client.host if request.client else ""


def link_address(request: Request, settings: AccessSettings, secret: str) -> str:
    """Returns the whole address of a link: by the public address, else by the one in use."""
    base = settings.public_url or str(request.base_url)
    return f"{base.rstrip('/')}/link/{secret}"


def _set(response: Response, name: str, value: str, settings: AccessSettings) -> None:
    response.set_cookie(
        name, value, httponly=True, samesite="lax", secure=is_secure(settings), path="/"
    )
