"""The token endpoint and the bearer check: who is let in, and what a caller who is not is told."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests import plain_http
from tests.authority.rest_rig import (
    CLIENT,
    ENTERPRISE,
    PROFESSIONAL,
    REST,
    TOKEN,
    Channel,
    act,
    certificate,
    encoded,
    key,
    signed,
)
from tests.authority.rig import WORLD, Rig, served

Change = Callable[[Channel], dict[str, Any]]
HEADER = {"alg": "RS256", "typ": "JWT"}


def refused(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code of an answer that gives no token."""
    assert answer.headers["cache-control"] == "no-store"
    assert "access_token" not in answer.text
    return answer.status_code, answer.json()["error"]


def test_a_signed_assertion_gets_a_token(spare_channel: Channel) -> None:
    answer = spare_channel.ask()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    given = answer.json()
    assert len(given.pop("access_token")) > 30
    assert given == {
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": f"{ENTERPRISE} {PROFESSIONAL}",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "sim-client-2"},
        {"sub": "sim-client-2"},
        {"iss": "nobody", "sub": "nobody"},
        {"iss": None},
        {"sub": None},
        {"aud": "http://elsewhere/REST/oauth/v5/token"},
        {"aud": []},
        {"aud": None},
        {"jti": None},
        {"jti": ""},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1e300},
        {"iat": None},
        {"iat": True},
    ],
)
def test_wrong_claims(spare_channel: Channel, changes: dict[str, Any]) -> None:
    assertion = signed(HEADER, spare_channel.claims(**changes), key())
    assert refused(spare_channel.ask(spare_channel.form(assertion))) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("claim", "seconds", "status"),
    [
        ("exp", -59, 200),
        ("exp", -60, 401),
        ("exp", 3660, 200),
        ("exp", 3661, 401),
        ("iat", 60, 200),
        ("iat", 62, 401),
        ("iat", -3000, 200),
    ],
)
def test_the_times_of_an_assertion(channel: Channel, claim: str, seconds: int, status: int) -> None:
    now_s = channel.rig.authority.clock() // 1000
    claims = channel.claims(**{claim: now_s + seconds})
    channel.rig.clock.ms = now_s * 1000
    assert channel.ask(channel.form(signed(HEADER, claims, key()))).status_code == status


def test_the_skew_can_be_chosen(channel: Channel) -> None:
    now_s = channel.rig.authority.clock() // 1000
    late = channel.form(signed(HEADER, channel.claims(exp=now_s - 100), key()))
    assert refused(channel.ask(late)) == (401, "invalid_client")
    channel.rig.order("tokens", skew_s=200)
    assert channel.ask(late).status_code == 200


def test_an_audience_may_be_a_list(spare_channel: Channel) -> None:
    claims = spare_channel.claims(aud=["urn:other", f"{spare_channel.base}{TOKEN}"])
    assert spare_channel.ask(spare_channel.form(signed(HEADER, claims, key()))).status_code == 200


def test_an_assertion_is_good_once(spare_channel: Channel) -> None:
    form = spare_channel.form()
    assert spare_channel.ask(form).status_code == 200
    assert refused(spare_channel.ask(form)) == (401, "invalid_client")


def unsigned(channel: Channel) -> str:
    header, claims, _ = signed({"alg": "none"}, channel.claims(), key()).split(".")
    return f"{header}.{claims}."


def by_another_key(channel: Channel) -> str:
    return signed(HEADER, channel.claims(), key("other"))


def with_the_public_key_as_secret(channel: Channel) -> str:
    public = key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    parts = ({"alg": "HS256"}, channel.claims())
    content = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    return f"{content}.{encoded(hmac.digest(public, content.encode(), hashlib.sha256))}"


def changed_afterwards(channel: Channel) -> str:
    header, _, signature = signed(HEADER, channel.claims(), key()).split(".")
    claims = encoded(json.dumps(channel.claims()).encode())
    return f"{header}.{claims}.{signature}"


def another_algorithm(channel: Channel) -> str:
    return signed({"alg": "PS256"}, channel.claims(), key())


