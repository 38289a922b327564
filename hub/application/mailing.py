"""Messages that leave the hub: what one holds, how it is queued, and who carries it.

Theory of operation. Whoever has something to say puts a notice into the outbox, in the transaction
of what it tells of; `hub.application.posting` takes it from there. So a message exists if, and only
if, its reason was kept, and a restart loses none. A notice has a handle that never changes: a mail
carries it as its Message-ID, a call as its delivery number. When the hub ends between the answer of
a server and its own note of it, the message goes once more under the same handle, by which the
other side knows it again.

No message holds a name or a number of a person: counts, gates, sites, companies and a link. A
report that is attached may; it is sealed while it waits and erased once it was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from hub.errors import TransientError
from hub.i18n import text

MAIL: Final = "mail"
WEBHOOK: Final = "webhook"
OTHERS: Final = "others"


@dataclass(frozen=True, slots=True, repr=False)
class Attachment:
    """A file that goes with a mail. The `repr` shows its kind and size only.

    Args:
        name: as the recipient sees it; holds no name of a person.
        media_type: for example `application/pdf`.
        content: its bytes.
    """

    name: str
    media_type: str
    content: bytes

    def __repr__(self) -> str:
        return f"Attachment({self.media_type}, {len(self.content)} bytes)"


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says, ready to be drawn as plain text and as HTML.

    Args:
        subject: one line.
        paragraphs: plain text, one after the other.
        link: address of the page it is about; empty for none.
        data: the same for a program, JSON values.
    """

    subject: str
    paragraphs: tuple[str, ...]
    link: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All of it as plain text."""
        return "\n\n".join((*self.paragraphs, *((self.link,) if self.link else ()))) + "\n"


@dataclass(frozen=True, slots=True, repr=False)
class Notice:
    """One message to one recipient. The `repr` shows neither recipient nor content.

    Args:
        handle: what it is known by at the other side, for ever.
        channel: `mail`, `webhook` or `others`.
        to: mail address, or name of a line of the file of others; empty for the webhook.
        language: of its texts.
        made_ms: when it was queued, UTC milliseconds.
    """

    handle: str
    channel: str
    to: str
    language: str
    made_ms: int
    content: Content
    attachments: tuple[Attachment, ...] = ()

    def __repr__(self) -> str:
        return f"Notice({self.handle}, {self.channel})"


class PostponedError(TransientError):
    """This message was not taken now; others of its channel may be."""


class Sender(Protocol):
    """Carries messages by one channel. Blocks; one thread at a time calls it."""

    def send(self, notice: Notice, /) -> None:
        """Returns once the other side has taken the message.

        Raises:
            PostponedError: this message may be taken later.
            TransientError: whatever goes by this channel may be taken later. Of either kind, it may
                also have been taken, its answer lost.
            StoppedError: our own access is refused: no message of this channel will go.
            UsageError: a setting or a file it names cannot be used; as the one before.
            PermanentError: this message, or this recipient, will never be taken.
        """
        ...


class NoticeOutbox(Protocol):
    """Where messages wait. The transaction is the caller's."""

    def queue(self, notice: Notice, /) -> int | None:
        """Keeps a message to be sent and returns its row; None, and nothing changes, when a message
        with its handle is kept already."""
        ...


def composed(
    subject_key: str, language: str, values: Mapping[str, object], link: str = ""
) -> Content:
    """Returns what a mail says, see `Mailing.queue_mail`."""
    body = text(f"{subject_key}.body", language, **values)
    return Content(
        text(f"{subject_key}.subject", language, **values),
        tuple(part.strip() for part in body.split("\n\n") if part.strip()),
        link,
    )


class Mailing:
    """Queues mail in somebody's transaction.

    Args:
        outbox: in that transaction.
        handles: gives a fresh handle each time.
        now_ms: UTC milliseconds.
    """

    def __init__(self, outbox: NoticeOutbox, handles: Callable[[], str], now_ms: int) -> None:
        self._outbox = outbox
        self._handles = handles
        self._now_ms = now_ms

    def queue_mail(
        self,
        recipients: Sequence[str],
        language: str,
        subject_key: str,
        values: Mapping[str, object],
        attachments: Sequence[Attachment] = (),
        link: str = "",
    ) -> list[str]:
        """Queues one mail for each recipient; returns their handles.

        Args:
            recipients: mail addresses, each once.
            language: one of `hub.i18n.LANGUAGES`.
            subject_key: of the catalogue: `<key>.subject` is the subject, `<key>.body` the text,
                whose empty lines part paragraphs.
            values: what the placeholders of both stand for; never person data.
            attachments: files that go with it.
            link: address of the page it is about.
        """
        content = composed(subject_key, language, values, link)
        made: list[str] = []
        for to in dict.fromkeys(recipients):
            handle = self._handles()
            self._outbox.queue(
                Notice(handle, MAIL, to, language, self._now_ms, content, tuple(attachments))
            )
            made.append(handle)
        return made
