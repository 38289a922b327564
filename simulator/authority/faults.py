"""SOAP faults of the service: the codes of its bus and the shape of the detail.

Codes and meanings are read from public client code of the same bus; HTTP status and `faultcode` are
not documented, SOAP 1.1 practice (500, Client or Server) is used.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final, final

from simulator.authority import tree
from simulator.authority.tree import Element

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
ERRORS: Final = "http://socialsecurity.be/errors/v1"
XML: Final = "http://www.w3.org/XML/1998/namespace"


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One known code: whose fault it is, what it says, whether a retry makes sense."""

    consumer: bool
    text: str
    retry: bool


GENERAL: Final = "SOA-00001"
NOT_AUTHENTICATED: Final = "SOA-01001"
NOT_AUTHORISED: Final = "SOA-01002"
UNAVAILABLE: Final = "SOA-02001"
TEMPORARILY_UNAVAILABLE: Final = "SOA-02002"
NOT_COMPLIANT: Final = "SOA-03004"
NOT_VALID: Final = "SOA-03006"

KINDS: Final = {
    GENERAL: FaultKind(False, "General service error", True),
    NOT_AUTHENTICATED: FaultKind(True, "The caller is not authenticated", False),
    NOT_AUTHORISED: FaultKind(True, "The caller is not authorised", False),
    UNAVAILABLE: FaultKind(False, "Service is not available. Please contact service desk.", True),
    TEMPORARILY_UNAVAILABLE: FaultKind(False, "Service is temporarily not available", True),
    NOT_COMPLIANT: FaultKind(True, "Message is not compliant", False),
    NOT_VALID: FaultKind(True, "XSD compliance failure", False),
}

_tickets = itertools.count(1)


@final
class Fault(Exception):
    """The whole call fails with a SOAP fault; nothing of it is stored.

    Args:
        code: `SOA-nnnnn`; codes that are not in `KINDS` are sent as the provider's fault.
        explanation: follows the standing text of the code in the answer, never in the log. For a
            schema error it quotes what was sent, as the official service does.
        element: `SystemError` or `BusinessError`.
        must_understand: SOAP's own fault code for a header nobody here knows.
    """

    def __init__(
        self,
        code: str,
        explanation: str = "",
        *,
        element: str = "SystemError",
        must_understand: bool = False,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.explanation = explanation
        self.element = element
        self.must_understand = must_understand


def write_fault(fault: Fault) -> Element:
    """The `soapenv:Fault` element of a fault, with a fresh ticket number."""
    kind = KINDS.get(fault.code, FaultKind(False, "Fault asked for by a test", False))
    root = tree.new(SOAP, "Fault", {"soapenv": SOAP, "e": ERRORS})
    side = "Client" if kind.consumer else "Server"
    name = "MustUnderstand" if fault.must_understand else side
    # faultcode and faultstring have no namespace in SOAP 1.1.
    tree.add(root, "", "faultcode", f"soapenv:{name}")
    tree.add(root, "", "faultstring", kind.text)
    detail = tree.add(tree.add(root, "", "detail"), ERRORS, fault.element)
    detail.set("Id", f"SIM-TICKET-{next(_tickets):04d}")
    tree.add(detail, ERRORS, "Origin", "Consumer" if kind.consumer else "Provider")
    tree.add(detail, ERRORS, "Code", fault.code)
    text = f"{kind.text}: {fault.explanation}" if fault.explanation else kind.text
    tree.add(detail, ERRORS, "Message", text).set(f"{{{XML}}}lang", "en")
    tree.add(detail, ERRORS, "Retry", "true" if kind.retry else "false")
    tree.add(detail, ERRORS, "Environment", "Simulation")
    return root
