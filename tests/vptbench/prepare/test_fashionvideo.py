"""FashionVideo's two layouts, its lists, and what may be missing."""

import logging

import pytest

from vptbench.errors import DatasetError
from vptbench.prepare.fashionvideo import FashionVideo


def test_clips_are_those_of_the_lists_by_base_name(fashion):
    fashion.add("91+BM-x2S", "train")
    fashion.add("b", "test", openpose=False, truth=False)
    train, test = FashionVideo().list_clips(fashion.path)
    assert (train.id, train.split, train.fps, train.problem) == ("91+BM-x2S", "train", None, None)
    assert train.media == fashion.path / "train" / "91+BM-x2S.mp4"
    assert train.openpose == fashion.path / "openpose" / "91+BM-x2S"
    assert train.truth == fashion.path / "truth" / "91+BM-x2S.npz"
    assert (test.id, test.split, test.openpose, test.truth) == ("b", "test", None, None)


def test_videos_may_lie_in_one_folder(fashion):
    fashion.add("a", "test")
    (fashion.path / "test").rename(fashion.path / "videos")
    [clip] = FashionVideo().list_clips(fashion.path)
    assert (clip.media, clip.problem) == (fashion.path / "videos" / "a.mp4", None)


def test_a_listed_video_that_is_missing_carries_its_problem(fashion):
    fashion.add("a", "test")
    with (fashion.path / "fashion_test.txt").open("a") as stream:
        stream.write("https://example.org/gone.mp4\n")
    _, clip = FashionVideo().list_clips(fashion.path)
    assert clip.id == "gone"
    assert clip.problem == (
        "expected test/gone.mp4 or videos/gone.mp4 as fashion_test.txt says, found none; "
        "fetch it or take it off the list"
    )


def test_videos_off_the_list_are_left_out_and_counted(fashion, caplog):
    fashion.add("a", "test")
    (fashion.path / "test" / "b.mp4").touch()
    with caplog.at_level(logging.WARNING):
        assert [clip.id for clip in FashionVideo().list_clips(fashion.path)] == ["a"]
    assert "1 videos are not in fashion_test.txt and are left out" in caplog.text


def test_without_lists_the_folders_say_what_there_is(fashion):
    fashion.add("b", "train")
    fashion.add("a", "test")
    for split in ("train", "test"):
        (fashion.path / f"fashion_{split}.txt").unlink()
    assert [(clip.id, clip.split) for clip in FashionVideo().list_clips(fashion.path)] == [
        ("b", "train"),
        ("a", "test"),
    ]


def test_neither_list_nor_folder_is_refused(tmp_path):
    (tmp_path / "videos").mkdir()
    with pytest.raises(
        DatasetError, match=r"expected fashion_train\.txt and fashion_test\.txt beside .* found no list"
    ):
        FashionVideo().list_clips(tmp_path)
