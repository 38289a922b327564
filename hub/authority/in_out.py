"""Puts the adapter of the in/out service together from the settings."""

from __future__ import annotations

from collections.abc import Callable

from hub.application.evidence import Keep, keep_nothing
from hub.application.ports import AuthorityPort
from hub.authority import in_out_answers, in_out_items, problems
from hub.authority.address import checked_address
from hub.authority.certificates import CertificateFiles
from hub.authority.oauth import TokenSource
from hub.authority.remarks import RemarkTexts
from hub.authority.rest import RestAuthority
from hub.authority.web_exchange import Web
from hub.clock import Clock
from hub.errors import LocalProtocolError, UsageError
from hub.settings import InOutSettings

REQUIRED = ("url", "token_url", "client_id", "certificate")


def in_out_authority(
    settings: InOutSettings, clock: Clock, keep: Keep = keep_nothing
) -> Callable[[], AuthorityPort]:
    """Returns what makes an `AuthorityPort` for each thread that calls the in/out service.

    All of them share one token and the texts of remarks. Nothing is sent and the key is not read
    before the first call, so that a hub whose certificate has gone still opens its gates.

    Args:
        settings: table `[in_out]`, with a `url`.
        clock: UTC milliseconds.
        keep: keeps each exchange as evidence.

    Raises:
        LocalProtocolError: HUB-1317, a data file of the contract was changed into something that
            cannot be used; better known now than after a call has left.
        UsageError: HUB-1343, a setting is missing or its file cannot be read; HUB-1318, no person
            number may go to one of the addresses.
    """
    for name in REQUIRED:
        if not getattr(settings, name):
            raise UsageError("HUB-1343", key=f"in_out.{name}")
    if settings.can_cancel and not settings.cancel_path:
        raise UsageError("HUB-1343", key="in_out.cancel_path")
    checked_address(settings.url)
    checked_address(settings.token_url)
    _read_contract()
    web = Web(settings.connect_timeout_s, settings.read_timeout_s, settings.ca_file)
    files = CertificateFiles(
        settings.certificate, settings.certificate_key, settings.certificate_password_file
    )
    tokens = TokenSource(
        web,
        settings.token_url,
        settings.client_id,
        lambda: files.read().key,
        clock,
        settings.scope,
    )
    texts = RemarkTexts(clock)
    cancel_path = settings.cancel_path if settings.can_cancel else None

    def make() -> RestAuthority:
        return RestAuthority(
            settings.url,
            web,
            tokens,
            clock,
            upper=settings.type_case == "upper",
            cancel_path=cancel_path,
            texts=texts,
            keep=keep,
        )

    return make


def _read_contract() -> None:
    try:
        in_out_items.service()
        in_out_answers.words()
        problems.token_words()
    except (ValueError, TypeError, KeyError):
        raise LocalProtocolError("HUB-1317", what="contract file") from None
