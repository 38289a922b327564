"""Protocol errors, typed by whose mistake it was; `code` is short and stable, never personal.

Nothing of a message that raised one of these was used. Any other exception that leaves `protocol`
is a bug of ours.
"""


class ProtocolError(Exception):
    """Base of both kinds; raised only as one of its children.

    Args:
        code: what was wrong in one word, for example ``"length"`` or ``"mac"``; never content.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class LocalProtocolError(ProtocolError):
    """We would break the protocol ourselves: a bug of the caller, nothing was sent."""


class RemoteProtocolError(ProtocolError):
    """The other side broke the protocol: drop what it said and report it."""


class MalformedError(RemoteProtocolError):
    """The bytes are not a message of protocol version 1."""


class MacError(RemoteProtocolError):
    """The MAC does not fit: wrong key, other terminal, or changed on the way.

    Raised with code ``"mac"``.
    """
