"""The day service as the settings describe it: one adapter for each worker, one token for all."""

from __future__ import annotations

from collections.abc import Callable

from hub.application.evidence import Keep, keep_nothing
from hub.application.ports import AuthorityPort
from hub.authority.certificates import CertificateFiles
from hub.authority.signing import Signature
from hub.authority.soap import SoapAuthority
from hub.authority.sts import TokenSource
from hub.authority.transport import Transport
from hub.clock import Clock
from hub.errors import UsageError
from hub.settings import AuthoritySettings

NEEDED = ("sts_url", "sender_number", "certificate")
"""Settings that the signed profile cannot do without."""


def certificate_files(settings: AuthoritySettings) -> CertificateFiles:
    """Returns where the certificate of the signed profile is.

    Raises:
        UsageError: HUB-1337, a setting that the signed profile needs is empty.
    """
    for name in NEEDED:
        if not getattr(settings, name):
            raise UsageError("HUB-1337", key=f"authority.{name}")
    return CertificateFiles(
        settings.certificate, settings.certificate_key, settings.certificate_password_file
    )


def token_source(settings: AuthoritySettings, clock: Clock) -> TokenSource:
    """Returns the one source of tokens for all adapters of the signed profile.

    The files of the certificate are not read yet: a hub whose certificate was lost or has ended
    must start all the same, and says so at the first call.

    Raises:
        UsageError: HUB-1318, the address of the token service cannot be used; HUB-1330 or
            HUB-1332, `ca_file` cannot; HUB-1337, a setting is missing.
    """
    files = certificate_files(settings)
    transport = Transport(
        settings.sts_url,
        settings.connect_timeout_s,
        settings.read_timeout_s,
        settings.ca_file or None,
    )
    return TokenSource(
        transport, files, settings.sender_number, clock, sign_token=settings.sign_token
    )


def day_authority(
    settings: AuthoritySettings, clock: Clock, keep: Keep = keep_nothing
) -> Callable[[], AuthorityPort]:
    """Returns what makes an adapter; each worker thread makes its own.

    Args:
        settings: table `[authority]` with a `url`.
        clock: UTC milliseconds.
        keep: keeps each exchange that left; called by all adapters.

    Raises:
        UsageError: HUB-1318, an address cannot be used; HUB-1330 or HUB-1332, `ca_file` cannot;
            HUB-1337, a setting that the signed profile needs is missing.
    """
    tokens = token_source(settings, clock) if settings.profile == "signed" else None

    def adapter() -> SoapAuthority:
        signature = None
        if tokens is not None:
            signature = Signature(tokens, clock, sign_token=settings.sign_token)
        return SoapAuthority(
            settings.url,
            settings.connect_timeout_s,
            settings.read_timeout_s,
            settings.ca_file or None,
            clock=clock,
            keep=keep,
            sender=settings.sender_number if tokens is None else "",
            signature=signature,
        )

    adapter()  # what is wrong with the settings is said now, not in a worker
    return adapter
