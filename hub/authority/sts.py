"""The token service: asked for an assertion with our certificate, which calls then carry.

Theory of operation. One object serves all worker threads. It keeps the last assertion and gives it
out until a minute before it ends. Who finds none asks for one; who comes meanwhile waits for the
same answer, also when it is a failure: a service that is away is not asked by each worker in turn.

How long an assertion lasts is taken from its own moments, issue to end, and counted on our clock
from before it was asked for, so that a clock that is a few minutes off does not make us use it
longer or throw it away. A token that the service refuses is dropped, unless another thread has
dropped it already and asked anew.

Certificate and key are read again for each request, so that new files are in use within the
lifetime of a token, without a restart.
"""

from __future__ import annotations

import re
import threading
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hub.authority import answers, faults
from hub.authority.certificates import CertificateFiles, Credential
from hub.authority.signing import SAML, Token, sign_with_certificate
from hub.authority.transport import Answer, NoAnswer, NotSent, Transport
from hub.authority.validate import SOAP
from hub.clock import Clock
from hub.errors import SitegateError, StoppedError, TransientError, UsageError

if TYPE_CHECKING:
    from lxml.etree import _Element

WST = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
AUTH = "http://schemas.xmlsoap.org/ws/2006/12/authorization"
SENDER_CLAIM = "urn:be:smals:expeditor:number"
TOKEN_TYPE = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV1.1"  # noqa: S105
SOAP_ACTION = "RequestSecurityToken"