@pytest.mark.parametrize(
    "make",
    [
        unsigned,
        by_another_key,
        with_the_public_key_as_secret,
        changed_afterwards,
        another_algorithm,
        lambda _: "a.b.c",
        lambda _: "nothing like it",
        lambda _: encoded(b"[" * 9_000) * 3,
        lambda _: ".".join((encoded(b'{"alg":"RS256"}'), encoded(b"[" * 20_000), "AA")),
    ],
)
def test_a_signature_that_is_not_the_clients(
    spare_channel: Channel, make: Callable[[Channel], str]
) -> None:
    assert refused(spare_channel.ask(spare_channel.form(make(spare_channel)))) == (
        401,
        "invalid_client",
    )


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": None}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_assertion_type": None}, 400, "invalid_request"),
        ({"client_assertion_type": "urn:other"}, 400, "invalid_request"),
        ({"client_assertion": None}, 401, "invalid_client"),
        ({"client_assertion": ""}, 401, "invalid_client"),
        ({"client_secret": "secret"}, 401, "invalid_client"),
        ({"client_id": "sim-client-2"}, 401, "invalid_client"),
        ({"scope": "unknown"}, 400, "invalid_scope"),
        ({"scope": f"{ENTERPRISE} unknown"}, 400, "invalid_scope"),
    ],
)
def test_wrong_requests(
    spare_channel: Channel, changes: dict[str, str | None], status: int, error: str
) -> None:
    assert refused(spare_channel.ask(spare_channel.form(**changes))) == (status, error)


def test_secrets_in_a_header_are_not_supported(spare_channel: Channel) -> None:
    answer = spare_channel.ask(auth=(CLIENT, "secret"))
    assert refused(answer) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b'{"grant_type": "client_credentials"}', "application/json"),
        (b"grant_type=client_credentials&grant_type=client_credentials", None),
        (b"no form at all", None),
        (b"\xff\xfe", None),
        (b"a=" + b"b" * 70_000, None),
        (b"", None),
    ],
)
def test_what_is_no_form(spare_channel: Channel, content: bytes, media_type: str | None) -> None:
    headers = {"Content-Type": media_type or "application/x-www-form-urlencoded"}
    answer = plain_http.post(f"{spare_channel.base}{TOKEN}", content=content, headers=headers)
    assert refused(answer) == (400, "invalid_request")


def test_a_client_without_certificate_gets_no_token(rig: Rig, base: str) -> None:
    channel = Channel(rig, base)
    channel.client = "sim-client-2"
    assert refused(channel.ask()) == (401, "invalid_client")


def test_the_certificates_of_its_sender_prove_a_client_that_has_none(rig: Rig, base: str) -> None:
    channel = Channel(rig, base)
    channel.client = "sim-client-2"
    both = certificate(key("other")) + certificate(key())
    rig.order("sender", id="SIM-0002", certificate=both)
    assert channel.ask().status_code == 200
    stranger = signed(HEADER, channel.claims(), key("third"))
    assert refused(channel.ask(channel.form(stranger))) == (401, "invalid_client")


# the bearer check


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (None, "noAccessToken"),
        ("Basic YTpi", "noAccessToken"),
        ("Bearer", "noAccessToken"),
        ("Bearer none-of-ours", "invalidAccessToken"),
    ],
)
def test_a_call_without_a_good_token(spare_channel: Channel, header: str | None, name: str) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = plain_http.get(f"{spare_channel.base}{REST}/refData/remarks", headers=headers)
    assert spare_channel.problem(answer) == (401, name)
    assert answer.headers["www-authenticate"].startswith("Bearer ")


def test_a_token_lasts_ten_minutes(channel: Channel) -> None:
    channel.fetch()
    channel.rig.clock.forward(599.999)
    assert channel.call("GET", "/refData/remarks").status_code == 200
    channel.rig.clock.forward(0.001)
    answer = channel.call("GET", "/refData/remarks")
    assert channel.problem(answer) == (401, "expiredAccessToken")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_the_lifetime_can_be_chosen_and_ended(channel: Channel) -> None:
    channel.rig.order("tokens", lifetime_s=30)
    assert channel.ask().json()["expires_in"] == 30
    channel.fetch()
    assert channel.rig.order("tokens", expire=True)["expired"] == 2
    answer = channel.call("GET", "/refData/remarks")
    assert channel.problem(answer) == (401, "expiredAccessToken")
    channel.fetch()
    assert channel.call("GET", "/refData/remarks").status_code == 200


