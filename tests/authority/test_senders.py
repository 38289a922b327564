"""Registered senders and certificates: the world file, orders while it runs, and restarts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes

from simulator.authority.assertion import Issuer, SigningKey
from simulator.authority.clock import brussels_day
from simulator.authority.world import WorldFileError, load_world
from tests.authority.conftest import MakeRig
from tests.authority.rig import MAIN, NOW, WORLD, Rig, instant_ms, item, register
from tests.authority.secured import Secured
from tests.authority.signing import Caller, call_bytes, caller, request_bytes

TODAY = brussels_day(instant_ms(NOW))
FIRST_SENDER = 'id = "SIM-0001"\n'


def print_of(who: Caller) -> str:
    return who.certificate.fingerprint(hashes.SHA256()).hex()


def world_with(folder: Path, certificate: str) -> Path:
    """The world file with a certificate for the first sender."""
    text = WORLD.read_text(encoding="utf-8")
    assert text.count(FIRST_SENDER) == 1
    path = folder / "world.toml"
    added = f"{FIRST_SENDER}certificate = {certificate}\n"
    path.write_text(text.replace(FIRST_SENDER, added), encoding="utf-8")
    return path


def test_the_world_file_may_hold_or_name_certificates(
    tmp_path: Path, make_rig: MakeRig, main_caller: Caller, sub_caller: Caller, sts_key: SigningKey
) -> None:
    (tmp_path / "sender.pem").write_text(main_caller.pem + sub_caller.pem, encoding="ascii")
    for certificate in ('"sender.pem"', f'"""{main_caller.pem}"""'):
        rig = make_rig(world=world_with(tmp_path, certificate), issuer=Issuer(sts_key))
        assert Secured(rig, main_caller).token()
        held = rig.client.get("/sim/security").json()["senders"][0]["certificates"]
        assert held[0] == print_of(main_caller)
        assert len(held) == (2 if "pem" in certificate[:12] else 1)
        rig.close()


@pytest.mark.parametrize("certificate", ['"nowhere.pem"', '"world.toml"', '"-----BEGIN x"', "7"])
def test_a_wrong_certificate_stops_the_program(tmp_path: Path, certificate: str) -> None:
    with pytest.raises(WorldFileError, match=r"world\.toml: sender 1: certificate"):
        load_world(world_with(tmp_path, certificate), TODAY)


def test_a_sender_registered_while_it_runs_survives_a_restart(
    secured: Secured, make_rig: MakeRig, sts_key: SigningKey
) -> None:
    who = caller()
    shown = secured.rig.order("sender", id="N-7", company="0999000228", certificate=who.pem)
    assert shown == {
        "id": "N-7",
        "company": "0999000228",
        "user_type": "SIM",
        "certificates": [print_of(who)],
    }
    assert secured.token("N-7", who)
    secured.rig.close()
    again = Secured(make_rig(issuer=Issuer(sts_key)), secured.who)
    again.rig.order("profile", profile="signed")
    content = call_bytes(who, NOW, again.token("N-7", who), register(item()))
    assert again.post(content).fault is None
    assert again.rig.stored()[0]["sender"] == "N-7"
    assert again.token("SIM-0001")
    # The first sender of the world file is still the one of a call that names none.
    again.rig.order("profile", profile="open")
    assert again.rig.register(item())
    assert again.rig.stored()[1]["sender"] == "SIM-0001"


def test_what_an_order_leaves_out_stays(secured: Secured) -> None:
    first = secured.rig.order("sender", id="SIM-0001")
    assert first["certificates"] == [print_of(secured.who)]
    assert first["company"] == f"0{MAIN}"
    second = secured.rig.order("sender", id="SIM-0001", user_type="OTHER")
    assert second == first | {"user_type": "OTHER"}
    moved = secured.rig.order("sender", id="SIM-0001", company="1999000150")
    assert moved == second | {"company": "1999000150"}
    assert secured.token()
    assert secured.rig.order("sender", id="SIM-0001", certificate=None)["certificates"] == []
    assert secured.ask(request_bytes(secured.who, NOW)).fault == "SOA-01001"


def test_a_new_certificate_replaces_the_old_one_unless_both_are_named(secured: Secured) -> None:
    new = caller()
    both = secured.who.pem + new.pem
    for pem, old_fits in ((both, True), (new.pem, False)):
        secured.rig.order("sender", id="SIM-0001", certificate=pem)
        assert secured.ask(request_bytes(new, NOW)).fault is None
        answer = secured.ask(request_bytes(secured.who, NOW))
        assert answer.fault == (None if old_fits else "SOA-01001")


def test_one_certificate_may_serve_two_senders(secured: Secured) -> None:
    secured.rig.order("sender", id="SIM-0003", certificate=secured.who.pem)
    for sender_id in ("SIM-0001", "SIM-0003"):
        assert secured.token(sender_id)


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"id": ""},
        {"id": "x" * 41, "company": "0999000129"},
        {"id": "NEW"},
        {"id": "NEW", "company": "0999000128"},
        {"id": "SIM-0001", "user_type": ""},
        {"id": "SIM-0001", "certificate": "secret-8503129"},
        {"id": "SIM-0001", "certificate": "world.toml"},
        {"id": "SIM-0001", "key": "secret-8503129"},
    ],
)
def test_a_wrong_order_changes_nothing(spare_rig: Rig, order: dict[str, Any]) -> None:
    before = spare_rig.client.get("/sim/security").json()
    answer = spare_rig.client.post("/sim/sender", json=order)
    assert answer.status_code == 422
    assert "8503129" not in answer.text
    assert spare_rig.client.get("/sim/security").json() == before
