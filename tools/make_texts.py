"""Packs firmware/texts.toml, which people write, into firmware/phrases.py, which the gate reads.

    .venv/bin/python -m tools.make_texts            writes firmware/phrases.py
    .venv/bin/python -m tools.make_texts --check    fails if it is not what the texts give

Packing. All texts as strings would take 17 KB of the gate's memory. For each language the words and
then the texts follow each other, each ended by code 0; code 1 ends a line, the next codes are the
words, then come the letters in their order in ALPHABET. The pair of codes that is most frequent
becomes one code, again and again until no code is left (byte pair encoding, P. Gage 1994).
A text is unpacked by itself, so nothing but the packed bytes stays in memory.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
SOURCE: Final = ROOT / "firmware" / "texts.toml"
TARGET: Final = ROOT / "firmware" / "phrases.py"

_TEXT_END: Final = 0
_LINE_END: Final = 1
_FIRST_WORD: Final = 2
_CODES: Final = 256
_WORTH: Final = 4
"""A pair costs two bytes: one that comes less often saves nothing."""


class Texts:
    """A texts file.

    Attributes: languages, words (by name and language), texts (lines by name and language).

    Raises:
        ValueError: a word or text lacks a language, or has them in another order.
    """

    def __init__(self, source: str) -> None:
        content = tomllib.loads(source)
        self.words: dict[str, dict[str, str]] = content["word"]
        self.texts: dict[str, dict[str, list[str]]] = content["text"]
        self.languages = list(next(iter(self.words.values())))
        for name, table in (*self.words.items(), *self.texts.items()):
            if list(table) != self.languages:
                raise ValueError(f"{name}: other languages, or in another order")

    def lines(self, name: str, language: str) -> list[str]:
        """Returns the lines of a text as the display shows them."""
        spoken = {f"@{word}": forms[language] for word, forms in self.words.items()}
        return [re.sub(r"@\w+", lambda m: spoken[m[0]], x) for x in self.texts[name][language]]


class Packed:
    """The texts as the gate keeps them.

    Attributes: alphabet, first_pair (code of the first pair), pairs, starts (offset of each
    language), packed.

    Raises:
        ValueError: more letters than codes.
    """

    def __init__(self, texts: Texts) -> None:
        words = [f"@{word}" for word in texts.words]
        entries = [
            lines
            for language in texts.languages
            for lines in (
                *([forms[language]] for forms in texts.words.values()),
                *(forms[language] for forms in texts.texts.values()),
            )
        ]
        split = [[re.findall(r"@\w+|.", line) for line in lines] for lines in entries]
        used = {one for lines in split for line in lines for one in line} - set(words)
        self.alphabet = "".join(sorted(used))
        self.first_pair = _FIRST_WORD + len(words) + len(used)
        if self.first_pair > _CODES:
            raise ValueError("more different letters than codes")
        code_of = {one: _FIRST_WORD + i for i, one in enumerate((*words, *self.alphabet))}
        coded: list[list[int]] = []
        for lines in split:
            codes: list[int] = []
            for line in lines:
                codes += [*(code_of[one] for one in line), _LINE_END]
            coded.append(codes[:-1])
        pairs: list[tuple[int, int]] = []
        while self.first_pair + len(pairs) < _CODES:
            count = Counter(pair for codes in coded for pair in pairwise(codes))
            best, times = max(count.items(), key=lambda item: (item[1], item[0]))
            if times < _WORTH:
                break
            coded = [_joined(codes, best, self.first_pair + len(pairs)) for codes in coded]
            pairs.append(best)
        self.pairs = bytes(code for pair in pairs for code in pair)
        self.starts: list[int] = []
        packed = bytearray()
        for number, codes in enumerate(coded):
            if number % (len(words) + len(texts.texts)) == 0:
                self.starts.append(len(packed))
            packed += bytes([*codes, _TEXT_END])
        self.packed = bytes(packed)


def _joined(codes: list[int], pair: tuple[int, int], code: int) -> list[int]:
    joined: list[int] = []
    at = 0
    while at < len(codes):
        if tuple(codes[at : at + 2]) == pair:
            joined.append(code)
            at += 2
        else:
            joined.append(codes[at])
            at += 1
    return joined


def module(source: str) -> str:
    """Returns the source of firmware/phrases.py for the content of firmware/texts.toml."""
    texts = Texts(source)
    packed = Packed(texts)
    languages = ", ".join(f'"{language}"' for language in texts.languages)
    starts = "".join(f"    {start},\n" for start in packed.starts)
    return (
        '"""The texts of firmware/texts.toml, packed; written by tools/make_texts.py, '
        'not by hand."""\n\n'
        f"LANGUAGES = ({languages})\n"
        f"WORDS = {len(texts.words)}\n"
        f"FIRST_PAIR = {packed.first_pair}\n"
        f"ALPHABET = (\n{_literal(packed.alphabet)})\n"
        f"PAIRS = (\n{_literal(packed.pairs)})\n"
        f"STARTS = (\n{starts})\n"
        f"TEXTS = (\n{_literal(packed.packed)})\n"
    )


def _literal(content: str | bytes) -> str:
    """The content as lines of literals of at most 100 characters, as the formatter leaves them."""
    prefix = "b" if isinstance(content, bytes) else ""
    rows: list[str] = []
    row = ""
    for one in content:
        code = one if isinstance(one, int) else ord(one)
        plain = code not in (0x22, 0x5C) and (32 <= code < 127 or isinstance(one, str))
        part = chr(code) if plain else f"\\x{code:02x}"
        if len(row) + len(part) > 92:
            rows.append(row)
            row = ""
        row += part
    rows.append(row)
    return "".join(f'    {prefix}"{row}"\n' for row in rows)


def main() -> int:
    """Writes the module, or only compares it; returns the exit code."""
    made = module(SOURCE.read_text("utf-8"))
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(made, "utf-8")
        return 0
    if TARGET.read_text("utf-8") == made:
        return 0
    print(f"{TARGET.relative_to(ROOT)} is not what {SOURCE.name} gives: run tools.make_texts")
    return 1


if __name__ == "__main__":
    sys.exit(main())