SPARE_MS = 60_000
"""How long before its end an assertion is no longer used: a call may be under way that long."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,199}")


class TokenSource:
    """`hub.authority.signing.Tokens` from the token service; any thread may call it.

    Args:
        transport: to the token service.
        files: our certificate and key.
        sender_number: the number the certificate is registered for.
        clock: UTC milliseconds.
        sign_token: also sign the certificate in the request.
    """

    def __init__(
        self,
        transport: Transport,
        files: CertificateFiles,
        sender_number: str,
        clock: Clock,
        *,
        sign_token: bool = False,
    ) -> None:
        self._transport = transport
        self._files = files
        self._sender_number = sender_number
        self._clock = clock
        self._sign_token = sign_token
        self._lock = threading.Lock()
        self._held: Token | None = None
        self._asking: Future[Token] | None = None

    def __repr__(self) -> str:
        return "TokenSource()"

    def token(self) -> Token:
        """Returns an assertion that lasts for another minute at least, where they last that long.

        Raises:
            TransientError: HUB-1336, the token service gives none at the moment.
            StoppedError: HUB-1334, our certificate is not valid today; HUB-1335, the token service
                refuses it; HUB-1313 or HUB-1314, what answers is not the token service; HUB-1330
                to HUB-1333, the files cannot be used any more.
        """
        with self._lock:
            held = self._held
            if held is not None and self._clock() < held.fresh_until_ms:
                return held
            asking = self._asking
            mine = asking is None
            if asking is None:
                asking = self._asking = Future()
        if mine:
            self._ask_for_all(asking)
        failure = asking.exception()
        if isinstance(failure, SitegateError):
            # An exception object belongs to one thread: it carries its traceback.
            raise type(failure)(failure.code, **failure.extra)
        return asking.result()

    def drop(self, token: Token) -> None:
        """Takes note that the service refused this token; the next call gets a new one."""
        with self._lock:
            if self._held is token:
                self._held = None

    def _ask_for_all(self, asking: Future[Token]) -> None:
        token: Token | None = None
        failure: BaseException | None = None
        try:
            token = self._ask()
        except BaseException as error:
            failure = error
            if not isinstance(error, SitegateError):
                raise
        finally:
            with self._lock:
                self._held = token
                self._asking = None
            if token is not None:
                asking.set_result(token)
            else:
                asking.set_exception(failure or TransientError("HUB-1336", cause="defect"))

    def _ask(self) -> Token:
        credential = self._credential()
        begun_ms = self._clock()
        credential.check_valid(begun_ms)
        request = self._request(credential, begun_ms)
        failure: SitegateError | None = None
        body: _Element | None = None
        try:
            answer = self._transport.post(
                request,
                {"SOAPAction": f'"{SOAP_ACTION}"', "Content-Type": "text/xml; charset=utf-8"},
            )
            body, failure = _understood(answer)
        except NotSent as error:
            failure = faults.not_sent(error)
            if isinstance(failure, TransientError):
                failure = TransientError("HUB-1336", cause=error.cause)
        except NoAnswer as error:
            failure = TransientError("HUB-1336", cause=error.cause)
        token = _token(body, credential, begun_ms) if body is not None else None
        if token is None:
            raise failure or TransientError("HUB-1336", cause="unexpected")
        return token

    def _credential(self) -> Credential:
        """Returns what the files hold now; what is wrong with them stops us, as a refusal does."""
        try:
            return self._files.read()
        except UsageError as error:
            stopped = StoppedError(error.code, **error.extra)
        raise stopped

    def _request(self, credential: Credential, now_ms: int) -> bytes:
        import lxml.etree as etree

        envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"s": SOAP})
        body = etree.SubElement(envelope, f"{{{SOAP}}}Body")
        request = etree.SubElement(body, f"{{{WST}}}RequestSecurityToken", nsmap={"wst": WST})
        for name, value in (
            ("TokenType", TOKEN_TYPE),
            ("RequestType", f"{WST}/Issue"),
            ("KeyType", f"{WST}/PublicKey"),
        ):
            etree.SubElement(request, f"{{{WST}}}{name}").text = value
        claims = etree.SubElement(request, f"{{{WST}}}Claims", Dialect=f"{AUTH}/authclaims")
        claim = etree.SubElement(
            claims, f"{{{AUTH}}}ClaimType", nsmap={"auth": AUTH}, Uri=SENDER_CLAIM
        )
        etree.SubElement(claim, f"{{{AUTH}}}Value").text = self._sender_number
        signed = sign_with_certificate(envelope, credential, now_ms, sign_token=self._sign_token)
        return etree.tostring(signed, xml_declaration=True, encoding="utf-8")


def _understood(answer: Answer) -> tuple[_Element | None, SitegateError | None]:
    """Returns the body of an answer, or why there is none to use."""
    body: _Element | None = None
    cause = ""
    try:
        body = answers.read_answer(answer)
    except answers.Unreadable as error:
        cause = error.cause
    fault = faults.find_fault(body) if body is not None else None
    if fault is not None or answer.status != 200:
        return None, faults.token_refusal(fault, answer.status, answer.retry_after_s)
    return body, TransientError("HUB-1336", cause=cause) if body is None else None


def _token(body: _Element, credential: Credential, begun_ms: int) -> Token | None:
    """Returns the one assertion of an answer; None when there is none that could be used."""
    import lxml.etree as etree

    found = [
        assertion
        for holder in body.iter(f"{{{WST}}}RequestedSecurityToken")
        for assertion in holder.iterfind(f"{{{SAML}}}Assertion")
    ]
    if len(found) != 1:
        return None
    assertion = found[0]
    name = assertion.get("AssertionID", "")
    conditions = assertion.find(f"{{{SAML}}}Conditions")
    if not _NAME.fullmatch(name) or conditions is None:
        return None
    issued_ms = _moment_ms(assertion.get("IssueInstant", ""))
    end_ms = _moment_ms(conditions.get("NotOnOrAfter", ""))
    if issued_ms is None or end_ms is None or end_ms <= issued_ms:
        return None
    return Token(
        assertion=etree.tostring(assertion, encoding="utf-8", with_tail=False),
        name=name,
        credential=credential,
        fresh_until_ms=begun_ms + end_ms - issued_ms - SPARE_MS,
    )


def _moment_ms(text: str) -> int | None:
    """Returns an `xs:dateTime` as UTC milliseconds; without a zone it is UTC (SAML 1.1, 1.2.2)."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
