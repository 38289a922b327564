"""Alerts in words: on their page, in a message, on the command line.

A message names sites, gates, companies and counts, and the page to look at; nobody by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from hub.application.gate_alarms import Alarm
from hub.application.gate_words import alarm_words
from hub.application.mailing import Content
from hub.domain.alerts import Alert, Event, Kind, Level
from hub.domain.legal_day import brussels_day
from hub.i18n import clock_text, day_text, iso_text, text


@dataclass(frozen=True, slots=True)
class Told:
    """One alert, and what of it is told to somebody now.

    Args:
        handle: of the alert, as in the address of its page.
        events: in the order in which they were.
    """

    handle: str
    alert: Alert
    events: tuple[Event, ...]

    @property
    def over(self) -> bool:
        """It is told that it is over."""
        return Event.CLEARED in self.events


def title(alert: Alert, language: str) -> str:
    """Returns in one sentence what is the matter, without its site."""
    key = f"alerts.kind.{alert.kind}.title"
    if alert.kind in _COUNTED:
        number = alert.details["days"] if alert.kind is Kind.CERTIFICATE else alert.count
        key = f"{key}_{'one' if number == 1 else 'many'}"
    return text(key, language, **_values(alert, language))


def advice(alert: Alert, language: str) -> str:
    """Returns what to do about it."""
    if alert.kind is Kind.GATE:
        return alarm_words(Alarm(str(alert.details["alarm"])), language)[1]
    return text(f"alerts.kind.{alert.kind}.next", language, **_values(alert, language))


def where(alert: Alert, language: str) -> str:
    """Returns the site it is about, or that it concerns the hub."""
    site = alert.details.get("site")
    return str(site) if site else text("alerts.hub", language)


_COUNTED: Final = (Kind.RECEIPT, Kind.PLAN, Kind.REFUSALS, Kind.FORCED, Kind.CERTIFICATE)


def _values(alert: Alert, language: str) -> dict[str, object]:
    values: dict[str, object] = {**alert.details, "count": alert.count}
    if "day" in values:
        values["day"] = day_text(date.fromisoformat(str(values["day"])), language)
    if "alarm" in values:
        values["alarm"] = alarm_words(Alarm(str(values["alarm"])), language)[0]
    if "certificate" in values:
        values["certificate"] = text(f"alerts.certificate.{values['certificate']}", language)
    if values.get("companies"):
        names = text("alerts.companies", language, names=values["companies"])
        values["companies"] = f" {names}"
    return values


def content_of(told: Sequence[Told], language: str, base_url: str, now_ms: int) -> Content:
    """Returns the message that tells of these alerts, the most urgent first.

    Args:
        told: one or more.
        base_url: where the pages are, without the slash at its end.
        now_ms: UTC milliseconds.
    """
    order = {level: number for number, level in enumerate(Level)}
    kinds = list(Kind)
    ordered = sorted(
        told,
        key=lambda one: (
            one.over,
            order[one.alert.rule.level],
            kinds.index(one.alert.kind),
            one.alert.subject,
        ),
    )
    day = brussels_day(now_ms)
    return Content(
        _subject(ordered, language),
        tuple(_paragraph(one, language, day) for one in ordered),
        f"{base_url}/alerts",
        {"alerts": [_for_programs(one, language) for one in ordered]},
    )


def _subject(told: Sequence[Told], language: str) -> str:
    sites = {where(one.alert, language) for one in told}
    site = next(iter(sites)) if len(sites) == 1 else text("alerts.sites", language, n=len(sites))
    if len(told) == 1:
        (one,) = told
        key = "over" if one.over else _manner(one)
        what = title(one.alert, language)
        return text(f"alerts.subject.{key}", language, site=site, what=what)
    risen = sum(not one.over for one in told)
    key = "alerts.subject.many" if risen else "alerts.subject.many_over"
    return text(key, language, site=site, count=risen or len(told))


def _manner(one: Told) -> str:
    if Event.ESCALATED in one.events and Event.RISEN not in one.events:
        return "escalated"
    if Event.WORSE in one.events and Event.RISEN not in one.events:
        return "worse"
    return "urgent" if one.alert.rule.level is Level.URGENT else "plain"


def _paragraph(one: Told, language: str, day: date) -> str:
    alert = one.alert
    head = text("alerts.line", language, site=where(alert, language), what=title(alert, language))
    since = clock_text(alert.first_ms, language, day)
    if one.over:
        until = clock_text(alert.cleared_ms or alert.first_ms, language, day)
        return f"{head}\n{text('alerts.was', language, since=since, until=until)}"
    lines = [head, text("alerts.since", language, when=since)]
    manner = _manner(one)
    if manner in ("escalated", "worse"):
        lines.append(text(f"alerts.manner.{manner}", language))
    return "\n".join((*lines, advice(alert, language)))


def _for_programs(one: Told, language: str) -> dict[str, Any]:
    alert = one.alert
    return {
        "handle": one.handle,
        "kind": str(alert.kind),
        "level": str(alert.rule.level),
        "events": [str(event) for event in one.events],
        "open": alert.open,
        "acknowledged": alert.acked_ms is not None,
        "count": alert.count,
        "since": iso_text(alert.first_ms),
        "until": None if alert.cleared_ms is None else iso_text(alert.cleared_ms),
        "title": title(alert, language),
        "details": dict(alert.details),
    }
