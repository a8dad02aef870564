"""Video files to frames and back: the one place that decodes, and the only importer of decord and PyAV.

decord reads; PyAV reads where decord has no wheel or fails on a file, and writes. The number of decoded
frames is always checked against the container, since decoders may end early in silence.

A frame is what the container holds, once, however long it is shown: nothing is repeated or left out to make a
rate even. Frames are given as they are shown: turned and mirrored as the container says (phones do not turn
what they record). Such videos are PyAV's, since decord knows turns and no mirrors, and so are those of an odd
height, whose colours decord interpolates by another rule.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import cast

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

UNEVEN = 0.25
"""How much the durations of frames may differ, as a part of their mean, before a rate varies: times in files
are rounded, and cameras jitter."""


@dataclass(frozen=True)
class VideoInfo:
    """What the container says of its first video stream.

    Attributes:
        frames: Number of frames that are shown.
        height: Of a frame as it is shown, pixels.
        width: Of a frame as it is shown, pixels.
        fps: Average frames a second.
        fps_range: Frames a second where they are slowest, and fastest, if the rate varies (`UNEVEN`); else
            None.
        upright: Whether frames are stored as they are shown, and not turned or mirrored.
    """

    frames: int
    height: int
    width: int
    fps: float
    fps_range: tuple[float, float] | None = None
    upright: bool = True


def read_video_info(path: Path) -> VideoInfo:
    """Read a container's own account of its video; of its frames, the first alone is decoded.

    Raises:
        VideoError: The file is missing, empty, or holds no video, or none that is turned by right angles.
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
            return _stream_to_info(container, stream)
    except av.FFmpegError as error:
        raise VideoError(
            f"{path}: expected a video, found {_kind(path)}; restore the file or remove it"
        ) from error


def read_video_codec(path: Path) -> tuple[str, str]:
    """Codec and pixel format of a video, by FFmpeg's names ("h264", "yuv420p"); "unknown" where not known.

    Raises:
        VideoError: The file is missing, empty, or holds no video.
    """
    _check_file(path)
    try:
        with _opened(path) as container:
            context = cast("av.VideoCodecContext | None", container.streams.video[0].codec_context)
            return ("unknown",) * 2 if context is None else (context.name, context.pix_fmt or "unknown")
    except (av.FFmpegError, IndexError) as error:
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
    for frames in _decord_chunks(path, info, chunk):
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


def _stream_to_info(container: av.container.InputContainer, stream: av.VideoStream) -> VideoInfo:
    """Read through the packets of a stream, for the times of its frames and the first of them."""
    first: av.VideoFrame | None = None
    times: list[int | None] = []
    hidden = 0
    try:
        for packet in container.demux(stream):
            if first is None:
                first = next(iter(packet.decode()), None)
            hidden += packet.is_discard
            if packet.size > 0 and not packet.is_discard:
                times.append(packet.pts)
    except av.FFmpegError as error:  # whoever decodes all says precisely what is wrong
        log.debug("the packets of %s end early: %s", container.name, error)
        times.append(None)
    turn = _Turn() if first is None else _frame_to_turn(first, container.name)
    size = (stream.width, stream.height) if turn.crosswise else (stream.height, stream.width)
    rates = _times_to_rates(times, stream.time_base)
    fps = stream.average_rate or stream.guessed_rate or Fraction(25)
    return VideoInfo(
        frames=stream.frames - hidden if stream.frames else len(times),
        height=size[0],
        width=size[1],
        fps=float(fps) if rates is None else rates[1],
        fps_range=None if rates is None else (rates[0], rates[2]),
        upright=turn == _Turn(),
    )


