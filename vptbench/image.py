"""Single pictures: read, written, resized and set side by side. RGB uint8 (H, W, 3) everywhere."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vptbench.errors import ShapeError, VideoError

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # damaged files are told in our own words

Frame = NDArray[np.uint8]
"""One RGB picture, uint8 (H, W, 3)."""

CHANNELS = {1: "a grey one", 2: "grey with alpha", 3: "RGB", 4: "RGB with alpha"}
"""Kinds of picture by their number of channels, in words."""

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def read_image(path: Path) -> Frame:
    """Read an RGB picture of 8 bits as uint8 (H, W, 3).

    Raises:
        VideoError: The file is missing, cannot be decoded, or is grey, has an alpha channel or other depth:
            what it should look like in RGB is not ours to guess.
    """
    try:
        packed = np.fromfile(path, np.uint8)
    except OSError as error:
        raise VideoError(
            f"expected a picture at {path}, found none that can be read ({error.strerror})"
        ) from error
    decoded = cv2.imdecode(packed, cv2.IMREAD_UNCHANGED) if packed.size else None
    if decoded is None:
        raise VideoError(
            f"{path}: expected a PNG, JPEG or WebP picture, found {packed.size} bytes that are none"
        )
    if decoded.ndim != 3 or decoded.shape[2] != 3 or decoded.dtype != np.uint8:
        channels = decoded.shape[2] if decoded.ndim == 3 else 1
        kind = CHANNELS.get(channels, f"{channels} channels")
        raise VideoError(
            f"{path}: expected an RGB picture of 8 bits, found {kind}, {8 * decoded.itemsize} bits; "
            "write it as RGB without alpha"
        )
    return np.ascontiguousarray(decoded[..., ::-1].astype(np.uint8, copy=False))


def image_to_bytes(frame: Frame, suffix: str, *, quality: int = 95) -> bytes:
    """Encode RGB uint8 (H, W, 3) as `suffix` (".png" is lossless; `quality` is for the others).

    Raises:
        ShapeError: The array is no RGB picture.
        VideoError: The suffix is unknown.
    """
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise ShapeError(f"expected a picture uint8 (H, W, 3), got {frame.dtype} {frame.shape}")
    options = {
        ".png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".webp": [cv2.IMWRITE_WEBP_QUALITY, quality],
    }
    if suffix not in options:
        raise VideoError(f"expected a picture named {', '.join(options)}, got {suffix!r}")
    done, packed = cv2.imencode(suffix, np.ascontiguousarray(frame[..., ::-1]), options[suffix])
    if not done:
        raise VideoError(f"a picture of {frame.shape} could not be written as {suffix}")
    return packed.tobytes()


def write_image(path: Path, frame: Frame, *, quality: int = 95) -> None:
    """Write RGB uint8 (H, W, 3) as PNG, JPEG or WebP, by the suffix of `path`."""
    path.write_bytes(image_to_bytes(frame, path.suffix.lower(), quality=quality))


def resize_frame(frame: Frame, size: tuple[int, int]) -> Frame:
    """Resize to `size` (H, W): by area where it shrinks, linearly where it grows; pixel centres kept."""
    height, width = size
    shrinks = height * width < frame.shape[0] * frame.shape[1]
    resized = cv2.resize(
        frame, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return resized.astype(np.uint8, copy=False)


def frames_to_sheet(rows: Sequence[Sequence[Frame]], *, gap: int = 2) -> Frame:
    """Set pictures of one size in a grid, white between them.

    Args:
        rows: Rows of pictures, uint8 (H, W, 3) each.
        gap: Pixels between neighbours.

    Raises:
        ShapeError: The pictures differ in size, or there is none.
    """
    shapes = {frame.shape for row in rows for frame in row}
    if len(shapes) != 1:
        raise ShapeError(f"expected pictures of one size for a sheet, got {sorted(shapes)}")
    height, width, _ = shapes.pop()
    columns = max(map(len, rows))
    sheet = np.full((len(rows) * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for i, row in enumerate(rows):
        for j, frame in enumerate(row):
            y, x = i * (height + gap), j * (width + gap)
            sheet[y : y + height, x : x + width] = frame
    return sheet
