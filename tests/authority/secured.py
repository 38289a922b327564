"""An authority that wants proof of who calls, and a caller who can give it."""

from __future__ import annotations

from typing import Any

from tests.authority.rig import NOW, PATH, Reply, Rig, errors, item, register
from tests.authority.signing import (
    NAMES,
    STS,
    Caller,
    assertion_of,
    call_bytes,
    etree,
    request_bytes,
)

HEADERS = {"Content-Type": "text/xml; charset=utf-8"}


class Secured:
    """A rig with one caller; every message is signed at the rig's start unless a test says else.

    Args:
        rig: the authority.
        who: the caller of sender SIM-0001.
    """

    def __init__(self, rig: Rig, who: Caller) -> None:
        self.rig = rig
        self.who = who
        self.now = NOW

    def ask(self, content: bytes, action: str = "RequestSecurityToken") -> Answer:
        """One message to the token service."""
        headers = HEADERS | {"SOAPAction": f'"{action}"'}
        answer = self.rig.client.post(STS, content=content, headers=headers)
        assert answer.headers["content-type"].startswith("text/xml")
        return Answer(answer.status_code, answer.content)

    def token(self, sender_id: str = "SIM-0001", who: Caller | None = None) -> bytes:
        """An assertion the token service gives."""
        answer = self.ask(request_bytes(who or self.who, self.now, sender_id))
        assert answer.fault is None, answer.reason
        return assertion_of(answer.content)

    def post(self, content: bytes, **headers: str) -> Reply:
        """One message to the presence service."""
        answer = self.rig.client.post(PATH, content=content, headers=HEADERS | headers)
        return Reply(answer.status_code, answer.content)

    def call(self, body: str = "", **changes: Any) -> Reply:
        """A signed call with a new token; registers one person unless told else."""
        content = call_bytes(self.who, self.now, self.token(), body or register(item()), **changes)
        return self.post(content)


class Answer:
    """An answer of the token service; a fault that does not fit its schema fails the test."""

    def __init__(self, status: int, content: bytes) -> None:
        self.status = status
        self.content = content
        self.root: Any = etree.fromstring(content)
        self.body: Any = self.root.find("s:Body", NAMES)[0]
        self.detail: Any = self.body.find("detail/*")
        if self.detail is not None:
            errors.assertValid(self.detail)
        assert (status == 200) == (self.detail is None)

    @property
    def fault(self) -> str | None:
        """The SOA code of a fault, None for a normal answer."""
        return None if self.detail is None else self.detail.findtext("{*}Code")

    @property
    def reason(self) -> str:
        """The text of a fault, empty for a normal answer."""
        return "" if self.detail is None else self.detail.findtext("{*}Message")
