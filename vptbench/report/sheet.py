"""A whole store as one looks at it: pages of its clips, worst first, with skeletons and figures in words."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from vptbench.clip import Clip
from vptbench.drawing import draw_skeleton
from vptbench.errors import StoreError, VptbenchError
from vptbench.image import Frame, image_to_bytes, resize_frame
from vptbench.leaderboard.text import printable
from vptbench.manifest import write_text, written_beside
from vptbench.progress import track
from vptbench.report.lettering import INK, PALE, PAPER, RED, fit_text, to_font
from vptbench.store import Store, schema
from vptbench.store.quality import Quality, qualities_to_csv, quality_to_lines, store_to_qualities
from vptbench.store.videos import videos_to_text

PER_PAGE = 24
"""Clips on a page, which then is about as large as a screen: more could not be read on one."""

ONE_COLUMN = 6
"""Clips up to which they stand below one another; more stand in two columns."""

PICTURES = 5
"""Frames of each clip."""

THUMBNAIL = 112
"""Width and height that a frame is fitted into, pixels."""

TEXT, GAP, MARGIN, LINE, HEAD = 280, 4, 12, 16, 60
"""Pixels: width of a clip's text, between pictures, between clips, height of a line and of the head."""

CARD = TEXT + PICTURES * (THUMBNAIL + GAP)
"""Width of a clip's text and pictures, pixels."""

JITTER = "Jitter is the median second difference of the joints' places in time."


def write_store_view(store: Store, out: Path, damaged: dict[str, str] | None = None) -> list[Path]:
    """Draw a whole store, worst clips first, or write its figures as a table (.csv).

    Args:
        store: The store.
        out: Picture or table to write.
        damaged: Where given, clips that cannot be read are listed here with the reason; the rest is drawn.

    Returns:
        What was written.

    Raises:
        StoreError: There is no clip that can be read.
        VptbenchError: One cannot be read, and `damaged` is not given.
        VideoError: The suffix is no picture's.
    """
    qualities = store_to_qualities(store, damaged)
    if damaged and not qualities:
        raise StoreError(
            f"{store.path}: expected clips that can be read, found none in {len(damaged)}; `vptbench check "
            f"{store.path}` says what is wrong with each"
        )
    if out.suffix.lower() != ".csv":
        return write_sheets(store, qualities, out, damaged)
    write_text(out, qualities_to_csv(qualities))
    return [out]


def write_sheets(
    store: Store, qualities: Sequence[Quality], out: Path, damaged: dict[str, str] | None = None
) -> list[Path]:
    """Draw clips in pages of `PER_PAGE`. One page is open at a time, so memory does not grow with the store.

    Args:
        store: The store.
        qualities: Its clips in the order in which they are drawn, see `store.quality.store_to_qualities`.
        out: Picture to write (.png, .jpg, .webp); of several pages, "a.png" becomes "a-001.png" and on.
        damaged: Where given, clips whose frames cannot be read are listed here with the reason; the place of
            their pictures stays empty.

    Returns:
        The pictures.

    Raises:
        StoreError: There is no clip.
        VptbenchError: One cannot be read, and `damaged` is not given.
        VideoError: The suffix is no picture's.

    Example:
        ``write_sheets(store, store_to_qualities(store), Path("sheet.png"))``
    """
    if not qualities:
        raise StoreError(
            f"{store.path}: expected clips to draw, found none; see {schema.FAILURES_TABLE} for the reasons"
        )
    pages = [qualities[start : start + PER_PAGE] for start in range(0, len(qualities), PER_PAGE)]
    head = _store_to_head(store, qualities)
    written = []
    for number, page in enumerate(track(pages, total=len(pages), label="sheet", unit="page"), start=1):
        path = out if len(pages) == 1 else out.with_stem(f"{out.stem}-{number:03d}")
        place = f", page {number} of {len(pages)}" if len(pages) > 1 else ""
        picture = _page_to_picture(store, page, (head[0] + place, *head[1:]), damaged)
        with written_beside(path) as part:
            part.write_bytes(image_to_bytes(picture, path.suffix.lower()))
        written.append(path)
    return written


