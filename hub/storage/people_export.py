"""The people that somebody may take along, as rows of text; numbers of people masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from hub.application.access import Actor
from hub.domain.audit import Noted
from hub.domain.identifiers import mask_limosa, mask_person_number
from hub.domain.rights import Action
from hub.storage.audit import note
from hub.storage.schema import badge, company, person, site, works
from hub.storage.scope import people_within
from hub.storage.secrets import Vault

_USER: Final = company.alias("user_company")


@dataclass(frozen=True, slots=True, repr=False)
class Exported:
    """One person as he leaves the hub."""

    family_name: str
    given_name: str
    kind: str
    company_number: str
    company_name: str
    user_company_number: str
    site: str
    works_number: str
    language: str
    inss: str
    limosa: str
    limosa_from: str
    limosa_until: str
    badges: int


def export_people(
    connection: Connection, vault: Vault, actor: Actor, now_ms: int
) -> list[Exported]:
    """Returns everybody whom this actor may export, by company and name, and notes that he did.

    Args:
        connection: a write transaction: the audit knows of it before the rows are seen.
    """
    counted = (
        select(badge.c.person_id, func.count().label("badges"))
        .group_by(badge.c.person_id)
        .subquery()
    )
    query = (
        select(
            person,
            company.c.number.label("company_number"),
            company.c.name.label("company_name"),
            _USER.c.number.label("user_number"),
            site.c.name.label("site_name"),
            counted.c.badges,
        )
        .outerjoin(company, company.c.id == person.c.company_id)
        .outerjoin(_USER, _USER.c.id == person.c.user_company_id)
        .join(works, works.c.number == person.c.works_number)
        .join(site, site.c.id == works.c.site_id)
        .outerjoin(counted, counted.c.person_id == person.c.id)
        .where(people_within(actor.scope(Action.PEOPLE_EXPORT)), person.c.erased_ms.is_(None))
        .order_by(company.c.name, person.c.family_name, person.c.given_name, person.c.id)
    )
    rows = connection.execute(query).all()
    note(
        connection,
        vault,
        now_ms,
        actor.name,
        Noted.PEOPLE_EXPORTED,
        company_id=actor.company_id,
        rows=len(rows),
    )
    return [_exported(row, vault) for row in rows]


def _exported(row: Row[Any], vault: Vault) -> Exported:
    def number(which: str) -> str:
        sealed = row._mapping[f"{which}_sealed"]
        return "" if sealed is None else vault.open(which, sealed).decode()

    inss, limosa = number("inss"), number("limosa")
    return Exported(
        row.family_name,
        row.given_name,
        row.kind,
        row.company_number or "",
        row.company_name or "",
        row.user_number or "",
        row.site_name,
        row.works_number,
        row.language,
        mask_person_number(inss) if inss else "",
        mask_limosa(limosa) if limosa else "",
        row.limosa_from or "",
        row.limosa_until or "",
        row.badges or 0,
    )
