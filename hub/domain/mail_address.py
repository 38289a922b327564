"""A mail address as a form may give it, and as it may be shown to whoever does not own it."""

from __future__ import annotations

import re
from typing import Final

from hub.errors import UsageError

ADDRESS_MAX: Final = 254
"""What a mail server takes of a path, without its brackets (RFC 5321, section 4.5.3.1.3)."""
# A dot-atom before the sign and a host of at least two labels behind it: what real firms have. A
# quoted name or a bare host is written by mistake far more often than on purpose.
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(
    rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]"
)
_NAME_MAX: Final = 64


def parse_address(text: str) -> str:
    """Returns a mail address as it is kept: without blanks around it, the host in small letters.

    Args:
        text: what was typed; nothing else than one address, so that it can begin no header.

    Raises:
        UsageError: HUB-1854, that is none. The error does not repeat it.
    """
    bare = text.strip()
    name, _, host = bare.rpartition("@")
    if len(bare) > ADDRESS_MAX or len(name) > _NAME_MAX or not _ADDRESS.fullmatch(bare):
        raise UsageError("HUB-1854")
    return f"{name}@{host.lower()}"


def mask_address(address: str) -> str:
    """Returns an address so that who knows it knows it again, and nobody else writes to it:
    ``p***@firm.example``."""
    name, _, host = address.rpartition("@")
    return f"{name[:1]}***@{host}"
