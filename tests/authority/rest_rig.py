"""What the tests of the in/out face share: a channel with its key, calls over real HTTP.

Assertions are put together and signed here by hand, not by the library the simulator verifies them
with, and every answer is checked against the served contract before a test looks at it.
"""

from __future__ import annotations

import base64
import itertools
import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests import plain_http
from tests.authority.openapi import Contract
from tests.authority.rig import OK, Rig

CLIENT, SUB_CLIENT = "sim-client-1", "sim-client-2"
REST, TOKEN = "/REST/presenceRegistration/v1", "/REST/oauth/v5/token"
ENTERPRISE = "sim:presence:check-in-and-out-work-rest:enterprise"
PROFESSIONAL = "sim:presence:check-in-and-out-work-rest:professional"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
WORKS_E, WORKS_F, WORKS_G = "1Y19FAKE005EZ", "1Y19FAKE006FZ", "1Y19FAKE007GZ"
FIRST_EVENT = 800_000_000_000_001
PLACE: dict[str, Any] = {"coordinates": {"longitude": 4.3517, "latitude": 50.8466}}
ADDRESS: dict[str, Any] = {
    "address": {
        "postCode": "1000",
        "municipalityName": "Brussel",
        "streetName": "Proefstraat",
        "houseNumber": "1",
    }
}

_jti = itertools.count(1)


@cache
def key(name: str = "main") -> rsa.RSAPrivateKey:
    """A key of that name, made once."""
    assert name
    return rsa.generate_private_key(65537, 2048)


def certificate(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    """A self-signed certificate as PEM text."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "invented")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .sign(private, hashes.SHA256())
        .public_bytes(Encoding.PEM)
        .decode()
    )


def encoded(part: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def signed(header: object, claims: object, private: rsa.RSAPrivateKey) -> str:
    """A compact JWS with an RS256 signature, whatever the header says."""
    content = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    signature = private.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{content}.{encoded(signature)}"


def act(
    ssin: str = OK,
    *,
    at: str = "2026-11-23T06:41:00+01:00",
    type_: str = "in",
    works: str = WORKS_E,
    employer: dict[str, Any] | None = None,
    place: dict[str, Any] | None = None,
    reference: str | None = None,
    **more: object,
) -> dict[str, Any]:
    """One item of registerInBulk."""
    written = {
        "registrationDate": at,
        "ssin": ssin,
        "type": type_,
        "employer": employer or {"enterpriseNumber": "0999000129"},
        "placeOfWork": place or PLACE,
        "contractualRelationshipReference": works,
        **more,
    }
    return written if reference is None else written | {"customReference": reference}


class Channel:
    """One REST client of a served rig.

    Args:
        rig: the authority; the client's certificate is registered with it.
        base: the URL it is served at.
        client: the client id.
    """

    def __init__(self, rig: Rig, base: str, client: str = CLIENT) -> None:
        self.rig = rig
        self.base = base
        self.client = client
        rig.order("client", id=client, certificate=certificate(key()))
        self.contract = Contract(plain_http.get(f"{base}{REST}/openapi.json").json())
        self.token = ""

    def claims(self, **changes: object) -> dict[str, Any]:
        """The claims of a good assertion; a change to None leaves one out."""
        now_s = self.rig.authority.clock() // 1000
        claims = {
            "iss": self.client,
            "sub": self.client,
            "aud": f"{self.base}{TOKEN}",
            "jti": f"jti-{next(_jti)}",
            "iat": now_s,
            "exp": now_s + 300,
        } | changes
        return {name: value for name, value in claims.items() if value is not None}

    def form(self, assertion: str | None = None, **changes: str | None) -> dict[str, str]:
        """The body of a good request for a token."""
        form: dict[str, str | None] = {
            "grant_type": "client_credentials",
            "client_assertion_type": JWT_BEARER,
            "client_assertion": assertion or signed({"alg": "RS256"}, self.claims(), key()),
            **changes,
        }
        return {name: value for name, value in form.items() if value is not None}

    def ask(self, form: dict[str, str] | None = None, **more: Any) -> httpx2.Response:
        """Asks for a token."""
        return plain_http.post(f"{self.base}{TOKEN}", data=form or self.form(), **more)

    def fetch(self, **changes: str | None) -> str:
        """A token, used by the calls that follow."""
        answer = self.ask(self.form(**changes))
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        return self.token

    def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """One call with the token; a problem is checked for its form."""
        if not self.token:
            self.fetch()
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        answer = plain_http.request(method, f"{self.base}{REST}{path}", headers=headers, **more)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            self.contract.check("Problem", answer.json())
            assert answer.json()["status"] == answer.status_code
        return answer

    def good(self, schema: str, method: str, path: str, **more: Any) -> Any:
        """The body of a call that succeeds and fits the contract."""
        answer = self.call(method, path, **more)
        assert answer.status_code == 200, answer.text
        self.contract.check(schema, answer.json())
        return answer.json()

    def problem(self, answer: httpx2.Response) -> tuple[int, str]:
        """Status and last part of the type of a problem."""
        return answer.status_code, answer.json()["type"].rpartition(":")[2]

    def bulk(self, *items: dict[str, Any]) -> list[dict[str, Any]]:
        """The entries of a batch that is carried out."""
        for item in items:
            self.contract.check("PresenceRegistrationRequest", item)
        path = "/presenceRegistrations/registerInBulk"
        return self.good("BulkResponse", "POST", path, json={"items": list(items)})["items"]

    def register(self, *items: dict[str, Any]) -> list[int]:
        """The numbers of items that are all accepted."""
        return [entry["createdPresenceRegistration"]["id"] for entry in self.bulk(*items)]

    def codes(self, *items: dict[str, Any]) -> list[list[str]]:
        """For each item the codes it is refused with, none when it is registered."""
        return [
            [
                error["errorCode"]
                for error in entry.get("notCreatedPresenceRegistration", {"errorList": []})[
                    "errorList"
                ]
            ]
            for entry in self.bulk(*items)
        ]

    def get(self, number: int) -> dict[str, Any]:
        """One registration."""
        return self.good("PresenceRegistration", "GET", f"/presenceRegistrations/{number}")

    def held(self, number: int) -> tuple[str, list[str]]:
        """Validity and codes of the remarks of a registration."""
        found = self.get(number)
        return found["validity"], [remark["code"] for remark in found["remarks"]]

    def validated(self, *items: dict[str, Any]) -> list[tuple[str, list[str]]]:
        """Registers items; validity and remarks of each after the first validation."""
        numbers = self.register(*items)
        self.rig.clock.forward(self.rig.authority.settings.validation_delay_ms / 1000)
        self.rig.authority.validate_due()
        return [self.held(number) for number in numbers]

    def found(self, query: str = "", sort: object = None, **criteria: Any) -> dict[str, Any]:
        """A page of a search in a wide window."""
        window = {"startDate": "2026-01-01", "endDate": "2027-12-31"}
        body: dict[str, Any] = {"criteria": {"registrationDate": window, **criteria}}
        if sort is not None:
            body["sort"] = sort
        self.contract.check("SearchRequest", body)
        path = f"/presenceRegistrations/search{query}"
        return self.good("SearchResponse", "POST", path, json=body)

    def numbers(self, query: str = "", sort: object = None, **criteria: Any) -> list[int]:
        """The numbers of a page, counted from the first event."""
        page = self.found(query, sort, **criteria)
        return [one["id"] - FIRST_EVENT for one in page["items"]]
