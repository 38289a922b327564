"""What is built for a gate: all of the firmware, the loader from the same sources, the flash."""

from __future__ import annotations

import ast
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from firmware import VERSION
from hub.errors import PermanentError
from hub.terminals.firmware_build import (
    LOADER,
    LOADER_GIVES,
    NOT_IN_A_PACK,
    build_firmware,
    build_from,
    build_pack,
    bundle,
    flash_files,
    installed_sources,
)
from protocol.pack import METHOD_DEFLATE, pack_digest, read_content, read_head
from protocol.slots import decode_state

ROOT = Path(__file__).resolve().parents[2]


def test_a_pack_holds_every_module_and_nothing_else() -> None:
    pack = build_pack()
    head = read_head(BytesIO(pack))
    modules = {
        path.relative_to(ROOT).as_posix()
        for room in ("firmware", "protocol")
        for path in (ROOT / room).rglob("*.py")
    } - set(NOT_IN_A_PACK)
    assert set(head.files) == {name[:-3] + ".mpy" for name in modules}
    assert head.version == VERSION
    for entry in head.files.values():
        assert entry[2] == METHOD_DEFLATE
        read_content(BytesIO(pack), entry)
    print(f"{len(head.files)} modules, pack {len(pack)} bytes")
    # Two of them lie in a flash of 212 blocks, beside journal and roster.
    assert len(pack) <= 26 * 4096


def test_a_module_lies_behind_those_it_imports() -> None:
    pack = read_head(BytesIO(build_pack()))
    order = sorted(pack.files, key=lambda name: pack.files[name][0])
    at = {name[:-4].removesuffix("/__init__").replace("/", "."): i for i, name in enumerate(order)}
    sources = installed_sources()
    started = order.index("firmware/app.mpy")
    assert started > 40
    for name in order[: started + 1]:
        module = name[:-4].removesuffix("/__init__").replace("/", ".")
        assert at.get(module.rpartition(".")[0], 0) <= at[module]
        for node in ast.parse(sources[name[:-4] + ".py"]).body:
            if isinstance(node, ast.ImportFrom) and node.module in at:
                assert at[node.module] < at[module], (module, node.module)
                for alias in node.names:
                    assert at.get(f"{node.module}.{alias.name}", 0) < at[module]


def test_the_same_sources_make_the_same_bytes() -> None:
    assert build_from(installed_sources()) == build_firmware()


def test_a_fresh_flash_starts_what_was_built() -> None:
    files = flash_files(b"{}")
    assert set(files) == {
        "main.py", "loader.mpy", "slot-a.pack", "slot-b.pack", "boot.bin", "settings.json",
    }  # fmt: skip
    state = decode_state(files["boot.bin"])
    assert state is not None
    digest = pack_digest(BytesIO(files["slot-a.pack"]))
    assert state.digests[1:] == [digest, digest]
    assert (state.active, state.trial, state.early, state.order) == (1, 0, 0, 0)
    assert files["settings.json"] == b"{}"
    assert len(files["loader.mpy"]) <= 2 * 4096 - 16, "two blocks of the flash"
    assert len(files["main.py"]) <= 512, "in the directory itself"


def test_the_loader_needs_nothing_from_a_pack() -> None:
    sources = installed_sources()
    made = ast.parse(bundle({name: sources[name] for name in LOADER}, LOADER_GIVES))
    imported = set()
    for node in ast.walk(made):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    # What it starts is the one thing it takes from there.
    assert {name for name in imported if name.startswith(("firmware", "protocol"))} == {"firmware"}


def test_only_the_links_are_imported_after_the_start() -> None:
    """The pack is taken away when they are fitted."""
    late = [
        name
        for name, source in installed_sources().items()
        if name not in (*LOADER, "firmware/links.py")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert late == []


@pytest.mark.parametrize(
    "second",
    [
        "from firmware.one import other",
        "from firmware.one import value as v",
        "import firmware.one",
        "value = 3",
    ],
)
def test_a_loader_that_cannot_be_put_together_is_not_made(second: str) -> None:
    first = "value = 1\ndef helper():\n    return value\n"
    with pytest.raises(ValueError, match=r"two\.py"):
        bundle({"firmware/one.py": first, "firmware/two.py": second}, ["helper"])


def test_a_loader_holds_what_it_is_made_for_and_no_more() -> None:
    first = "A = 1\nB = 2\ndef helper():\n    return A\ndef other():\n    return B\n"
    second = "import os\nfrom firmware.one import helper\ndef run():\n    return helper()\n"
    made = bundle({"firmware/one.py": first, "firmware/two.py": second}, ["run"])
    assert [type(node).__name__ for node in ast.parse(made).body] == [
        "Import", "Assign", "FunctionDef", "FunctionDef",
    ]  # fmt: skip
    given: dict[str, Any] = {}
    exec(made, given)  # noqa: S102
    assert given["run"]() == 1


def test_a_source_that_does_not_compile_is_named() -> None:
    sources = installed_sources()
    sources["firmware/app.py"] = "def broken(:\n"
    with pytest.raises(PermanentError) as caught:
        build_from(sources)
    assert caught.value.code == "HUB-1221"
    assert caught.value.extra["reason"] == "firmware/app.py: SyntaxError"
    sources["firmware/__init__.py"] = '"""No version."""\n'
    with pytest.raises(PermanentError, match="HUB-1221"):
        build_from(sources)
