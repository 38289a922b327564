"""A change reaches the browser, a lost connection is resumed, and nobody is told too often."""

from __future__ import annotations

import asyncio
import threading
import time
import zlib
from collections.abc import AsyncIterator
from html import unescape

import pytest
from sqlalchemy import Engine

from hub.application.overview import GateStatus
from hub.storage.engine import writing
from hub.storage.schema import registration
from hub.web import app as web_app
from hub.web import live
from hub.web.drawing import SECTIONS
from hub.web.live import Changes, Picture, SharedPicture, as_event, compressed, stream
from tests.web.sample import NOW, add_presence, add_registration, at, tag_of
from tests.web.serving import DEADLINE_S, Stream, World, serving


def picture(version: int = 1, **sections: str) -> Picture:
    return Picture(version, "<p id=moment>now</p>", sections)


# ---------------------------------------------------------------- changes


def test_a_change_from_another_thread_wakes_an_idle_loop_at_once() -> None:
    async def run() -> tuple[int, float]:
        changes = Changes()
        timer = threading.Timer(0.05, changes.notify)  # by then the loop sleeps in its selector
        timer.start()
        started = time.monotonic()
        version = await asyncio.wait_for(changes.wait(0), DEADLINE_S)
        timer.join()
        return version, time.monotonic() - started

    version, took = asyncio.run(run())
    assert version == 1
    assert took < DEADLINE_S / 3


def test_a_change_before_the_wait_is_not_missed() -> None:
    async def run() -> int:
        changes = Changes()
        changes.notify()
        return await asyncio.wait_for(changes.wait(0), DEADLINE_S)

    assert asyncio.run(run()) == 1


