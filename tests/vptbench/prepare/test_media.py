"""Frames from video files and from folders of pictures."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from vptbench.errors import VideoError
from vptbench.image import write_image
from vptbench.manifest import file_to_sha256
from vptbench.prepare.media import (
    CHUNK,
    clip_to_pictures,
    media_to_frames,
    media_to_sha256,
    read_media_info,
)
from vptbench.prepare.sources import RawClip
from vptbench.video import VideoInfo


@pytest.fixture
def folder(tmp_path):
    def make(names, size=(20, 16)):
        path = tmp_path / "clip"
        path.mkdir()
        for i, name in enumerate(names):
            write_image(path / name, np.full((*size, 3), 10 * i, np.uint8))
        return RawClip(id="clip", split="test", media=path, fps=30.0)

    return make


@pytest.mark.parametrize("digits", [3, 4, 5])
def test_pictures_come_in_the_order_of_their_numbers(folder, digits):
    clip = folder([f"{i:0{digits}d}.png" for i in range(CHUNK + 3)])
    info = read_media_info(clip)
    assert (info.frames, info.height, info.width, info.fps) == (CHUNK + 3, 20, 16, 30.0)
    chunks = list(media_to_frames(clip, info))
    assert [len(chunk) for chunk in chunks] == [CHUNK, 3]
    assert np.concatenate(chunks)[:, 0, 0, 0].tolist() == [10 * i for i in range(CHUNK + 3)]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["0001.png", "0002.png"], r"found 0001\.png in place of number 0 of 2"),
        (["0000.png", "0002.png"], r"found 0002\.png in place of number 1 of 2"),
        (
            ["000.png", "10.png", "9.png"],
            r"as many digits as 000\.png, found 10\.png, which as text stands elsewhere",
        ),
        (["0000.png", "thumb.png"], r"found thumb\.png in place of number 1"),
        ([], r"expected pictures such as 0000\.jpg, found none"),
    ],
)
def test_pictures_with_gaps_or_other_names_are_refused(folder, names, message):
    with pytest.raises(VideoError, match=message):
        read_media_info(folder(names))


def test_names_of_two_widths_are_refused(folder):
    # sorted as text and read as numbers they are 0 and 1, but 10 would come before 2
    with pytest.raises(VideoError, match=r"names of as many digits as 000\.png, found 0001\.png, which"):
        read_media_info(folder(["000.png", "0001.png"]))


def numbered(clip, numbering):
    return [path.name for path in clip_to_pictures(replace(clip, numbering=numbering))]


def test_a_run_begins_anywhere_and_goes_by_number(folder):
    clip = folder([f"frame_{i}.png" for i in (10, 8, 9, 11)])
    (clip.media / "frame_8_densepose.npy").touch()  # DreamPose's
    (clip.media / "._frame_8.png").touch()  # macOS'
    assert numbered(clip, "run") == [f"frame_{i}.png" for i in (8, 9, 10, 11)]
    frames = list(media_to_frames(replace(clip, numbering="run"), VideoInfo(4, 20, 16, 30.0)))
    assert np.concatenate(frames)[:, 0, 0, 0].tolist() == [10, 20, 0, 30]  # by the order of writing above
    with pytest.raises(VideoError, match=r"found frame_10\.png in place of number 0 of 4"):
        numbered(clip, "zero")


def test_gaps_are_refused_but_where_frames_were_dropped(folder):
    clip = folder(["frame_00000.png", "frame_00001.png", "frame_00004.png"])
    assert numbered(clip, "gaps") == ["frame_00000.png", "frame_00001.png", "frame_00004.png"]
    with pytest.raises(VideoError, match=r"expected numbers without a gap, found frame_00004\.png next to"):
        numbered(clip, "run")


@pytest.mark.parametrize("numbering", ["run", "gaps"])
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a_1.png", "a_01.png"], r"expected each number once, found a_1\.png next to a_01\.png"),
        (["a_1.png", "b_2.png"], r"expected pictures named such as a_1\.png, found b_2\.png"),
        (["a_1.png", "cover.png"], r"expected pictures named such as a_1\.png, found cover\.png"),
        (["cover.png", "x_1.png"], r"expected pictures named with a number at the end, found cover\.png"),
        ([], "found none"),
    ],
)
def test_names_that_are_no_series_are_refused(folder, numbering, names, message):
    with pytest.raises(VideoError, match=message):
        numbered(folder(names), numbering)


def test_pictures_of_two_sizes_are_refused(folder):
    clip = folder(["0000.png", "0001.png"])
    write_image(clip.media / "0001.png", np.zeros((20, 18, 3), np.uint8))
    with pytest.raises(VideoError, match="expected 16×20 pixels in every frame, found 18×20 in frame 1"):
        list(media_to_frames(clip, read_media_info(clip)))


def test_a_damaged_picture_is_refused(folder):
    clip = folder(["0000.png", "0001.png"])
    (clip.media / "0001.png").write_bytes(b"no picture")
    with pytest.raises(VideoError, match=r"0001\.png: expected a PNG, JPEG or WebP picture, found 10 bytes"):
        list(media_to_frames(clip, read_media_info(clip)))


def test_a_folder_in_place_of_a_video_is_refused(folder):
    clip = folder(["0000.png"])
    with pytest.raises(VideoError, match="expected a video file, found a folder"):
        read_media_info(RawClip(id="clip", split="test", media=clip.media))


def test_a_folders_hash_is_that_of_sha256sums_output(folder):
    clip = folder(["0000.png", "0001.png"])
    lines = "".join(f"{file_to_sha256(clip.media / name)}  {name}\n" for name in ("0000.png", "0001.png"))
    assert media_to_sha256(clip.media) == hashlib.sha256(lines.encode()).hexdigest()
    assert media_to_sha256(clip.media / "0000.png") == file_to_sha256(clip.media / "0000.png")
