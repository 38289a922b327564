"""Who calls the service: believed in the open profile, proved in the signed one."""

from __future__ import annotations

from typing import Final, Literal, final, get_args

from simulator.authority.clock import Clock
from simulator.authority.faults import NOT_AUTHENTICATED, NOT_AUTHORISED, Fault
from simulator.authority.presence import Sender
from simulator.authority.senders import SenderRegister
from simulator.authority.sts import TokenService
from simulator.authority.tree import Element
from simulator.authority.wssecurity import Signed, check_saml

Profile = Literal["open", "signed"]
PROFILES: Final[tuple[Profile, ...]] = get_args(Profile)


@final
class Security:
    """The profile in force and the token service; `profile` may be changed while it runs.

    Args:
        senders: who may call.
        clock: UTC milliseconds.
        profile: `open` believes the header that names the sender and reads no security header;
            `signed` believes nothing but an assertion of the token service and its holder's key.
        tokens: the token service.
    """

    def __init__(
        self,
        senders: SenderRegister,
        clock: Clock,
        *,
        profile: Profile = "open",
        tokens: TokenService | None = None,
    ) -> None:
        self.senders = senders
        self.clock = clock
        self.profile: Profile = profile
        self.tokens = tokens or TokenService(senders, clock)

    def believed(self, sender_id: str | None) -> Sender:
        """The sender a call in the open profile names; None is the first of the world file.

        Raises:
            Fault: SOA-01001, nobody has that number.
        """
        sender = self.senders.sender(sender_id)
        if sender is None:
            raise Fault(NOT_AUTHENTICATED)
        return sender

    def proved(self, root: Element) -> tuple[Sender, Signed]:
        """The sender of a signed call, and the parts as they were verified.

        Raises:
            Fault: SOA-01001, not proved; SOA-01002, the sender is not known (any more).
        """
        now_ms = self.clock()
        signed = check_saml(root, now_ms, self.tokens.issuer.signing(now_ms).certificate)
        sender = self.senders.known(signed.sender_id or "")
        if sender is None:
            raise Fault(NOT_AUTHORISED, "the sender number of the assertion is not known")
        return sender, signed
