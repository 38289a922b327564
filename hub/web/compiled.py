"""Templates as Jinja compiled them: whoever looks first after a start does not wait for it."""

from __future__ import annotations

from hashlib import blake2s

import jinja2
from jinja2.bccache import Bucket, BytecodeCache

from hub.compiled import Compiled


class CompiledTemplates(BytecodeCache):
    """Keeps compiled templates; what cannot be kept or is not whole is compiled again.

    Args:
        kept: where to.
    """

    def __init__(self, kept: Compiled) -> None:
        self._kept = kept

    def load_bytecode(self, bucket: Bucket) -> None:
        """Gives a template what was kept of it, when that is of its present source."""
        # Python ends, without a word, over code that is not whole.
        content = self._kept.read(_name(bucket))
        if content is not None:
            bucket.bytecode_from_string(content)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps a compiled template."""
        self._kept.keep(_name(bucket), bucket.bytecode_to_string())


def _name(bucket: Bucket) -> str:
    # Another release or another way of compiling makes other code of the same source.
    made = bucket.environment
    how = (jinja2.__version__, made.autoescape, made.trim_blocks, made.lstrip_blocks)
    suffix = blake2s(repr(how).encode(), digest_size=4).hexdigest()
    return f"{bucket.key}.{suffix}.jinja"
