"""A service of the test: one scripted behaviour for each connection, on a real loopback socket.

It shares nothing with the hub or with the simulated authority: requests are kept as bytes, answers
are written here by hand.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

import lxml.etree as etree

P = "http://socialsecurity.be/presenceregistration/v1"
T = "http://socialsecurity.be/presenceregistration/schemas/v1"
E = "http://socialsecurity.be/errors/v1"
S = "http://schemas.xmlsoap.org/soap/envelope/"
NS = {"p": P, "t": T, "e": E, "s": S}


Script = Callable[["Responder", socket.socket], None]
"""What a service does with one connection."""


@dataclass(slots=True)
class Request:
    """One HTTP request as it came."""

    head: str
    body: bytes

    def header(self, name: str) -> str:
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return ""

    def find_all(self, path: str) -> list[str]:
        """Returns the texts that an XPath with the prefixes of `NS` finds."""
        return [str(node.text) for node in etree.fromstring(self.body).xpath(path, namespaces=NS)]

    @property
    def references(self) -> list[str]:
        return self.find_all("//t:ClientPresenceRegistrationReference")


class Responder:
    """Runs one behaviour for each connection in order; the last one goes on for ever."""

    def __init__(
        self,
        *behaviours: Script,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._behaviours = list(behaviours)
        self.requests: list[Request] = []
        self.connections = 0
        self.released = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._tls = tls
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}/PresenceRegistration/v1"

    def __enter__(self) -> Responder:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.released.set()
        # shutdown wakes a blocked accept; close alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            behaviour = self._behaviours[min(self.connections, len(self._behaviours) - 1)]
            self.connections += 1
            connection.settimeout(5)
            with connection:
                try:
                    if self._tls is not None:
                        with self._tls.wrap_socket(connection, server_side=True) as wrapped:
                            behaviour(self, wrapped)
                    else:
                        behaviour(self, connection)
                except OSError:
                    continue  # the client went away, as some tests want

    def read(self, connection: socket.socket) -> Request:
        """Returns the whole next request and keeps it in `requests`."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += _more(connection)
        head, _, body = data.partition(b"\r\n\r\n")
        request = Request(head.decode("latin-1"), body)
        while len(request.body) < int(request.header("Content-Length") or 0):
            request.body += _more(connection)
        self.requests.append(request)
        return request


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionAbortedError
    return data


def http(
    status: int,
    body: bytes,
    *headers: str,
    length: int | None = None,
    content_type: str | None = "text/xml; charset=utf-8",
) -> bytes:
    """Returns an HTTP answer; `length` lies about the size of the body."""
    lines = [
        f"HTTP/1.1 {status} Test",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answers(make: Callable[[Request], bytes] | bytes, status: int = 200, *headers: str) -> Script:
    """Reads the request and answers with what `make` makes of it."""

    def behave(responder: Responder, connection: socket.socket) -> None:
        request = responder.read(connection)
        body = make if isinstance(make, bytes) else make(request)
        connection.sendall(http(status, body, *headers))

    return behave


def raw(data: bytes) -> Script:
    """Reads the request, writes `data` and closes."""

    def behave(responder: Responder, connection: socket.socket) -> None:
        responder.read(connection)
        connection.sendall(data)

    return behave


def reset(before_reading: bool) -> Script:
    """Resets the connection (RST) before or after the request was read."""

    def behave(responder: Responder, connection: socket.socket) -> None:
        if before_reading:
            connection.recv(1)
        else:
            responder.read(connection)
        # Linger of zero seconds makes close() send a reset instead of an orderly end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return behave


def silent(responder: Responder, connection: socket.socket) -> None:
    """Reads the request and never answers; lets go when the client does."""
    responder.read(connection)
    connection.recv(1)


def drips(responder: Responder, connection: socket.socket) -> None:
    """Promises a long body and sends a byte now and then, for ever."""
    responder.read(connection)
    connection.sendall(http(200, b"", length=100_000))
    while not responder.released.wait(0.05):
        connection.sendall(b" ")


def floods(piece: bytes, start: bytes = b"") -> Script:
    """Sends `start` and then a piece now and then, each in time for a timeout that begins anew."""

    def behave(responder: Responder, connection: socket.socket) -> None:
        responder.read(connection)
        connection.sendall(start)
        while not responder.released.wait(0.05):
            connection.sendall(piece)

    return behave


def envelope(body: str) -> bytes:
    """Returns a SOAP 1.1 envelope around `body`, with the prefixes of `NS` declared."""
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NS.items())
    return f"<s:Envelope {declared}><s:Body>{body}</s:Body></s:Envelope>".encode()


def registration(
    reference: str | None,
    number: int | str,
    status: str = "SUCCESSFULLY REGISTERED",
    remarks: tuple[str, ...] = (),
    kind: str = "Submitted",
    tag: str = "t:PresenceRegistration",
) -> str:
    """Returns one stored registration; without a reference the authority echoes none."""
    echo = (
        f"<t:ClientPresenceRegistrationReference>{reference}"
        "</t:ClientPresenceRegistrationReference>"
        if reference is not None
        else ""
    )
    listed = "".join(f"<t:Remark>{remark}</t:Remark>" for remark in remarks)
    remark_list = f"<t:RemarkList>{listed}</t:RemarkList>" if remarks else ""
    return (
        f"<{tag}><t:PresenceRegistration{kind}><t:RegistrationDate>2026-11-23</t:RegistrationDate>"
        "<t:INSS>85031299761</t:INSS><t:CompanyID>999000129</t:CompanyID>"
        f"<t:WorkPlaceId>1Y19FAKE001AZ</t:WorkPlaceId>{echo}</t:PresenceRegistration{kind}>"
        f"<t:Sector>1</t:Sector><t:PresenceRegistrationId>{number}</t:PresenceRegistrationId>"
        "<t:CreationDate>2026-11-23T06:41:07.312+01:00</t:CreationDate>"
        "<t:Channel>WEBSERVICE</t:Channel><t:LastValidation>"
        f"<t:Status>{status}</t:Status>{remark_list}</t:LastValidation></{tag}>"
    )


