"""All settings of a hub in one typed object: TOML file, overridden by the environment.

`sitegate.toml` in the working folder, or the file named with `--settings`; then every
`SITEGATE_<KEY>` or `SITEGATE_<TABLE>__<KEY>` variable. An unknown key in either is an error, since
a mistyped setting that is silently ignored is found on the morning it was needed.
`docs/settings.md` describes each one; a test fails when one is missing there.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from hub.errors import UsageError
from hub.message_settings import AlertSettings, MailSettings, ReportSettings
from hub.message_settings import Table as _Table

PREFIX = "SITEGATE_"
NESTED = "__"
DEFAULT_FILE = Path("sitegate.toml")


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where an existing broker is."""

    host: str
    port: int
    tls: bool


def parse_broker_url(url: str) -> BrokerAddress | None:
    """Returns what an address like ``mqtts://broker.example:8883`` says, None if it is none.

    Without a port it is the registered one: 1883, with TLS 8883. User, password and path are
    refused: a password in an address ends up in logs.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("mqtt", "mqtts") or not host or port == 0:
        return None
    if "@" in parts.netloc or parts.path not in ("", "/") or parts.query or parts.fragment:
        return None
    tls = parts.scheme == "mqtts"
    return BrokerAddress(host, port or (8883 if tls else 1883), tls)


def is_loopback(host: str) -> bool:
    """Returns whether this address can be reached from this machine only."""
    return host.startswith("127.") or host in ("localhost", "::1")


def link_base(settings: Settings, port: int | None = None) -> str:
    """Returns by which address links are opened, without the slash at its end.

    Args:
        port: the one that the pages really have; None: the one of the settings.
    """
    if settings.access.public_url:
        return settings.access.public_url.rstrip("/")
    host = settings.web.host
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not listened on
        host = "127.0.0.1"
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{settings.web.port if port is None else port}"


class BrokerSettings(_Table):
    """The broker of the terminals: the one the hub starts, or one that is there already."""

    host: str = Field(
        default="127.0.0.1", description="Address the broker listens on for terminals."
    )
    port: int = Field(default=1883, ge=0, le=65535, description="MQTT port; 0 takes a free one.")
    tls: str = Field(
        default="auto",
        pattern="^(auto|on|off)$",
        description="Encrypted: on, off, or auto: unless only this machine can connect.",
    )
    external: str = Field(
        default="",
        description="Address of an existing broker, mqtt:// or mqtts://; empty: the hub's own.",
    )
    external_user: str = Field(
        default="hub", min_length=1, description="The hub's login at an existing broker."
    )
    external_password_file: str = Field(
        default="",
        description="File with its password; empty: the one `sitegate broker config` made.",
    )
    external_ca: str = Field(
        default="",
        description="Certificate of the CA an existing broker has its own from; empty: the hub's.",
    )

    @field_validator("external")
    @classmethod
    def _check_external(cls, value: str) -> str:
        if value and parse_broker_url(value) is None:
            raise ValueError("mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")
        return value

    @property
    def encrypted(self) -> bool:
        """Whether gates connect with TLS."""
        outside = parse_broker_url(self.external)
        if outside is not None:
            return outside.tls
        return self.tls == "on" or (self.tls == "auto" and not is_loopback(self.host))


class SerialSettings(_Table):
    """Ports of this machine that gates are at with a USB cable."""

    ports: list[str] = Field(
        default=[], description="Serial ports of gates: names, patterns or socket:// addresses."
    )


class WebSettings(_Table):
    """The dashboard."""

    host: str = Field(default="127.0.0.1", description="Address the dashboard listens on.")
    port: int = Field(
        default=8080, ge=0, le=65535, description="Dashboard port; 0 takes a free one."
    )
    frame_ancestors: str = Field(
        default="'none'", description="Who may show the dashboard in a frame (CSP source list)."
    )


class ApiSettings(_Table):
    """The API for programs."""

    per_minute: int = Field(
        default=600, ge=1, le=100_000, description="Calls that one token may make in a minute."
    )


class AccessSettings(_Table):
    """Accounts, and how long what they open lasts."""

    public_url: str = Field(
        default="",
        pattern=r"^(https?://[A-Za-z0-9.:\[\]-]+/?)?$",
        description="Address by which people reach the pages; empty: host and port of `[web]`.",
    )
    session_hours: int = Field(
        default=12, ge=1, le=72, description="Hours after which one must log in again."
    )
    idle_minutes: int = Field(
        default=120, ge=5, le=1440, description="Minutes without use after which a session ends."
    )
    link_hours: int = Field(
        default=72, ge=1, le=720, description="Hours that a link to log in or be invited is good."
    )
    lock_after: int = Field(
        default=5, ge=3, le=20, description="Wrong passwords in a row before an account waits."
    )


class OidcSettings(_Table):
    """Logging in with an account that people have elsewhere (OpenID Connect)."""

    issuer: str = Field(
        default="",
        pattern=r"^(https://[^\s?#]+|http://(localhost|127\.0\.0\.1)(:\d+)?(/[^\s?#]*)?)?$",
        description="Issuer of the provider, as its own document spells it; empty: none is used.",
    )
    client_id: str = Field(default="", description="What the provider calls this hub.")
    client_secret_file: str = Field(
        default="", description="File whose first line is the secret for it; empty: there is none."
    )
    label: str = Field(
        default="",
        max_length=40,
        description="What people call the provider; empty: the host of the issuer.",
    )

    @model_validator(mode="after")
    def _check_client(self) -> OidcSettings:
        if self.issuer and not self.client_id:
            raise ValueError("client_id must be set where issuer is")
        return self


class AuthoritySettings(_Table):
    """The presence registration service."""

    url: str = Field(default="", description="SOAP address of the service; empty: nothing is sent.")
    connect_timeout_s: float = Field(default=5.0, gt=0, le=120, description="Seconds to connect.")
    read_timeout_s: float = Field(
        default=30.0, gt=0, le=600, description="Seconds to wait for an answer."
    )
    settle_s: float = Field(
        default=60.0,
        ge=0,
        le=3600,
        description="Seconds after a lost answer before a search that finds nothing is believed.",
    )
    connections: int = Field(
        default=4, ge=1, le=16, description="Calls that may be under way at the same time."
    )
    close_at: time = Field(
        default=time(6),
        description="Time of the next day, in Brussels, until which late remarks are read.",
    )
    reconcile_at: time = Field(
        default=time(2, 30),
        description="Time in Brussels from which each night is compared with the authority.",
    )
    profile: str = Field(
        default="unsigned",
        pattern="^(unsigned|signed)$",
        description="How calls prove who we are: signed with a certificate, or not at all.",
    )
    sts_url: str = Field(default="", description="Address of the token service; signed only.")
    sender_number: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]{0,32}$",
        description="Sender number that the certificate is registered for.",
    )
    certificate: str = Field(
        default="", description="File with our certificate, PEM or PKCS#12; signed only."
    )
    certificate_key: str = Field(
        default="", description="File with its key (PEM); empty: in the file of the certificate."
    )
    certificate_password_file: str = Field(
        default="", description="File whose first line is the password of the key; empty: none."
    )
    sign_token: bool = Field(
        default=False, description="Sign the token as well as timestamp and body."
    )
    ca_file: str = Field(
        default="",
        description="Authorities (PEM) believed for both addresses; empty: the machine's own.",
    )


class InOutSettings(_Table):
    """The service for in and out (REST), where works have changed to it."""

    url: str = Field(default="", description="REST address of the service; empty: not used.")
    token_url: str = Field(default="", description="Address of the service's token server.")
    client_id: str = Field(default="", description="Client number of the REST channel.")
    certificate: str = Field(
        default="", description="File with the certificate of the channel: PEM or PKCS#12."
    )
    certificate_key: str = Field(
        default="", description="PEM file with its key; empty: in the file of the certificate."
    )
    certificate_password_file: str = Field(
        default="", description="File with the password of the key; empty: it has none."
    )
    ca_file: str = Field(
        default="", description="PEM file of the authorities believed; empty: the machine's own."
    )
    scope: str = Field(default="", description="Scope to ask a token for; empty: none is named.")
    connect_timeout_s: float = Field(default=5.0, gt=0, le=120, description="Seconds to connect.")
    read_timeout_s: float = Field(
        default=30.0, gt=0, le=600, description="Seconds to wait for an answer."
    )
    type_case: str = Field(
        default="lower", pattern="^(lower|upper)$", description="How `in` and `out` are written."
    )
    can_cancel: bool = Field(
        default=False, description="Whether the service has a call that cancels."
    )
    cancel_path: str = Field(
        default="",
        pattern=r"^(/[A-Za-z0-9._~/-]*\{number\}[A-Za-z0-9._~/-]*)?$",
        description="Path of that call below the address.",
    )
    window_s: int = Field(
        default=600, ge=30, le=3600, description="Seconds after an act within which it must arrive."
    )


class PlanSettings(_Table):
    """The plan: who is expected on which day."""

    submit_at: time = Field(
        default=time(16),
        description="Time in Brussels from which tomorrow's plan is sent.",
    )
    absent_at: time = Field(
        default=time(10),
        description="Time in Brussels from which who is planned and was not seen counts as absent.",
    )
    absent_reason: str = Field(
        default="",
        pattern="^(|HOLIDAY|DISEASE|PLANNING|C32A)$",
        description="Reason with which the absent are cancelled; empty: they are only listed.",
    )


class DeskSettings(_Table):
    """Readers at a desk, where badges are linked to people."""

    reader_form: str = Field(
        default="",
        pattern="^(|hex|decimal|pair)$",
        description="How USB readers here type a card; empty: each browser finds out for its own.",
    )
    reversed: bool = Field(
        default=False, description="Whether they begin with the last byte of the card."
    )
    pins: bool = Field(
        default=False, description="Whether an MFRC522 is wired to the hub's own pins."
    )


class RetentionSettings(_Table):
    """How many days each class of data is kept; `docs/privacy.md` gives the reasons."""

    taps: int = Field(
        default=400, ge=40, le=4000, description="Days for taps, presences and badge history."
    )
    gates: int = Field(
        default=400, ge=7, le=4000, description="Days for events of gates, incidents, crash logs."
    )
    plan: int = Field(default=400, ge=40, le=4000, description="Days for entries of the plan.")
    registrations: int = Field(
        default=2740, ge=400, le=4000, description="Days for registrations and their steps."
    )
    evidence: int = Field(
        default=2740, ge=400, le=4000, description="Days for exchanges with the authority."
    )
    visitors: int = Field(
        default=30, ge=1, le=400, description="Days for a visitor's name after his last tap."
    )
    people: int = Field(
        default=400, ge=40, le=4000, description="Days for a person nothing else is kept of."
    )
    audit: int = Field(
        default=730, ge=90, le=4000, description="Days for who did or looked at what."
    )
    access: int = Field(default=30, ge=1, le=400, description="Days for sessions and links.")
    imports: int = Field(
        default=30, ge=1, le=400, description="Days to undo an import, and for its backup."
    )
    answers: int = Field(
        default=2, ge=1, le=30, description="Days for answers to a repeated request."
    )

    @model_validator(mode="after")
    def _check_order(self) -> RetentionSettings:
        # Taps that outlive the registrations made of them would be registered again by a rebuild.
        if self.registrations < max(self.taps, self.plan):
            raise ValueError("registrations must be kept as long as taps and plan, or longer")
        return self


class EidSettings(_Table):
    """Identity cards in a reader at the hub."""

    enabled: bool = Field(
        default=False, description="Whether somebody can be enrolled with his identity card."
    )


class ImportSettings(_Table):
    """Importing lists of people."""

    backups: int = Field(
        default=5,
        ge=1,
        le=1000,
        description="Copies of the database made before imports that are kept, the newest ones.",
    )


class Settings(BaseSettings):
    """Settings of one hub; build it with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=NESTED, extra="forbid", frozen=True
    )

    data: Path = Field(
        default=Path("sitegate-data"), description="Folder of database, keys and broker."
    )
    language: str = Field(
        default="nl",
        pattern="^(fr|nl|de|en)$",
        description="Language of commands when none is asked.",
    )
    log_level: str = Field(
        default="info",
        pattern="^(debug|info|warning|error)$",
        description="Least level that is logged.",
    )
    broker: BrokerSettings = Field(default=BrokerSettings(), description="Table `[broker]`.")
    serial: SerialSettings = Field(default=SerialSettings(), description="Table `[serial]`.")
    web: WebSettings = Field(default=WebSettings(), description="Table `[web]`.")
    api: ApiSettings = Field(default=ApiSettings(), description="Table `[api]`.")
    access: AccessSettings = Field(default=AccessSettings(), description="Table `[access]`.")
    oidc: OidcSettings = Field(default=OidcSettings(), description="Table `[oidc]`.")
    authority: AuthoritySettings = Field(
        default=AuthoritySettings(), description="Table `[authority]`."
    )
    in_out: InOutSettings = Field(default=InOutSettings(), description="Table `[in_out]`.")
    plan: PlanSettings = Field(default=PlanSettings(), description="Table `[plan]`.")
    eid: EidSettings = Field(default=EidSettings(), description="Table `[eid]`.")
    desk: DeskSettings = Field(default=DeskSettings(), description="Table `[desk]`.")
    retention: RetentionSettings = Field(
        default=RetentionSettings(), description="Table `[retention]`."
    )

    imports: ImportSettings = Field(default=ImportSettings(), description="Table `[imports]`.")
    reports: ReportSettings = Field(default=ReportSettings(), description="Table `[reports]`.")
    mail: MailSettings = Field(default=MailSettings(), description="Table `[mail]`.")
    alerts: AlertSettings = Field(default=AlertSettings(), description="Table `[alerts]`.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then the values given (those of the TOML file)."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def setting_names() -> Iterator[tuple[str, str]]:
    """Yields (dotted name, description) of every setting, tables flattened."""
    for name, field in Settings.model_fields.items():
        table = field.annotation
        if isinstance(table, type) and issubclass(table, _Table):
            for key, inner in table.model_fields.items():
                yield f"{name}.{key}", inner.description or ""
        else:
            yield name, field.description or ""


def _known_variables() -> set[str]:
    return {PREFIX + name.replace(".", NESTED).upper() for name, _ in setting_names()}


def load_settings(file: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Returns the settings of file and environment, or says which key is wrong.

    Args:
        file: the TOML file; None takes `sitegate.toml` of the working folder if there is one.
        environ: only looked at for unknown names; values come from the process environment.

    Raises:
        UsageError: HUB-1001 for a key that no setting has, HUB-1002 for a value or file that
            cannot be used.
    """
    environ = os.environ if environ is None else environ
    known = _known_variables()
    for name in sorted(environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise UsageError("HUB-1001", key=name)
    values: dict[str, object] = {}
    path = file or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    if path is not None:
        try:
            if not path.is_file():
                raise UsageError("HUB-1002", key=str(path), reason="no such file")
            values = dict(TomlConfigSettingsSource(Settings, path).toml_data)
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError("HUB-1002", key=str(path), reason=str(error)) from error
    try:
        return Settings(**values)  # pyright: ignore[reportArgumentType]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise UsageError("HUB-1001", key=key) from None
        raise UsageError("HUB-1002", key=key, reason=first["msg"]) from None
