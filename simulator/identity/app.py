"""The addresses of the simulated provider.

GET  /.well-known/openid-configuration
GET  /authorize     a page with the invented people; one of them is chosen
POST /authorize
POST /token
GET  /jwks
GET  /control       the fault there is; POST fault=... sets one, empty none; rotate=1: a new key
"""

from __future__ import annotations

from base64 import b64decode
from html import escape
from urllib.parse import unquote, urlencode

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from simulator.identity.provider import FAULTS, PEOPLE, IdentityProvider, Refused

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Simulated login</title>
<meta name="viewport" content="width=device-width">
<h1>Simulated login</h1><p>Nobody here exists. Who are you?</p>
<form method="post" action="/authorize">{hidden}
{people}
<p><button name="person" value="">Refuse</button></p></form></html>"""


def identity_app(provider: IdentityProvider) -> FastAPI:
    """The application of one provider."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    def answer(content: dict[str, object], status: int = 200) -> Response:
        if provider.fault == "away":
            return JSONResponse({"error": "temporarily_unavailable"}, 503)
        return JSONResponse(content, status, {"Cache-Control": "no-store"})

    @app.get("/.well-known/openid-configuration")
    def document() -> Response:
        provider.asked.append("document")
        return answer(provider.document())

    @app.get("/jwks")
    def jwks() -> Response:
        provider.asked.append("jwks")
        return answer(provider.keys())

    @app.get("/authorize")
    def ask(request: Request) -> Response:
        asked = dict(request.query_params)
        try:
            provider.check_request(asked)
        except Refused as refused:
            return HTMLResponse(f"<h1>{refused.word}</h1>", 400)
        hidden = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
            for name, value in asked.items()
        )
        people = "\n".join(
            f'<p><button name="person" value="{one.subject}">{one.name}</button></p>'
            for one in PEOPLE
        )
        return HTMLResponse(_PAGE.format(hidden=hidden, people=people))

    @app.post("/authorize")
    async def chosen(request: Request) -> Response:
        asked = {name: str(value) for name, value in (await request.form()).items()}
        person = asked.pop("person", "")
        said = {"state": asked.get("state", ""), "iss": provider.issuer}
        try:
            provider.check_request(asked)
        except Refused as refused:
            return HTMLResponse(f"<h1>{refused.word}</h1>", 400)
        if person:
            said["code"] = provider.code_for(asked, person)
        else:
            said["error"] = "access_denied"
        to = asked["redirect_uri"]
        return RedirectResponse(f"{to}{'&' if '?' in to else '?'}{urlencode(said)}", 303)

    @app.post("/token")
    async def token(request: Request) -> Response:
        provider.asked.append("token")
        given = {name: str(value) for name, value in (await request.form()).items()}
        client_id, secret = given.get("client_id", ""), ""
        scheme, _, pair = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            client_id, _, secret = b64decode(pair).decode().partition(":")
            client_id, secret = unquote(client_id), unquote(secret)
        try:
            return answer(provider.redeem(given, client_id, secret))
        except Refused as refused:
            status = 401 if refused.word == "invalid_client" else 400
            return answer({"error": refused.word}, status)

    @app.get("/control")
    def control() -> Response:
        return JSONResponse({"fault": provider.fault, "faults": list(FAULTS)})

    @app.post("/control")
    async def change(request: Request) -> Response:
        given = await request.form()
        fault = str(given.get("fault", provider.fault))
        if fault and fault not in FAULTS:
            return JSONResponse({"error": "no such fault"}, 400)
        provider.fault = fault
        if given.get("rotate"):
            provider.rotate()
        return control()

    return app
