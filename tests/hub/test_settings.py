"""Settings: file, then environment; a mistyped one stops the start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from hub.errors import UsageError
from hub.settings import Settings, load_settings, setting_names


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder and no setting in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.upper().startswith("SITEGATE_"):
            monkeypatch.delenv(name)


def write(text: str, name: str = "sitegate.toml") -> Path:
    """A settings file in the working folder."""
    path = Path(name)
    path.write_text(text)
    return path


def refused(text: str | bytes) -> UsageError:
    """What is said of this file."""
    path = Path("site.toml")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError) as caught:
        load_settings(path)
    return caught.value


def test_without_a_file_everything_has_its_default() -> None:
    settings = load_settings()
    assert settings.data == Path("sitegate-data")
    assert (settings.broker.host, settings.broker.port) == ("127.0.0.1", 1883)
    assert settings.authority.url == ""


def test_the_file_of_the_working_folder_is_taken() -> None:
    write('data = "elsewhere"\n[web]\nport = 9000\n')
    settings = load_settings()
    assert (settings.data, settings.web.port) == (Path("elsewhere"), 9000)
    # What the file leaves out keeps its default.
    assert (settings.web.host, settings.broker.port) == ("127.0.0.1", 1883)


def test_a_file_that_is_named_is_taken_instead() -> None:
    write("[web]\nport = 9000\n")
    other = write("[web]\nport = 9001\n", "other.toml")
    assert load_settings(other).web.port == 9001


def test_a_named_file_that_is_missing_is_an_error() -> None:
    with pytest.raises(UsageError) as caught:
        load_settings(Path("missing.toml"))
    assert caught.value.code == "HUB-1002"
    assert caught.value.extra["key"] == "missing.toml"


def test_the_environment_overrides_the_file_one_setting_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write('log_level = "debug"\n[broker]\nhost = "0.0.0.0"\nport = 2000\n')
    monkeypatch.setenv("SITEGATE_BROKER__PORT", "3000")
    monkeypatch.setenv("SITEGATE_DATA", "from-environment")
    settings = load_settings()
    assert (settings.broker.host, settings.broker.port) == ("0.0.0.0", 3000)
    assert (settings.data, settings.log_level) == (Path("from-environment"), "debug")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("dta = 'x'\n", "dta"),
        ("[broker]\nprt = 1\n", "broker.prt"),
        ("[brokr]\nport = 1\n", "brokr"),
        ("[broker]\nPort = 1\n", "broker.Port"),
        ("port = 1\n", "port"),
    ],
)
def test_a_key_that_no_setting_has_is_named(text: str, key: str) -> None:
    error = refused(text)
    assert (error.code, error.extra["key"]) == ("HUB-1001", key)


@pytest.mark.parametrize("value", ["http://x", "broker", "mqtt://hub:secret@x", "mqtt://"])
def test_an_address_that_is_no_brokers_is_named_without_its_password(value: str) -> None:
    error = refused(f'[broker]\nexternal = "{value}"\n')
    assert (error.code, error.extra["key"]) == ("HUB-1002", "broker.external")
    assert "mqtts://HOST" in str(error.extra["reason"])
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    "name",
    [
        "SITEGATE_DTA",
        "SITEGATE_BROKER_PORT",
        "SITEGATE_BROKER",
        "SITEGATE_BROKER__PRT",
        "SITEGATE_",
        "SITEGATE_WEB__PORT__X",
        "sitegate_dta",
        "Sitegate_Dta",
    ],
)
def test_a_variable_that_no_setting_has_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(UsageError) as caught:
        load_settings()
    assert (caught.value.code, caught.value.extra["key"]) == ("HUB-1001", name)


def test_variables_of_others_are_none_of_our_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XSITEGATE_DATA", "x")
    monkeypatch.setenv("SITEGATES", "x")
    assert load_settings().data == Path("sitegate-data")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[broker]\nport = 65536\n", "broker.port"),
        ("[broker]\nport = -1\n", "broker.port"),
        ("[broker]\nport = 'many'\n", "broker.port"),
        ("[web]\nport = 1.5\n", "web.port"),
        ("broker = 5\n", "broker"),
        ("language = 'es'\n", "language"),
        ("log_level = 'loud'\n", "log_level"),
        ("[authority]\nread_timeout_s = 0\n", "authority.read_timeout_s"),
        ("[authority]\nsettle_s = -1\n", "authority.settle_s"),
        ("data = []\n", "data"),
    ],
)
def test_a_value_that_cannot_be_is_named(text: str, key: str) -> None:
    error = refused(text)
    assert (error.code, error.extra["key"]) == ("HUB-1002", key)
    assert error.extra["reason"]


@pytest.mark.parametrize("text", ["port =\n", "[broker\n", b"\xff\xfe", "a = 1\na = 2\n"])
def test_a_file_that_is_no_toml_is_named(text: str | bytes) -> None:
    error = refused(text)
    assert (error.code, error.extra["key"]) == ("HUB-1002", "site.toml")
    assert error.extra["reason"]


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_settings(tmp_path)
    assert caught.value.code == "HUB-1002"


def test_a_bad_variable_is_named_by_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITEGATE_WEB__PORT", "eighty")
    with pytest.raises(UsageError) as caught:
        load_settings()
    assert (caught.value.code, caught.value.extra["key"]) == ("HUB-1002", "web.port")


def test_settings_do_not_change_while_the_hub_runs() -> None:
    settings = load_settings()
    for change in (
        lambda: setattr(settings, "language", "fr"),
        lambda: setattr(settings.broker, "port", 1),
    ):
        with pytest.raises(ValidationError):
            change()


def test_every_setting_is_listed_with_what_it_means() -> None:
    names = dict(setting_names())
    settings: Any = load_settings()
    for name, meaning in names.items():
        value = settings
        for part in name.split("."):
            value = getattr(value, part)
        assert not hasattr(value, "model_fields"), name
        assert meaning.endswith("."), name
    tables = [
        name
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    ]
    assert {"authority", "broker", "web"} <= set(tables)
    flat = [name for name in Settings.model_fields if name not in tables]
    assert {name for name in names if "." not in name} == set(flat)
    assert {name.split(".")[0] for name in names if "." in name} == set(tables)
