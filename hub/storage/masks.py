"""The number of a person as it may be seen: masked."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from hub.domain.identifiers import mask_limosa, mask_person_number
from hub.storage.secrets import Vault


def mask_of(vault: Vault, row: Row[Any]) -> str:
    """Returns the masked INSS or else Limosa number of a row of `person`; empty without one."""
    if row.inss_sealed is not None:
        return _inss(vault, row.inss_sealed)
    if row.limosa_sealed is not None:
        return _limosa(vault, row.limosa_sealed)
    return ""


# To open and mask the numbers of 3,000 people for one list took 100 ms. What is kept is masked; a
# number that is corrected, or sealed anew, is other bytes.
@lru_cache(maxsize=32_768)
def _inss(vault: Vault, sealed: bytes) -> str:
    return mask_person_number(vault.open("inss", sealed).decode())


@lru_cache(maxsize=32_768)
def _limosa(vault: Vault, sealed: bytes) -> str:
    return mask_limosa(vault.open("limosa", sealed).decode())
