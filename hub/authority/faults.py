"""What a failed call means for us: try later, look first, show to a human, or stop.

Theory of operation. The decision hangs on one question, "may the authority have stored something?",
because it accepts duplicates and we make none. Four sources answer it, the surest first:

    no connection was made            nothing was stored            transient
    the fault's code, when we know it contract/faults.toml says     as listed
    an HTTP status without SOAP       contract/faults.toml says     as listed
    anything else                     it may have been stored       write: in doubt, read: transient

A fault's own `Retry` refines that (`ErrorType` of the service: "whether a retry makes sense"):

    availability code, Retry=false    nobody but a human can help   stopped
    access code, Retry=true           only its access check is ill  transient
    unknown code, write, Retry=false  permanent when the fault also blames the message: SOAP 1.1
                                      4.4.1, class Client, "should not be resent without change"
    unknown code, read, Retry=false   permanent

An unknown code on a write stays in doubt in all other cases, also with Retry=true: a retry that
makes sense to the authority is still a second registration when the first one was stored. The price
is one search before it is sent again.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from hub.authority.transport import NotSent, contract_file
from hub.authority.validate import SOAP
from hub.errors import (
    InDoubtError,
    PermanentError,
    SitegateError,
    StoppedError,
    TransientError,
)

if TYPE_CHECKING:
    from lxml.etree import _Element

ERRORS = "http://socialsecurity.be/errors/v1"

_CLASSES: dict[str, tuple[type[SitegateError], str]] = {
    "transient": (TransientError, "HUB-1310"),
    "in_doubt": (InDoubtError, "HUB-1302"),
    "permanent": (PermanentError, "HUB-1303"),
    "stopped": (StoppedError, "HUB-1304"),
}
# What we repeat of a fault in errors and logs: short tokens that cannot hold a person number.
_CODE = re.compile(r"(?!.*[0-9]{9})[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_TICKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
# "VersionMismatch" and "MustUnderstand" say something that a table can decide on.
_SOAP_CODES = ("Client", "Server")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault, reduced to what decides.

    Args:
        code: code of the service, for example `SOA-02001`; empty when there is none to repeat.
        blames_message: the SOAP fault code is of class Client.
        retry: what the fault says of repeating the call; None when it says nothing.
        ticket: what the service's own support asks for; empty when there is none.
    """

    code: str = ""
    blames_message: bool = False
    retry: bool | None = None
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class _Verdict:
    write: str
    read: str
    error: str
    renews: bool

    def word(self, writes: bool) -> str:
        return self.write if writes else self.read


@cache
def _tables() -> tuple[dict[str, _Verdict], list[tuple[range, _Verdict]]]:
    data = tomllib.loads(contract_file("faults.toml").decode())
    by_code = {row["code"]: _verdict(row) for row in data["fault"]}
    by_status = [(range(row["from"], row["to"] + 1), _verdict(row)) for row in data["http"]]
    return by_code, by_status


def _verdict(row: dict[str, Any]) -> _Verdict:
    verdict = _Verdict(
        row["write"], row["read"], row.get("error", ""), renews=bool(row.get("renews"))
    )
    if verdict.write not in _CLASSES or verdict.read not in _CLASSES:
        raise ValueError("faults.toml holds a word that means nothing")
    return verdict


def read_fault(fault: _Element) -> Fault:
    """Returns what decides of a SOAP 1.1 `Fault` element; it never fails and quotes no text.

    Without the service's own detail, the SOAP fault code is the code, unless it only says whose
    fault it is: WS-Security and WS-Trust say there what is wrong.
    """
    soap_code = (fault.findtext("faultcode") or "").strip().rsplit(":", 1)[-1]
    blames_message = soap_code.split(".")[0] == "Client"
    for name in ("SystemError", "BusinessError"):
        detail = fault.find(f"detail/{{{ERRORS}}}{name}")
        if detail is not None:
            code = (detail.findtext(f"{{{ERRORS}}}Code") or "").strip()
            retry = (detail.findtext(f"{{{ERRORS}}}Retry") or "").strip()
            ticket = detail.get("Id", "").strip()
            return Fault(
                code=code if _CODE.fullmatch(code) else "",
                blames_message=blames_message,
                retry=_TRUTH.get(retry),
                ticket=ticket if _TICKET.fullmatch(ticket) else "",
            )
    own = soap_code.split(".")[0] in _SOAP_CODES
    return Fault(
        code=soap_code if not own and _CODE.fullmatch(soap_code) else "",
        blames_message=blames_message,
    )


