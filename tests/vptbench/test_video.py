import os
import platform
import subprocess
import sys
from fractions import Fraction

import numpy as np
import odd_videos
import pytest
from odd_videos import MATRICES, set_matrix, write_sound, write_video

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


def test_codec_and_pixel_format(movie, tmp_path):
    assert video.read_video_codec(movie) == ("h264", "yuv420p")
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(VideoError, match=r"a\.mp4: expected a video, found a text file"):
        video.read_video_codec(tmp_path / "a.mp4")


needs_decord = pytest.mark.skipif(not video.HAS_DECORD, reason="decord has no wheel here")


@needs_decord
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le", "yuv444p"])
def test_decord_and_pyav_agree(tmp_path, monkeypatch, pix_fmt):
    write_video(tmp_path / "a.mp4", odd_videos.moving_square(), pix_fmt=pix_fmt)  # of 48 it reads no frame
    info = read_video_info(tmp_path / "a.mp4")
    assert sum(map(len, video._decord_chunks(tmp_path / "a.mp4", info, 5))) == 12
    with_decord = read_all(tmp_path / "a.mp4")
    monkeypatch.setattr(video, "decord", None)
    np.testing.assert_array_equal(read_all(tmp_path / "a.mp4"), with_decord)


def test_pyav_goes_on_where_decord_stops(movie, monkeypatch):
    whole = read_all(movie)
    chunks = video._decord_chunks

    def half(path, info, chunk):
        yield from list(chunks(path, info, chunk))[:2]

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


def test_decord_is_there_where_it_has_a_wheel():
    """So that its tests cannot be left out in silence on the systems that `pyproject.toml` names."""
    intel = platform.machine().lower() in {"x86_64", "amd64"}
    assert video.HAS_DECORD or not (sys.platform == "win32" or (sys.platform == "linux" and intel))


@pytest.fixture(params=["decord", "PyAV"] if video.HAS_DECORD else ["PyAV"])
def reader(request, monkeypatch):
    """Whether decord is at hand or not."""
    if request.param == "PyAV":
        monkeypatch.setattr(video, "decord", None)


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_an_uneven_rate_repeats_and_drops_nothing(tmp_path, suffix):
    """Twelve frames, the last shown from 51/30 s on: 11 steps of 51/330 s on average, 1/30 s to 18/30 s."""
    truth = odd_videos.moving_square()
    path = tmp_path / f"a{suffix}"
    write_video(path, truth, times=[0, 1, 2, 3, 10, 11, 12, 30, 31, 32, 50, 51])
    info = read_video_info(path)
    assert info.frames == 12
    assert info.fps == pytest.approx(330 / 51)
    assert info.fps_range == pytest.approx((30 / 18, 30), rel=0.02)  # Matroska rounds to milliseconds
    frames = read_all(path)
    errors = ((frames[:, None].astype(float) - truth[None]) ** 2).mean((2, 3, 4))
    np.testing.assert_array_equal(errors.argmin(1), np.arange(12))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_rounded_times_are_an_even_rate(tmp_path, suffix):
    write_video(tmp_path / f"a{suffix}", odd_videos.moving_square())
    info = read_video_info(tmp_path / f"a{suffix}")
    assert (info.fps, info.fps_range, info.upright) == (30, None, True)


@pytest.mark.parametrize(
    ("times", "tick", "rates"),
    [
        ([0, 40, 20, 60], Fraction(1, 1000), None),  # in the order of decoding
        ([0, 33, 67, 100], Fraction(1, 1000), None),
        ([0, 1, 2, 4], Fraction(1, 30), (15, 22.5, 30)),
        ([0, 4, 8, 13], Fraction(1, 1000), None),  # 240 a second, rounded
        ([0, 1, 1, 2], Fraction(1, 30), None),  # two at a time: no rates
        ([0, None, 2, 9], Fraction(1, 30), None),
        ([0], Fraction(1, 30), None),
        ([], None, None),
    ],
)
def test_rates_of_times(times, tick, rates):
    assert video._times_to_rates(times, tick) == (None if rates is None else pytest.approx(rates))


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("name", MATRICES)
def test_frames_are_given_upright(tmp_path, name):
    stored = odd_videos.moving_square(4, 48, 64)
    path = tmp_path / "a.mp4"
    write_video(path, stored)
    plain = read_all(path)
    set_matrix(path, MATRICES[name])
    info = read_video_info(path)
    frames = read_all(path)
    assert frames.shape[1:3] == (info.height, info.width) == ((48, 64) if MATRICES[name][0] else (64, 48))
    assert info.upright == (name == "upright")
    for frame, before in zip(frames, plain, strict=True):
        np.testing.assert_array_equal(frame, odd_videos.shown(before, MATRICES[name]))


def test_frames_turned_askew_are_refused(tmp_path):
    write_video(tmp_path / "a.mp4", odd_videos.moving_square(2))
    set_matrix(tmp_path / "a.mp4", (0.5, 0.5, -0.5, 0.5))
    with pytest.raises(VideoError, match=r"a\.mp4: expected frames that are turned by right angles .* 0\.5"):
        read_all(tmp_path / "a.mp4")


def test_frames_of_odd_size_are_the_same_by_either_reader(tmp_path, monkeypatch):
    """In 4:2:0, decord interpolates the colours of an odd height otherwise: by up to 110 levels here."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 32, 43, 3), np.uint8)
    frames = noise.repeat(8, 1)[:, :255].repeat(3, 2)
    write_video(tmp_path / "a.webm", frames, codec="libvpx-vp9", options={"crf": "0", "b:v": "0"})
    info = read_video_info(tmp_path / "a.webm")
    assert (info.frames, info.height, info.width) == (3, 255, 129)
    read = read_all(tmp_path / "a.webm")
    monkeypatch.setattr(video, "decord", None)
    np.testing.assert_array_equal(read, read_all(tmp_path / "a.webm"))


@pytest.mark.usefixtures("reader")
def test_ten_bits_are_read_as_eight(tmp_path):
    frames = odd_videos.moving_square()
    for name, pix_fmt in (("8", "yuv420p"), ("10", "yuv420p10le")):
        write_video(tmp_path / f"{name}.mkv", frames, codec="ffv1", pix_fmt=pix_fmt, options={"level": "3"})
    eight, ten = (read_all(tmp_path / f"{name}.mkv").astype(int) for name in ("8", "10"))
    assert np.abs(eight - ten).max() <= 2
    assert np.abs(ten - frames).mean() < 2


@pytest.mark.usefixtures("reader")
def test_what_an_edit_list_hides_is_no_frame(tmp_path):
    truth = odd_videos.moving_square()
    write_video(tmp_path / "a.mp4", truth, options={"crf": "4", "bf": "0"})
    odd_videos.trim_start(tmp_path / "a.mp4", 3 / 30)
    frames = read_all(tmp_path / "a.mp4")
    assert read_video_info(tmp_path / "a.mp4").frames == len(frames) == 9
    assert np.abs(frames.astype(int) - truth[3:]).mean() < 2


def test_sound_alone_is_refused(tmp_path):
    write_sound(tmp_path / "a.mp4")
    with pytest.raises(VideoError, match=r"a\.mp4: expected a video stream, found none; give a video file"):
        read_all(tmp_path / "a.mp4")