def clip_to_thumbnails(clip: Clip) -> list[tuple[int, Frame]]:
    """Some frames of a clip with their numbers, fitted into `THUMBNAIL`, with the skeleton.

    They are evenly spread; where the person is missing in some frames but in none of these, one of those
    takes the place of the nearest.
    """
    height, width = clip.size
    scale = THUMBNAIL / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    found = []
    for number in _chosen_frames(clip):
        keypoints = clip.keypoints[number].copy()
        keypoints[:, :2] = (keypoints[:, :2] + 0.5) * (size[1] / width, size[0] / height) - 0.5
        small = resize_frame(np.asarray(clip.frames[number], np.uint8), size)
        found.append((number, draw_skeleton(small, keypoints)))
    return found


def _chosen_frames(clip: Clip) -> list[int]:
    numbers = np.unique(np.linspace(0, len(clip) - 1, PICTURES).round().astype(int))
    lost = np.flatnonzero((clip.keypoints[..., 2] == 0).all(axis=1))
    if lost.size and not np.isin(numbers, lost).any():
        one = lost[lost.size // 2]
        numbers[np.abs(numbers - one).argmin()] = one
    return [int(number) for number in numbers]


def _store_to_head(store: Store, qualities: Sequence[Quality]) -> tuple[str, ...]:
    """What stands above each page: which store, how much of it is there, and how to read the pictures."""
    doubtful = sum(bool(quality.doubtful) for quality in qualities)
    parts = []
    for split in schema.SPLITS:
        there, listed = len(store.ids(split)), store.listed(split)
        if there or listed:
            parts.append(videos_to_text(there, None if there == listed else listed, split))
    return (
        printable(f"{store.path.resolve().name}: {store.manifest.get('title')}, worst clips first"),
        f"{', '.join(parts)}. {doubtful} of {len(qualities)} clips are doubtful.",
        f"Red: what `vptbench check` warns of, and frames without the person. {JITTER}",
    )


def _page_to_picture(
    store: Store, page: Sequence[Quality], head: Sequence[str], damaged: dict[str, str] | None
) -> Frame:
    columns = 1 if len(page) <= ONE_COLUMN else 2
    rows = -(-len(page) // columns)
    width = MARGIN + columns * (CARD + MARGIN)
    picture = Image.new("RGB", (width, HEAD + MARGIN + rows * (THUMBNAIL + MARGIN)), PAPER)
    draw = ImageDraw.Draw(picture)
    for index, text in enumerate(head):
        font = to_font(17 if index == 0 else 13)
        place = MARGIN, 8 + (0, 22, 38)[index]
        draw.text(place, fit_text(text, font, width - 2 * MARGIN), PALE if index else INK, font)
    for index, quality in enumerate(page):
        row, column = divmod(index, columns)
        place = MARGIN + column * (CARD + MARGIN), HEAD + MARGIN + row * (THUMBNAIL + MARGIN)
        try:
            _draw_card(picture, store[quality.clip], quality, place)
        except VptbenchError as error:
            if damaged is None:
                raise
            damaged[quality.clip] = str(error)
    return np.asarray(picture, np.uint8)


def _draw_card(picture: Image.Image, clip: Clip, quality: Quality, place: tuple[int, int]) -> None:
    """One clip: text on the left, frames on the right, `place` (x, y) their upper left corner."""
    draw, (x, y) = ImageDraw.Draw(picture), place
    height, width = clip.size
    source = clip.attributes.get("pose_source")
    lines = [
        (printable(quality.clip), INK, 15),
        (f"{quality.split}, {quality.frames} frames, {width}x{height}, {source}", PALE, 13),
        *(
            (text, RED if name in quality.doubtful else INK, 13)
            for name, text in quality_to_lines(quality).items()
        ),
    ]
    for index, (text, colour, size) in enumerate(lines):
        font = to_font(size)
        draw.text((x, y + index * LINE), fit_text(text, font, TEXT - 2 * GAP), colour, font)
    for index, (number, frame) in enumerate(clip_to_thumbnails(clip)):
        left = x + TEXT + index * (THUMBNAIL + GAP)
        picture.paste(Image.fromarray(frame), (left, y))
        if not (clip.keypoints[number, :, 2] > 0).any():
            draw.rectangle((left, y, left + frame.shape[1] - 1, y + frame.shape[0] - 1), outline=RED, width=3)
        corner = left + 5, y + frame.shape[0] - 6
        draw.text(corner, str(number), PAPER, to_font(11), anchor="ls", stroke_width=1, stroke_fill=INK)