def test_no_change_is_lost_among_many_threads() -> None:
    async def run() -> int:
        changes = Changes()
        threads = [
            threading.Thread(target=lambda: [changes.notify() for _ in range(500)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        version = 0
        while version < 2_000:
            version = await asyncio.wait_for(changes.wait(version), DEADLINE_S)
        for thread in threads:
            thread.join()
        return version

    assert asyncio.run(run()) == 2_000


def test_who_stopped_waiting_is_forgotten() -> None:
    async def run(changes: Changes) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(changes.wait(0), 0.01)

    changes = Changes()
    asyncio.run(run(changes))
    assert changes._waiters == set()
    changes.notify()


def test_a_change_after_a_loop_was_closed_harms_nobody() -> None:
    changes = Changes()
    loop = asyncio.new_event_loop()
    changes._waiters.add((loop, asyncio.Event()))
    loop.close()
    changes.notify()
    assert changes.version == 1


# ---------------------------------------------------------------- pictures and events


def test_a_page_gets_only_what_looks_different() -> None:
    first, second = picture(a="<p id=a>1</p>", b="<p id=b>1</p>"), picture(
        a="<p id=a>1</p>", b="<p id=b>2</p>"
    )  # fmt: skip
    assert second.differing(first.state) == ["<p id=b>2</p>"]
    assert second.differing(second.state) == []
    assert second.differing("") == list(second.sections.values())
    assert second.differing("of.another.hub") == list(second.sections.values())
    assert second.differing("00.11") == list(second.sections.values())


def test_an_event_is_well_formed_whatever_the_html_holds() -> None:
    event = as_event(picture(a="<p id=a>\n\n  data: x\r\n event: y</p>"), "").decode()
    lines = event.split("\n")
    assert lines[0].startswith("id: ")
    assert all(line.startswith("data: ") for line in lines[1:-2])
    assert event.endswith("\n\n")
    assert event.count("\n\n") == 1
    assert "\r" not in event


def test_one_picture_serves_many_streams() -> None:
    taken = 0

    async def take(_: int) -> Picture:
        nonlocal taken
        taken += 1
        await asyncio.sleep(0)
        return picture(a=str(taken))

    async def run() -> None:
        shared = SharedPicture(take)
        await asyncio.gather(*(shared.get() for _ in range(50)))

    asyncio.run(run())
    assert taken == 1


def test_a_first_look_never_gets_an_old_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PAUSE_S", 0.0)
    taken = 0

    async def take(_: int) -> Picture:
        nonlocal taken
        taken += 1
        return picture(7)

    async def run() -> None:
        shared = SharedPicture(take)
        await shared.get()
        await asyncio.sleep(0.02)  # far longer than the first picture took
        await shared.get()

    asyncio.run(run())
    assert taken == 2


def test_pictures_take_a_small_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PAUSE_S", 0.0)
    began: list[float] = []

    async def take(_: int) -> Picture:
        began.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.02)
        return picture(len(began))

    async def run() -> list[int]:
        shared = SharedPicture(take)
        version = -1
        versions: list[int] = []
        while len(versions) < 3:
            version = (await shared.get(version)).version
            versions.append(version)
        return versions

    assert asyncio.run(run()) == [1, 2, 3]
    assert began[1] - began[0] >= 0.02 / live.SHARE * 0.99
    assert began[2] - began[1] >= 0.02 / live.SHARE * 0.99


def test_a_busy_machine_shows_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PAUSE_S", 0.0)
    monkeypatch.setattr(live, "SHARE", 0.000_01)
    monkeypatch.setattr(live, "REST_S", 0.0)

    async def take(newer_than: int) -> Picture:
        await asyncio.sleep(0.02)  # by its share it would rest for half an hour
        return picture(newer_than + 1)

    async def run() -> int:
        shared = SharedPicture(take)
        version = -1
        for _ in range(3):
            version = (await asyncio.wait_for(shared.get(version), DEADLINE_S)).version
        return version

    assert asyncio.run(run()) == 2


def test_who_asks_while_one_is_begun_later_gets_that_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty dashboards on which nothing happens look again at the same moment."""
    monkeypatch.setattr(live, "PAUSE_S", 0.0)
    taken = 0

    async def take(_: int) -> Picture:
        nonlocal taken
        taken += 1
        await asyncio.sleep(0.01)
        return picture(7)

    async def run() -> None:
        shared = SharedPicture(take)
        await shared.get()
        await asyncio.gather(*(shared.get(7) for _ in range(50)))

    asyncio.run(run())
    assert taken == 2


def test_compressed_events_are_complete_one_by_one() -> None:
    async def events() -> AsyncIterator[bytes]:
        yield b"id: 1\n\n"
        yield b"id: 2\n\n"

    async def run() -> list[bytes]:
        inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        return [inflate.decompress(part) async for part in compressed(events())]

    assert asyncio.run(run()) == [b"id: 1\n\n", b"id: 2\n\n", b""]


def test_a_stream_sends_at_most_four_events_a_second_and_misses_no_last_change() -> None:
    changes = Changes()
    shown = 0

    async def get(_newer_than: int) -> Picture:
        return picture(changes.version, a=f"<p id=a>{shown}</p>")

    async def run() -> tuple[list[bytes], float]:
        nonlocal shown
        events = stream(changes, get, "")
        await anext(events)  # the retry time
        started = asyncio.get_running_loop().time()
        got = [await anext(events)]
        for shown in range(1, 200):  # noqa: B007 - the picture reads it
            changes.notify()
        while b">199<" not in got[-1]:
            got.append(await asyncio.wait_for(anext(events), DEADLINE_S))
        return got, asyncio.get_running_loop().time() - started

    got, took = asyncio.run(run())
    assert len(got) - 1 <= took / live.PAUSE_S
    assert len(got) == 2


def test_a_stream_without_changes_still_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT_S", 0.02)
    monkeypatch.setattr(live, "PAUSE_S", 0.01)

    async def get(_newer_than: int) -> Picture:
        return picture(0, a="<p id=a>1</p>")

    async def run() -> list[bytes]:
        events = stream(Changes(), get, "")
        return [await asyncio.wait_for(anext(events), DEADLINE_S) for _ in range(4)]

    retry, first, *beats = asyncio.run(run())
    assert retry == b"retry: 2000\n\n"
    assert b"<p id=a>" in first
    for beat in beats:
        assert b"id=moment" in beat
        assert b"<p id=a>" not in beat


# ---------------------------------------------------------------- over real HTTP


def arrive(engine: Engine, index: int) -> None:
    with writing(engine) as connection:
        add_presence(connection, index, at("07:41:00"), at("07:41:01"))
        add_registration(connection, index, "due", "first_tap", at("07:41:00"))


def test_a_tap_reaches_the_browser_and_then_its_number(register: Engine) -> None:
    changes = Changes()
    with serving(register, changes) as port, Stream(port) as browser:
        first = browser.next()
        assert "Nobody has tapped today yet" in first.data
        arrive(register, 1)
        changes.notify()
        second = browser.next()
        assert "Achterberg" in second.data
        assert "waiting to be sent" in second.data
        assert second.id != first.id
        # Gates and authority look as before, so they are not sent again.
        assert 'id="gates"' not in second.data
        with writing(register) as connection:
            connection.execute(
                registration.update().values(
                    state="registered", cause="answered", number=900_000_000_000_117
                )
            )
        started = time.monotonic()
        changes.notify()
        assert "registered no. 900000000000117" in browser.next().data
        assert time.monotonic() - started < 5


def test_a_change_of_a_gate_alone_is_pushed(register: Engine) -> None:
    changes, world = Changes(), World(gates=list)
    with serving(register, changes, world) as port, Stream(port) as browser:
        assert "not heard yet" in browser.next().data
        world.gates = lambda: [GateStatus("gate-out", "Uitgang", "out", True, NOW, 3)]
        changes.notify()
        data = browser.next().data
        assert 'id="gates"' in data
        assert 'id="companies"' not in data


def test_a_lost_connection_is_resumed_where_it_was(register: Engine) -> None:
    changes = Changes()
    with serving(register, changes) as port:
        with Stream(port) as browser:
            shown = browser.next()
        with Stream(port, last_id=shown.id) as browser:
            again = browser.next()
            assert again.id == shown.id
            assert 'id="moment"' in again.data
            assert "<section" not in again.data
        arrive(register, 2)  # while nobody was connected
        changes.notify()
        with Stream(port, last_id=shown.id) as browser:
            missed = browser.next()
            if "Binnemans" not in missed.data:  # a picture shared from just before the change
                missed = browser.next()
            assert "Binnemans" in missed.data
            assert 'id="gates"' not in missed.data
        with Stream(port, last_id="a.restarted.hub.knows.no.digest") as browser:
            assert browser.next().data.count("<section") == len(SECTIONS)


def test_the_page_begins_where_its_stream_goes_on(register: Engine) -> None:
    with serving(register, Changes()) as port:
        with Stream(port, "/?lang=en") as page:
            html = page.rest().decode()
        address = unescape(html.split('hx-sse:connect="')[1].split('"')[0])
        with Stream(port, address) as browser:
            assert "<section" not in browser.next().data


def test_a_stream_is_never_cached_and_speaks_the_asked_language(register: Engine) -> None:
    with serving(register, Changes()) as port, Stream(port, "/live?lang=nl&site=1") as browser:
        assert browser.response.status == 200
        assert browser.response.headers["Content-Type"].startswith("text/event-stream")
        assert browser.response.headers["Cache-Control"] == "no-store"
        assert "Vandaag heeft nog niemand gebadged" in browser.next().data
    with serving(register, Changes()) as port, Stream(port, "/live?site=99") as browser:
        assert browser.response.status == 404


def test_a_stream_holds_no_number_of_a_person(morning: Engine) -> None:
    with serving(morning, Changes()) as port, Stream(port) as browser:
        data = browser.next().data
    assert "Achterberg" in data
    assert "85031299761" not in data
    assert tag_of("Achterberg").hex() not in data


def test_closing_ends_every_stream_and_the_server_stops(register: Engine) -> None:
    changes = Changes()
    with serving(register, changes) as port, Stream(port) as browser:
        browser.next()
        started = time.monotonic()
        changes.close()
        browser.rest()
        assert time.monotonic() - started < 5


def test_one_browser_too_many_is_asked_to_come_later(
    register: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_app, "STREAMS_MAX", 1)
    changes = Changes()
    with serving(register, changes) as port:
        with Stream(port) as first:
            first.next()
            with Stream(port) as second:
                assert second.response.status == 503
                assert second.response.headers["Retry-After"] == "30"
        # The place is given back: the server notices with its next event.
        deadline = time.monotonic() + DEADLINE_S
        status = 503
        while status == 503 and time.monotonic() < deadline:
            changes.notify()
            with Stream(port) as third:
                status = third.response.status
        assert status == 200
