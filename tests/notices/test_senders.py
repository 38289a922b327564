"""Each channel against a real server of its kind: taken, refused, away, and never in clear."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.application.mailing import Attachment, Content, Notice, PostponedError
from hub.errors import PermanentError, StoppedError, TransientError, UsageError
from hub.message_settings import AlertSettings, MailSettings
from hub.notices.mail import MailSender
from hub.notices.others import OthersSender
from hub.notices.webhook import WebhookSender
from tests.notices.servers import (
    LOGIN,
    PASSWORD,
    MailServer,
    Receiver,
    certificate,
    mail_server,
    receiver,
)

NOW_MS = 1_795_431_600_000
SOFIE = "sofie@site.example"
CONTENT = Content(
    "Werf Noord : portique « Nord » muet",
    ("Le portique ne répond plus depuis 7 h 12.", "À faire :\nregardez l'alimentation <b>."),
    "https://hub.example/alerts",
    {"alerts": [{"kind": "gate_silent", "gate": "Nord"}]},
)


def notice(channel: str = "mail", to: str = SOFIE, *attachments: Attachment) -> Notice:
    return Notice("handle-1", channel, to, "fr", NOW_MS, CONTENT, attachments)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture
def password(tmp_path: Path) -> str:
    file = tmp_path / "mail-password"
    file.write_text(f"{PASSWORD}\nanother line\n")
    return str(file)


def by_mail(port: int, **settings: object) -> MailSender:
    given: dict[str, object] = {"security": "none", **settings}
    return MailSender(
        MailSettings(host="127.0.0.1", port=port, sender="hub@site.example", timeout_s=5, **given)  # pyright: ignore[reportArgumentType]
    )


# ------------------------------------------------------------ mail


def test_a_mail_goes_encrypted_with_login_and_says_the_same_in_both_parts(
    tmp_path: Path, password: str
) -> None:
    tls = certificate(tmp_path)
    paper = Attachment("liste.pdf", "application/pdf", b"%PDF-1.7")
    with mail_server(tls=tls, login=True) as server:
        sender = by_mail(
            server.port, security="starttls", ca_file=str(tls), user=LOGIN, password_file=password
        )
        sender.send(notice("mail", SOFIE, paper))
    (got,) = server.taken
    assert server.encrypted == [True]
    assert server.logins == 1
    assert got["Subject"] == CONTENT.subject
    assert got["Message-ID"] == "<handle-1@site.example>"
    assert got["To"] == SOFIE
    assert got["Auto-Submitted"] == "auto-generated"
    plain, drawn = got.get_body(("plain",)), got.get_body(("html",))
    assert plain is not None
    assert plain.get_content().split() == CONTENT.text.split()
    assert drawn is not None
    page = drawn.get_content()
    assert "regardez l&#x27;alimentation &lt;b&gt;." in page
    assert 'href="https://hub.example/alerts"' in page
    (attached,) = got.iter_attachments()
    assert attached.get_filename() == "liste.pdf"
    assert attached.get_content() == b"%PDF-1.7"


def test_nothing_goes_without_encryption_unless_it_is_set_so(password: str) -> None:
    with mail_server() as server:
        sender = by_mail(server.port, security="starttls", user=LOGIN, password_file=password)
        with pytest.raises(StoppedError) as refused:
            sender.send(notice())
    assert refused.value.code == "HUB-1804"
    assert server.logins == 0
    assert server.taken == []


@pytest.mark.parametrize("whose", ["127.0.0.2", "127.0.0.1"])
def test_a_server_that_is_not_believed_hears_neither_password_nor_message(
    tmp_path: Path, password: str, whose: str
) -> None:
    # The certificate of another address; one of the right address that nobody vouches for.
    tls = certificate(tmp_path, whose)
    believed = str(tls) if whose == "127.0.0.2" else ""
    with mail_server(tls=tls, login=True) as server:
        sender = by_mail(
            server.port, security="starttls", ca_file=believed, user=LOGIN, password_file=password
        )
        with pytest.raises(StoppedError) as refused:
            sender.send(notice())
    assert refused.value.code == "HUB-1804"
    assert server.logins == 0


def test_a_refused_login_says_so_and_not_the_password(tmp_path: Path) -> None:
    tls = certificate(tmp_path)
    file = tmp_path / "wrong"
    file.write_text("a wrong password\n")
    with mail_server(tls=tls, login=True) as server:
        sender = by_mail(
            server.port, security="starttls", ca_file=str(tls), user=LOGIN, password_file=str(file)
        )
        with pytest.raises(StoppedError) as refused:
            sender.send(notice())
    assert refused.value.code == "HUB-1803"
    assert "wrong password" not in f"{refused.value!r} {refused.value} {refused.value.extra}"
    assert server.taken == []


def test_a_server_that_is_away_may_be_there_later() -> None:
    with pytest.raises(TransientError) as away:
        by_mail(free_port()).send(notice())
    assert away.value.code == "HUB-1802"
    assert not isinstance(away.value, PostponedError)


@pytest.mark.parametrize(
    ("server", "kind", "code"),
    [
        (MailServer(refusals={SOFIE: "550 no such user " + SOFIE}), PermanentError, "HUB-1806"),
        (MailServer(refusals={SOFIE: "450 try later " + SOFIE}), PostponedError, "HUB-1805"),
        (MailServer(answer="554 looks like spam"), PermanentError, "HUB-1807"),
        (MailServer(answer="451 busy"), PostponedError, "HUB-1805"),
    ],
)
def test_what_a_server_answers_decides_what_becomes_of_the_mail(
    server: MailServer, kind: type[Exception], code: str
) -> None:
    with mail_server(server), pytest.raises(kind) as refused:
        by_mail(server.port).send(notice())
    assert refused.value.code == code  # pyright: ignore[reportAttributeAccessIssue]
    assert SOFIE not in str(refused.value)


def test_a_line_break_in_a_name_begins_no_header() -> None:
    content = Content("Werf\r\nBcc: everybody@site.example", ("x",))
    with mail_server() as server:
        by_mail(server.port).send(Notice("handle-2", "mail", SOFIE, "nl", NOW_MS, content))
    (got,) = server.taken
    assert got["Bcc"] is None
    assert got["Subject"] == "Werf Bcc: everybody@site.example"


def test_without_a_readable_password_nobody_is_called(tmp_path: Path) -> None:
    tls = certificate(tmp_path)
    with mail_server(tls=tls, login=True) as server:
        sender = by_mail(
            server.port,
            security="starttls",
            ca_file=str(tls),
            user=LOGIN,
            password_file=str(tmp_path / "none"),
        )
        with pytest.raises(UsageError) as refused:
            sender.send(notice())
    assert refused.value.code == "HUB-1801"
    assert server.logins == 0


# ------------------------------------------------------------ webhook


@pytest.fixture
def address() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def by_webhook(port: int, folder: Path) -> WebhookSender:
    secret = folder / "secret"
    secret.write_text("a shared secret\n")
    settings = AlertSettings(
        webhook_url=f"http://127.0.0.1:{port}/hook?token=t0ken", webhook_secret_file=str(secret)
    )
    return WebhookSender(settings, lambda: NOW_MS + 7_000)


def test_a_call_carries_what_the_receiver_needs_to_believe_it(
    address: Receiver, tmp_path: Path
) -> None:
    by_webhook(address.port, tmp_path).send(notice("webhook", ""))
    ((headers, body),) = address.got
    stamp = headers["sitegate-timestamp"]
    assert int(stamp) == NOW_MS // 1000 + 7
    expected = hmac.new(b"a shared secret", f"{stamp}.".encode() + body, hashlib.sha256)
    assert headers["sitegate-signature"] == "v1=" + expected.hexdigest()
    assert headers["sitegate-delivery"] == "handle-1"
    told = json.loads(body)
    assert told["subject"] == CONTENT.subject
    assert told["alerts"] == [{"kind": "gate_silent", "gate": "Nord"}]


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (503, TransientError, "HUB-1809"),
        (429, TransientError, "HUB-1809"),
        (401, StoppedError, "HUB-1810"),
        (302, StoppedError, "HUB-1810"),
        (422, PermanentError, "HUB-1811"),
    ],
)
def test_what_a_receiver_answers_decides_what_becomes_of_the_call(
    address: Receiver, tmp_path: Path, status: int, kind: type[Exception], code: str
) -> None:
    address.status = status
    with pytest.raises(kind) as refused:
        by_webhook(address.port, tmp_path).send(notice("webhook", ""))
    assert refused.value.code == code  # pyright: ignore[reportAttributeAccessIssue]


def test_a_receiver_that_is_away_may_be_there_later_and_its_address_is_not_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"), pytest.raises(TransientError) as away:
        by_webhook(free_port(), tmp_path).send(notice("webhook", ""))
    assert away.value.code == "HUB-1808"
    assert "t0ken" not in f"{away.value!r} {caplog.text}"


# ------------------------------------------------------------ others

# It looks whether this Python still has that module, which 3.11 and 3.12 complain of.
of_apprise = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@of_apprise
def test_apprise_tells_the_one_line_that_is_named(address: Receiver, tmp_path: Path) -> None:
    file = tmp_path / "others"
    file.write_text(
        f"# who  where\n\noffice json://127.0.0.1:{address.port}/office\n"
        f"crane  json://127.0.0.1:{address.port}/crane\n"
    )
    OthersSender(AlertSettings(others_file=str(file))).send(notice("others", "crane"))
    ((_, body),) = address.got
    told = json.loads(body)
    assert told["title"] == CONTENT.subject
    assert "Le portique ne répond plus" in told["message"]


@of_apprise
def test_a_service_that_takes_nothing_is_told_later_without_its_address_in_a_log(
    address: Receiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "others"
    file.write_text(f"crane json://user:t0ken@127.0.0.1:{address.port}/crane\nodd nothing://x\n")
    sender = OthersSender(AlertSettings(others_file=str(file)))
    address.status = 500
    with caplog.at_level("DEBUG"):
        for to, code in (("crane", "HUB-1814"), ("odd", "HUB-1813"), ("nobody", "HUB-1813")):
            with pytest.raises(PostponedError) as refused:
                sender.send(notice("others", to))
            assert refused.value.code == code
    assert "t0ken" not in caplog.text
    assert "127.0.0.1" not in caplog.text
