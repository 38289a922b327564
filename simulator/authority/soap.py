"""SOAP 1.1 over HTTP: envelope in, envelope out, and the contract with its own address.

A call is parsed and validated against the schema before anything else happens. One schema error
fails the whole call with one fault, whatever the other items are.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from simulator.authority import messages, tree
from simulator.authority.faults import (
    NOT_COMPLIANT,
    NOT_VALID,
    SOAP,
    Fault,
    write_fault,
)
from simulator.authority.messages import MESSAGES
from simulator.authority.operations import Authority
from simulator.authority.presence import Sender
from simulator.authority.tree import Element

if TYPE_CHECKING:
    from simulator.authority.profile import Security

SOAP_PATH: Final = "/PresenceRegistration/v1"
STS_PATH: Final = "/SecurityTokenService/v1"
# 200 items take about 90 kB.
BODY_MAX: Final = 1_048_576
SCHEMA_FOLDER: Final = Path(__file__).parent / "schema"
CONTRACT: Final = "PresenceRegistration.wsdl"
SECURITY: Final = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
)

_OPERATIONS: Final = {
    f"{{{MESSAGES}}}RegisterPresencesRequest": "registerPresences",
    f"{{{MESSAGES}}}CancelPresencesRequest": "cancelPresences",
    f"{{{MESSAGES}}}SearchPresencesRequest": "searchPresences",
    f"{{{MESSAGES}}}GetPresenceRegistrationRequest": "getPresenceRegistration",
}
_ONE_BODY: Final = "exactly one Body with one element is needed"
_XS = "http://www.w3.org/2001/XMLSchema"
_WSDL_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"


def urls(base: str) -> dict[str, str]:
    """The addresses of the page, the SOAP endpoint, its WSDL and the token service."""
    base = base.rstrip("/")
    return {
        "url": base,
        "soap": f"{base}{SOAP_PATH}",
        "wsdl": f"{base}{SOAP_PATH}?wsdl",
        "sts": f"{base}{STS_PATH}",
    }


@final
class Service:
    """Answers SOAP calls for an authority; `call` may run in several threads.

    Args:
        authority: decides and keeps.
        security: says who calls.
    """

    def __init__(self, authority: Authority, security: Security) -> None:
        self._authority = authority
        self._security = security
        self._schema = tree.Schema(SCHEMA_FOLDER / "presence-messages-v1.xsd")

    def call(
        self,
        body: bytes,
        *,
        action: str | None,
        sender_id: str | None,
    ) -> bytes:
        """Carries out one call and returns the answer's envelope.

        Args:
            body: the HTTP body, at most `BODY_MAX` bytes.
            action: the SOAPAction header; it may be left out, but must not contradict the body.
            sender_id: who calls, in the open profile; None is the default sender of the world file.

        Raises:
            Fault: the call failed as a whole and stored nothing.
        """
        root = read_envelope(body)
        check_header(root)
        # As at a gateway: who is not let in does not learn what is wrong with the message.
        if self._security.profile == "signed":
            sender, signed = self._security.proved(root)
            request = only_child(signed.body)
            self._check(request, action)
        else:
            request = content(root)
            self._check(request, action)
            sender = self._security.believed(sender_id)
        return envelope(self._answer(request, sender))

    def _check(self, request: Element, action: str | None) -> None:
        error = self._schema.first_error(request)
        if error is not None:
            raise Fault(NOT_VALID, error)
        operation = _OPERATIONS.get(request.tag)
        if operation is None:
            raise Fault(NOT_COMPLIANT, "the body is not a request")
        named = plain_action(action)
        if named and named != f"{MESSAGES}/{operation}":
            raise Fault(NOT_COMPLIANT, "SOAPAction names another operation than the body")

    def _answer(self, request: Element, sender: Sender) -> Element:
        authority = self._authority
        match _OPERATIONS[request.tag]:
            case "registerPresences":
                submissions = messages.read_register(request)
                outcomes = authority.register(submissions, sender)
                return messages.write_register(submissions, outcomes)
            case "cancelPresences":
                cancellations = messages.read_cancel(request)
                outcomes = authority.cancel(cancellations, sender)
                return messages.write_cancel(cancellations, outcomes)
            case "searchPresences":
                criteria = messages.read_search(request)
                return messages.write_search(request, authority.search(criteria, sender))
            case _:
                number = messages.read_get(request)
                return messages.write_get(number, authority.get(number, sender))


def read_envelope(body: bytes) -> Element:
    """The document element of a message from outside.

    Raises:
        Fault: SOA-03004, too long or no XML this service reads.
    """
    if len(body) > BODY_MAX:
        raise Fault(NOT_COMPLIANT, f"more than {BODY_MAX} bytes")
    try:
        return tree.parse(body)
    except tree.NotXmlError as problem:
        raise Fault(NOT_COMPLIANT, str(problem)) from None


def plain_action(action: str | None) -> str:
    """The SOAPAction without its quotes, empty when it was left out."""
    return (action or "").strip().strip('"')


def check_header(root: Element) -> None:
    """Refuses what is no envelope, and headers nobody here knows; security headers stay unread.

    Raises:
        Fault: SOA-03004, no SOAP 1.1 envelope, or a header that must be understood and is not.
    """
    if root.tag != f"{{{SOAP}}}Envelope":
        raise Fault(NOT_COMPLIANT, "no SOAP 1.1 envelope")
    header = root.find(f"{{{SOAP}}}Header")
    for entry in [] if header is None else header:
        needed = (entry.get(f"{{{SOAP}}}mustUnderstand") or "").strip() in ("1", "true")
        if needed and not entry.tag.startswith(f"{{{SECURITY}}}"):
            raise Fault(NOT_COMPLIANT, "a header is not understood", must_understand=True)


def content(root: Element) -> Element:
    """The one element in the one Body of an envelope.

    Raises:
        Fault: SOA-03004, there is none, or more than one.
    """
    bodies = root.findall(f"{{{SOAP}}}Body")
    if len(bodies) != 1:
        raise Fault(NOT_COMPLIANT, _ONE_BODY)
    return only_child(bodies[0])


def only_child(body: Element) -> Element:
    """The one element in a Body.

    Raises:
        Fault: SOA-03004, there is none, or more than one.
    """
    if len(body) != 1:
        raise Fault(NOT_COMPLIANT, _ONE_BODY)
    return next(iter(body))


def envelope(content: Element) -> bytes:
    """A SOAP 1.1 envelope around one element, as UTF-8."""
    root = tree.new(SOAP, "Envelope", {"soapenv": SOAP})
    body = tree.add(root, SOAP, "Body")
    tree.adopt(body, content)
    return tree.serialise(root)


def fault_envelope(fault: Fault) -> bytes:
    """The envelope of a fault, as UTF-8."""
    return envelope(write_fault(fault))


def contract(address: str, name: str = CONTRACT) -> bytes:
    """A WSDL with its service's address and the addresses of its schemas filled in."""
    root = tree.load(SCHEMA_FOLDER / name)
    for port in root.iter(f"{{{_WSDL_SOAP}}}address"):
        port.set("location", address)
    return tree.serialise(_addressed(root, address))


def schema(name: str, address: str) -> bytes | None:
    """One schema file with the addresses of its imports filled in, None if there is none."""
    names = {path.name: path for path in SCHEMA_FOLDER.glob("*.xsd")}
    path = names.get(name)
    return None if path is None else tree.serialise(_addressed(tree.load(path), address))


def _addressed(root: Element, address: str) -> Element:
    for imported in root.iter(f"{{{_XS}}}import"):
        imported.set("schemaLocation", f"{address}?xsd={imported.get('schemaLocation')}")
    return root
