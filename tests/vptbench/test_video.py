import os
import subprocess
import sys

import numpy as np
import pytest

from vptbench import video
from vptbench.errors import ShapeError, VideoError
from vptbench.video import frames_to_video, read_video_info, video_to_frames


def moving_square(count=40, height=64, width=48):
    """A white square that moves one pixel a frame to the right, over a grey ramp."""
    frames = np.empty((count, height, width, 3), np.uint8)
    frames[:] = np.linspace(40, 90, height, dtype=np.uint8)[:, None, None]
    for t in range(count):
        frames[t, 20:36, t % (width - 8) : t % (width - 8) + 8] = 220
    return frames


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    frames_to_video(moving_square(), path, fps=30)
    return path


def read_all(path, **options):
    return np.concatenate(list(video_to_frames(path, **options)))


def test_every_frame_comes_back_in_its_place(movie):
    frames = read_all(movie, chunk=7)
    truth = moving_square()
    assert read_video_info(movie) == video.VideoInfo(frames=40, height=64, width=48, fps=30)
    errors = ((frames[:, None].astype(float) - truth[None]) ** 2).mean((2, 3, 4))  # every frame against every
    np.testing.assert_array_equal(errors.argmin(1)[:39], np.arange(39))
    assert 10 * np.log10(255**2 / np.diag(errors).max()) > 33


def test_decord_and_pyav_agree(movie, monkeypatch):
    with_decord = read_all(movie)
    monkeypatch.setattr(video, "decord", None)
    np.testing.assert_array_equal(read_all(movie), with_decord)


def test_pyav_goes_on_where_decord_stops(movie, monkeypatch):
    whole = read_all(movie)
    chunks = video._decord_chunks

    def half(path, count, chunk):
        yield from list(chunks(path, count, chunk))[:2]

    monkeypatch.setattr(video, "_decord_chunks", half)
    np.testing.assert_array_equal(read_all(movie, chunk=9), whole)


def test_equal_frames_give_equal_bytes(movie, tmp_path):
    frames_to_video(moving_square(), tmp_path / "b.mp4", fps=30)
    assert (tmp_path / "b.mp4").read_bytes() == movie.read_bytes()


WRITE = """
import sys, numpy as np
from pathlib import Path
from vptbench.video import frames_to_video
cells = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
picture = cells.repeat(4, 0).repeat(4, 1)
frames_to_video([np.roll(picture, (k, 2 * k), (0, 1)) for k in range(30)], Path(sys.argv[1]), fps=30)
"""


def test_what_memory_held_before_does_not_matter(tmp_path):
    """The C library fills fresh memory with one value or another: only what was written may enter a file."""
    for fill in ("1", "37", "200"):
        command = [sys.executable, "-c", WRITE, str(tmp_path / fill)]
        subprocess.run(command, env=os.environ | {"MALLOC_PERTURB_": fill}, check=True)
    first, *others = [(tmp_path / fill).read_bytes() for fill in ("1", "37", "200")]
    assert all(other == first for other in others)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[: len(data) // 2], "expected 40 frames as the container states, could decode"),
        (lambda data: data[:-100], "expected 40 frames as the container states, could decode"),
        (lambda data: data[:500], "found a damaged or unknown container"),
        (lambda _: b"", "found an empty file"),
        (lambda _: b"this is no video\n" * 40, "expected a video, found a text file"),
    ],
)
def test_damaged_files_are_refused_with_what_was_found(movie, tmp_path, damage, message):
    path = tmp_path / "bad.mp4"
    path.write_bytes(damage(movie.read_bytes()))
    with pytest.raises(VideoError, match=message):
        read_all(path)


def test_a_codec_that_nobody_knows_is_refused(movie, tmp_path):
    path = tmp_path / "unknown.mp4"
    path.write_bytes(movie.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(
        VideoError, match="expected a video of a codec that FFmpeg decodes, found an unknown one"
    ):
        read_all(path)


def test_titles_of_any_encoding_do_not_matter(movie, tmp_path):
    path = tmp_path / "latin.mp4"
    data = movie.read_bytes()
    assert data.count(b"Lavf") == 1  # the name of the program that wrote it
    path.write_bytes(data.replace(b"Lavf", b"L\xe4vf"))
    np.testing.assert_array_equal(read_all(path), read_all(movie))


def test_a_missing_file_and_bad_frames_are_refused(tmp_path):
    with pytest.raises(VideoError, match="found none; check the list"):
        read_all(tmp_path / "missing.mp4")
    with pytest.raises(ShapeError, match="even height and width"):
        frames_to_video(np.zeros((1, 3, 4, 3), np.uint8), tmp_path / "odd.mp4", fps=30)
    with pytest.raises(ShapeError, match="at least one frame"):
        frames_to_video([], tmp_path / "none.mp4", fps=30)
