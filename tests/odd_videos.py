"""Videos as cameras and programs make them: turned, of uneven rate, of odd size, of ten bits, trimmed."""

import struct
from fractions import Fraction

import av  # noqa: TID251 - to make what `vptbench.video` never would
import numpy as np

MATRICES = {
    "upright": (1, 0, 0, 1), "90": (0, 1, -1, 0), "180": (-1, 0, 0, -1), "270": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1), "upside down": (1, 0, 0, -1),
    "transposed": (0, 1, 1, 0), "across": (0, -1, -1, 0),
}  # fmt: skip
"""Display matrices (a, b, c, d): a stored pixel (x, y) is shown at (a·x + c·y, b·x + d·y), y downwards."""


def write_video(path, frames, *, codec="libx264", pix_fmt="yuv420p", times=None, options=None):
    """Encode frames, frame i shown at times[i] thirtieths of a second, by default at i."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30, options=options or {"crf": "4"})
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], pix_fmt
        stream.codec_context.time_base = Fraction(1, 30)
        for i, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = i if times is None else times[i], Fraction(1, 30)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def write_sound(path):
    """A tenth of a second of silence, without a picture."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 4410), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 44100
        container.mux(stream.encode(sound))
        container.mux(stream.encode())


def set_matrix(path, matrix):
    """Write a display matrix into the only track header of an MP4."""
    data = bytearray(path.read_bytes())
    assert data.count(b"tkhd") == 1
    start = data.index(b"tkhd") + 4
    assert data[start] == 0  # a header of version 0, whose matrix begins after 40 bytes
    a, b, c, d = (round(value * 65536) for value in matrix)
    data[start + 40 : start + 76] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


def trim_start(path, seconds):
    """Let an MP4's edit list show it from `seconds` on, as phones do when a video is cut."""
    data = bytearray(path.read_bytes())
    assert (data.count(b"elst"), data.count(b"mdhd")) == (1, 1)
    header = data.index(b"mdhd") + 4
    scale = struct.unpack(">I", data[header + 12 : header + 16])[0]
    entry = data.index(b"elst") + 16  # version and flags, count, duration
    first = struct.unpack(">i", data[entry : entry + 4])[0]
    data[entry : entry + 4] = struct.pack(">i", first + round(seconds * scale))
    path.write_bytes(data)


def moving_square(count=12, height=64, width=64):
    """A light square that moves one pixel a frame to the right, over a grey ramp; no symmetry."""
    frames = np.empty((count, height, width, 3), np.uint8)
    frames[:] = np.linspace(40, 90, height).astype(np.uint8)[:, None, None]
    frames[:, height // 2 :, width // 2 :] += 60
    for t in range(count):
        frames[t, 6:18, 2 + t : 14 + t] = 220
    return frames


def shown(frame, matrix):
    """A stored frame as its display matrix shows it, pixel by pixel."""
    height, width = frame.shape[:2]
    a, b, c, d = matrix
    places = {(a * x + c * y, b * x + d * y): frame[y, x] for y in range(height) for x in range(width)}
    left, top = (min(place[axis] for place in places) for axis in (0, 1))
    size = (width, height) if a else (height, width)
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    for (x, y), colour in places.items():
        picture[y - top, x - left] = colour
    return picture
