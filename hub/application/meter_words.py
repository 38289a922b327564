"""What the threshold meter says, in words: is registration compulsory, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from hub.domain.threshold import Meter, Verdict, rule_for
from hub.i18n import money_text, short_day_text, text


@dataclass(frozen=True, slots=True)
class MeterWords:
    """A meter in words.

    Args:
        headline: whether registration is compulsory.
        because: why.
        notes: which rule was taken, and what is not known.
    """

    headline: str
    because: str
    notes: tuple[str, ...]


def meter_words(meter: Meter, start: date | None, language: str) -> MeterWords:
    """Returns what a meter says in that language.

    Args:
        start: first Brussels day of the works, as it was measured with.
    """
    day = None if meter.from_day is None else short_day_text(meter.from_day, language)
    values: dict[str, object] = {
        "now": money_text(meter.now_cents, language),
        "total": money_text(meter.total_cents, language),
        "limit": "" if meter.limit_cents is None else money_text(meter.limit_cents, language),
        "day": day or "",
        "start": "" if start is None else short_day_text(start, language),
    }
    key = str(meter.verdict)
    if meter.verdict is Verdict.NOT and meter.untold:
        key = "not_untold"
    elif meter.verdict is Verdict.IS and day is not None:
        key = "is_since"
    notes: list[str] = []
    rule = rule_for(start)
    if rule is not None:
        which = "rule" if rule.until_day is None else "rule_until"
        limits = {"start": short_day_text(rule.from_day, language)}
        if rule.until_day is not None:
            limits["until"] = short_day_text(rule.until_day, language)
        notes.append(text(f"works.meter.{which}", language, **values | limits))
    if not meter.start_known:
        notes.append(text("works.meter.start_untold", language))
    if meter.untold and meter.verdict is not Verdict.NO_RULE:
        many = "one" if meter.untold == 1 else "many"
        notes.append(text(f"works.meter.untold_{many}", language, count=meter.untold))
    return MeterWords(
        text(f"works.meter.headline.{key}", language, **values),
        text(f"works.meter.because.{key}", language, **values),
        tuple(notes),
    )