def refusal(reference: str, *errors: tuple[str, str]) -> str:
    """Returns one refused registration."""
    listed = "".join(
        f"<t:Error><t:ErrorCode>{code}</t:ErrorCode>"
        f"<t:ErrorDescription>{text}</t:ErrorDescription></t:Error>"
        for code, text in errors
    )
    return (
        "<t:PresenceRegistrationError><t:PresenceRegistrationSubmitted>"
        "<t:INSS>85031299761</t:INSS><t:CompanyID>999000129</t:CompanyID>"
        "<t:WorkPlaceId>1Y19FAKE001AZ</t:WorkPlaceId>"
        f"<t:ClientPresenceRegistrationReference>{reference}"
        "</t:ClientPresenceRegistrationReference></t:PresenceRegistrationSubmitted>"
        f"<t:ErrorList>{listed}</t:ErrorList></t:PresenceRegistrationError>"
    )


def registered_answer(*entries: str) -> bytes:
    """Returns the answer to registerPresences with these entries."""
    inside = "".join(
        f"<p:PresenceRegistrationResponse>{entry}</p:PresenceRegistrationResponse>"
        for entry in entries
    )
    return envelope(f"<p:RegisterPresencesResponse>{inside}</p:RegisterPresencesResponse>")


def cancelled_answer(*entries: str) -> bytes:
    """Returns the answer to cancelPresences with these entries."""
    inside = "".join(
        f"<p:CancelPresenceResponse>{entry}</p:CancelPresenceResponse>" for entry in entries
    )
    return envelope(f"<p:CancelPresencesResponse>{inside}</p:CancelPresencesResponse>")


def cancel_refusal(number: int | None, *errors: tuple[str, str]) -> str:
    """Returns one refused cancellation; without a number the echo names none."""
    listed = "".join(
        f"<t:Error><t:ErrorCode>{code}</t:ErrorCode>"
        f"<t:ErrorDescription>{text}</t:ErrorDescription></t:Error>"
        for code, text in errors
    )
    named = (
        f"<t:PresenceRegistrationId>{number}</t:PresenceRegistrationId>"
        if number is not None
        else ""
    )
    return (
        f"<t:PresenceRegistrationError><t:CancelPresenceRequest>{named}"
        "<t:CancellationReason>DISEASE</t:CancellationReason></t:CancelPresenceRequest>"
        f"<t:ErrorList>{listed}</t:ErrorList></t:PresenceRegistrationError>"
    )


def stores_all(request: Request) -> bytes:
    """Registers whatever was sent, in the order sent, numbered from 900000000000001."""
    return registered_answer(
        *(
            registration(reference, 900_000_000_000_001 + index)
            for index, reference in enumerate(request.references)
        )
    )


def found_answer(count: int, *rows: str) -> bytes:
    """Returns one page of searchPresences."""
    return envelope(
        "<p:SearchPresencesResponse><p:SearchPresencesResponseType><t:SearchPresencesRequest>"
        "<t:SearchPresenceRegistrationCriteria/></t:SearchPresencesRequest>"
        "<t:PresenceRegistrationList>"
        f"<t:PresenceRegistrationResultCount>{count}</t:PresenceRegistrationResultCount>"
        f"{''.join(rows)}</t:PresenceRegistrationList>"
        "</p:SearchPresencesResponseType></p:SearchPresencesResponse>"
    )


def got(inside: str) -> bytes:
    """Returns the answer to getPresenceRegistration of number 7."""
    return envelope(
        "<p:GetPresenceRegistrationResponse><p:GetPresenceRegistrationResponseType>"
        "<t:GetPresenceRegistrationRequest><t:PresenceRegistrationId>7</t:PresenceRegistrationId>"
        "</t:GetPresenceRegistrationRequest>"
        f"<t:GetPresenceRegistrationType>{inside}</t:GetPresenceRegistrationType>"
        "</p:GetPresenceRegistrationResponseType></p:GetPresenceRegistrationResponse>"
    )


def shown(
    reference: str, number: int, status: str = "VALIDATED", remarks: tuple[str, ...] = ()
) -> str:
    """Returns one registration as getPresenceRegistration shows it."""
    kind, tag = "ConsultSubmitted", "t:PresenceRegistrationType"
    return registration(reference, number, status, remarks, kind, tag)


def fault(
    code: str | None,
    retry: str = "",
    soap_code: str = "s:Server",
    kind: str = "SystemError",
    text: str = "test",
) -> bytes:
    """Returns a fault; `code` None leaves out the detail."""
    said = f"<e:Retry>{retry}</e:Retry>" if retry else ""
    detail = (
        f'<detail><e:{kind} Id="TICKET-7"><e:Origin>Provider</e:Origin><e:Code>{code}</e:Code>'
        f'<e:Message xml:lang="en">{text}</e:Message>{said}</e:{kind}></detail>'
        if code is not None
        else ""
    )
    return envelope(
        f"<s:Fault><faultcode>{soap_code}</faultcode><faultstring>{text}</faultstring>"
        f"{detail}</s:Fault>"
    )
