"""Folders of frames, with or without a folder of their own within."""

import numpy as np
import pytest

from vptbench.errors import DatasetError
from vptbench.image import write_image
from vptbench.prepare.media import read_media_info
from vptbench.prepare.tiktok import TikTok


def add(raw, place, numbers=(1, 2, 3)):
    (raw / place).mkdir(parents=True)
    for number in numbers:
        write_image(raw / place / f"{number:04d}.png", np.full((20, 12, 3), number, np.uint8))


def test_a_clip_is_a_folder(tmp_path):
    add(tmp_path, "00001/images")
    add(tmp_path, "00001/masks")
    add(tmp_path, "00007")
    (tmp_path / "openpose" / "00007").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    one, other = TikTok().list_clips(tmp_path)
    assert (one.id, one.media, one.fps, one.numbering) == ("00001", tmp_path / "00001/images", 30, "run")
    assert (other.id, other.media, other.openpose) == (
        "00007",
        tmp_path / "00007",
        tmp_path / "openpose/00007",
    )
    assert {one.split, other.split} == {"train", "test"}
    assert read_media_info(one).frames == 3  # numbers begin at 1


def test_lists_say_the_splits(tmp_path):
    for clip in ("a", "b", "c"):
        add(tmp_path, clip)
    (tmp_path / "test.txt").write_text("c\ngone\n")
    clips = {clip.id: clip for clip in TikTok().list_clips(tmp_path)}
    assert {name: clip.split for name, clip in clips.items()} == {
        "a": "train", "b": "train", "c": "test", "gone": "test",
    }  # fmt: skip
    assert clips["gone"].problem == (
        "expected gone/images or gone as test.txt says, found none; bring it (see `vptbench fetch`)"
        " or take it off the list"
    )


def test_a_folder_without_frames_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(DatasetError, match=r"expected folders of frames, one a clip .* found no frames"):
        TikTok().list_clips(tmp_path)
