"""The security token service: a signed WS-Trust 1.3 request in, a SAML 1.1 assertion out.

Checked in this order: that it is a message at all (`SOA-03004`), its security (`SOA-01001`), the
request (`SOA-03004`), that the certificate is registered at all (`SOA-01001`) and for the sender
number that is claimed (`SOA-01002`). Names and addresses are the official ones; which fault answers
which mistake is ours.
"""

from __future__ import annotations

from typing import Final, final

from simulator.authority import soap, tree
from simulator.authority.assertion import Issuer, utc_text
from simulator.authority.clock import Clock
from simulator.authority.faults import NOT_AUTHORISED, NOT_COMPLIANT, Fault
from simulator.authority.senders import SenderRegister
from simulator.authority.tree import Element
from simulator.authority.wssecurity import (
    ASSERTION_ID,
    SENDER_CLAIM,
    WSSE,
    WSU,
    check_x509,
    refused,
)

STS_PATH: Final = soap.STS_PATH
STS_CONTRACT: Final = "SecurityTokenService.wsdl"
WST: Final = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
AUTH: Final = "http://schemas.xmlsoap.org/ws/2006/12/authorization"
CLAIM_DIALECT: Final = f"{AUTH}/authclaims"
SAML_TOKEN: Final = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV1.1"
ISSUE: Final = f"{WST}/Issue"
PUBLIC_KEY: Final = f"{WST}/PublicKey"
ACTIONS: Final = frozenset({"", "RequestSecurityToken", f"{WST}/RST/Issue"})
LIFE_S: Final = 3600


@final
class TokenService:
    """Answers requests for a token; may be called from several threads.

    Args:
        senders: who may ask, and the certificates registered for them.
        clock: UTC milliseconds.
        life_s: validity of an assertion, seconds, 1 or more; the official one is unknown.
        issuer: signs the assertions; a new one with a new key if left out.
    """

    def __init__(
        self,
        senders: SenderRegister,
        clock: Clock,
        *,
        life_s: int = LIFE_S,
        issuer: Issuer | None = None,
    ) -> None:
        self._senders = senders
        self._clock = clock
        self.life_s = life_s
        self.issuer = issuer or Issuer()

    def call(self, body: bytes, action: str | None, *, expired: bool = False) -> bytes:
        """Carries out one call and returns the answer's envelope.

        Args:
            body: the HTTP body, at most `soap.BODY_MAX` bytes.
            action: the SOAPAction header, either of two names, or left out.
            expired: gives an assertion whose life has ended at this moment.

        Raises:
            Fault: no token; see the module for the codes.
        """
        root = soap.read_envelope(body)
        soap.check_header(root)
        if soap.plain_action(action) not in ACTIONS:
            raise Fault(NOT_COMPLIANT, "SOAPAction names no operation of this service")
        now_ms = self._clock()
        signed = check_x509(root, now_ms)
        request = soap.only_child(signed.body)
        sender_id = _claimed_sender(request)
        owners = self._senders.owners(signed.certificate)
        if not owners:
            raise refused("the certificate is registered for nobody")
        if sender_id not in owners or self._senders.known(sender_id) is None:
            raise Fault(NOT_AUTHORISED, "the certificate is not registered for this sender number")
        life_ms = self.life_s * 1000
        start_ms = now_ms - life_ms if expired else now_ms
        until_ms = start_ms + life_ms
        name, assertion = self.issuer.issue(sender_id, signed.certificate, start_ms, until_ms)
        return soap.envelope(_answer(request, name, assertion, start_ms, until_ms))


def _claimed_sender(request: Element) -> str:
    """The sender number a well-formed request claims."""
    if request.tag != f"{{{WST}}}RequestSecurityToken":
        raise Fault(NOT_COMPLIANT, "the body is not a RequestSecurityToken")
    for name, value in (("RequestType", ISSUE), ("TokenType", SAML_TOKEN), ("KeyType", PUBLIC_KEY)):
        if (_one(request, WST, name).text or "").strip() != value:
            raise Fault(NOT_COMPLIANT, f"{name} must be {value}")
    claims = _one(request, WST, "Claims")
    if claims.get("Dialect") != CLAIM_DIALECT:
        raise Fault(NOT_COMPLIANT, f"the Dialect of the Claims must be {CLAIM_DIALECT}")
    claim = _one(claims, AUTH, "ClaimType")
    if claim.get("Uri") != SENDER_CLAIM:
        raise Fault(NOT_COMPLIANT, f"the claim must be {SENDER_CLAIM}")
    number = (_one(claim, AUTH, "Value").text or "").strip()
    if not number:
        raise Fault(NOT_COMPLIANT, "the claim has no value")
    return number


def _one(parent: Element, namespace: str, name: str) -> Element:
    found = parent.findall(f"{{{namespace}}}{name}")
    if len(found) != 1:
        raise Fault(NOT_COMPLIANT, f"exactly one {name} is needed")
    return found[0]


def _answer(request: Element, name: str, assertion: Element, now_ms: int, until_ms: int) -> Element:
    prefixes = {"wst": WST, "wsse": WSSE, "wsu": WSU}
    collection = tree.new(WST, "RequestSecurityTokenResponseCollection", prefixes)
    response = tree.add(collection, WST, "RequestSecurityTokenResponse")
    context = request.get("Context")
    if context is not None:
        response.set("Context", context)
    tree.add(response, WST, "TokenType", SAML_TOKEN)
    tree.adopt(tree.add(response, WST, "RequestedSecurityToken"), assertion)
    for reference in ("RequestedAttachedReference", "RequestedUnattachedReference"):
        outer = tree.add(tree.add(response, WST, reference), WSSE, "SecurityTokenReference")
        tree.add(outer, WSSE, "KeyIdentifier", name).set("ValueType", ASSERTION_ID)
    lifetime = tree.add(response, WST, "Lifetime")
    tree.add(lifetime, WSU, "Created", utc_text(now_ms))
    tree.add(lifetime, WSU, "Expires", utc_text(until_ms))
    return collection
