"""Reads one sheet of a workbook from standard input and prints its cells as JSON.

Runs as a process of its own, on its path alone (`python -I`), so it imports nothing of the hub. A
workbook is a compressed archive: a small one may unpack to more than the machine has, and the
parser, native code, may end the process. Here that costs this process and nothing else.

Arguments: most rows, most columns, and which sheet: nothing for the first one, `*` for the first
one that holds something, `=NAME` for the one with this name.

Output: `{"rows": [[[kind, text], ...], ...], "more": bool, "sheets": [name, ...], "sheet": name}`,
or `{"failed": reason}` with `damaged`, `password`, `empty` or `sheet`. Kinds: `text`, `number`,
`day`, `other`; an empty cell is `["text", ""]`.
"""

from __future__ import annotations

import datetime
import io
import json
import resource
import sys
from typing import Any

MEMORY_MAX = 1024 * 1024 * 1024
"""Bytes of address space; a plan of 20,000 rows needs a tenth of it."""
CPU_MAX_S = 60


def cell_of(value: Any) -> list[str]:
    """Returns kind and text of a cell."""
    if isinstance(value, str):
        return ["text", value]
    if isinstance(value, bool):
        return ["other", str(value)]
    if isinstance(value, float | int):
        return ["number", repr(value)]
    if isinstance(value, datetime.datetime):
        whole = (value.hour, value.minute, value.second) == (0, 0, 0)
        return ["day" if whole else "other", value.date().isoformat()]
    if isinstance(value, datetime.date):
        return ["day", value.isoformat()]
    return ["other", str(value)]


def read(data: bytes, rows_max: int, columns_max: int, which: str) -> dict[str, Any]:
    """Returns what is printed."""
    import python_calamine as calamine

    try:
        workbook = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = list(workbook.sheet_names)
        if not names:
            return {"failed": "empty"}
        if which.startswith("=") and which[1:] not in names:
            return {"failed": "sheet"}
        wanted = [which[1:]] if which.startswith("=") else names if which == "*" else names[:1]
        rows: list[list[Any]] = []
        name = wanted[0]
        for name in wanted:
            sheet = workbook.get_sheet_by_name(name)
            rows = sheet.to_python(skip_empty_area=False, nrows=rows_max + 1)
            if any(value != "" for row in rows for value in row):
                break
        else:
            name = wanted[0]
    except calamine.PasswordError:
        return {"failed": "password"}
    except (calamine.CalamineError, OSError, ValueError):
        return {"failed": "damaged"}
    cells = [[cell_of(value) for value in row[:columns_max]] for row in rows[:rows_max]]
    return {"rows": cells, "more": len(rows) > rows_max, "sheets": names, "sheet": name}


def main() -> None:
    """Reads standard input and prints one JSON object."""
    data = sys.stdin.buffer.read()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_MAX_S, CPU_MAX_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    which = sys.argv[3] if len(sys.argv) > 3 else ""
    json.dump(read(data, int(sys.argv[1]), int(sys.argv[2]), which), sys.stdout)


if __name__ == "__main__":
    main()