def test_writing_needs_the_enterprise_scope(spare_channel: Channel) -> None:
    spare_channel.fetch(scope=PROFESSIONAL)
    assert spare_channel.call("GET", "/refData/remarks").status_code == 200
    assert spare_channel.numbers() == []
    path = "/presenceRegistrations/registerInBulk"
    answer = spare_channel.call("POST", path, json={"items": [act()]})
    assert spare_channel.problem(answer) == (403, "missingScope")
    assert answer.json()["requiredScopes"] == [ENTERPRISE]
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert spare_channel.rig.client.get("/sim/events").json() == []


def test_other_scopes_open_nothing(channel: Channel) -> None:
    channel.rig.order("client", id=CLIENT, scopes=["something:else"])
    channel.fetch()
    answer = channel.call("GET", "/refData/remarks")
    assert channel.problem(answer) == (403, "missingScope")
    assert answer.json()["requiredScopes"] == [ENTERPRISE, PROFESSIONAL]


def test_a_channel_without_permission(channel: Channel) -> None:
    channel.fetch()
    channel.rig.order("client", id=CLIENT, permitted=False)
    answer = channel.call("GET", "/refData/remarks")
    assert channel.problem(answer) == (403, "missingPermission")


# clients


def test_a_client_stays_known_after_a_restart_and_its_token_does_not(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig()
    with served(rig) as base:
        rig.order("client", id="new", sender="SIM-0003")
        token = Channel(rig, base, "new").fetch()
    rig = make_rig()
    with served(rig) as base:
        channel = Channel(rig, base)
        channel.client, channel.token = "new", token
        answer = channel.call("GET", "/refData/remarks")
        assert channel.problem(answer) == (401, "invalidAccessToken")
        channel.fetch()
        assert channel.call("GET", "/refData/remarks").status_code == 200


@pytest.mark.parametrize(
    "order",
    [
        {"id": "new"},
        {"id": "new", "sender": "nobody"},
        {"id": CLIENT, "certificate": "no certificate"},
        {"id": CLIENT, "certificate": certificate(ec.generate_private_key(ec.SECP256R1()))},
        {"id": CLIENT, "scopes": []},
        {"id": CLIENT, "secret": "x"},
    ],
)
def test_orders_for_clients_that_change_nothing(rig: Rig, order: dict[str, Any]) -> None:
    before = rig.client.get("/sim/rest").json()
    answer = rig.client.post("/sim/client", json=order)
    assert answer.status_code == 422
    assert str(order.get("certificate", "no such text")) not in answer.text
    assert rig.client.get("/sim/rest").json() == before


@pytest.mark.parametrize("inline", [True, False])
def test_the_world_file_may_carry_certificates(
    make_rig: Callable[..., Rig], tmp_path: Path, inline: bool
) -> None:
    (tmp_path / "channel.pem").write_text(certificate(key()))
    written = f'"""{certificate(key())}"""' if inline else '"channel.pem"'
    world = tmp_path / "world.toml"
    world.write_text(
        f'{WORLD.read_text()}\n[[client]]\nid = "filed"\nsender = "SIM-0003"\n'
        f'scopes = ["{PROFESSIONAL}"]\ncertificate = {written}\n'
    )
    rig = make_rig(world=world)
    with served(rig) as base:
        channel = Channel(rig, base)
        channel.client = "filed"
        assert channel.ask().json()["scope"] == PROFESSIONAL


def test_no_token_and_no_assertion_in_a_repr_or_a_log(
    channel: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = channel.fetch()
    channel.ask(channel.form(by_another_key(channel)))
    assert token not in caplog.text
    assert encoded(b'{"alg": "RS256"') not in caplog.text
