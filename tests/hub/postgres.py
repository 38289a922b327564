"""A PostgreSQL server of a test's own: fresh cluster, a socket in its folder, no port."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

USER = "postgres"


def binaries() -> Path | None:
    """The folder with `initdb` and `postgres` of the newest version; None when there is none."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


def _as_server() -> dict[str, Any]:
    """The server refuses to run as root: then it gets Debian's own account."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam(USER)
    return {"user": account.pw_uid, "group": account.pw_gid}


@contextmanager
def server() -> Iterator[str]:
    """Gives the address of a database on a server that ends with the block."""
    tools = binaries()
    assert tools is not None
    account = _as_server()
    # A socket's path may have 107 bytes, so it does not go below the folder of the test.
    folder = Path(tempfile.mkdtemp(prefix="sg-pg-"))
    try:
        if account:
            os.chown(folder, account["user"], account["group"])
        data = folder / "data"
        subprocess.run(
            [tools / "initdb", "-D", data, "-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8"],
            check=True, capture_output=True, cwd=folder, **account,
        )  # fmt: skip
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(f"listen_addresses=''\nunix_socket_directories='{folder}'\nfsync=off\n")
        process = subprocess.Popen(
            [tools / "postgres", "-D", data],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=folder, **account,
        )  # fmt: skip
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if "ready to accept connections" in line:
                    break
            else:
                raise AssertionError("the database server ended at once")
            yield f"postgresql://{USER}@/postgres?host={folder}"
        finally:
            process.terminate()
            process.communicate(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