def _times_to_rates(times: Sequence[int | None], tick: Fraction | None) -> tuple[float, float, float] | None:
    """Slowest, average and fastest frames a second; None where the rate is even, or times are not known.

    Args:
        times: When each frame is shown, in ticks, in any order.
        tick: Seconds.
    """
    known = sorted(time for time in times if time is not None)
    if tick is None or len(known) < max(len(times), 2):
        return None
    steps = [after - before for before, after in pairwise(known)]
    mean = Fraction(known[-1] - known[0], len(steps))
    rounding = min(Fraction(1), Fraction(1, 1000) / tick)
    if min(steps) <= 0 or max(steps) - min(steps) <= rounding + UNEVEN * mean:
        return None
    return float(1 / (max(steps) * tick)), float(1 / (mean * tick)), float(1 / (min(steps) * tick))


@dataclass(frozen=True)
class _Turn:
    """How a stored frame becomes upright: rows and columns exchanged first, then mirrored.

    Attributes:
        crosswise: Whether rows become columns.
        left_right: Whether the result is mirrored from left to right.
        up_down: Whether it is mirrored from top to bottom.
    """

    crosswise: bool = False
    left_right: bool = False
    up_down: bool = False

    def move_frame(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A stored frame (H, W, 3) as it is shown, (W, H, 3) if crosswise."""
        frame = frame.swapaxes(0, 1) if self.crosswise else frame
        return frame[:: -1 if self.up_down else 1, :: -1 if self.left_right else 1]


def _frame_to_turn(frame: av.VideoFrame, where: str) -> _Turn:
    """What the container's display matrix says: x' = a·x + c·y, y' = b·x + d·y, y downwards.

    Raises:
        VideoError: It turns by another than a right angle.

    Source:
        ISO/IEC 14496-12, 8.3.2 (track header box, ``matrix``).
    """
    data = cast("Mapping[str, bytes]", frame.side_data).get("DISPLAYMATRIX")
    if data is None:
        return _Turn()
    a, b, _, c, d, *_ = np.frombuffer(data, np.int32)
    if a == d == 0 and b and c:
        return _Turn(crosswise=True, left_right=bool(c < 0), up_down=bool(b < 0))
    if b == c == 0 and a and d:
        return _Turn(left_right=bool(a < 0), up_down=bool(d < 0))
    raise VideoError(
        f"{where}: expected frames that are turned by right angles or not at all, found the display matrix "
        f"{[int(n) / 65536 for n in (a, b, c, d)]}; turn the video itself upright"
    )


def _decord_chunks(path: Path, info: VideoInfo, chunk: int) -> Iterator[NDArray[np.uint8]]:
    """What decord can give as PyAV would; ends early, without an error, where decord fails."""
    if decord is None or not info.upright or info.height % 2:
        return
    try:
        reader = decord.VideoReader(str(path), num_threads=1)
        if len(reader) != info.frames:
            return
        for start in range(0, info.frames, chunk):
            frames = reader.get_batch(range(start, min(start + chunk, info.frames))).asnumpy()
            if frames.shape[1:3] != (info.height, info.width):
                return
            yield frames
    except (RuntimeError, decord.DECORDError) as error:  # PyAV goes on, and says precisely what is wrong
        log.debug("decord stopped at %s: %s", path, error)


def _pyav_chunks(path: Path, skip: int, chunk: int) -> Iterator[NDArray[np.uint8]]:
    """What PyAV can give after the first `skip` frames; ends early, without an error, where it fails.

    Raises:
        VideoError: The frames change their size.
    """
    with _opened(path) as container:
        pictures = islice(_pyav_frames(container), skip, None)
        while frames := [_to_upright(picture, str(path)) for picture in islice(pictures, chunk)]:
            sizes = {frame.shape[:2] for frame in frames}
            if len(sizes) > 1:
                raise VideoError(
                    f"{path}: expected frames of one size, found {sorted(sizes)} (height, width); "
                    "convert the video to one size or remove it"
                )
            yield np.stack(frames)


def _to_upright(picture: av.VideoFrame, where: str) -> NDArray[np.uint8]:
    """RGB as it is shown, uint8 (H, W, 3)."""
    stored = np.asarray(picture.to_ndarray(format="rgb24"), np.uint8)
    return _frame_to_turn(picture, where).move_frame(stored)


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
