"""Every error the hub raises on purpose, typed by what the caller must do.

A caller branches on the class, never on the text. `code` is stable: it names the entry in the
message catalogue (four languages) and the anchor in `docs/errors.md`. Neither a message nor an
extra may hold a person number, a name or a card UID.
"""

from __future__ import annotations


class SitegateError(Exception):
    """Base of all errors on purpose; anything else that escapes is a bug.

    Args:
        code: stable error code, for example ``HUB-1101``; a test fails when it is undocumented.
        **extra: the values the message in the catalogue mentions; never personal data.
    """

    def __init__(self, code: str, **extra: object) -> None:
        self.code = code
        self.extra = extra
        values = ", ".join(f"{name}={value}" for name, value in sorted(extra.items()))
        super().__init__(f"{code} ({values})" if values else code)


class UsageError(SitegateError):
    """The person at the keyboard must change what he asked; nothing was done."""


class TransientError(SitegateError):
    """Nothing was done; the same call may succeed later."""


class InDoubtError(SitegateError):
    """The call may have been carried out: look first, never resend blindly."""


class PermanentError(SitegateError):
    """This will fail every time: show it to a human."""


class StoppedError(SitegateError):
    """Our own access is refused: stop calling, raise an alarm, wait for a human."""


class RemoteProtocolError(SitegateError):
    """The other side broke the protocol; nothing it said in that message was used."""


class LocalProtocolError(SitegateError):
    """We would break the protocol ourselves: a bug of ours."""
