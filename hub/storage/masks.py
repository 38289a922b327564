"""The number of a person as it may be seen: masked."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from hub.domain.identifiers import mask_limosa, mask_person_number
from hub.storage.secrets import Vault


def mask_of(vault: Vault, row: Row[Any]) -> str:
    """Returns the masked INSS or else Limosa number of a row of `person`; empty without one."""
    if row.inss_sealed is not None:
        return mask_person_number(vault.open("inss", row.inss_sealed).decode())
    if row.limosa_sealed is not None:
        return mask_limosa(vault.open("limosa", row.limosa_sealed).decode())
    return ""
