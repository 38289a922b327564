"""Pictures for those who read none of the languages: 48 dots wide, 24 high.

A picture is a row of strokes of five bytes: what, and four numbers.

| what | numbers |
| --- | --- |
| L | line, three dots thick: x, y to x, y |
| B, C | box filled, box cleared: x, y, width, height |
| H | box of one line: x, y, width, height |
| O, Z | disc, disc cleared: x, y of the middle, half width, half height |
| Q | circle of two lines: as a disc |
| T | triangle, tip to the side: x, y of the tip, x of the base, half height |
| U, V | triangle, tip up or down, and cleared: x, y of the tip, y of the base, half width |
"""

WIDTH = 48
HEIGHT = 24

NONE = b""
TICK = b"L\x0c\x0c\x14\x14L\x14\x14\x24\x04"
ENTER = b"B\x02\x0a\x16\x04T\x23\x0c\x18\x09B\x28\x00\x04\x18B\x20\x00\x08\x03B\x20\x15\x08\x03"
LEAVE = b"B\x0e\x0a\x16\x04T\x03\x0c\x0e\x09B\x28\x00\x04\x18B\x20\x00\x08\x03B\x20\x15\x08\x03"
TWICE = b"L\x04\x0c\x0b\x13L\x0b\x13\x19\x05L\x14\x11\x16\x13L\x16\x13\x24\x05"
QUESTION = (
    b"L\x11\x06\x15\x02"
    b"L\x15\x02\x1b\x02"
    b"L\x1b\x02\x1f\x06"
    b"L\x1f\x06\x18\x0d"
    b"L\x18\x0d\x18\x0f"
    b"B\x17\x14\x04\x04"
)
NO_ENTRY = b"O\x18\x0c\x0c\x0bC\x0f\x0a\x13\x05"
OVER = b"Q\x0e\x0c\x0b\x0bL\x0e\x0c\x0e\x05L\x0e\x0c\x13\x0cL\x20\x06\x2c\x12L\x2c\x06\x20\x12"
EARLY = (
    b"Q\x0e\x0c\x0b\x0b"
    b"L\x0e\x0c\x0e\x05"
    b"L\x0e\x0c\x13\x0c"
    b"B\x1e\x11\x04\x04"
    b"B\x25\x11\x04\x04"
    b"B\x2c\x11\x04\x04"
)
SIGNPOST = b"B\x17\x00\x03\x18B\x1a\x02\x0a\x07T\x2b\x05\x24\x05B\x0c\x0c\x0a\x07T\x04\x0f\x0b\x05"
TO_AND_FRO = b"B\x06\x04\x1a\x04T\x2a\x06\x20\x06B\x10\x10\x1a\x04T\x06\x12\x10\x06"
TICK_HOUSE = (
    b"L\x02\x0c\x09\x13L\x09\x13\x15\x05U\x24\x00\x0a\x0bB\x1c\x0b\x11\x0dC\x22\x10\x05\x08"
)
NO_LIST = b"B\x04\x02\x16\x04B\x04\x0a\x16\x04B\x04\x12\x16\x04L\x20\x06\x2c\x12L\x2c\x06\x20\x12"
BAD_CARD = (
    b"H\x04\x01\x28\x16"
    b"H\x05\x02\x26\x14"
    b"L\x14\x08\x16\x06"
    b"L\x16\x06\x1a\x06"
    b"L\x1a\x06\x1c\x08"
    b"L\x1c\x08\x18\x0c"
    b"L\x18\x0c\x18\x0d"
    b"B\x17\x11\x03\x03"
)
TWO_CARDS = (
    b"H\x04\x00\x1c\x10"
    b"H\x05\x01\x1a\x0e"
    b"C\x0e\x06\x1e\x12"
    b"H\x0f\x07\x1c\x11"
    b"H\x10\x08\x1a\x0f"
    b"B\x13\x0c\x14\x03"
)
WRENCH = (
    b"L\x0c\x15\x1c\x07"
    b"L\x0d\x15\x1d\x08"
    b"L\x0c\x14\x1b\x06"
    b"O\x1e\x07\x07\x07"
    b"Z\x21\x03\x04\x04"
    b"C\x21\x00\x08\x04"
)
EITHER = b"B\x0a\x0a\x0a\x04T\x00\x0c\x0a\x09B\x1c\x0a\x0a\x04T\x2f\x0c\x25\x09B\x17\x00\x02\x18"
RECEIPT = b"H\x0a\x00\x1c\x18H\x0b\x01\x1a\x16L\x11\x0c\x16\x11L\x16\x11\x20\x07"
HAND = (
    b"O\x17\x11\x08\x07"
    b"B\x0f\x04\x03\x0d"
    b"B\x13\x01\x03\x0e"
    b"B\x17\x00\x03\x0e"
    b"B\x1b\x02\x03\x0e"
    b"L\x1f\x10\x24\x09"
)
FLAME = b"O\x18\x10\x08\x07U\x18\x00\x10\x08U\x1f\x06\x10\x03Z\x18\x13\x04\x04V\x18\x0b\x12\x03"
OPEN_BOX = b"H\x08\x0a\x20\x0eH\x09\x0b\x1e\x0cL\x09\x08\x22\x01B\x17\x0d\x03\x05B\x17\x13\x03\x02"
HOURGLASS = b"B\x0c\x00\x18\x03B\x0c\x15\x18\x03U\x18\x0c\x14\x09U\x18\x0c\x03\x09"


def draw(canvas, picture: bytes, left: int) -> None:
    """Draws a picture in the top rows of a canvas.

    Args:
        canvas: with the methods of framebuf.FrameBuffer.
        picture: one of those above.
        left: column of its left edge.
    """
    for i in range(0, len(picture), 5):
        what = chr(picture[i])
        a = left + picture[i + 1]
        b = picture[i + 2]
        c = picture[i + 3]
        d = picture[i + 4]
        if what == "L":
            c += left
            canvas.line(a, b, c, d, 1)
            canvas.line(a + 1, b, c + 1, d, 1)
            canvas.line(a - 1, b, c - 1, d, 1)
            canvas.line(a, b + 1, c, d + 1, 1)
            canvas.line(a, b - 1, c, d - 1, 1)
        elif what == "B" or what == "C":
            canvas.fill_rect(a, b, c, d, 1 if what == "B" else 0)
        elif what == "H":
            canvas.rect(a, b, c, d, 1)
        elif what == "O" or what == "Z":
            canvas.ellipse(a, b, c, d, 1 if what == "O" else 0, True)
        elif what == "Q":
            canvas.ellipse(a, b, c, d, 1)
            canvas.ellipse(a, b, c - 1, d - 1, 1)
        elif what == "T":
            _triangle(canvas.vline, a, b, left + c, d, 1)
        else:
            _triangle(_lying(canvas), b, a, c, d, 1 if what == "U" else 0)


def _triangle(stroke, tip: int, middle: int, base: int, half: int, colour: int) -> None:
    """Strokes across, each longer than the one before, from the tip to the base."""
    step = 1 if base > tip else -1
    length = abs(base - tip)
    for k in range(length + 1):
        reach = half * k // length
        stroke(tip + step * k, middle - reach, 2 * reach + 1, colour)


def _lying(canvas):
    """Returns a stroke along a row, told its row first."""
    return lambda y, x, width, colour: canvas.hline(x, y, width, colour)
