"""The commands a newcomer types, and what they say before they touch the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.repository.tree import ROOT

TARGETS = ("demo", "test", "lint", "bench", "drawings", "clean", "lock")


def run(*command: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path or os.environ["PATH"]}
    environment.pop("PYTHON", None)
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env=environment
    )


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    (folder / name).chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of programs for PATH: a shell's few tools, no Python, no apt, no sudo."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "env", "dirname", "sed", "grep", "rm"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return folder


def test_make_alone_lists_every_command() -> None:
    result = run("make")
    assert result.returncode == 0
    for target in TARGETS:
        assert f"make {target}" in result.stdout


def test_an_old_python_is_refused_with_the_way_out(machine: Path, tmp_path: Path) -> None:
    program(machine, "python3", '[ "$1" = --version ] && echo "Python 3.9.2" || exit 1')
    result = run("sh", "tools/venv.sh", str(tmp_path / "venv"), str(tmp_path), path=str(machine))
    assert result.returncode == 1
    assert "Python 3.11 or newer" in result.stderr
    assert "python3 is Python 3.9.2" in result.stderr
    assert not (tmp_path / "venv").exists()


def test_a_missing_venv_module_is_installed_and_said(machine: Path, tmp_path: Path) -> None:
    program(
        machine,
        "python3",
        'case "$*" in *ensurepip*) [ -e "$0.venv" ];; *version_info\\[:2\\]\\)*) echo 3.12;; esac',
    )
    program(machine, "id", "echo 0")
    program(machine, "apt-get", f'echo "apt-get ran: $*"; : > "{machine}/python3.venv"')
    result = run("sh", "tools/venv.sh", str(tmp_path / "venv"), str(tmp_path), path=str(machine))
    said = result.stdout.index("installing the system package python3.12-venv, since")
    done = result.stdout.index("apt-get ran: install")
    assert said < done
    assert "cannot make a virtual environment" in result.stdout


def test_sudo_is_used_when_not_root_and_announced(machine: Path) -> None:
    program(machine, "id", "echo 1000")
    program(machine, "sudo", 'echo "as root: $*"')
    program(machine, "apt-get", "echo not as root; exit 100")
    result = run("sh", "tools/apt.sh", "a test wants it", "some-package", path=str(machine))
    assert result.returncode == 0
    assert "since a test wants it" in result.stdout
    assert "sudo apt-get install" in result.stdout
    assert "as root: env DEBIAN_FRONTEND=noninteractive apt-get install" in result.stdout
    assert "not as root" not in result.stdout


@pytest.mark.parametrize("missing", ["apt-get", "sudo"])
def test_without_apt_or_sudo_the_package_is_named_and_nothing_tried(
    machine: Path, missing: str
) -> None:
    program(machine, "id", "echo 1000")
    if missing == "sudo":
        program(machine, "apt-get", "echo not as root; exit 100")
    result = run("sh", "tools/apt.sh", "a test wants it", "some-package", path=str(machine))
    assert result.returncode == 1
    assert "some-package is missing; a test wants it" in result.stderr
    assert result.stdout == ""


def test_mosquitto_is_not_installed_twice(machine: Path) -> None:
    program(machine, "mosquitto", "exit 0")
    result = run("sh", "tools/mosquitto.sh", path=str(machine))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_machine_that_may_not_have_mosquitto_is_told_and_its_tests_go_on(
    machine: Path, tmp_path: Path
) -> None:
    script = tmp_path / "tools"
    script.mkdir()
    text = (ROOT / "tools" / "mosquitto.sh").read_text("utf-8")
    # This machine may have it where only root looks.
    (script / "mosquitto.sh").write_text(text.replace("/usr/sbin/mosquitto", "/nowhere/mosquitto"))
    shutil.copy(ROOT / "tools" / "apt.sh", script)
    program(machine, "id", "echo 1000")
    program(machine, "ln", "exit 1")
    program(machine, "sudo", "exit 1")
    result = run("sh", str(script / "mosquitto.sh"), path=str(machine))
    assert result.returncode == 0
    if "masked" not in result.stdout:  # no systemd here
        assert "mosquitto is missing; the gates' link is tested with it as well" in result.stderr
        assert "will be skipped" in result.stderr


@pytest.mark.parametrize(
    ("broken", "code"), [("", 0), ("lint", 1), ("test", 1), ("lint test", 1), ("ready", 2)]
)
def test_a_change_is_taken_when_lint_and_tests_are_green(
    tmp_path: Path, broken: str, code: int
) -> None:
    folder = tmp_path / "checkout" / ".ci"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", folder)
    tools = tmp_path / "tools"
    tools.mkdir()
    program(tools, "make", f'echo "made $1"; case " {broken} " in *" $1 "*) exit 2;; esac')
    result = run(str(folder / "run"), path=f"{tools}:{os.environ['PATH']}")
    assert result.returncode == code
    said = result.stdout.splitlines()
    # What both need is installed before either begins, both are always told, and the last line says
    # once more how the tests ended.
    both = ["made test", "made lint", "made test"]
    assert said == ["made ready"] + (both if broken != "ready" else [])