def find_fault(body: _Element) -> Fault | None:
    """Returns the fault when `body`, the child of a SOAP Body, is one."""
    return read_fault(body) if body.tag == f"{{{SOAP}}}Fault" else None


def refusal(
    fault: Fault | None, status: int, writes: bool, retry_after_s: int | None = None
) -> SitegateError:
    """Returns the error for an answer that refuses the call.

    Args:
        fault: the SOAP fault in it, None when it holds no SOAP message.
        status: HTTP status.
        writes: the call was register or cancel.
        retry_after_s: seconds the answer asks us to wait (HTTP `Retry-After`).
    """
    extra = _extra(fault, status, retry_after_s)
    word, code = _judged(fault, status, writes)
    if word == "in_doubt" and not writes:
        word = "transient"
    error_class, own_code = _CLASSES[word]
    return error_class(code or own_code, **extra)


def token_refusal(
    fault: Fault | None, status: int, retry_after_s: int | None = None
) -> TransientError | StoppedError:
    """Returns the error for an answer of the token service that brings no token.

    Asking again does no harm, so all but access and content is transient.

    Args:
        fault, status, retry_after_s: as in `refusal`.
    """
    extra = _extra(fault, status, retry_after_s)
    word, code = _judged(fault, status, writes=False)
    if word in ("stopped", "permanent"):
        return StoppedError(code if code == "HUB-1313" else "HUB-1335", **extra)
    return TransientError("HUB-1336", **extra)


def renews(error: SitegateError) -> bool:
    """Returns whether the service refused a call for its token: it did nothing else with it."""
    verdict = _tables()[0].get(str(error.extra.get("fault")))
    return verdict is not None and verdict.renews


def _extra(fault: Fault | None, status: int, retry_after_s: int | None) -> dict[str, object]:
    extra: dict[str, object] = {"http": status, "cause": "status" if fault is None else "fault"}
    if fault is not None and fault.code:
        extra["fault"] = fault.code
    if fault is not None and fault.ticket:
        extra["ticket"] = fault.ticket
    if retry_after_s is not None:
        extra["retry_after_s"] = retry_after_s
    return extra


def _judged(fault: Fault | None, status: int, writes: bool) -> tuple[str, str]:
    """Returns the word for a refusal and the code that goes with it, empty for that of the word."""
    by_code, by_status = _tables()
    known = by_code.get(fault.code) if fault is not None else None
    if known is not None and fault is not None:
        word = known.word(writes)
        if word == "transient" and fault.retry is False:
            return "stopped", "HUB-1315"
        if word == "stopped" and fault.retry is True:
            word = "transient"
        return word, known.error
    if fault is None or status not in (200, 500):
        known = next((verdict for statuses, verdict in by_status if status in statuses), None)
        return (known.word(writes), known.error) if known is not None else ("in_doubt", "")
    if fault.retry is False and (not writes or fault.blames_message):
        return "permanent", ""
    return "in_doubt", ""


def not_sent(error: NotSent) -> SitegateError:
    """Returns the error for a call that never left."""
    if error.cause == "untrusted":
        # Somebody may sit between us and the authority; waiting does not help.
        return StoppedError("HUB-1314")
    return TransientError("HUB-1301", cause=error.cause)


def lost(cause: str, writes: bool, **counts: int) -> SitegateError:
    """Returns the error for a call that may have left and brought no answer that can be used.

    Args:
        cause: why, in one word: that of `NoAnswer` or `Unreadable`, or `incomplete`.
        writes: the call was register or cancel.
        counts: what is missing, as numbers.
    """
    if writes:
        return InDoubtError("HUB-1302", cause=cause, **counts)
    return TransientError("HUB-1311", cause=cause, **counts)
