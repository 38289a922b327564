"""Letters beyond ASCII: how each is put together, and the pieces drawn for it.

Theory of operation. The display's own font (framebuf) has the 95 characters of ASCII in cells of
8 x 8 dots: capitals in rows 0 to 6, strokes two dots wide. Everything else is one of

* a letter of ASCII, because it looks the same (Cyrillic А, В, Е ...);
* a letter of ASCII or one of CELLS with one of MARKS above, through or below it (É, Ł, Ș, Й);
* one of CELLS, drawn for this project.

A capital is drawn for small Cyrillic letters, and "?" for a character that has none of these.
A cell is 8 columns, bit 0 on top. Marks above need the three rows above the cell, marks below begin
in its last row and need the two rows below it.
"""

DRAWN = "БГДЖЗИЛПУФЦЧШЩЪЫЬЭЮЯЄҐ→←⇄ßıŒ¿¡œ"
"""Characters of CELLS, in order."""

CELLS = (
    b"\x00\x7f\x7f\x49\x49\x79\x31\x00"  # Б
    b"\x00\x7f\x7f\x01\x01\x01\x01\x00"  # Г
    b"\xc0\xe0\x7e\x5f\x41\xff\xff\x00"  # Д
    b"\x63\x77\x1c\x7f\x7f\x1c\x77\x63"  # Ж
    b"\x22\x63\x49\x49\x49\x7f\x36\x00"  # З
    b"\x00\x7f\x7f\x18\x0c\x7f\x7f\x00"  # И
    b"\x00\x40\x7e\x3f\x01\x7f\x7f\x00"  # Л
    b"\x00\x7f\x7f\x01\x01\x7f\x7f\x00"  # П
    b"\x00\x27\x6f\x48\x48\x7f\x3f\x00"  # У
    b"\x0c\x1e\x12\x7f\x7f\x12\x1e\x0c"  # Ф
    b"\x00\x7f\x7f\x40\x40\x7f\xff\xc0"  # Ц
    b"\x00\x07\x0f\x08\x08\x7f\x7f\x00"  # Ч
    b"\x7f\x7f\x40\x7f\x7f\x40\x7f\x7f"  # Ш
    b"\x7f\x7f\x40\x7f\x7f\x40\xff\xff"  # Щ
    b"\x01\x7f\x7f\x48\x48\x78\x30\x00"  # Ъ
    b"\x7f\x7f\x48\x78\x38\x00\x7f\x7f"  # Ы
    b"\x00\x7f\x7f\x48\x48\x78\x30\x00"  # Ь
    b"\x22\x63\x49\x49\x49\x7f\x3e\x00"  # Э
    b"\x7f\x7f\x08\x3e\x7f\x41\x7f\x3e"  # Ю
    b"\x00\x66\x7f\x19\x09\x7f\x7f\x00"  # Я
    b"\x00\x3e\x7f\x49\x49\x63\x22\x00"  # Є
    b"\x00\x7e\x7e\x02\x02\x03\x03\x00"  # Ґ
    b"\x18\x18\x18\x18\x7e\x3c\x18\x00"  # →
    b"\x00\x18\x3c\x7e\x18\x18\x18\x18"  # ←
    b"\x02\x22\x72\x22\x22\x27\x22\x20"  # ⇄
    b"\x00\x7e\x7f\x01\x49\x7f\x36\x00"  # ß
    b"\x00\x00\x00\x7c\x7c\x00\x00\x00"  # ı
    b"\x3e\x7f\x41\x7f\x7f\x49\x49\x41"  # Œ
    b"\x00\x30\x78\x4d\x45\x60\x20\x00"  # ¿
    b"\x00\x00\x00\x79\x79\x00\x00\x00"  # ¡
    b"\x38\x7c\x44\x7c\x7c\x54\x5c\x18"  # œ
)

MARKS = "'`^:~u.vo-,;kl/="
"""Names of the marks of MARK_CELLS, in order."""

ABOVE = 10
BELOW = 13
"""Marks 1..ABOVE stand above their letter, up to BELOW they hang below it, others go through it."""

