"""What the files that frames came in may have lost: PNG nothing, JPEG, GIF and most videos something."""

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from vptbench.errors import VideoError
from vptbench.manifest import Json
from vptbench.outputs.arrays import ARRAY_SUFFIXES, DAMAGE
from vptbench.outputs.media import PNG_HEAD, Media
from vptbench.video import VIDEO_SUFFIXES, read_video_codec

LOSSLESS_CODECS = ("ffv1", "huffyuv", "ffvhuff", "utvideo", "png", "rawvideo", "qtrle")
"""FFmpeg's names; of others (H.264 at quantiser 0) nobody can tell without the encoder's settings."""

LOSSLESS_PIXELS = ("rgb24", "bgr24", "gbrp", "rgb0", "bgr0", "rgba", "bgra")
"""FFmpeg's names of what holds 8-bit RGB as it is; YUV of any kind rounds."""

HEAD = 64 * 1024
"""Bytes of a WebP file that are searched for the kind of its picture."""


@dataclass(frozen=True)
class Container:
    """Kinds of files.

    Attributes:
        container: In words, such as "JPEG of quality 95".
        lossless: Whether they hold the very pixels that were written.
    """

    container: str
    lossless: bool

    def to_json(self) -> dict[str, Json]:
        """Both, as JSON."""
        return asdict(self)


def media_to_container(media: Sequence[Media]) -> Container:
    """Kinds of the files of some clips, of each clip the first file's.

    Raises:
        VideoError: A file is damaged.
    """
    firsts = {each.files[0] for each in media if each.files}
    suffixes = {file.suffix.lower() for each in media for file in each.files}
    kinds = {_file_to_container(path) for path in sorted(firsts)}
    seen = {path.suffix.lower() for path in firsts}
    others = [next(f for each in media for f in each.files if f.suffix.lower() == s) for s in suffixes - seen]
    kinds |= {_file_to_container(path) for path in others}
    return Container(
        ", ".join(sorted({kind.container for kind in kinds})), all(kind.lossless for kind in kinds)
    )


def _file_to_container(path: Path) -> Container:
    suffix = path.suffix.lower()
    if suffix in ARRAY_SUFFIXES:
        return Container("HDF5" if suffix.startswith(".h") else "NumPy", lossless=True)
    if suffix in VIDEO_SUFFIXES:
        codec, pixel_format = read_video_codec(path)
        lossless = codec in LOSSLESS_CODECS and pixel_format in LOSSLESS_PIXELS
        return Container(f"{codec} {pixel_format}", lossless=lossless)
    return _picture_to_container(path)


def _picture_to_container(path: Path) -> Container:
    """A PNG, JPEG or WebP picture, whatever its name says.

    Raises:
        VideoError: It is missing or damaged.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    except OSError as error:
        raise VideoError(f"expected a picture at {path}, found none that can be read ({error})") from error
    if head.startswith(PNG_HEAD):
        return Container("PNG", lossless=True)
    if head[8:12] == b"WEBP":
        return (
            Container("WebP, lossless", lossless=True)
            if b"VP8L" in head
            else Container("WebP", lossless=False)
        )
    table = _luminance(path)
    if not table:
        return Container(f"another kind of picture, called {path.suffix.lower()}", lossless=False)
    return Container(f"JPEG of quality {table_to_quality(table)}", lossless=False)


def _luminance(picture: Path | io.BytesIO) -> list[int]:
    """The quantisation of luminance of a JPEG, 64 numbers row by row; none of another picture.

    Raises:
        VideoError: It is damaged.
    """
    try:
        with Image.open(picture) as opened:
            tables = opened.quantization if isinstance(opened, JpegImageFile) else {}
            return list(next(iter(tables.values()), []))  # luminance comes first, whatever its id
    except (*DAMAGE, Image.DecompressionBombError) as error:
        raise VideoError(f"{picture}: expected a picture, found none that can be read ({error})") from error


def table_to_quality(luminance: Sequence[int]) -> int:
    """The quality of libjpeg whose quantisation of luminance is nearest, 1 to 100.

    Args:
        luminance: 64 numbers, row by row.
    """
    distance = np.abs(_tables_by_quality() - np.asarray(luminance, np.int64)).sum(1)
    return 1 + int(distance.argmin())


@lru_cache(maxsize=1)
def _tables_by_quality() -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    """What OpenCV's libjpeg writes at qualities 1 to 100, int64 (100, 64)."""
    grey = np.zeros((8, 8, 3), np.uint8)
    return np.array([_quality_to_table(grey, quality) for quality in range(1, 101)], np.int64)


def _quality_to_table(
    grey: "np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]", quality: int
) -> list[int]:
    _, packed = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return _luminance(io.BytesIO(packed.tobytes()))
