"""`python -m tests.authority.vectors.make`: makes the recorded messages anew, with new keys."""

from __future__ import annotations

from pathlib import Path

import lxml.etree as etree
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from simulator.authority.assertion import Issuer, SigningKey
from simulator.authority.clock import instant_ms
from tests.authority.rig import P, S, T
from tests.authority.signing import (
    NAMES,
    WSSE,
    WSU,
    Caller,
    assertion_id,
    binary_token,
    by_assertion,
    by_token,
    caller,
    canonical,
    part,
    rsa_key,
    security,
    signed_by_hand,
    timestamp,
    token_request,
)

FOLDER = Path(__file__).parent
AT = "2026-11-23T05:41:07Z"
# Not a request of anything: what matters is how it is written.
AWKWARD = """
  <in xmlns="urn:default" xmlns:a="urn:a" a:b='2' z='1'>caf&#xE9; &amp; th\u00e9&#13;
    <in xmlns=""><!-- passed over --><a:x xmlns:a="urn:b"/></in>\t<t:y/>
  </in>
"""
CALL = f"""<p:RegisterPresencesRequest><p:PresenceRegistrationRequest>
  <t:INSS>85031299761</t:INSS><t:CompanyID>999000129</t:CompanyID>
  <t:WorkPlaceId>1Y19FAKE001AZ</t:WorkPlaceId>
</p:PresenceRegistrationRequest></p:RegisterPresencesRequest>{AWKWARD}"""


def main() -> None:
    """Writes every file of this folder."""
    key, sts_key = rsa_key(), rsa_key()
    who = caller("caller of the vectors", key=key)
    sts = caller("token service of the vectors", key=sts_key)
    _write("caller.pem", who.pem.encode())
    _write("sts.pem", sts.pem.encode())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write("caller-key.pem", private)
    at_ms = instant_ms(AT)
    issuer = Issuer(SigningKey(sts_key, sts.certificate))
    _, issued = issuer.issue("SIM-0001", who.certificate, at_ms, at_ms + 3_600_000)
    assertion = etree.tostring(issued)
    request = _envelope(token_request() + AWKWARD, binary_token(who))
    _record("request", request, who, by_token())
    call = _envelope(CALL, assertion.decode())
    _record("call", call, who, by_assertion(assertion_id(assertion)))


def _envelope(body: str, token: str) -> str:
    return (
        f'<s:Envelope xmlns:s="{S}" xmlns:unused="urn:unused" xmlns:t="{T}" xmlns:p="{P}"\n'
        f'    xmlns:wsu="{WSU}">\n<s:Header>\n<wsse:Security xmlns:wsse="{WSSE}"'
        f' s:mustUnderstand="1">\n{timestamp(AT)}\n{token}\n</wsse:Security></s:Header>\n'
        f'<s:Body wsu:Id="Body-1" >{body}</s:Body>\n</s:Envelope>'
    )


def _record(name: str, content: str, who: Caller, key_info: str) -> None:
    signed = etree.fromstring(signed_by_hand(content.encode(), who.key, key_info))
    signature = security(signed).find("ds:Signature", NAMES)
    # The parser would write the body tidily: the signature is put into the text as it was written.
    text = content.replace("</wsse:Security>", f"{_text(signature)}</wsse:Security>")
    _write(f"{name}.xml", text.encode())
    _write(f"{name}.timestamp.c14n", canonical(part(signed, "TS-1")))
    _write(f"{name}.body.c14n", canonical(part(signed, "Body-1")))
    _write(f"{name}.signed-info.c14n", canonical(signature.find("ds:SignedInfo", NAMES)))


def _text(element: object) -> str:
    return etree.tostring(element, with_tail=False, encoding="unicode")


def _write(name: str, content: bytes) -> None:
    # A canonical form ends without a line end, a file in this repository does not.
    (FOLDER / name).write_bytes(content.rstrip(b"\n") + b"\n")


if __name__ == "__main__":
    main()
