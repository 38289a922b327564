"""The connectivity test: echoes a message, at three levels of security.

    checkConnection              nothing but the connection
    checkAccessControl           a message signed with a registered certificate
    checkBrokeredAccessControl   a message signed by the holder of an assertion's key

It asks for these whatever the profile of the presence service is. Names, and a message of 10 to 50
characters, are official; what it says of the caller is ours.
"""

from __future__ import annotations

from typing import Final, final

from simulator.authority import soap, tree
from simulator.authority.assertion import utc_text
from simulator.authority.faults import NOT_COMPLIANT, NOT_VALID, Fault
from simulator.authority.profile import Security
from simulator.authority.tree import Element
from simulator.authority.wssecurity import check_x509, refused

CONNECTIVITY_PATH: Final = "/PlatformIntegrationConsumerTest/v1"
CONNECTIVITY_CONTRACT: Final = "PlatformIntegrationConsumerTest.wsdl"
MESSAGES: Final = "http://socialsecurity.be/platformintegrationconsumertest/v1"
TYPES: Final = "http://socialsecurity.be/platformintegrationconsumertest/types/v1"


@final
class ConnectivityTest:
    """Answers the three operations; may be called from several threads.

    Args:
        security: who has which certificate, and the token service.
    """

    def __init__(self, security: Security) -> None:
        self._security = security
        self._schema = tree.Schema(soap.SCHEMA_FOLDER / "connectivity-messages-v1.xsd")

    def call(self, body: bytes, action: str | None) -> bytes:
        """Carries out one call and returns the answer's envelope.

        Args:
            body: the HTTP body, at most `soap.BODY_MAX` bytes.
            action: the SOAPAction header, empty or left out.

        Raises:
            Fault: SOA-03004 or SOA-03006 for the message, SOA-01001 or SOA-01002 for its security.
        """
        root = soap.read_envelope(body)
        soap.check_header(root)
        request = soap.content(root)
        if soap.plain_action(action):
            raise Fault(NOT_COMPLIANT, "the SOAPAction of this service is empty")
        caller: str | None = None
        match request.tag.removeprefix(f"{{{MESSAGES}}}"):
            case "CheckConnectionRequest":
                name = "CheckConnectionResponse"
            case "CheckAccessControlRequest":
                name = "CheckAccessControlResponse"
                request, caller = self._with_certificate(root)
            case "CheckBrokeredAccessControlRequest":
                name = "CheckBrokeredAccessControlResponse"
                sender, signed = self._security.proved(root)
                request, caller = soap.only_child(signed.body), sender.id
            case _:
                raise Fault(NOT_COMPLIANT, "the body is not a request of this service")
        error = self._schema.first_error(request)
        if error is not None:
            raise Fault(NOT_VALID, error)
        return soap.envelope(self._echo(name, request, caller))

    def _with_certificate(self, root: Element) -> tuple[Element, str]:
        signed = check_x509(root, self._security.clock())
        if not self._security.senders.owners(signed.certificate):
            raise refused("the certificate is registered for nobody")
        return soap.only_child(signed.body), signed.certificate.subject.rfc4514_string()

    def _echo(self, name: str, request: Element, caller: str | None) -> Element:
        answer = tree.new(MESSAGES, name, {"c": MESSAGES, "t": TYPES})
        message = request.find(f"{{{TYPES}}}Message")
        tree.add(answer, TYPES, "Message", None if message is None else message.text)
        tree.add(answer, TYPES, "Timestamp", utc_text(self._security.clock()))
        if caller is not None:
            tree.add(answer, TYPES, "AuthenticatedConsumer", caller)
        return answer
