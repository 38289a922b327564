"""Mail by SMTP: one connection for each message, encrypted unless the settings say otherwise.

A message that was queued once is always the same message: its Message-ID is its handle, so that a
server or a mailbox that got it twice can tell. What the server says in words is never kept: it may
repeat an address. Its number is.
"""

from __future__ import annotations

import html
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from email.utils import formatdate
from typing import Final

from hub.application.mailing import Notice, PostponedError
from hub.errors import PermanentError, SitegateError, StoppedError, TransientError, UsageError
from hub.message_settings import MailSettings
from hub.notices.secret_files import secret_in

_TEMPORARY: Final = range(400, 500)


def message_of(notice: Notice, sender: str) -> EmailMessage:
    """Returns the mail of a notice: plain text and HTML that say the same, and what is attached.

    Args:
        sender: address it comes from.
    """
    message = EmailMessage(policy=POLICY)
    message["Message-ID"] = f"<{notice.handle}@{sender.rpartition('@')[2]}>"
    message["Date"] = formatdate(notice.made_ms / 1000)
    message["From"] = f"Sitegate <{sender}>"
    message["To"] = notice.to
    # A site's name comes from a form: it must not begin another header.
    message["Subject"] = " ".join(notice.content.subject.split())
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notice.content.text)
    message.add_alternative(_html(notice), subtype="html")
    for one in notice.attachments:
        kind, _, subtype = one.media_type.partition("/")
        message.add_attachment(one.content, maintype=kind, subtype=subtype, filename=one.name)
    # Last: whatever sets a content takes the headers of the one before away.
    message["Content-Language"] = notice.language
    return message


def _html(notice: Notice) -> str:
    content = notice.content
    parts = [f"<p>{html.escape(part).replace(chr(10), '<br>')}</p>" for part in content.paragraphs]
    if content.link:
        address = html.escape(content.link)
        parts.append(f'<p><a href="{address}">{address}</a></p>')
    return (
        f'<!doctype html><html lang="{notice.language}"><head><meta charset="utf-8">'
        f"<title>{html.escape(content.subject)}</title></head><body>{''.join(parts)}</body></html>\n"
    )


class MailSender:
    """`Sender` by the server of the settings.

    Args:
        settings: table `[mail]`.
    """

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    def __repr__(self) -> str:
        return "MailSender()"

    def send(self, notice: Notice) -> None:
        """Returns once the server has taken the mail.

        Raises:
            UsageError: HUB-1800, no server is set; HUB-1801, a file of the settings is unreadable.
            TransientError: HUB-1802, nobody answers, or the connection broke off.
            StoppedError: HUB-1803, the login is refused; HUB-1804, the connection cannot be
                encrypted; HUB-1807, our address is refused.
            PostponedError: HUB-1805, the server does not take it now.
            PermanentError: HUB-1806, it refuses the recipient; HUB-1807, it refuses the message.
        """
        wanted = self._settings
        if not wanted.host:
            raise UsageError("HUB-1800", channel="mail")
        message = message_of(notice, wanted.sender)
        with self._failures(), self._connection() as server:
            server.send_message(message, wanted.sender, [notice.to])

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        wanted = self._settings
        context = self._trusting() if wanted.security != "none" else None
        if wanted.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                wanted.host, wanted.port, timeout=wanted.timeout_s, context=context
            )
        else:
            server = smtplib.SMTP(wanted.host, wanted.port, timeout=wanted.timeout_s)
        try:
            if wanted.security == "starttls":
                try:
                    server.starttls(context=context)
                except (smtplib.SMTPNotSupportedError, smtplib.SMTPResponseException):
                    raise self._unencrypted("STARTTLS") from None
            if wanted.user:
                self._log_in(server)
            yield server
            # It has the message: how it takes leave changes nothing, or it would be sent again.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
        finally:
            server.close()

    def _trusting(self) -> ssl.SSLContext:
        file = self._settings.ca_file
        try:
            return ssl.create_default_context(cafile=file or None)
        except (OSError, ssl.SSLError):
            raise UsageError("HUB-1801", file=file) from None

    def _log_in(self, server: smtplib.SMTP) -> None:
        wanted = self._settings
        password = secret_in(wanted.password_file)
        try:
            server.login(wanted.user, password)
        except smtplib.SMTPAuthenticationError as error:
            if error.smtp_code in _TEMPORARY:
                raise TransientError("HUB-1802", **self._where(str(error.smtp_code))) from None
            raise StoppedError("HUB-1803", host=wanted.host) from None
        except smtplib.SMTPNotSupportedError:
            raise StoppedError("HUB-1803", host=wanted.host) from None

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except SitegateError:
            raise
        except smtplib.SMTPRecipientsRefused as error:
            code = max((code for code, _ in error.recipients.values()), default=550)
            raise self._refused("HUB-1806", code) from None
        except smtplib.SMTPSenderRefused as error:
            if error.smtp_code in _TEMPORARY:
                raise PostponedError("HUB-1805", status=error.smtp_code) from None
            raise StoppedError("HUB-1807", status=error.smtp_code) from None
        except smtplib.SMTPDataError as error:
            raise self._refused("HUB-1807", error.smtp_code) from None
        except smtplib.SMTPNotSupportedError:
            # An address with letters beyond ASCII, and a server that knows none.
            raise PermanentError("HUB-1806", status=553) from None
        except ssl.SSLCertVerificationError as error:
            raise self._unencrypted(error.verify_message) from None
        except ssl.SSLError:
            raise self._unencrypted("TLS") from None
        except (OSError, smtplib.SMTPException) as error:
            raise TransientError("HUB-1802", **self._where(type(error).__name__)) from None

    def _refused(self, code: str, status: int) -> SitegateError:
        if status in _TEMPORARY:
            return PostponedError("HUB-1805", status=status)
        return PermanentError(code, status=status)

    def _unencrypted(self, reason: str) -> StoppedError:
        return StoppedError("HUB-1804", host=self._settings.host, reason=reason)

    def _where(self, reason: str) -> dict[str, object]:
        return {"host": self._settings.host, "port": self._settings.port, "reason": reason}
