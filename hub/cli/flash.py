"""`sitegate terminal flash`: firmware and settings onto a board, into a folder or an image."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli import gate_options as options
from hub.cli.app import JsonFlag, chosen_language, given_settings, print_json
from hub.cli.terminals import terminal
from hub.clock import now_ms
from hub.errors import SitegateError, UsageError
from hub.i18n import text
from hub.settings import Settings
from hub.storage.engine import reading, writing
from hub.storage.house import open_house
from hub.storage.terminals import Terminals
from hub.terminals.firmware_build import build_firmware
from hub.terminals.flash_places import BOARDS, FolderPlace, ImagePlace
from hub.terminals.flash_serial import SerialPlace
from hub.terminals.flashing import Place, carry_out, look, refuse

SET_ASIDE = "set-aside"
"""Folder of the data folder with journals of boards that became another gate's."""


@dataclass
class Report:
    """What was done so far, told at once, or at the end as one JSON object."""

    language: str
    quiet: bool
    steps: list[dict[str, Any]] = field(default_factory=list)

    def say(self, step: str, **values: object) -> None:
        """Tells one step."""
        self.steps.append({"step": step, **values})
        if not self.quiet:
            typer.echo(text(f"cli.flash.{step}", self.language, **values))


@terminal.command("flash")
def flash(
    terminal_id: options.TerminalId,
    port: Annotated[
        str | None, typer.Option("--port", help="USB port of a Pico with MicroPython.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Folder to write as the flash (secret).")
    ] = None,
    image: Annotated[
        Path | None, typer.Option("--image", help="LittleFS image to write (secret).")
    ] = None,
    board: Annotated[
        str, typer.Option("--board", help="Size of a new image: pico-w or pico.")
    ] = "pico-w",
    take_over: Annotated[
        bool,
        typer.Option("--take-over", help="Take a board whose journal is another gate's."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be written.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write firmware, settings and key of a gate; its journal and roster stay."""
    settings = given_settings()
    if (port, folder, image).count(None) != 2:
        raise UsageError("HUB-1002", key="--port", reason="--port | --folder | --image")
    if board not in BOARDS:
        raise UsageError("HUB-1002", key="--board", reason=", ".join(BOARDS))
    report = Report(chosen_language(settings), as_json)
    house = open_house(settings.data)
    try:
        with reading(house.engine) as connection:
            register = Terminals(connection, house.vault)
            gate = register.terminal(terminal_id)
            content = options.settings_file(settings, house, register, gate)
            kept = register.settings(terminal_id) or {}
        if content is None:
            raise UsageError("HUB-1249", terminal=terminal_id)

        def owner(journal: bytes) -> str | None:
            with reading(house.engine) as connection:
                return Terminals(connection, house.vault).journal_owner(journal)

        firmware = build_firmware()
        report.say("firmware", version=firmware.version, size=len(firmware.pack))
        wants_wifi = kept.get("link") != "serial"
        with _place(report, port, folder, image, BOARDS[board], wants_wifi) as place:
            plan = look(place, terminal_id, content, firmware, owner)
            if plan.same:
                report.say("same", files=", ".join(plan.same))
            refuse(plan, take_over)
            if dry_run:
                report.say("would_write", files=", ".join(plan.write) or "-")
                if isinstance(place, SerialPlace):
                    place.abandon()
            else:
                aside = _Aside(settings, plan.other or "")
                carry_out(place, plan, report.say, take_over, aside.keep)
                with writing(house.engine) as connection:
                    Terminals(connection, house.vault).note_flashed(
                        terminal_id, hashlib.sha256(content).digest()
                    )
                if plan.set_aside:
                    report.say("kept_aside", folder=str(aside.folder))
                report.say("done", terminal=terminal_id)
    finally:
        house.close()
    if as_json:
        print_json(
            {
                "terminal": terminal_id,
                "firmware": firmware.version,
                "written": [] if dry_run else list(plan.write),
                "would_write": list(plan.write) if dry_run else [],
                "same": plan.same,
                "free_kb": plan.free // 1024,
                "steps": report.steps,
            }
        )


@contextmanager
def _place(
    report: Report,
    port: str | None,
    folder: Path | None,
    image: Path | None,
    blocks: int,
    wants_wifi: bool,
) -> Iterator[Place]:
    """Opens what is to be written; a board that is not done with is started again."""
    if folder is not None:
        report.say("folder", folder=str(folder))
        yield FolderPlace(folder)
    elif image is not None:
        report.say("image", file=str(image))
        yield ImagePlace(image, blocks)
    else:
        report.say("port", port=str(port))
        place = SerialPlace(str(port), wants_wifi)
        try:
            report.say("board", board=place.board)
            yield place
        except SitegateError as error:
            if error.code != "HUB-1246":
                place.abandon()
            raise
        finally:
            place.close()


class _Aside:
    """Keeps the journal of a board that becomes another gate's, in the data folder."""

    def __init__(self, settings: Settings, other: str) -> None:
        self.folder = settings.data / SET_ASIDE / f"{other}-{now_ms() // 1000}"

    def keep(self, path: str, content: bytes) -> None:
        """Writes one file of it; returns when it is on disk."""
        target = self.folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UsageError("HUB-1013", file=str(target), reason=type(error).__name__) from None
