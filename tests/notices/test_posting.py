"""The outbox: nothing is lost or goes twice under two names, and one that fails stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from hub import i18n
from hub.application.mailing import Attachment, Content, Mailing, Notice, PostponedError
from hub.application.posting import KEEP_TRYING_MS, STOPPED_MS, Posting, StepThread, pause_ms
from hub.errors import PermanentError, StoppedError, TransientError
from hub.message_settings import MailSettings
from hub.notices.mail import MailSender
from hub.storage.engine import open_engine, reading, writing
from hub.storage.notices import Post, Queue, channel_states
from hub.storage.schema import notice
from hub.storage.secrets import Vault
from tests.hub.patience import until
from tests.notices.servers import MailServer, mail_server

T = TypeVar("T")
NOW_MS = 1_795_431_600_000
CONTENT = Content("Werf Noord: gate silent", ("It says nothing.",))


class Died(BaseException):
    """The process ends here."""


@dataclass
class Other:
    """A server at the other side: knows what it took by its handle, and dies or refuses as told."""

    taken: list[str] = field(default_factory=list)
    plan: list[str] = field(default_factory=list)

    def send(self, sent: Notice) -> None:
        """Takes it, unless the plan says otherwise."""
        what = self.plan.pop(0) if self.plan else "take"
        if what == "die before":
            raise Died
        if what == "away":
            raise TransientError("HUB-1802", host="h", port=25, reason="away")
        if what == "refused":
            raise StoppedError("HUB-1803", host="h")
        if what == "not now":
            raise PostponedError("HUB-1805", status=451)
        if what == "never":
            raise PermanentError("HUB-1806", status=550)
        self.taken.append(sent.handle)
        if what == "die after":
            raise Died


@dataclass
class Box:
    """An outbox on disk."""

    engine: Engine
    vault: Vault
    now_ms: int = NOW_MS
    names: Iterator[int] = field(default_factory=count)

    def write(self, change: Callable[[Connection], T], /) -> T:
        """One transaction."""
        with writing(self.engine) as connection:
            return change(connection)

    @property
    def post(self) -> Post:
        """The port."""
        return Post(self.engine, self.write, self.vault)

    def posting(self, **senders: Other) -> Posting:
        """A hub that has just started."""
        return Posting(self.post, senders, lambda: self.now_ms)

    def queue(self, channel: str = "mail", to: str = "a@b.example") -> str:
        """Queues one message; returns its handle."""
        handle = f"handle-{next(self.names)}"
        made = Notice(handle, channel, to, "en", self.now_ms, CONTENT)
        self.write(lambda connection: Queue(connection, self.vault).queue(made))
        return handle

    def states(self) -> dict[str, str]:
        """Handle to state of every message."""
        with reading(self.engine) as connection:
            rows = connection.execute(select(notice.c.handle, notice.c.state)).all()
        return {row.handle: row.state for row in rows}


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    i18n.strict(True)
    keys = {name: bytes(32) for name in ("seal", "index", "badge")}
    engine = open_engine(tmp_path / "sitegate.db")
    yield Box(engine, Vault(keys))
    engine.dispose()
    i18n.strict(False)


ACTS = st.lists(
    st.sampled_from(
        ["queue", "take", "die before", "die after", "away", "refused", "not now", "wait"]
    ),
    max_size=25,
)


@given(acts=ACTS)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_sequence_of_restarts_loses_or_doubles_a_message(box: Box, acts: list[str]) -> None:
    """Whatever happens, each message is taken; twice only when the hub died before it could note
    the answer, and then under the handle by which the other side knows it again."""
    other, queued, deaths = Other(), [box.queue()], 0
    posting = box.posting(mail=other)
    for act in acts:
        if act == "queue":
            queued.append(box.queue())
            continue
        if act == "wait":
            box.now_ms += 3_600_000
            continue
        other.plan = [act]
        before = len(other.taken)
        try:
            posting.step()
        except Died:
            deaths += len(other.taken) > before
            posting = box.posting(mail=other)
    other.plan = []
    box.now_ms += 3_600_000
    box.posting(mail=other).step()
    assert set(queued) <= set(other.taken)
    assert len(other.taken) - len(set(other.taken)) <= deaths
    assert set(box.states().values()) == {"sent"}


def test_a_message_exists_if_and_only_if_its_reason_was_kept(box: Box) -> None:
    made = Notice("lonely", "mail", "a@b.example", "en", NOW_MS, CONTENT)

    def fails(connection: Connection) -> None:
        Queue(connection, box.vault).queue(made)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        box.write(fails)
    assert box.states() == {}


def test_the_same_handle_is_queued_once(box: Box) -> None:
    made = Notice("once", "mail", "a@b.example", "en", NOW_MS, CONTENT)
    first = box.write(lambda connection: Queue(connection, box.vault).queue(made))
    second = box.write(lambda connection: Queue(connection, box.vault).queue(made))
    assert first is not None
    assert second is None
    assert box.states() == {"once": "waiting"}


def test_a_channel_that_is_away_is_called_once_and_then_after_a_pause(box: Box) -> None:
    first, second = box.queue(), box.queue()
    hook = box.queue("webhook", "")
    mail, webhook = Other(plan=["away"]), Other()
    posting = box.posting(mail=mail, webhook=webhook)
    posting.step()
    assert (mail.taken, webhook.taken) == ([], [hook])
    box.now_ms += pause_ms(1) - 1
    mail.plan = ["take"]
    posting.step()
    assert mail.taken == []
    with reading(box.engine) as connection:
        state = channel_states(connection)["mail"]
    assert (state.failures, state.code, state.waiting) == (1, "HUB-1802", 2)
    assert state.oldest_ms == NOW_MS
    box.now_ms += 1
    box.posting(mail=mail).step()
    assert mail.taken == [first, second]
    with reading(box.engine) as connection:
        state = channel_states(connection)["mail"]
    assert (state.failures, state.code, state.waiting) == (0, "", 0)
    assert state.last_sent_ms == box.now_ms


def test_the_pause_grows_to_an_hour_and_no_further() -> None:
    pauses = [pause_ms(failures) for failures in range(1, 12)]
    assert pauses[:3] == [30_000, 60_000, 120_000]
    assert pauses[-1] == 3_600_000
    assert pause_ms(10_000) == 3_600_000


def test_a_refused_login_is_tried_again_each_quarter(box: Box) -> None:
    box.queue()
    mail = Other(plan=["refused"])
    posting = box.posting(mail=mail)
    posting.step()
    box.now_ms += STOPPED_MS - 1
    posting.step()
    assert mail.taken == []
    box.now_ms += 1
    posting.step()
    assert len(mail.taken) == 1


def test_one_that_is_not_taken_now_holds_up_no_other(box: Box) -> None:
    slow, quick = box.queue(), box.queue()
    mail = Other(plan=["not now"])
    posting = box.posting(mail=mail)
    posting.step()
    assert mail.taken == [quick]
    box.now_ms += pause_ms(1)
    posting.step()
    assert mail.taken == [quick, slow]


def test_one_that_will_never_be_taken_is_given_up_and_seen(box: Box) -> None:
    bad, good = box.queue(), box.queue()
    mail = Other(plan=["never"])
    box.posting(mail=mail).step()
    assert mail.taken == [good]
    assert box.states() == {bad: "lost", good: "sent"}


def test_what_nobody_takes_for_three_days_is_given_up(box: Box) -> None:
    old = box.queue()
    box.now_ms += KEEP_TRYING_MS
    mail = Other(plan=["away"])
    posting = box.posting(mail=mail)
    posting.step()
    assert box.states() == {old: "waiting"}
    box.now_ms += pause_ms(1) + 1
    posting.step()
    assert box.states() == {old: "lost"}
    assert mail.taken == []


def test_a_clock_that_was_set_back_does_not_silence_a_channel(box: Box) -> None:
    box.queue()
    mail = Other(plan=["away"])
    posting = box.posting(mail=mail)
    posting.step()
    box.now_ms -= 48 * 3_600_000
    posting.step()
    assert len(mail.taken) == 1


def test_a_report_waits_sealed_goes_whole_and_is_erased(box: Box, tmp_path: Path) -> None:
    paper = Attachment("list.pdf", "application/pdf", b"Aarts Milan on paper")
    names = iter(["report-1", "report-2"])

    def queue(connection: Connection) -> list[str]:
        mailing = Mailing(Queue(connection, box.vault), lambda: next(names), box.now_ms)
        return mailing.queue_mail(
            ["a@b.example", "c@d.example", "a@b.example"],
            "fr",
            "alerts.mail.test",
            {"hub": "Chantier Nord"},
            [paper],
        )

    assert box.write(queue) == ["report-1", "report-2"]
    files = list(tmp_path.glob("sitegate.db*"))
    assert not any(b"Aarts" in file.read_bytes() for file in files)
    with mail_server() as server:
        config = MailSettings(
            host="127.0.0.1", port=server.port, security="none", sender="hub@site.example"
        )
        Posting(box.post, {"mail": MailSender(config)}, lambda: box.now_ms).step()
    assert [one["To"] for one in server.taken] == ["a@b.example", "c@d.example"]
    (attached,) = server.taken[0].iter_attachments()
    assert attached.get_content() == paper.content
    with reading(box.engine) as connection:
        kept = connection.execute(select(notice.c.attachments)).scalars().all()
    assert kept == [None, None]


def test_a_real_server_that_goes_and_comes_back_gets_all_of_it_once(box: Box) -> None:
    server = MailServer()
    with mail_server(server):
        config = MailSettings(
            host="127.0.0.1", port=server.port, security="none", sender="hub@site.example"
        )
        posting = Posting(box.post, {"mail": MailSender(config)}, lambda: box.now_ms)
        box.queue()
        posting.step()
    assert len(server.taken) == 1
    for _ in range(3):
        box.queue()
    posting.step()
    box.now_ms += pause_ms(1)
    with mail_server(server, port=server.port):
        posting.step()
    assert [one["Message-ID"] for one in server.taken] == [
        f"<handle-{number}@site.example>" for number in range(4)
    ]


def test_a_defect_ends_a_step_and_never_the_thread() -> None:
    steps: list[int] = []

    class Defective:
        def step(self) -> int:
            steps.append(1)
            if len(steps) == 1:
                raise RuntimeError
            return NOW_MS + 5_000

    thread = StepThread("alerts", Defective(), lambda: NOW_MS)
    thread.start()
    until(lambda: len(steps) == 1, "the first step")
    thread.wake()
    until(lambda: len(steps) == 2, "the step after the defect")
    assert thread.stop(10)


def test_a_repr_shows_neither_recipient_nor_content() -> None:
    made = Notice("h", "mail", "sofie@site.example", "en", NOW_MS, CONTENT)
    shown = repr(replace(made, attachments=(Attachment("x", "text/plain", b"Aarts"),)))
    assert "sofie" not in shown
    assert "Aarts" not in shown
