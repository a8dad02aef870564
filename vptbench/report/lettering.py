"""Words beside pictures, in Pillow's own font."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vptbench.image import Frame

PAPER, INK, PALE, RED = (255, 255, 255), (20, 20, 20), (110, 110, 110), (200, 0, 0)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

SMALL, LARGE = 12, 14
"""Pixels of letters."""

GAP = 4
"""Pixels between letters and pictures."""


def to_font(size: int) -> Font:
    """Pillow's own font, `size` pixels high."""
    return ImageFont.load_default(size)


def fit_text(text: str, font: Font, width: int) -> str:
    """`text`, or its beginning and end with "..." between them, at most `width` pixels wide.

    Pillow's own font knows ASCII alone: other letters are written as in Python, so that ids stay apart.
    """
    text = text.encode("ascii", "backslashreplace").decode()
    if font.getlength(text) <= width:
        return text
    kept = len(text) - 1
    while kept > 2 and font.getlength(_shortened(text, kept)) > width:
        kept -= 1
    return _shortened(text, kept)


def label_sheet(
    sheet: Frame, *, head: str, left: Sequence[str], top: Sequence[tuple[str, bool]], gap: int = 2
) -> Frame:
    """A grid of pictures (`image.frames_to_sheet`) with words around it, RGB uint8 on white.

    Args:
        sheet: The grid.
        head: Above all; none if empty.
        left: Of each row; none if empty.
        top: Of each column, and whether it stands out in red.
        gap: Pixels between the pictures of the grid.
    """
    small, large = to_font(SMALL), to_font(LARGE)
    wide = max((round(small.getlength(text)) for text in left), default=-2 * GAP) + 2 * GAP
    title = LARGE + 2 * GAP if head else 0
    high = title + SMALL + 2 * GAP
    picture = Image.new("RGB", (wide + sheet.shape[1], high + sheet.shape[0]), PAPER)
    draw = ImageDraw.Draw(picture)
    picture.paste(Image.fromarray(sheet), (wide, high))
    if head:
        draw.text((GAP, GAP), fit_text(head, large, picture.width - 2 * GAP), INK, large)
    width, height = (sheet.shape[1] + gap) / len(top), (sheet.shape[0] + gap) / max(len(left), 1)
    for column, (text, stands_out) in enumerate(top):
        place = wide + column * width + GAP, title + GAP
        draw.text(place, fit_text(text, small, round(width) - GAP), RED if stands_out else PALE, small)
    for row, text in enumerate(left):
        draw.text((GAP, high + row * height + height / 2), text, PALE, small, anchor="lm")
    return np.asarray(picture, np.uint8)


def _shortened(text: str, kept: int) -> str:
    end = kept // 2
    return f"{text[: kept - end]}...{text[len(text) - end :]}"
