"""The REST channels: who may ask for a token, what the token may do, and the key that proves it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final, cast, final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import RSAKey

ENTERPRISE: Final = "check-in-and-out-work-rest:enterprise"
PROFESSIONAL: Final = "check-in-and-out-work-rest:professional"
# The real prefix is not known; clients must go by the end of a scope's name.
SCOPE_PREFIX: Final = "sim:presence:"
SCOPES: Final = (SCOPE_PREFIX + ENTERPRISE, SCOPE_PREFIX + PROFESSIONAL)
# Name of the setting that holds the clients added or changed while running.
KEPT_CLIENTS: Final = "clients"


class KeyMaterialError(Exception):
    """The text is no certificate of an RSA key; it is never repeated."""


@dataclass(frozen=True, slots=True)
class Client:
    """One REST channel: whose it is, what its tokens may do, and the key that proves it.

    `certificate` is PEM text, None until it was registered; a client without one gets no token.
    `permitted` is false when the channel was not given the permission for this service.
    """

    id: str
    sender: str
    scopes: tuple[str, ...] = SCOPES
    certificate: str | None = field(default=None, repr=False)
    permitted: bool = True


def public_key(certificate: str) -> RSAKey:
    """The key of a PEM certificate.

    Raises:
        KeyMaterialError: no certificate, or not of an RSA key.
    """
    try:
        return key_of(x509.load_pem_x509_certificate(certificate.encode()))
    except ValueError as problem:
        raise KeyMaterialError("no PEM certificate") from problem


def key_of(certificate: x509.Certificate) -> RSAKey:
    """The key of a certificate.

    Raises:
        KeyMaterialError: not an RSA key.
    """
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise KeyMaterialError("RS256 needs a certificate of an RSA key")
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return RSAKey.import_key(pem)


@final
class Clients:
    """The registered clients with their keys; safe to use from several threads.

    Args:
        clients: those of the world file and of the store.
        of_sender: the certificates registered for a sender number. They prove a client that has
            none of its own.

    Raises:
        KeyMaterialError: one has a certificate that is none.
    """

    def __init__(
        self,
        clients: Sequence[Client] = (),
        of_sender: Callable[[str], Sequence[x509.Certificate]] = lambda _: (),
    ) -> None:
        self._of_sender = of_sender
        self._clients: dict[str, Client] = {}
        self._keys: dict[str, RSAKey] = {}
        for client in clients:
            self.put(client)

    def put(self, client: Client) -> None:
        """Registers a client, or changes it.

        Raises:
            KeyMaterialError: see `public_key`; nothing is changed.
        """
        key = None if client.certificate is None else public_key(client.certificate)
        self._clients[client.id] = client
        self._keys.pop(client.id, None)
        if key is not None:
            self._keys[client.id] = key

    def get(self, client_id: str) -> Client | None:
        """The client of that id, None if there is none."""
        return self._clients.get(client_id)

    def keys(self, client_id: str) -> list[RSAKey]:
        """The keys that prove a client, none if it is unknown or has no certificate at all."""
        client = self._clients.get(client_id)
        if client is None:
            return []
        if client_id in self._keys:
            return [self._keys[client_id]]
        held = self._of_sender(client.sender)
        return [key_of(one) for one in held if isinstance(one.public_key(), RSAPublicKey)]

    def all(self) -> list[Client]:
        """All clients, in the order in which they became known."""
        return list(self._clients.values())


def packed_clients(clients: Iterable[Client]) -> str:
    """The clients as one text that `kept_clients` reads again."""
    return json.dumps([asdict(client) for client in clients])


def kept_clients(text: str | None) -> list[Client]:
    """The clients of a text that `packed_clients` wrote; none of None."""
    rows = cast("list[dict[str, object]]", json.loads(text or "[]"))
    return [
        Client(
            str(row["id"]),
            str(row["sender"]),
            tuple(cast("list[str]", row["scopes"])),
            cast("str | None", row["certificate"]),
            bool(row["permitted"]),
        )
        for row in rows
    ]
