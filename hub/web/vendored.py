"""The browser code of others: which files, of which package, and whether they are here as pinned.

`make` brings them (tools/vendor.sh) in the version and with the digest of package-lock.json; they
are in no commit. Without them every page works all the same: links and forms are whole pages then,
and a live page loads itself anew.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

PACKAGE: Final = "htmx.org"
VERSION: Final = "4.0.1"
FOLDER: Final = Path(__file__).parent / "static" / "vendor"


@dataclass(frozen=True, slots=True)
class Vendored:
    """One file of the package.

    Args:
        name: in `FOLDER`.
        origin: its path in the package.
        digest: SHA-384 as browsers take it (Subresource Integrity).
    """

    name: str
    origin: str
    digest: str


FILES: Final = (
    Vendored(
        "htmx.min.js",
        "dist/htmx.min.js",
        "sha384-Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn",
    ),
    Vendored(
        "hx-sse.min.js",
        "dist/ext/hx-sse.min.js",
        "sha384-v8HvucQ+ohQhMg0arboXc5049yNR46QKMjphs7YDch+Wm7zpfK5XVS01f26mQDJV",
    ),
    Vendored(
        "htmx-LICENSE.txt",
        "LICENSE",
        "sha384-hU3SbIwDRi3Fq5qi+gLVwm7zNVOKB3ddD795kmN4Dg7C86VuGoDrWKa/TPGW6BWA",
    ),
)

HTMX_CONFIG: Final = json.dumps(
    {
        # Others can add no behaviour: code in attributes is refused by the page's CSP as well.
        "extensions": "sse",
        # The CSP allows styles from files only.
        "includeIndicatorCSS": False,
        # What a reader folded or unfolded stays so when a section is brought up to date.
        "morphIgnore": ["data-htmx-powered", "open"],
        "defaultSettleDelay": 0,
        # Going back asks the hub: no page is kept in the browser, and rights are looked at again.
        "history": "reload",
        "sse": {"reconnectDelay": 500, "reconnectMaxDelay": 30_000, "connectTimeout": 10_000},
    },
    separators=(",", ":"),
)
"""What pages tell htmx in a `meta` element."""


def digest_of(content: bytes) -> str:
    """Returns the digest of a file as `Vendored.digest` has it."""
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def lacking(folder: Path = FOLDER) -> list[str]:
    """Returns the names of the files that are not there, or not as pinned."""
    return [one.name for one in FILES if not _is_whole(folder / one.name, one)]


@cache
def vendored(name: str) -> Vendored | None:
    """Returns a file that pages may load, looked at once; None when it is not there as pinned."""
    one = next(one for one in FILES if one.name == name)
    return one if _is_whole(FOLDER / name, one) else None


def _is_whole(path: Path, one: Vendored) -> bool:
    try:
        return digest_of(path.read_bytes()) == one.digest
    except OSError:
        return False
