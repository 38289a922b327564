"""A broker that is there already, in place of the one the hub would start.

The hub is then only one of its clients. Who may log in and say what is the broker's own
configuration, for example the one `sitegate broker config` writes (`mosquitto`); nothing here
changes it. Promises to the gates do not depend on it: records are believed by their MAC.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path

from hub.errors import UsageError
from hub.settings import BrokerAddress, BrokerSettings, parse_broker_url
from hub.storage.secrets import Vault
from hub.terminals.certificates import Certificates, client_context

PASSWORD_FILE_MAX = 1024


class ExternalBroker:
    """Where an existing broker is and how the hub logs in; the same questions as `Broker` answers.

    Args:
        settings: with `external` set.
        certificates: of this hub; used when no other CA is named.
        password: the hub's own, unless a file is named.

    Raises:
        UsageError: HUB-1002 when the address, the password file or the CA file cannot be used.
    """

    pid: int | None = None

    def __init__(self, settings: BrokerSettings, certificates: Certificates, password: str) -> None:
        address = parse_broker_url(settings.external)
        if address is None:
            raise UsageError("HUB-1002", key="broker.external", reason=settings.external[:80])
        self._address: BrokerAddress = address
        self._certificates = certificates
        self._ca_file = settings.external_ca
        self.host, self.port = address.host, address.port
        self.hub_user = settings.external_user
        self.hub_password = (
            _password(settings.external_password_file)
            if settings.external_password_file
            else password
        )

    @property
    def connect_host(self) -> str:
        """Where the hub connects."""
        return self.host

    def ca_pem(self) -> str:
        """Returns the CA that gates and hub must trust.

        Raises:
            UsageError: HUB-1002 when the file named cannot be read.
            PermanentError: HUB-1021 when the hub's own cannot.
        """
        if not self._ca_file:
            return self._certificates.ca_pem()
        try:
            return Path(self._ca_file).read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise _unusable("broker.external_ca", error) from None

    def context(self) -> ssl.SSLContext | None:
        """Returns what a client needs to trust this broker, None for plain MQTT.

        Raises:
            UsageError: HUB-1002 when the CA is no certificate.
            PermanentError: HUB-1021, see `ca_pem`.
        """
        if not self._address.tls:
            return None
        try:
            return client_context(self.ca_pem())
        except ssl.SSLError as error:
            raise _unusable("broker.external_ca", error) from None

    def configure(self, terminals: Iterable[tuple[str, str]]) -> None:
        """Does nothing: its logins are its own."""

    def renew(self) -> bool:
        """Does nothing: its certificate is its own; returns False."""
        return False

    def start(self) -> None:
        """Does nothing: it is not ours to start."""

    def stop(self) -> None:
        """Does nothing: it is not ours to stop."""


def external_password(vault: Vault) -> str:
    """Returns the hub's password at a broker configured by us: the same for the same keys."""
    return vault.index("broker login", "hub").hex()


def _password(file: str) -> str:
    try:
        with Path(file).open(encoding="utf-8") as opened:
            return opened.read(PASSWORD_FILE_MAX).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable("broker.external_password_file", error) from None


def _unusable(key: str, error: Exception) -> UsageError:
    return UsageError("HUB-1002", key=key, reason=type(error).__name__)
