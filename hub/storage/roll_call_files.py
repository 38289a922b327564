"""Roll calls on disk, beside the database: lists that are read without a hub, and the journal.

    <data>/roll-call/<site>.html   a browser opens and prints it, no hub needed
    <data>/roll-call/<site>.pdf    the same on A4
    <data>/roll-call/<site>.json   what `sitegate roll-call` reads when the database is silent
    <data>/roll-call/ticks.jsonl   ticks that are not known to be in the database yet

A list file is written under another name, put on disk, and renamed: whoever opens it finds a whole
one, that of this minute or of the one before. They hold names, so only the hub's user reads them.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from hub.application.roll_call import (
    Act,
    Closed,
    Joined,
    Mark,
    Opened,
    RollCall,
    Sheet,
    SiteList,
    Ticked,
    sheet_of,
)
from hub.i18n import LANGUAGES

FOLDER: Final = "roll-call"
JOURNAL: Final = "ticks.jsonl"
_SUFFIXES: Final = (".html", ".pdf", ".json")
_MODE: Final = 0o700
_KINDS: Final = {"opened": Opened, "joined": Joined, "ticked": Ticked, "closed": Closed}

Draw = Callable[[Sheet, str], bytes]
"""Draws a sheet in a language as the content of a file."""


class Shelf:
    """`ShelfPort` on the data folder; used by one thread at a time.

    Args:
        folder: the data folder.
        draw_page, draw_pdf: make the two files for people.
        language: of the files of a site that has none of ours.
    """

    def __init__(self, folder: Path, draw_page: Draw, draw_pdf: Draw, language: str) -> None:
        self._folder = folder / FOLDER
        self._draw = {".html": draw_page, ".pdf": draw_pdf}
        self._language = language

    def put(
        self, people: SiteList, call: RollCall | None, sites: Iterable[tuple[int, str]]
    ) -> None:
        """See `ShelfPort`."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=_MODE)
        names = file_names([*sites, (people.site_id, people.site)])
        name = names[people.site_id]
        sheet = sheet_of(people, call)
        language = next((one for one in people.languages if one in LANGUAGES), self._language)
        # What a command reads first: it needs no drawing.
        kept = {"list": people.as_json(), "call": None if call is None else _as_json(call)}
        write_whole(self._folder / f"{name}.json", json.dumps(kept, ensure_ascii=False).encode())
        for suffix, draw in self._draw.items():
            write_whole(self._folder / f"{name}{suffix}", draw(sheet, language))
        self._sweep(set(names.values()))

    def last(self) -> list[SiteList]:
        """See `ShelfPort`."""
        return [people for people, _ in read_shelf(self._folder.parent)]

    def _sweep(self, names: set[str]) -> None:
        """Takes away the files of a site that has another name now, and what a crash left."""
        for path in self._folder.iterdir():
            if path.suffix == ".part" or (path.suffix in _SUFFIXES and path.stem not in names):
                path.unlink(missing_ok=True)


def read_shelf(folder: Path) -> list[tuple[SiteList, RollCall | None]]:
    """Returns the list of each site as it was last written, by name of the site.

    Args:
        folder: the data folder; what cannot be read is left out.
    """
    found: list[tuple[SiteList, RollCall | None]] = []
    for path in sorted((folder / FOLDER).glob("*.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(path.read_text("utf-8"))
            call = kept["call"]
            found.append(
                (SiteList.from_json(kept["list"]), None if call is None else _from_json(call))
            )
    return sorted(found, key=lambda pair: pair[0].site)


def file_names(sites: Iterable[tuple[int, str]]) -> dict[int, str]:
    """Returns what the files of each site are called: its name in plain letters, and its row where
    two sites would be called the same."""
    plain = {site_id: _plain(name) for site_id, name in sites}
    taken = list(plain.values())
    return {
        site_id: name if name and taken.count(name) == 1 else f"{name or 'site'}-{site_id}"
        for site_id, name in plain.items()
    }


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:60]


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that is found whole or as it was before, whatever happens meanwhile.

    Raises:
        OSError: it could not be written; what was there is there still.
    """
    descriptor, temporary = tempfile.mkstemp(  # mode 0600
        dir=path.parent, prefix=path.name, suffix=".part"
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Puts the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _as_json(call: RollCall) -> dict[str, Any]:
    return {
        "handle": call.handle,
        "site_id": call.site_id,
        "opened_ms": call.opened_ms,
        "opened_by": call.opened_by,
        "people": sorted(call.people),
        "marks": [_told(one) for one in call.marks.values()],
        "labels": call.labels,
    }


def _from_json(said: dict[str, Any]) -> RollCall:
    call = RollCall(
        said["handle"], said["site_id"], said["opened_ms"], said["opened_by"], set(said["people"])
    )
    for one in said["marks"]:
        call.apply(_act(one))
    call.labels.update(said["labels"])
    return call


# ---------------------------------------------------------------- the journal


class Journal:
    """`JournalPort` on one file; it holds rows of people, and neither names nor numbers.

    Args:
        folder: the data folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FOLDER / JOURNAL

    def append(self, act: Act) -> None:
        """See `JournalPort`."""
        new = not self._path.exists()
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=_MODE)
        line = json.dumps(_told(act)) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            # What a crash cut off must not swallow this line.
            if not new and not _ends_whole(self._path):
                file.write(b"\n")
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        if new:
            _sync(self._path.parent)

    def read(self) -> list[Act]:
        """See `JournalPort`; a line that a crash cut off is left out: nobody was told of it."""
        acts: list[Act] = []
        try:
            lines = self._path.read_text("utf-8").splitlines()
        except OSError:
            return []
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                acts.append(_act(json.loads(line)))
        return acts

    def clear(self) -> None:
        """See `JournalPort`."""
        self._path.unlink(missing_ok=True)


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _told(act: Act) -> dict[str, Any]:
    return {"act": type(act).__name__.casefold(), **asdict(act)}


def _act(said: dict[str, Any]) -> Act:
    values = {name: value for name, value in said.items() if name != "act"}
    if "people" in values:
        values["people"] = tuple(values["people"])
    if "mark" in values:
        values["mark"] = Mark(values["mark"])
    return _KINDS[said["act"]](**values)
