"""The tiles of the gates: what a supervisor sees of each in three seconds, and the rest folded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hub.application.gate_alarms import STOPPING, Alarm, Standing, explained_by
from hub.application.gate_events import GateNews, Level
from hub.application.gate_words import alarm_words, event_words, health_words
from hub.application.overview import GateName, GateStatus
from hub.web.scene import Scene
from hub.web.words import Words

EVENTS_MAX: Final = 12
"""Most lines of events in the folded part; the JSON and `sitegate terminal show` have more."""
_SHAPES: Final = {
    Alarm.FIRE: "fire",
    Alarm.LID: "lid",
    Alarm.FORCED: "forced",
    Alarm.JOURNAL: "kept",
    Alarm.TRIAL: "due",
}
_EVENT_MARKS: Final = {
    Level.ALARM: ("none", "action"),
    Level.LOOK: ("flagged", "remark"),
    Level.NOTE: ("blank", "none"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One alarm or event in words.

    Args:
        shape: name of the symbol; alarms and the levels of events differ in it.
        tone: `action`, `wait`, `remark` or `none`.
        word: what stands or happened.
        when: time in words, or empty.
        next: what to do, or empty.
    """

    shape: str
    tone: str
    word: str
    when: str
    next: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One gate as it is drawn.

    Args:
        look: `action`, `waiting` or `calm`.
        state: `online`, `offline` or `silent`.
        works: no alarm says that it lets nobody in.
        alarms: what stands, the most urgent first.
        open_events: events that somebody should know of and that no alarm says already.
        events: the newest events of today, at most EVENTS_MAX, newest first.
        more: how many kinds of events of today are left out.
        health: (word, value) of its last health message.
    """

    gate: GateStatus
    passed: int | None
    look: str
    state: str
    works: bool
    alarms: tuple[Line, ...]
    open_events: tuple[Line, ...]
    events: tuple[Line, ...]
    more: int
    health: tuple[tuple[str, str], ...]


def tiles(scene: Scene, words: Words) -> list[Tile]:
    """Returns the tiles of the scene's gates; those that need somebody come first."""
    known = {gate.terminal_id: gate for gate in scene.board.gates} if scene.board else {}
    found = [_tile(gate, known[gate.terminal_id], scene, words) for gate in scene.gates]
    return sorted(found, key=lambda tile: tile.look != "action")


def _tile(gate: GateStatus, name: GateName, scene: Scene, words: Words) -> Tile:
    standing = gate.alarms(name.news)
    open_news = [
        one
        for one in name.news
        if one.level is not Level.NOTE and not one.over and not explained_by(standing, one)
    ]
    urgent = any(one.alarm.urgent for one in standing)
    amber = gate.online is not True or any(one.alarm is not Alarm.TRIAL for one in standing)
    return Tile(
        gate=gate,
        passed=name.passed,
        look="action" if urgent else "waiting" if amber else "calm",
        state="online" if gate.online else "silent" if gate.online is None else "offline",
        works=not any(one.alarm in STOPPING for one in standing),
        alarms=tuple(_alarm(one, scene, words) for one in standing),
        open_events=tuple(_event(one, True, scene, words) for one in open_news),
        events=tuple(
            # What to do is said once: above, if it stands there.
            _event(
                one, not (one.over or one in open_news or explained_by(standing, one)), scene, words
            )
            for one in name.news[:EVENTS_MAX]
        ),
        more=max(0, len(name.news) - EVENTS_MAX),
        health=_health(gate, scene, words),
    )


def _alarm(one: Standing, scene: Scene, words: Words) -> Line:
    word, advice = words.both(alarm_words(one.alarm, words.language))
    tone = "action" if one.alarm.urgent else "none" if one.alarm is Alarm.TRIAL else "wait"
    shape = _SHAPES.get(one.alarm, "refused" if one.alarm.urgent else "none")
    return Line(shape, tone, word, _when(one.since_ms, one.times, scene, words), advice)


def _event(one: GateNews, advise: bool, scene: Scene, words: Words) -> Line:
    happened, advice = words.both(event_words(one, words.language))
    shape, tone = _EVENT_MARKS[one.level]
    when = _when(one.moment_ms, one.times, scene, words)
    return Line(shape, tone, happened, when, advice if advise else "")


def _when(utc_ms: int | None, times: int, scene: Scene, words: Words) -> str:
    if utc_ms is None:
        return ""
    moment = words.moment(utc_ms, scene.today)
    return moment if times < 2 else words("gate.times", time=moment, count=times)


def _health(gate: GateStatus, scene: Scene, words: Words) -> tuple[tuple[str, str], ...]:
    if gate.health is None:
        return ()
    lines = [
        (word, value) for _, word, value in health_words(gate.health, gate.firmware, words.language)
    ]
    lines.append((words.gate("health.said"), words.moment(gate.health_ms, scene.today)))
    return tuple((words.typeset(word), words.typeset(value)) for word, value in lines)
