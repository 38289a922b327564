"""Somebody turns out to work here, or not to: what that makes of his registrations of today."""

from __future__ import annotations

from sqlalchemy import Connection

from hub.application.people import Changed
from hub.domain.in_out_regime import WINDOW_MS
from hub.domain.people import is_registered
from hub.storage.adoption import register_today
from hub.storage.people_unsent import not_needed


def becomes_worker(was: str, becomes: str) -> bool:
    """Returns whether this change of kind makes a worker of somebody who was none."""
    return is_registered(becomes) and not is_registered(was)


def turn(
    connection: Connection,
    person_id: int,
    was: str,
    becomes: str,
    now_ms: int,
    actor: str,
    window_ms: int = WINDOW_MS,
) -> Changed:
    """Decides anew about today, when the kind of a person has changed and is written.

    A visitor who works here is registered, if that is still lawful. A worker who is none has what
    was not sent yet dropped; what the authority holds stays.

    Args:
        was, becomes: kinds, see `hub.domain.people.Kind`.
        now_ms: UTC milliseconds.
        actor: who changed it, for the steps of registrations.
        window_ms: milliseconds after an act in which the in/out service takes it.
    """
    if becomes_worker(was, becomes):
        return Changed(made=register_today(connection, person_id, now_ms, window_ms))
    if is_registered(was) and not is_registered(becomes):
        dropped, staying = not_needed(connection, person_id, now_ms, actor)
        return Changed(dropped=dropped, staying=staying)
    return Changed()
