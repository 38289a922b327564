"""Test modules are rewritten by pytest once in a run, not once by each of its two workers.

In a new checkout that took 15 s of CPU of each. The second worker begins at the other end of the
files and stops where the first has been; what it wrote the first finds, and the other way round.
Only what pytest keeps of a module is written here: each worker imports all of them as ever.
"""

from __future__ import annotations

import os
import sys

import pytest
from _pytest.assertion import rewrite


def share(config: pytest.Config) -> None:
    """Does a part for the others, if this is the second worker of a run of all tests."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    if worker != "gw1" or sys.dont_write_bytecode or config.args != config.getini("testpaths"):
        return
    state = config.stash[rewrite.assertstate_key]
    for path in sorted((config.rootpath / "tests").rglob("test_*.py"), reverse=True):
        folder = rewrite.get_cache_dir(path)
        kept = folder / (path.name[:-3] + rewrite.PYC_TAIL)
        if rewrite._read_pyc(path, kept) is not None or not rewrite.try_makedirs(folder):
            return
        digest, code = rewrite._rewrite_test(path, config)
        rewrite._write_pyc(state, code, digest, kept)
