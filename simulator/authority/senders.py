"""Who may call: sender numbers, their companies, and the certificates registered for them.

A sender proves itself by the key of a certificate that was registered for its number beforehand. A
sender may have several, so that a new one can be registered before the old one ends; one
certificate may belong to several senders.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast, final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

if TYPE_CHECKING:
    from simulator.authority.presence import Sender

Certificates = tuple[x509.Certificate, ...]

_PEM_START: Final = "-----BEGIN"


@final
class SenderRegister:
    """The senders known at this moment, in the order in which they became known.

    Args:
        senders: those of the world file; the first calls when a call names none.
        certificates: those registered for a sender number.
    """

    def __init__(
        self, senders: Iterable[Sender], certificates: Mapping[str, Certificates] | None = None
    ) -> None:
        self._senders = {sender.id: sender for sender in senders}
        self._certificates = dict(certificates or {})

    def sender(self, sender_id: str | None) -> Sender | None:
        """The sender of that number; the first one when none is named."""
        return next(iter(self._senders.values())) if sender_id is None else self.known(sender_id)

    def known(self, sender_id: str) -> Sender | None:
        """The sender of that number, None if there is none."""
        return self._senders.get(sender_id)

    def everyone(self) -> list[Sender]:
        """All senders."""
        return list(self._senders.values())

    def certificates(self, sender_id: str) -> Certificates:
        """The certificates registered for that number."""
        return self._certificates.get(sender_id, ())

    def owners(self, certificate: x509.Certificate) -> list[str]:
        """The sender numbers for which exactly this certificate is registered."""
        return [number for number, held in self._certificates.items() if certificate in held]

    def put(self, sender: Sender, certificates: Certificates) -> None:
        """Makes a sender known, or changes it; its certificates are these from now on."""
        self._senders[sender.id] = sender
        self._certificates[sender.id] = certificates


def read_certificates(text: str) -> Certificates:
    """The certificates of a PEM text, at least one.

    Raises:
        ValueError: there is none, or one cannot be read.
    """
    return tuple(x509.load_pem_x509_certificates(text.encode()))


def find_certificates(text: str, folder: Path) -> Certificates:
    """The certificates of a PEM text, or of the PEM file it names relative to `folder`.

    Raises:
        ValueError: there is none, one cannot be read, or there is no such file.
    """
    if _PEM_START in text:
        return read_certificates(text)
    try:
        return read_certificates((folder / text).read_text(encoding="ascii"))
    except OSError as problem:
        raise ValueError(type(problem).__name__) from problem


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate, in hexadecimal digits."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def pack(company: int, user_type: str, certificates: Certificates) -> str:
    """One text that `unpack` reads again, for the store."""
    pem = "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)
    return json.dumps({"company": company, "user_type": user_type, "certificates": pem})


def unpack(text: str) -> tuple[int, str, Certificates]:
    """Company, user type and certificates of a text that `pack` wrote."""
    values = cast("dict[str, object]", json.loads(text))
    pem = str(values["certificates"])
    certificates = read_certificates(pem) if pem else ()
    return int(str(values["company"])), str(values["user_type"]), certificates
