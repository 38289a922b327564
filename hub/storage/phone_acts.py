"""What a phone's acts told besides, in SQL, what became of the newest, and what a site asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from hub.application.acts import Channel, Standing
from hub.application.phone import Location, Moment
from hub.storage.acts import standing_of
from hub.storage.schema import phone_act, site, site_phone, unbadged_act

RECENT: Final = 12
RECENT_MS: Final = 3 * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class PhoneAct:
    """One act of a worker by phone, and how far it has come.

    Args:
        ahead_ms: how far the phone's clock was ahead; None: it said nothing.
    """

    reference: str
    site_id: int
    site: str
    direction: int
    at_ms: int
    received_ms: int
    ahead_ms: int | None
    standing: Standing


def note_phone_act(
    connection: Connection,
    act_id: int,
    said_ms: int | None,
    moment: Moment,
    latitude: float | None,
    longitude: float | None,
) -> None:
    """Keeps what an act told besides, in the transaction that keeps the act.

    Args:
        said_ms: moment of the act by the phone's clock.
        latitude, longitude: degrees, rounded already; None unless the site asks.
    """
    connection.execute(
        insert(phone_act).values(
            act_id=act_id,
            said_ms=said_ms,
            ahead_ms=moment.ahead_ms,
            latitude=latitude,
            longitude=longitude,
        )
    )


def recent_acts(connection: Connection, person_id: int, now_ms: int) -> list[PhoneAct]:
    """Returns the newest acts of a worker by phone, of the last three days, newest first."""
    columns = unbadged_act.c
    return _acts(connection, person_id, columns.received_ms > now_ms - RECENT_MS)


def act_of(connection: Connection, person_id: int, reference: str) -> PhoneAct:
    """Returns one act of a worker by phone, that is there."""
    return _acts(connection, person_id, unbadged_act.c.reference == reference)[0]


def _acts(
    connection: Connection, person_id: int, *which: ColumnElement[bool]
) -> list[PhoneAct]:  # fmt: skip
    columns = unbadged_act.c
    query = (
        select(
            columns.reference, columns.site_id, site.c.name, columns.direction, columns.at_ms,
            columns.received_ms, phone_act.c.ahead_ms,
        )
        .join(site, site.c.id == columns.site_id)
        .outerjoin(phone_act, phone_act.c.act_id == columns.id)
        .where(columns.person_id == person_id, columns.channel == str(Channel.PHONE), *which)
        .order_by(columns.id.desc())
        .limit(RECENT)
    )  # fmt: skip
    found: list[PhoneAct] = []
    for row in connection.execute(query).all():
        standing = standing_of(connection, row.reference)
        if standing is not None:
            found.append(
                PhoneAct(
                    row.reference,
                    row.site_id,
                    row.name,
                    row.direction,
                    row.at_ms,
                    row.received_ms,
                    row.ahead_ms,
                    standing,
                )
            )
    return found


def forget_locations(connection: Connection, person_id: int) -> None:
    """Takes out what the acts of somebody who is erased told besides."""
    his = select(unbadged_act.c.id).where(unbadged_act.c.person_id == person_id)
    connection.execute(delete(phone_act).where(phone_act.c.act_id.in_(his)))


def location_asked(connection: Connection, site_id: int) -> Location:
    """Returns what a site asks of phones."""
    query = select(site_phone.c.location).where(site_phone.c.site_id == site_id)
    return Location(connection.execute(query).scalar() or Location.OFF)


def ask_location(connection: Connection, site_id: int, location: Location) -> None:
    """Lets a site ask this of phones from now on."""
    statement = upsert(site_phone).values(site_id=site_id, location=str(location))
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["site_id"], set_={"location": str(location)}
        )
    )