MARK_CELLS = (
    b"\x00\x00\x00\x02\x03\x01\x00\x00"  # acute
    b"\x00\x00\x01\x03\x02\x00\x00\x00"  # grave
    b"\x00\x00\x02\x01\x01\x02\x00\x00"  # circumflex
    b"\x00\x03\x03\x00\x00\x03\x03\x00"  # diaeresis
    b"\x00\x02\x01\x01\x02\x02\x01\x00"  # tilde
    b"\x00\x01\x02\x02\x02\x02\x01\x00"  # breve
    b"\x00\x00\x00\x03\x03\x00\x00\x00"  # dot
    b"\x00\x00\x01\x02\x02\x01\x00\x00"  # caron
    b"\x00\x00\x02\x05\x05\x02\x00\x00"  # ring
    b"\x00\x00\x02\x02\x02\x02\x00\x00"  # macron
    b"\x00\x00\x00\x05\x07\x02\x00\x00"  # cedilla
    b"\x00\x00\x04\x06\x02\x00\x00\x00"  # comma
    b"\x00\x00\x00\x00\x02\x07\x05\x00"  # ogonek
    b"\x10\x00\x00\x08\x04\x00\x00\x00"  # stroke of Ł
    b"\x00\x00\x00\x18\x0c\x00\x00\x00"  # stroke of Ø
    b"\x08\x08\x08\x08\x08\x00\x00\x00"  # bar of Đ
)

# Capital, its letter, its mark; three characters each.
_COMPOSED = (
    "ÀA`ÁA'ÂA^ÃA~ÄA:ÅAoĀA-ĂAuĄAkÇC,ĆC'ĊC.ČCvĎDvĐD=ÈE`ÉE'ÊE^ËE:ĒE-ĖE.ĘEkĚEvĞGuĠG.ĢG;ÌI`ÍI'ÎI^ÏI:ĪI-"
    "ĮIkİI.ĶK;ĻL;ŁLlÑN~ŃN'ŅN;ŇNvÒO`ÓO'ÔO^ÕO~ÖO:ØO/ŌO-ŐO:ŔR'ŘRvŚS'ŞS,ŠSvȘS;ŢT;ŤTvȚT;ÙU`ÚU'ÛU^ÜU:ŪU-"
    "ŮUoŰU:ŲUkÝY'ŸY:ŹZ'ŻZ.ŽZvЙИuЇI:ЁE:"
)
# Character and the one of ASCII that stands for it.
_ALIKE = 'АAВBЕEКKМMНHОOРPСCТTХXІIЅSЈJ’\'‘\'ʼ\'–-—-“"”"„"«"»"…. ÆAæa€E×x·.°o№N'

LOW = 8192
_UNKNOWN = 63  # "?"
_OWN = 128


def piece(char: str) -> int:
    """Returns what to draw for a character: letter + 256 x mark, + LOW if it stands low.

    Letter: an ASCII code, or 128 + the place in DRAWN. Mark: 0 for none, else 1 + its place in
    MARKS. Low: a small letter without ascender, whose mark above belongs two rows lower.

    Args:
        char: one character.
    """
    code = ord(char)
    if 32 <= code < 127:
        return code
    found = _plain(char)
    if found != _UNKNOWN:
        return found
    capital = _capital(code)
    found = _plain(chr(capital))
    if capital == code or code >= 0x400 or found == _UNKNOWN:
        return found
    letter = found % 256 + 32
    if letter == 105 and 1 <= found // 256 <= ABOVE:  # a mark takes the place of the dot
        letter = _OWN + DRAWN.find("ı")
    return letter + found // 256 * 256 + (0 if letter in b"bdfhklt" else LOW)


def _plain(char: str) -> int:
    """As `piece`, for a character that is drawn as itself."""
    own = DRAWN.find(char)
    if own >= 0:
        return _OWN + own
    alike = _ALIKE.find(char)
    if alike >= 0:
        return ord(_ALIKE[alike + 1])
    at = _COMPOSED.find(char)
    if at < 0:
        return _UNKNOWN
    own = DRAWN.find(_COMPOSED[at + 1])
    letter = ord(_COMPOSED[at + 1]) if own < 0 else _OWN + own
    return letter + 256 * (1 + MARKS.find(_COMPOSED[at + 2]))


def _capital(code: int) -> int:
    """Returns the code of the capital of a Latin or Cyrillic letter, or the code itself."""
    if 0xE0 <= code <= 0xFE and code != 0xF7:
        return code - 32
    if code == 0xFF:
        return 0x178
    if 0x139 <= code <= 0x148 or 0x179 <= code <= 0x17E:  # capitals are odd there
        return code if code & 1 else code - 1
    if 0x100 <= code <= 0x17F or 0x218 <= code <= 0x21B or 0x490 <= code <= 0x491:
        return code & ~1
    if 0x430 <= code <= 0x44F:
        return code - 32
    if 0x450 <= code <= 0x45F:
        return code - 80
    return code
