"""iPER's layout."""

import pytest

from vptbench.errors import DatasetError
from vptbench.prepare.iper import Iper


def test_val_is_the_test_split_and_the_frame_rate_is_assumed(iper):
    iper.add("001/1/1", "train")
    iper.add("002/9/2", "test", openpose=False)
    train, test = Iper().list_clips(iper.path)
    assert (train.id, train.split, train.fps) == ("001/1/1", "train", 30)
    assert (test.id, test.split) == ("002/9/2", "test")
    assert test.media == iper.path / "images_HD" / "002/9/2"
    assert (train.openpose, test.openpose) == (iper.path / "openpose" / "001/1/1", None)
    assert test.truth == iper.path / "truth" / "002/9/2.npz"


def test_small_pictures_serve_where_there_are_no_large_ones(iper):
    iper.add("001/1/1")
    (iper.path / "images_HD").rename(iper.path / "images")
    assert Iper().list_clips(iper.path)[0].media == iper.path / "images" / "001/1/1"


def test_a_listed_clip_that_is_missing_carries_its_problem(iper):
    iper.add("001/1/1")
    with (iper.path / "val.txt").open("a") as stream:
        stream.write("001/1/2\n")
    assert Iper().list_clips(iper.path)[1].problem == (
        "expected images_HD/001/1/2 as val.txt says, found none; fetch it or take it off the list"
    )


def test_lists_without_pictures_are_refused(iper):
    (iper.path / "val.txt").write_text("001/1/1\n")
    with pytest.raises(DatasetError, match=r"found val\.txt and no pictures; check the folder"):
        Iper().list_clips(iper.path)
    (iper.path / "val.txt").write_text("")
    (iper.path / "images").mkdir()
    with pytest.raises(DatasetError, match="expected at least one clip in the dataset's lists, found none"):
        Iper().list_clips(iper.path)
