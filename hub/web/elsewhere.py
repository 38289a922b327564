"""Logging in with an account elsewhere: from the button to the session.

Theory of operation. A login there is bound to the browser that began it by its cookie, and to one
answer by `state`, good once and for five minutes. Whom the provider names is looked for by issuer
and subject, the only thing of him that never becomes another's: e-mail addresses and names are
given to others, changed by their owner, or not checked at all, and are not even asked for. So who
comes for the first time is nobody here, and is linked to an account by the invitation that he was
given: it proves that the one who is logged in there is the one who was invited here. The hub makes
no account by itself.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn

from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Connection

from hub.domain.audit import Noted
from hub.errors import RemoteProtocolError, SitegateError, UsageError
from hub.storage.audit import note
from hub.storage.credentials import Credentials, credentials_of, link_elsewhere
from hub.storage.engine import reading
from hub.storage.links import Purpose, revoke_links, use_link
from hub.web.challenges import Challenges
from hub.web.door import Door, Entered
from hub.web.office import Office
from hub.web.provider import Identity, Provider

HOW: Final = "oidc"


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that went to the provider.

    Args:
        on: path to go on to.
        link: secret of the invitation that it links, empty: none.
    """

    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str
    on: str
    link: str = field(repr=False)


class Elsewhere:
    """Sends people to the provider and lets them in when they come back.

    Args:
        office: the store, the keys and the time.
        door: begins the sessions.
        provider: says who somebody is.
    """

    def __init__(self, office: Office, door: Door, provider: Provider) -> None:
        self._office = office
        self._door = door
        self._provider = provider
        self._begun = Challenges[Begun](office.clock)

    @property
    def offered(self) -> bool:
        """Whether there is a provider."""
        return bool(self._provider.issuer)

    async def begin(
        self, browser: str, redirect_uri: str, language: str, on: str, link: str = ""
    ) -> str:
        """Returns the address at the provider that this browser is sent to.

        Args:
            browser: what only this browser knows.
            redirect_uri: where it is sent back to.
            on: path to go on to.
            link: secret of an invitation.

        Raises:
            UsageError: HUB-1602, the link is no invitation that is good.
            TransientError, RemoteProtocolError: as `Provider.address`.
        """
        if link and (await run_in_threadpool(self._door.look, link))[0].purpose is not (
            Purpose.INVITATION
        ):
            raise UsageError("HUB-1602")
        begun = Begun(secrets.token_urlsafe(32), secrets.token_urlsafe(48), redirect_uri, on, link)
        digest = hashlib.sha256(begun.verifier.encode()).digest()
        state = urlsafe_b64encode(self._begun.make(browser, begun)).decode().rstrip("=")
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        return await self._provider.address(redirect_uri, state, begun.nonce, challenge, language)

    def came_back(self, browser: str, state: str) -> Begun:
        """Returns the login that this browser comes back from, once.

        Raises:
            UsageError: HUB-1739, there is none: it is over, was used, or is another browser's.
        """
        try:
            challenge = urlsafe_b64decode(state[:64] + "=")
        except ValueError:
            challenge = b""
        begun = self._begun.take(challenge, browser)
        if begun is None:
            raise UsageError("HUB-1739")
        return begun

    async def let_in(
        self, begun: Begun, said: Mapping[str, str], address: str, before: str = ""
    ) -> Entered:
        """Begins a session for whom the provider names.

        Args:
            begun: as `came_back` returned it.
            said: what the provider sent along with the browser.
            address: where the request came from.
            before: cookie of a session of the same browser, which ends.

        Raises:
            TransientError: HUB-1601 this address was wrong too often, HUB-1735 the provider cannot
                be reached.
            UsageError: HUB-1736 it refused, HUB-1737 whom it names has no account that is open,
                HUB-1733 it names whom another account is linked to, HUB-1602 the link.
            RemoteProtocolError: HUB-1738, what it says is not to be believed.
        """
        self._door.may_try(address)
        try:
            # RFC 9207, 2.4: an answer of another provider is not taken to this one.
            if said.get("iss", self._provider.issuer) != self._provider.issuer:
                raise RemoteProtocolError("HUB-1738", check="iss")
            if "error" in said or "code" not in said:
                raise UsageError("HUB-1736")
            identity = await self._provider.redeem(
                said["code"], begun.verifier, begun.nonce, begun.redirect_uri
            )
        except (UsageError, RemoteProtocolError) as error:
            await run_in_threadpool(self._note, error)
            raise
        if begun.link:
            return await run_in_threadpool(self._link, begun.link, identity, before)
        return await run_in_threadpool(self._enter, identity, address, before)

    # ------------------------------------------------------------ inside, in worker threads

    def _enter(self, identity: Identity, address: str, before: str) -> Entered:
        office, now_ms = self._office, self._office.clock()
        with reading(office.engine) as connection:
            known = credentials_of(connection, office.vault, elsewhere=identity.subject)
        if known is None or known.disabled or known.locked_until_ms > now_ms:
            self._refuse(known, address)
        return self._door.enter(known, HOW, before, both=identity.both_factors)

    def _link(self, link: str, identity: Identity, before: str) -> Entered:
        office, now_ms = self._office, self._office.clock()
        row, known = self._door.look(link)
        if known is None or row.purpose is not Purpose.INVITATION:
            raise UsageError("HUB-1602")

        def keep(connection: Connection) -> bool:
            use_link(connection, office.vault, link, now_ms)
            if not link_elsewhere(connection, office.vault, known, identity.subject, now_ms):
                # Nothing of this transaction is kept: the link is not spent.
                raise UsageError("HUB-1733")
            revoke_links(connection, now_ms, known.account_id)
            return True

        entered = self._door.enter(known, HOW, before, both=identity.both_factors, also=keep)
        if entered is None:
            raise UsageError("HUB-1602")
        return entered

    def _refuse(self, known: Credentials | None, address: str) -> NoReturn:
        now_ms = self._office.clock()
        self._door.refuse(known, address, now_ms, "HUB-1737", how=HOW)

    def _note(self, error: SitegateError) -> None:
        """Keeps that an answer was not taken, and which check it failed."""
        office, now_ms = self._office, self._office.clock()
        reason = str(error.extra.get("check", error.code))
        office.write(
            lambda connection: note(
                connection, office.vault, now_ms, "stranger", Noted.LOGIN_REFUSED,
                how=HOW, reason=reason,
            )
        )  # fmt: skip
