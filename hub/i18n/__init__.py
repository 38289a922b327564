"""Every text a person sees, in French, Dutch, German and English.

The catalogue is a folder of TOML files, one for each room of the product; a key is the file's name
and the path in it, for example ``cause.first_tap`` or ``errors.HUB-1001.next``. Each key holds one
string for each language, with ``{name}`` for values. At run time nothing here raises: a text that
is missing falls back to English and then to its key, because a half-explained error is better than
a second error. The tests run strictly, see `strict`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib import resources
from threading import Lock
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from hub.compiled import Compiled, digest

LANGUAGES: Final = ("fr", "nl", "de", "en")
FALLBACK: Final = "en"

PARTS: Final = ("happened", "kept", "next")
"""What each error text answers: what happened, what was kept, what to do next."""

_BRUSSELS: Final = ZoneInfo("Europe/Brussels")
_TWICE: Final = 2
"""The hour that comes twice in Brussels on the day on which the clock is put back."""
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_WEIGHT: Final = re.compile(r"q=([01](?:\.\d{0,3})?)")

_strict = False


class TextError(LookupError):
    """A key, a language or a value is missing; raised in strict mode only."""


@dataclass(frozen=True, slots=True)
class ErrorText:
    """An error explained: what happened, what was kept and what to do next."""

    code: str
    happened: str
    kept: str
    next: str

    def __str__(self) -> str:
        return f"{self.code}: {self.happened} {self.kept} {self.next}"


def strict(on: bool) -> None:
    """Makes a missing key, language or value raise `TextError` (tests), or not (the product)."""
    global _strict
    _strict = on


def text(key: str, language: str, /, **values: object) -> str:
    """Returns the text in that language with its values filled in.

    Args:
        key: ``<file>.<path>``.
        language: one of `LANGUAGES`; any other falls back to English.
        **values: what the placeholders stand for; never person data in an error text.

    Raises:
        TextError: in strict mode, when the key, the language or a value is missing.
    """
    entry = catalogue().get(key)
    if entry is None:
        return _missing(f"no text {key}", key)
    template = entry.get(language)
    if template is None:
        template = _missing(f"no text {key} in {language}", entry.get(FALLBACK, key))

    def fill(match: re.Match[str]) -> str:
        if match[1] in values:
            return str(values[match[1]])
        return _missing(f"text {key} needs {match[1]}", match[0])

    return _PLACEHOLDER.sub(fill, template)


def error_text(code: str, language: str, /, **values: object) -> ErrorText:
    """Returns what happened, what was kept and what to do next for an error code.

    A part that a code leaves out is taken from its family, the letters before the dash. A code
    without an entry gets the general text, which names the code.
    """
    if f"errors.{code}.happened" not in catalogue():
        _missing(f"no error text for {code}", code)
        entry = "UNKNOWN"
    else:
        entry = code
    family = code.partition("-")[0]
    parts: list[str] = []
    for part in PARTS:
        own = f"errors.{entry}.{part}"
        key = own if own in catalogue() else f"errors.{family}.{part}"
        parts.append(text(key, language, **{"code": code, **values}))
    return ErrorText(code, *parts)


def negotiate(accept_language: str | None, asked: str | None = None, default: str = "en") -> str:
    """Returns the language to answer in: the one asked for, else the browser's best, else default.

    Args:
        accept_language: the header of that name (RFC 9110, section 12.5.4), or None.
        asked: an explicit choice, for example of a cookie; ignored when it is not ours.
        default: one of `LANGUAGES`.
    """
    if asked in LANGUAGES:
        return asked
    best, best_weight = default, 0.0
    for choice in (accept_language or "")[:500].split(","):
        tag, _, parameters = choice.partition(";")
        language = tag.strip().lower().split("-")[0]
        weight_match = _WEIGHT.search(parameters)
        weight = float(weight_match[1]) if weight_match else 1.0
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def time_text(utc_ms: int, language: str, *, seconds: bool = True) -> str:
    """Returns the time in Brussels as ``07:04:09``; the same shape in all four languages.

    The hour that comes twice when summer time ends says which of the two: ``02:30:00 (UTC+2)``.
    """
    del language  # asked for all the same: no caller has to know where languages agree
    moment = _local(utc_ms)
    written = f"{moment:%H:%M:%S}" if seconds else f"{moment:%H:%M}"
    # In the whole of the Union the clock is put back at 01:00 UTC. Asked for thousands of times.
    return written + _which_of_two(moment) if moment.hour == _TWICE else written


def _which_of_two(moment: datetime) -> str:
    """What tells a time that comes twice apart; nothing for any other."""
    first, second = (moment.replace(fold=fold).utcoffset() for fold in (0, 1))
    if first == second:
        return ""
    offset = moment.utcoffset() or timedelta()
    return f" (UTC+{offset // timedelta(hours=1)})"


def day_text(day: date, language: str) -> str:
    """Returns the day in words: ``lundi 23 novembre 2026``, ``Montag, 23. November 2026``."""
    weekday = format_date(day, "EEEE", locale=_locale(language))
    return f"{weekday}{',' if language == 'de' else ''} {short_day_text(day, language)}"


def weekday_text(day: date, language: str) -> str:
    """Returns the day as a table has it, for example ``lun. 23/11``."""
    return format_date(day, "EEE d/M" if language != "de" else "EEE d.M.", locale=_locale(language))


def short_day_text(day: date, language: str) -> str:
    """Returns the day without its weekday, for example ``4 janvier 2027``, ``1er mars 2016``."""
    pattern = "d. MMMM y" if language == "de" else "d MMMM y"
    written = format_date(day, pattern, locale=_locale(language))
    # In French the first of a month is an ordinal.
    return f"1er{written[1:]}" if language == "fr" and day.day == 1 else written


def moment_text(utc_ms: int, language: str, *, seconds: bool = True) -> str:
    """Returns day and time in Brussels, for example ``23 november 2026 07:04:09``; see
    `time_text`."""
    day = short_day_text(_local(utc_ms).date(), language)
    return f"{day} {time_text(utc_ms, language, seconds=seconds)}"


def clock_text(utc_ms: int, language: str, day: date, *, seconds: bool = False) -> str:
    """Returns the time in Brussels as ``07:04``, with the date before it when it is another day's;
    see `time_text`.

    Args:
        day: the Brussels day that the reader looks at.
    """
    moment = _local(utc_ms)
    written = time_text(utc_ms, language, seconds=seconds)
    if moment.date() != day:
        pattern = "dd.MM." if language == "de" else "dd/MM"
        written = f"{format_date(moment.date(), pattern, locale=_locale(language))} {written}"
    return written


def iso_text(utc_ms: int) -> str:
    """Returns the moment in Brussels as ISO 8601: ``2026-11-23T07:04:09+01:00``."""
    return _local(utc_ms).isoformat()


def number_text(value: float, language: str, digits: int) -> str:
    """Returns a number with so many digits behind the decimal sign, in Belgium a comma."""
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, format=pattern, locale=_locale(language))


def money_text(cents: int, language: str) -> str:
    """Returns an amount in euro as ``480.000,50 €``; without cents when it is whole.

    Args:
        cents: 0 or more.
    """
    pattern = Locale.parse(_locale(language)).currency_formats["standard"].pattern
    if cents % 100 == 0:
        pattern = pattern.replace(".00", "")
    return format_currency(
        Decimal(cents) / 100,
        "EUR",
        format=pattern,
        locale=_locale(language),
        currency_digits=cents % 100 != 0,
    )


class _Catalogue(Mapping[str, Mapping[str, str]]):
    """Texts by key; the file of a room is read when one of its keys is asked for. Safe from every
    thread."""

    def __init__(self) -> None:
        folder = resources.files(__name__) / "catalogue"
        names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".toml"))
        self._unread = {name.removesuffix(".toml"): folder / name for name in names}
        self._entries: dict[str, Mapping[str, str]] = {}
        self._reading = Lock()

    def __getitem__(self, key: str) -> Mapping[str, str]:
        entry = self._entries.get(key)
        if entry is None:
            self._read(key.partition(".")[0])
            entry = self._entries[key]
        return entry

    def get(self, key: str, default: object = None) -> Any:
        """See `Mapping.get`; a page asks some thousand times."""
        entry = self._entries.get(key)
        if entry is None and key.partition(".")[0] in self._unread:
            self._read(key.partition(".")[0])
            entry = self._entries.get(key)
        return default if entry is None else entry

    def __iter__(self) -> Iterator[str]:
        self._read_all()
        return iter(self._entries)

    def __len__(self) -> int:
        self._read_all()
        return len(self._entries)

    def _read_all(self) -> None:
        for room in tuple(self._unread):
            self._read(room)

    def _read(self, room: str) -> None:
        if room not in self._unread:
            return
        with self._reading:
            file = self._unread.get(room)
            if file is None:
                return
            self._entries = {**self._entries, **_texts(room, file.read_bytes(), Compiled())}
            del self._unread[room]


def _texts(room: str, source: bytes, kept: Compiled) -> dict[str, dict[str, str]]:
    name, of = f"{room}.texts", digest(source)
    known = kept.read(name)
    if known is not None and known.startswith(of):
        return json.loads(known[len(of) :])
    found: dict[str, dict[str, str]] = {}
    _flatten(room, tomllib.loads(source.decode()), found)
    kept.keep(name, of + json.dumps(found).encode())
    return found


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Returns every key with its texts by language, of the package's files."""
    return _Catalogue()


def placeholders(template: str) -> frozenset[str]:
    """Returns the names of the values a text needs."""
    return frozenset(_PLACEHOLDER.findall(template))


def _flatten(prefix: str, table: Mapping[str, object], into: dict[str, dict[str, str]]) -> None:
    texts = {name: value for name, value in table.items() if isinstance(value, str)}
    if texts:
        into[prefix] = texts
    for name, value in table.items():
        if isinstance(value, dict):
            _flatten(f"{prefix}.{name}", value, into)


def _missing(complaint: str, instead: str) -> str:
    if _strict:
        raise TextError(complaint)
    return instead


def _local(utc_ms: int) -> datetime:
    return datetime.fromtimestamp(utc_ms // 1000, _BRUSSELS)


def _locale(language: str) -> str:
    return f"{language if language in LANGUAGES else FALLBACK}_BE"
