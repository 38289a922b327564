"""SOAP 1.1 over HTTP: envelope in, envelope out, and the contract with its own address.

A call is parsed and validated against the schema before anything else happens. One schema error
fails the whole call with one fault, whatever the other items are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, final

from simulator.authority import messages, tree
from simulator.authority.faults import (
    NOT_AUTHENTICATED,
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

SOAP_PATH: Final = "/PresenceRegistration/v1"
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
_XS = "http://www.w3.org/2001/XMLSchema"
_WSDL_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"


def urls(base: str) -> dict[str, str]:
    """The addresses of the page, the SOAP endpoint and the WSDL of a base URL."""
    base = base.rstrip("/")
    return {
        "url": base,
        "soap": f"{base}{SOAP_PATH}",
        "wsdl": f"{base}{SOAP_PATH}?wsdl",
    }


@final
class Service:
    """Answers SOAP calls for an authority; `call` may run in several threads.

    Args:
        authority: decides and keeps.
    """

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._schema = tree.Schema(SCHEMA_FOLDER / "presence-messages-v1.xsd")

    def call(
        self,
        body: bytes,
        *,
        action: str | None,
        sender_id: str | None,
        backwards: bool = False,
    ) -> bytes:
        """Carries out one call and returns the answer's envelope.

        Args:
            body: the HTTP body, at most `BODY_MAX` bytes.
            action: the SOAPAction header; it may be left out, but must not contradict the body.
            sender_id: who calls; None is the default sender of the world file.
            backwards: answers the items of a batch last first.

        Raises:
            Fault: the call failed as a whole and stored nothing.
        """
        request = self._request(body, action)
        sender = self._authority.registers.sender(sender_id)
        if sender is None:
            raise Fault(NOT_AUTHENTICATED)
        return envelope(self._answer(request, sender, backwards))

    def _request(self, body: bytes, action: str | None) -> Element:
        if len(body) > BODY_MAX:
            raise Fault(NOT_COMPLIANT, f"more than {BODY_MAX} bytes")
        try:
            root = tree.parse(body)
        except tree.NotXmlError as problem:
            raise Fault(NOT_COMPLIANT, str(problem)) from None
        request = _content(root)
        error = self._schema.first_error(request)
        if error is not None:
            raise Fault(NOT_VALID, error)
        operation = _OPERATIONS.get(request.tag)
        if operation is None:
            raise Fault(NOT_COMPLIANT, "the body is not a request")
        named = (action or "").strip().strip('"')
        if named and named != f"{MESSAGES}/{operation}":
            raise Fault(NOT_COMPLIANT, "SOAPAction names another operation than the body")
        return request

    def _answer(self, request: Element, sender: Sender, backwards: bool) -> Element:
        authority = self._authority
        match _OPERATIONS[request.tag]:
            case "registerPresences":
                submissions = messages.read_register(request)
                outcomes = authority.register(submissions, sender)
                return messages.write_register(submissions, outcomes, backwards=backwards)
            case "cancelPresences":
                cancellations = messages.read_cancel(request)
                outcomes = authority.cancel(cancellations, sender)
                return messages.write_cancel(cancellations, outcomes, backwards=backwards)
            case "searchPresences":
                criteria = messages.read_search(request)
                return messages.write_search(request, authority.search(criteria, sender))
            case _:
                number = messages.read_get(request)
                return messages.write_get(number, authority.get(number, sender))


def _content(root: Element) -> Element:
    """The one element in the Body of a SOAP 1.1 envelope."""
    if root.tag != f"{{{SOAP}}}Envelope":
        raise Fault(NOT_COMPLIANT, "no SOAP 1.1 envelope")
    header = root.find(f"{{{SOAP}}}Header")
    for entry in [] if header is None else header:
        needed = (entry.get(f"{{{SOAP}}}mustUnderstand") or "").strip() in ("1", "true")
        # Security headers are accepted unread: this is the open profile.
        if needed and not entry.tag.startswith(f"{{{SECURITY}}}"):
            raise Fault(NOT_COMPLIANT, "a header is not understood", must_understand=True)
    bodies = root.findall(f"{{{SOAP}}}Body")
    if len(bodies) != 1 or len(bodies[0]) != 1:
        raise Fault(NOT_COMPLIANT, "exactly one Body with one element is needed")
    return next(iter(bodies[0]))


def envelope(content: Element) -> bytes:
    """A SOAP 1.1 envelope around one element, as UTF-8."""
    root = tree.new(SOAP, "Envelope", {"soapenv": SOAP})
    body = tree.add(root, SOAP, "Body")
    tree.adopt(body, content)
    return tree.serialise(root)


def fault_envelope(fault: Fault) -> bytes:
    """The envelope of a fault, as UTF-8."""
    return envelope(write_fault(fault))


def contract(address: str) -> bytes:
    """The WSDL with the service's address and the addresses of its schemas filled in."""
    root = tree.load(SCHEMA_FOLDER / CONTRACT)
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
