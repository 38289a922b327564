"""Messages as they will be on the wire: built by zeep from the WSDL of this package.

zeep and lxml are imported at the first message, in the thread that builds it: they cost 0.4 s and
40 MiB, and most of the hub never needs them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from hub.authority.transport import contract_file
from hub.authority.validate import MESSAGES, ContractCheck
from hub.errors import LocalProtocolError

if TYPE_CHECKING:
    from lxml.etree import _Element

BINDING = f"{{{MESSAGES}}}PresenceRegistrationSOAPBinding"
# zeep wants one to bind to; messages are sent by hub.authority.transport to the address set there.
_NOWHERE = "http://127.0.0.1/"


class Plugin(Protocol):
    """What zeep hands a message to before it leaves."""

    def egress(
        self, envelope: _Element, http_headers: object, operation: object, options: object
    ) -> tuple[_Element, object]:
        """Returns the message as it goes on."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """One request. It holds person numbers, so the `repr` shows its size only.

    Args:
        body: the bytes to send.
        headers: HTTP headers that belong to them.
    """

    body: bytes
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Message({len(self.body)} bytes)"


class Loader:
    """Loads the contract for zeep: from this package and from nowhere else."""

    def load(self, url: str) -> bytes:
        """Returns the file of the contract with the last name in `url`; never opens a connection.

        zeep asks with the path it made of an import's `schemaLocation`, whatever folder that names.

        Raises:
            LocalProtocolError: HUB-1317, there is no such file.
        """
        return contract_file(url.replace("\\", "/").rsplit("/", 1)[-1])


class Messages:
    """Builds the requests of one thread; each is checked against the contract before it is given.

    Theory of operation. zeep takes 0.2 ms for an item, most of it on what is the same for all of a
    kind. So it builds the first item of each kind, and the following ones are copies of that with
    their own texts: elements, their order and their namespaces stay zeep's. What comes out is to
    the byte what zeep would have built (a test compares), and goes through the same check.

    Args:
        more: what a message goes through after the check, for example a signature.
    """

    def __init__(self, more: Sequence[Plugin] = ()) -> None:
        self._more = more
        self._plugins: tuple[Plugin, ...] = ()
        self._client: Any = None
        self._service: Any = None
        self._kinds: dict[tuple[str, ...], _Element] = {}

    def build(
        self,
        operation: str,
        field: str,
        values: Mapping[str, object] | Sequence[Mapping[str, object]],
    ) -> Message:
        """Returns the message of an operation.

        Args:
            operation: of the WSDL, for example `registerPresences`.
            field: what its request element holds.
            values: content of that, by element name; of each of them when there are several. Those
                of several hold texts, numbers and dates only.

        Raises:
            ContractBroken: the message breaks the contract, and which items do.
            LocalProtocolError: HUB-1317, it cannot be built.
            SitegateError: what a plug-in raises.
        """
        from zeep.exceptions import Error as ZeepError

        envelope: _Element | None = None
        # Not chained: the text of these may quote a value.
        with suppress(ZeepError, TypeError, ValueError, LookupError):
            if isinstance(values, Mapping):
                envelope = self._create(operation, field, values)
            else:
                envelope = self._copied(operation, field, values)
        if envelope is None:
            raise LocalProtocolError("HUB-1317", what=operation)
        headers: object = {}
        for plugin in self._plugins:
            envelope, headers = plugin.egress(envelope, headers, operation, None)
        return _serialised(operation, envelope)

    def _copied(
        self, operation: str, field: str, items: Sequence[Mapping[str, object]]
    ) -> _Element:
        envelope = self._create(operation, field, [items[0]])
        request = envelope[-1][0]
        del request[0]
        for item in items:
            kind = (operation, *item)
            if kind not in self._kinds:
                self._kinds[kind] = self._create(operation, field, [item])[-1][0][0]
            element = copy(self._kinds[kind])
            for child in element:
                child.text = _written(item[str(child.tag).rpartition("}")[2]])
            request.append(element)
        return envelope

    def _create(self, operation: str, field: str, values: object) -> _Element:
        service = self._bound()
        return self._client.create_message(service, operation, **{field: values})

    def _bound(self) -> Any:
        if self._service is None:
            import zeep

            # zeep writes whole messages at debug level.
            logging.getLogger("zeep").setLevel(logging.CRITICAL)
            settings: Any = zeep.Settings  # an attrs class without annotations
            loader: Any = Loader()
            self._client = zeep.Client(
                "presence-service.wsdl",
                transport=loader,
                settings=settings(forbid_dtd=True, forbid_external=True),
            )
            self._plugins = (ContractCheck(), *self._more)
            self._service = self._client.create_service(BINDING, _NOWHERE)
        return self._service


def _written(value: object) -> str:
    """Returns a value as XML Schema writes it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | str):
        return str(value)
    raise TypeError


def _serialised(operation: str, envelope: _Element) -> Message:
    import lxml.etree as etree

    body = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
    action = f'"{MESSAGES}/{operation}"'
    return Message(body, {"SOAPAction": action, "Content-Type": "text/xml; charset=utf-8"})
