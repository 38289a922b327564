"""The tables of settings about what leaves the hub: `[mail]`, `[alerts]` and `[reports]`.

A part of `hub.settings`, which reads and checks them; `docs/settings.md` describes each one.
"""

from __future__ import annotations

from datetime import time
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

CHANNELS = ("mail", "webhook", "others")
"""The ways a message can take, as settings name them."""
_ADDRESS = r"[^\s@<>,;:\"\\]+@[A-Za-z0-9.-]+"


class Table(BaseModel):
    """One table of the settings file; a key that it does not have is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MailSettings(Table):
    """The server that takes our mail."""

    host: str = Field(default="", description="Mail server (SMTP); empty: no mail is sent.")
    port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="Encryption: `starttls`, `tls` from the start, or `none`."
    )
    user: str = Field(default="", description="Login at the server; empty: none.")
    password_file: str = Field(
        default="", description="File whose first line is the password of the login."
    )
    sender: str = Field(
        default="",
        pattern=rf"^({_ADDRESS})?$",
        description="Address that mail comes from.",
    )
    timeout_s: float = Field(default=20.0, gt=0, le=120, description="Seconds to wait for it.")
    ca_file: str = Field(
        default="", description="Authorities (PEM) believed; empty: the machine's own."
    )

    @model_validator(mode="after")
    def _check_sender(self) -> MailSettings:
        if self.host and not self.sender:
            raise ValueError("sender must be set where host is")
        if self.user and self.security == "none":
            raise ValueError("a login needs security starttls or tls")
        return self


class RecipientSettings(Table):
    """One who is told: an entry `[[alerts.recipients]]`."""

    channel: Literal["mail", "webhook", "others"] = "mail"
    to: str = ""
    language: Literal["fr", "nl", "de", "en"] = "nl"
    step: int = Field(default=1, ge=1, le=3)
    sites: list[str] = []
    at_once: bool = False

    @model_validator(mode="after")
    def _check_to(self) -> RecipientSettings:
        if self.channel == "mail" and "@" not in self.to:
            raise ValueError("a recipient by mail needs an address in `to`")
        if self.channel == "others" and not self.to:
            raise ValueError("`to` names a line of alerts.others_file")
        return self


class AlertSettings(Table):
    """What makes an alert, who is told, and when."""

    recipients: list[RecipientSettings] = Field(default=[], description="Who is told.")
    receipt_minutes: int = Field(
        default=30, ge=5, le=600, description="Minutes on site without a receipt."
    )
    silent_minutes: int = Field(default=10, ge=2, le=600, description="Minutes without a gate.")
    authority_minutes: int = Field(
        default=15, ge=1, le=600, description="Minutes without the authority."
    )
    refusals: int = Field(
        default=15, ge=2, le=1000, description="Refused taps at a gate in a quarter of an hour."
    )
    reader_resets: int = Field(
        default=3, ge=1, le=1000, description="Times in an hour that a reader had to be restarted."
    )
    journal_percent: int = Field(
        default=70, ge=10, le=99, description="How full the journal of a gate may be, percent."
    )
    plan_at: time = Field(
        default=time(17), description="Time in Brussels from which tomorrow's plan must be right."
    )
    certificate_days: int = Field(
        default=30, ge=1, le=365, description="Days before a certificate ends."
    )
    quiet_from: time = Field(
        default=time(20), description="Time in Brussels from which only what is urgent is told."
    )
    quiet_until: time = Field(
        default=time(6), description="Until when; the same as `quiet_from`: never."
    )
    digest_minutes: int = Field(
        default=15, ge=0, le=1440, description="Minutes for which what is not urgent is collected."
    )
    digest_at: str = Field(
        default="",
        pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$",
        description="Time in Brussels at which it is told, once a day, instead; empty: not so.",
    )
    escalate_minutes: int = Field(
        default=30, ge=0, le=1440, description="Minutes until the next step is told; 0: never."
    )
    webhook_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s@]+)?$",
        description="Address that is told each alert as JSON; empty: none.",
    )
    webhook_secret_file: str = Field(
        default="", description="File whose first line is the secret that signs them."
    )
    others_file: str = Field(
        default="", description="File with names and apprise addresses, one a line."
    )

    @model_validator(mode="after")
    def _check_channels(self) -> AlertSettings:
        for one in self.recipients:
            if one.channel == "webhook" and not self.webhook_url:
                raise ValueError("a recipient by webhook needs webhook_url")
            if one.channel == "others" and not self.others_file:
                raise ValueError("a recipient by others needs others_file")
        if self.webhook_url and not self.webhook_secret_file:
            raise ValueError("webhook_secret_file must be set where webhook_url is")
        return self


class ReportSettings(Table):
    """Reports over a period."""

    rounding_minutes: Literal[0, 5, 15] = Field(
        default=0, description="Minutes that hours are rounded to, in a column of their own; 0: no."
    )
    rounding_favour: Literal["worker", "employer", "nearest"] = Field(
        default="nearest", description="In whose favour they are rounded."
    )
    mail_megabytes: int = Field(
        default=10, ge=1, le=50, description="Largest report that goes with a mail; else a link."
    )
