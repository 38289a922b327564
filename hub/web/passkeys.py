"""Passkeys: adding one to an account, and logging in with one (Web Authentication Level 3).

Theory of operation. A browser gives a passkey's answer only to the name that it was made for, and
only where the page came encrypted (or from this very machine); so they are offered where
`access.public_url` says that people come by such a name, and nowhere else. The authenticator must
have verified its user by a PIN, a finger or a face: with what he holds, these are both factors, and
no code is asked. An answer is to a challenge of ours that is good once, for the browser that asked.

Whatever is wrong with an answer at a login, the refusal is the same. What counts as wrong counts
for the address and, where the credential is known, for the account, like a wrong password.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sqlalchemy import Connection

from hub.domain.rights import Role
from hub.errors import UsageError
from hub.storage.engine import reading
from hub.storage.passkeys import (
    PASSKEYS_MAX,
    KeptPasskey,
    add_passkey,
    credentials_in_use,
    find_passkey,
    use_passkey,
)
from hub.web.challenges import CHALLENGE_MS, Challenges
from hub.web.door import Door, Entered
from hub.web.office import Office

if TYPE_CHECKING:
    from webauthn.authentication.verify_authentication_response import VerifiedAuthentication

NAME_MAX: Final = 80
ANSWER_MAX: Final = 20_000
"""Characters of an answer that are looked at at all."""
RP_NAME: Final = "Sitegate"


@dataclass(frozen=True, slots=True)
class Reached:
    """By what people reach the pages.

    Args:
        name: the relying party's id: the name of the host.
        origin: as browsers say it.
    """

    name: str
    origin: str


def reached_by(public_url: str) -> Reached | None:
    """Returns where passkeys are made for; None where a browser would give none.

    Args:
        public_url: setting `access.public_url`.
    """
    try:
        parts = urlsplit(public_url.lower())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    protected = parts.scheme == "https" or (parts.scheme == "http" and host == "localhost")
    if not host or not protected or _is_address(host):
        return None
    usual = {"https": 443, "http": 80}[parts.scheme]
    ending = "" if port in (None, usual) else f":{port}"
    return Reached(host, f"{parts.scheme}://{host}{ending}")


class Passkeys:
    """Adds passkeys and lets in who has one; its methods block and are safe from every thread.

    Args:
        office: the store, the keys and the time.
        door: begins the sessions.
    """

    def __init__(self, office: Office, door: Door) -> None:
        self._office = office
        self._door = door
        self._challenges = Challenges[str](office.clock)
        self.reached = reached_by(office.settings.access.public_url)

    def offered_to(self, role: Role) -> bool:
        """Returns whether somebody of this role may add one. A worker may not: what he sees ends
        when his link is taken back, and a passkey would outlive it."""
        return self.reached is not None and role is not Role.WORKER

    # ------------------------------------------------------------ adding

    def begin_adding(
        self, account_id: int, whose: str, name: str, current: str, address: str
    ) -> str:
        """Returns what the browser makes a passkey by, as JSON.

        Args:
            whose: the session that asks.
            name: what its owner calls it.
            current: his password; an account without one needs none.
            address: where the request came from.

        Raises:
            TransientError: HUB-1601, this address was wrong too often.
            UsageError: HUB-1730 passkeys do not work here, HUB-1607 the password is wrong,
                HUB-1732 the account has too many.
        """
        from webauthn import generate_registration_options, options_to_json
        from webauthn.helpers.structs import (
            AuthenticatorSelectionCriteria,
            PublicKeyCredentialDescriptor,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        reached = self._must(account_id)
        known = self._door.confirmed(account_id, current, address)
        with reading(self._office.engine) as connection:
            had = credentials_in_use(connection, account_id)
        if len(had) >= PASSKEYS_MAX:
            raise UsageError("HUB-1732", most=PASSKEYS_MAX)
        options = generate_registration_options(
            rp_id=reached.name,
            rp_name=RP_NAME,
            user_name=known.login,
            user_display_name=known.name or known.login,
            # Not the row, which would tell how many accounts there are.
            user_id=self._office.vault.index("passkey user", str(account_id)),
            challenge=self._challenges.make(f"add {whose}", _clean(name)),
            timeout=CHALLENGE_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in had],
        )
        return options_to_json(options)

    def add(self, account_id: int, whose: str, answer: str) -> None:
        """Keeps the passkey that a browser made.

        Args:
            whose: the session that asked.
            answer: what the browser gave, as JSON.

        Raises:
            UsageError: HUB-1730 passkeys do not work here, HUB-1731 the answer is not to a
                challenge that is good, not from this hub's pages, or nobody was verified,
                HUB-1732 it is known already or one too many.
        """
        from webauthn import verify_registration_response
        from webauthn.helpers import parse_registration_credential_json
        from webauthn.helpers.exceptions import WebAuthnException

        office, reached = self._office, self._must(account_id)
        known = self._door.known(account_id)
        try:
            credential = parse_registration_credential_json(answer[:ANSWER_MAX])
            challenge, name = self._take(credential.response.client_data_json, f"add {whose}")
            made = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=reached.name,
                expected_origin=reached.origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, TypeError, KeyError):
            raise UsageError("HUB-1731") from None
        now_ms = office.clock()
        office.write(
            lambda connection: add_passkey(
                connection, office.vault, known, made.credential_id, made.credential_public_key,
                made.sign_count, name, now_ms,
            )
        )  # fmt: skip

    # ------------------------------------------------------------ logging in

    def begin_login(self, whose: str) -> str:
        """Returns what the browser looks for a passkey by, as JSON: any of this hub.

        Args:
            whose: the browser that asks.

        Raises:
            UsageError: HUB-1730, passkeys do not work here.
        """
        from webauthn import generate_authentication_options, options_to_json
        from webauthn.helpers.structs import UserVerificationRequirement

        if self.reached is None:
            raise UsageError("HUB-1730")
        options = generate_authentication_options(
            rp_id=self.reached.name,
            challenge=self._challenges.make(f"login {whose}", ""),
            timeout=CHALLENGE_MS,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json(options)

    def log_in(self, whose: str, answer: str, address: str, before: str = "") -> Entered:
        """Begins a session, with both factors, for whoever has a passkey.

        Args:
            whose: the browser that asked.
            answer: what it gave, as JSON.
            address: where the request came from.
            before: cookie of a session of the same browser, which ends.

        Raises:
            TransientError: HUB-1601, this address was wrong too often.
            UsageError: HUB-1730 passkeys do not work here, HUB-1734 refused; why is not told.
        """
        if self.reached is None:
            raise UsageError("HUB-1730")
        self._door.may_try(address)
        now_ms = self._office.clock()
        kept, proved = self._proved(whose, answer, self.reached)
        known = self._door.known(kept.account_id) if kept is not None else None
        if kept is None or known is None or proved is None:
            self._door.refuse(known, address, now_ms, "HUB-1734", how="passkey")
        if known.disabled or known.locked_until_ms > now_ms:
            self._door.refuse(known, address, now_ms, "HUB-1734", how="passkey")
        count = proved.new_sign_count
        # An authenticator that counts counts up. One that went back was copied (WebAuthn, 6.1.1);
        # one that never counts says 0 each time.
        back = (count or kept.sign_count) and count <= kept.sign_count

        def use(connection: Connection) -> bool:
            return use_passkey(connection, kept, count, now_ms)

        entered = None if back else self._door.enter(known, "passkey", before, both=True, also=use)
        if entered is None:
            self._door.refuse(
                known, address, now_ms, "HUB-1734", how="passkey", reason="counter went back"
            )
        return entered

    # ------------------------------------------------------------ inside

    def _must(self, account_id: int) -> Reached:
        role = self._door.known(account_id).role
        if self.reached is None or not self.offered_to(role):
            raise UsageError("HUB-1730")
        return self.reached

    def _take(self, client_data: bytes, whose: str) -> tuple[bytes, str]:
        """Returns the challenge of an answer, spent, and what it was about.

        Raises:
            ValueError: it is not good.
        """
        from webauthn.helpers import parse_client_data_json

        challenge = parse_client_data_json(client_data).challenge
        about = self._challenges.take(challenge, whose)
        if about is None:
            raise ValueError("challenge")
        return challenge, about

    def _proved(
        self, whose: str, answer: str, reached: Reached
    ) -> tuple[KeptPasskey | None, VerifiedAuthentication | None]:
        """Returns the passkey that an answer names, and what it proves; None where nothing."""
        from webauthn import verify_authentication_response
        from webauthn.helpers import parse_authentication_credential_json
        from webauthn.helpers.exceptions import WebAuthnException

        kept: KeptPasskey | None = None
        try:
            credential = parse_authentication_credential_json(answer[:ANSWER_MAX])
            with reading(self._office.engine) as connection:
                kept = find_passkey(connection, credential.raw_id)
            challenge, _ = self._take(credential.response.client_data_json, f"login {whose}")
            if kept is None:
                return None, None
            proved: Any = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=reached.name,
                expected_origin=reached.origin,
                credential_public_key=kept.public_key,
                # Compared by us: the library's refusal does not tell this from a wrong signature.
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, TypeError, KeyError):
            return kept, None
        return kept, proved


def _clean(name: str) -> str:
    said = "".join(sign for sign in " ".join(name.split()) if sign.isprintable())
    return said[:NAME_MAX] or "Passkey"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # Four numbers in another spelling are an address to a browser (WHATWG URL, 3.5).
        return host.rpartition(".")[2].isdigit() or ":" in host
    return True
