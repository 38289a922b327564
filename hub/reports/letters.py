"""Letters on paper: Noto Sans, regular and bold, so that a sheet looks the same anywhere.

The typeface comes as one file for all weights with thousands of letters. A PDF library that is
handed that file works on it for half a minute; so only the letters that are on the sheet are taken
out first, and their two weights made of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Final

import fontpkg
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont
from fpdf import FPDF

_WEIGHTS: Final = {"": 400, "B": 700}
# Tables of ligatures and kerning: the library does not shape text, and they take longest to reduce.
_NOT_NEEDED: Final = ("GSUB", "GPOS", "GDEF")


def add_letters(pdf: FPDF, name: str, written: str) -> None:
    """Gives a document a font, regular and bold, for these letters and the blank.

    Args:
        name: of the typeface, as its package calls it.
        written: everything that will be written; other letters come out as an empty box.
    """
    with tempfile.TemporaryDirectory() as folder:
        for style, content in _cut(name, "".join(sorted({*written, " "}))).items():
            file = Path(folder) / f"letters{_WEIGHTS[style]}.ttf"
            file.write_bytes(content)
            pdf.add_font(name, style, file)


# A list that is drawn every minute has the same letters as a minute ago.
@lru_cache(maxsize=8)
def _cut(name: str, letters: str) -> Mapping[str, bytes]:
    """Returns the font of each style with these letters."""
    options = Options(layout_features=[], notdef_outline=True)
    options.drop_tables += _NOT_NEEDED
    subsetter = Subsetter(options)
    subsetter.populate(text=letters)
    few = BytesIO()
    with TTFont(fontpkg.path(name), lazy=True) as whole:
        subsetter.subset(whole)
        whole.save(few)
    made: dict[str, bytes] = {}
    for style, weight in _WEIGHTS.items():
        one = BytesIO()
        with TTFont(BytesIO(few.getvalue())) as font:
            instantiateVariableFont(font, {"wght": weight, "wdth": 100}, inplace=True)
            font.save(one)
        made[style] = one.getvalue()
    return made
