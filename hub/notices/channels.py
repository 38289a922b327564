"""The senders that settings ask for."""

from __future__ import annotations

from collections.abc import Callable

from hub.application.mailing import MAIL, OTHERS, WEBHOOK, Sender
from hub.notices.mail import MailSender
from hub.notices.others import OthersSender
from hub.notices.webhook import WebhookSender
from hub.settings import Settings


def senders(settings: Settings, clock: Callable[[], int]) -> dict[str, Sender]:
    """Returns the sender of each channel that is set up, by name.

    Args:
        settings: of this hub.
        clock: UTC milliseconds.
    """
    found: dict[str, Sender] = {}
    if settings.mail.host:
        found[MAIL] = MailSender(settings.mail)
    if settings.alerts.webhook_url:
        found[WEBHOOK] = WebhookSender(settings.alerts, clock)
    if settings.alerts.others_file:
        found[OTHERS] = OthersSender(settings.alerts)
    return found
