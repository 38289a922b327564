"""The people and badges that a list may mean, read at once and kept up to date in memory.

An import of thousands asks for each row whether somebody is known. Here that is one query for all
of them; what is added is written together at the end, what is changed at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, func, insert, select, update

from hub.storage.import_images import Image, image_of
from hub.storage.schema import badge, person

CHUNK: Final = 500
"""Values of one query; SQLite takes 32,766 since 3.32."""
T = TypeVar("T", bytes, int, str)
NUMBERS: Final = ("inss", "limosa")


class KnownPeople:
    """The people with one of these numbers, and those that are added.

    Args:
        connection: the write transaction.
        indexes: for `inss` and `limosa` the blind indexes that the list names.
    """

    def __init__(self, connection: Connection, indexes: dict[str, list[bytes]]) -> None:
        self._connection = connection
        self._people: dict[int, Image] = {}
        self._by_index: dict[tuple[str, bytes], dict[int, None]] = {}
        self._new: dict[int, Image] = {}
        for which in NUMBERS:
            column = person.c[f"{which}_index"]
            for part in chunks(indexes[which]):
                query = select(person).where(column.in_(part)).order_by(person.c.id)
                for row in connection.execute(query).mappings():
                    self._learn(image_of(row, person))
        newest = connection.execute(select(func.max(person.c.id))).scalar()
        self._next_id = (newest or 0) + 1

    def with_number(self, which: str, index: bytes) -> list[Image]:
        """Returns everybody who has this number now, in the order of their rows."""
        found = (self._people[one] for one in sorted(self._by_index.get((which, index), ())))
        return [image for image in found if image[f"{which}_index"] == index]

    def named(self, family_name: str, given_name: str) -> list[Image]:
        """Returns everybody without a number who has this name."""
        query = select(person).where(
            person.c.family_name == family_name,
            person.c.given_name == given_name,
            person.c.inss_index.is_(None),
            person.c.limosa_index.is_(None),
            person.c.erased_ms.is_(None),
        )
        kept = [image_of(row, person) for row in self._connection.execute(query).mappings()]
        added = [
            image
            for image in self._new.values()
            if (image["family_name"], image["given_name"]) == (family_name, given_name)
            and image["inss_index"] is None
            and image["limosa_index"] is None
        ]
        return [self._people.get(image["id"], image) for image in kept] + added

    def add(self, values: dict[str, Any]) -> Image:
        """Returns the row of a new person, who is written by `keep`."""
        image: Image = {column.name: None for column in person.columns} | values
        image["id"] = self._next_id
        self._next_id += 1
        self._new[image["id"]] = image
        self._learn(image)
        return image

    def change(self, image: Image, new: dict[str, Any]) -> Image:
        """Changes somebody, and returns his row as it is now."""
        changed = {**image, **new}
        if image["id"] in self._new:
            self._new[image["id"]] = changed
        else:
            self._connection.execute(update(person).where(person.c.id == image["id"]).values(**new))
        self._learn(changed)
        return changed

    def keep(self) -> None:
        """Writes everybody who was added."""
        if self._new:
            self._connection.execute(insert(person), list(self._new.values()))
            self._new = {}

    def _learn(self, image: Image) -> None:
        self._people[image["id"]] = image
        for which in NUMBERS:
            index = image[f"{which}_index"]
            if index is not None:
                self._by_index.setdefault((which, bytes(index)), {})[image["id"]] = None


class KnownBadges:
    """The badges with one of these tags, and those that are added.

    Args:
        connection: the write transaction.
        tags: the tags that the list names.
    """

    def __init__(self, connection: Connection, tags: list[bytes]) -> None:
        self._connection = connection
        self._badges: dict[bytes, Image] = {}
        self._new: set[bytes] = set()
        self._changed: dict[bytes, dict[str, Any]] = {}
        for part in chunks(tags):
            query = select(badge).where(badge.c.tag.in_(part))
            for row in connection.execute(query).mappings():
                image = image_of(row, badge)
                self._badges[bytes(image["tag"])] = image

    def with_tag(self, tag: bytes) -> Image | None:
        """Returns the badge with this tag; None when it is nobody's."""
        return self._badges.get(tag)

    def add(self, image: Image) -> None:
        """Adds a badge, which is written by `keep`."""
        self._badges[image["tag"]] = image
        self._new.add(image["tag"])

    def change(self, image: Image, new: dict[str, Any]) -> Image:
        """Changes a badge, which is written by `keep`; returns it as it is then."""
        tag = bytes(image["tag"])
        self._badges[tag] = {**image, **new}
        if tag not in self._new:
            self._changed.setdefault(tag, {}).update(new)
        return self._badges[tag]

    def keep(self) -> None:
        """Writes what was added and changed; the people they belong to are written."""
        if self._new:
            rows = [self._badges[tag] for tag in self._badges if tag in self._new]
            self._connection.execute(insert(badge), rows)
        for tag, new in self._changed.items():
            self._connection.execute(update(badge).where(badge.c.tag == tag).values(**new))
        self._new, self._changed = set(), {}


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """Yields the different values, so many at a time as one query takes."""
    different = list(dict.fromkeys(values))
    for start in range(0, len(different), CHUNK):
        yield different[start : start + CHUNK]
