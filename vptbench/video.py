"""Video files to frames and back: the one place that decodes, and the only importer of decord and PyAV.

decord reads; PyAV reads where decord has no wheel or fails on a file, and writes. The number of decoded
frames is always checked against the container, since decoders may end early in silence.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from vptbench.errors import ShapeError, VideoError

try:
    import decord
except (ImportError, OSError, RuntimeError):  # no wheel for this platform, or its library cannot be loaded
    decord = None
else:
    decord.logging.set_level(decord.logging.QUIET)

log = logging.getLogger(__name__)

HAS_DECORD = decord is not None
"""Whether decord reads here; if not, PyAV does."""

VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")


@dataclass(frozen=True)
class VideoInfo:
    """What the container says of its first video stream.

    Attributes:
        frames: Number of frames.
        height: Of a frame, pixels.
        width: Of a frame, pixels.
        fps: Average frames a second.
    """

    frames: int
    height: int
    width: int
    fps: float


def read_video_info(path: Path) -> VideoInfo:
    """Read a container's own account of its video, without decoding.

    Raises:
        VideoError: The file is missing, empty, or holds no video.
    """
    _check_file(path)
    try:
        with _opened(path) as container:
            if not container.streams.video:
                raise VideoError(f"{path}: expected a video stream, found none; give a video file")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise VideoError(
                    f"{path}: expected a video of a codec that FFmpeg decodes, found an unknown one; "
                    "convert it to H.264 or remove it"
                )
            count = stream.frames or sum(packet.size > 0 for packet in container.demux(stream))
            rate = stream.average_rate or stream.guessed_rate or Fraction(25)
            return VideoInfo(frames=count, height=stream.height, width=stream.width, fps=float(rate))
    except av.FFmpegError as error:
        raise VideoError(
            f"{path}: expected a video, found {_kind(path)}; restore the file or remove it"
        ) from error


def video_to_frames(path: Path, *, chunk: int = 32) -> Iterator[NDArray[np.uint8]]:
    """Decode a video in order, `chunk` frames at a time.

    Yields:
        RGB frames, uint8 (n, H, W, 3) with n ≤ `chunk`, in all as many as the container states.

    Raises:
        VideoError: The file is damaged, ends before the container says so, or its frames change their size.
    """
    info = read_video_info(path)
    done = 0
    for frames in _decord_chunks(path, info.frames, chunk):
        done += len(frames)
        yield frames
    if done < info.frames:
        for frames in _pyav_chunks(path, done, chunk):
            done += len(frames)
            yield frames
    if done != info.frames or done == 0:
        raise VideoError(
            f"{path}: expected {info.frames} frames as the container states, could decode {done}; "
            "the file is cut short or damaged: fetch it again or remove it"
        )


def frames_to_video(frames: Iterable[NDArray[np.uint8]], path: Path, *, fps: float, crf: int = 14) -> None:
    """Write frames as H.264 (yuv420p) in an MP4 whose index stands in front. Equal frames give equal bytes.

    Args:
        frames: RGB frames, uint8 (H, W, 3) each, all of one size with even height and width.
        path: Where to write.
        fps: Frames a second.
        crf: Constant rate factor; 0 is best, 23 x264's default; 14 is visually lossless.

    Raises:
        ShapeError: There is no frame, or its height or width is odd.
    """
    stream_of_frames = iter(frames)
    first = next(stream_of_frames, None)
    if first is None:
        raise ShapeError(f"{path}: expected at least one frame to write, got none")
    height, width = first.shape[:2]
    if height % 2 or width % 2:
        raise ShapeError(f"{path}: expected even height and width for H.264, got {height}×{width}")
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        # x264's macroblock tree reads memory that nobody wrote: equal frames became other bytes now and then.
        stream.options = {"crf": str(crf), "preset": "medium", "threads": "1", "x264-params": "no-mbtree=1"}
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.thread_count = 1
        for frame in chain([first], stream_of_frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def _decord_chunks(path: Path, count: int, chunk: int) -> Iterator[NDArray[np.uint8]]:
    """What decord can give; ends early, without an error, where decord fails."""
    if decord is None:
        return
    try:
        reader = decord.VideoReader(str(path), num_threads=1)
        if len(reader) != count:
            return
        for start in range(0, count, chunk):
            yield reader.get_batch(range(start, min(start + chunk, count))).asnumpy()
    except (RuntimeError, decord.DECORDError) as error:  # PyAV goes on, and says precisely what is wrong
        log.debug("decord stopped at %s: %s", path, error)


def _pyav_chunks(path: Path, skip: int, chunk: int) -> Iterator[NDArray[np.uint8]]:
    """What PyAV can give after the first `skip` frames; ends early, without an error, where it fails.

    Raises:
        VideoError: The frames change their size.
    """
    with _opened(path) as container:
        pictures = islice(_pyav_frames(container), skip, None)
        while frames := [picture.to_ndarray(format="rgb24") for picture in islice(pictures, chunk)]:
            sizes = {frame.shape[:2] for frame in frames}
            if len(sizes) > 1:
                raise VideoError(
                    f"{path}: expected frames of one size, found {sorted(sizes)} (height, width); "
                    "convert the video to one size or remove it"
                )
            yield np.stack(frames)


def _opened(path: Path) -> av.container.InputContainer:
    """The container; its titles and comments may be of any encoding, since nobody reads them."""
    return av.open(str(path), metadata_errors="replace")


def _pyav_frames(container: av.container.InputContainer) -> Iterator[av.VideoFrame]:
    try:
        yield from container.decode(video=0)
    except av.FFmpegError as error:
        log.debug("PyAV stopped at %s: %s", container.name, error)


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise VideoError(f"expected a video at {path}, found none; check the list or fetch it")
    if path.stat().st_size == 0:
        raise VideoError(f"{path}: expected a video, found an empty file; fetch it again or remove it")


def _kind(path: Path) -> str:
    with path.open("rb") as stream:
        head = stream.read(512)
    text = all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head)
    return "a text file" if text else "a damaged or unknown container"
