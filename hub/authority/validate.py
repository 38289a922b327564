"""Nothing leaves the hub that breaks the contract: the last look at a message, as it will be sent.

One schema error makes the service refuse a whole call of up to 200 people, so the message is
validated against our XSD after zeep has built it (and before it would be signed). A finding names
the element and the rule and never the value: the texts of libxml2 quote it, and it may be a person
number.
"""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

MESSAGES = "http://socialsecurity.be/presenceregistration/v1"
TYPES = "http://socialsecurity.be/presenceregistration/schemas/v1"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"

_SCHEMA = Path(__file__).with_name("contract") / "presence-messages.xsd"
_ONE_AT_A_TIME = Lock()

_ELEMENT = re.compile(r"Element '(?:\{[^}]*\})?([A-Za-z]{1,60})'")

# Names of libxml2's schema errors (xmlerror.h) to words that a person can act on.
_RULES = {
    "SCHEMAV_CVC_PATTERN_VALID": "pattern",
    "SCHEMAV_CVC_MAXLENGTH_VALID": "too long",
    "SCHEMAV_CVC_MINLENGTH_VALID": "too short",
    "SCHEMAV_CVC_TOTALDIGITS_VALID": "too many digits",
    "SCHEMAV_CVC_ENUMERATION_VALID": "not in the list",
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_1": "wrong type",
    "SCHEMAV_ELEMENT_CONTENT": "missing or misplaced",
}


class ContractBroken(Exception):
    """A message was not sent because it breaks the contract.

    Args:
        findings: for each bad item (position in the request, from 0) the element and the rule;
            empty when no single item is to blame.
    """

    def __init__(self, findings: dict[int, tuple[str, str]]) -> None:
        super().__init__(f"{len(findings)} items")
        self.findings = findings


class ContractCheck:
    """A zeep plug-in that validates every outgoing message against the XSD of this package.

    Checks may be made in several threads at once; each is used by one of them. libxml2 sets its
    built-in types up while it compiles the first schema of a process, without a lock (release
    2.14.6, `xmlSchemaInitTypes`): two first ones beside each other leave them broken until the
    process ends, and not one message would go out any more. Four threads of a fresh process came
    upon it in 2 of 15 runs.
    """

    def __init__(self) -> None:
        import lxml.etree as etree

        # From the disk, and not through a resolver of ours: lxml lends that to libxml2 for the
        # whole process, and a message read in another thread takes it away meanwhile.
        parser = etree.XMLParser(no_network=True, resolve_entities=False)
        with _ONE_AT_A_TIME:
            self._schema = etree.XMLSchema(etree.parse(str(_SCHEMA), parser))

    def egress(
        self, envelope: _Element, http_headers: object, operation: object, options: object
    ) -> tuple[_Element, object]:
        """Returns the message with tidy namespaces when it is valid.

        Raises:
            ContractBroken: it is not; nothing was sent.
        """
        import lxml.etree as etree

        del operation, options
        # zeep declares the namespace on each element anew, which triples the size of the message.
        etree.cleanup_namespaces(envelope, top_nsmap={"s": SOAP, "p": MESSAGES, "t": TYPES})
        message = envelope.find(f"{{{SOAP}}}Body")[0]
        if not self._schema.validate(message):
            raise ContractBroken(self._findings(message))
        return envelope, http_headers

    def ingress(
        self, envelope: _Element, http_headers: object, operation: object
    ) -> tuple[_Element, object]:
        """Returns what it is given: answers are read by `hub.authority.answers`."""
        del operation
        return envelope, http_headers

    def _findings(self, message: _Element) -> dict[int, tuple[str, str]]:
        """Returns what is wrong with each item when it is alone in the message."""
        findings: dict[int, tuple[str, str]] = {}
        for index, item in enumerate(message):
            alone = message.makeelement(message.tag)
            alone.append(deepcopy(item))
            if not self._schema.validate(alone):
                findings[index] = self._finding()
        return findings

    def _finding(self) -> tuple[str, str]:
        error = self._schema.error_log[0]
        # "Element '{namespace}INSS': ..." and then the value, which must not go on.
        named = _ELEMENT.match(error.message)
        return named[1] if named else "", _RULES.get(error.type_name, "not allowed")
