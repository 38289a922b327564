"""Whatever else people use, by `apprise`: chats, telephones, ticket systems.

The settings name a file; each of its lines is a name and an address of apprise, which holds tokens
and is a secret:

    # name        address
    crane-phone   ntfy://...
    office-chat   msteams://...

A recipient names the line. Each line is told by itself: of two of which one is away, the other is
not told twice.
"""

from __future__ import annotations

import logging

from hub.application.mailing import Notice, PostponedError
from hub.errors import UsageError
from hub.message_settings import AlertSettings
from hub.notices.secret_files import lines_of


def addresses(file: str) -> dict[str, str]:
    """Returns name to address of every line; empty lines and those with `#` at their begin count
    for nothing.

    Raises:
        UsageError: HUB-1801, the file cannot be read.
    """
    found: dict[str, str] = {}
    for line in lines_of(file):
        name, _, address = line.strip().partition(" ")
        if name and not name.startswith("#"):
            found[name] = address.strip()
    return found


class OthersSender:
    """`Sender` by apprise.

    Args:
        settings: table `[alerts]`.
    """

    def __init__(self, settings: AlertSettings) -> None:
        self._settings = settings

    def __repr__(self) -> str:
        return "OthersSender()"

    def send(self, notice: Notice) -> None:
        """Returns once the service has taken the message.

        Raises:
            UsageError: HUB-1800, no file is set; HUB-1801, it cannot be read.
            PostponedError: HUB-1813, it has no such line, or the address there is none that apprise
                knows; HUB-1814, the service did not take it.
        """
        file = self._settings.others_file
        if not file:
            raise UsageError("HUB-1800", channel="others")
        address = addresses(file).get(notice.to, "")
        if not address:
            raise PostponedError("HUB-1813", name=notice.to)
        import apprise  # a third of a second, and most hubs have no such recipient

        for name in ("apprise", "urllib3"):
            # They write addresses, which hold tokens.
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        services = apprise.Apprise()
        if not services.add(address):
            raise PostponedError("HUB-1813", name=notice.to)
        taken = services.notify(
            title=notice.content.subject,
            body=notice.content.text,
            body_format=apprise.NotifyFormat.TEXT,
        )
        if not taken:
            raise PostponedError("HUB-1814", name=notice.to)
