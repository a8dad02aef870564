"""iPER's layout."""

import json

import numpy as np
import pytest

from vptbench import open_store
from vptbench.benchmarks.his import HisSettings, his_to_benchmark
from vptbench.benchmarks.items import benchmark_items
from vptbench.benchmarks.loader import load_benchmark
from vptbench.errors import DatasetError, VideoError
from vptbench.image import read_image
from vptbench.prepare.build import source_to_store
from vptbench.prepare.iper import Iper
from vptbench.prepare.media import clip_to_pictures
from vptbench.prepare.settings import PrepareSettings


def test_val_is_the_test_split_and_the_frame_rate_is_assumed(iper):
    iper.add("001/1/1", "train")
    iper.add("002/9/2", "test", openpose=False)
    train, test = Iper().list_clips(iper.path)
    assert (train.id, train.split, train.fps) == ("001/1/1", "train", 30)
    assert (test.id, test.split) == ("002/9/2", "test")
    assert test.media == iper.path / "images_HD" / "002/9/2"
    assert (train.openpose, test.openpose) == (iper.path / "openpose" / "001/1/1", None)
    assert test.truth == iper.path / "truth" / "002/9/2.npz"


@pytest.mark.parametrize("digits", [3, 4, 5])
def test_a_frame_is_its_position_whatever_the_width_of_its_name(iper, digits):
    iper.add("001/9/1", "test", frames=12)
    folder = iper.path / "images_HD" / "001/9/1"
    for path in sorted(folder.iterdir()):
        path.rename(folder / f"{int(path.stem):0{digits}d}.jpg")
    [clip] = Iper().list_clips(iper.path)
    assert clip_to_pictures(clip)[int("0010")].name == f"{10:0{digits}d}.jpg"


def test_names_of_two_widths_in_a_clip_are_refused(iper):
    iper.add("001/9/1", "test", frames=3)
    folder = iper.path / "images_HD" / "001/9/1"
    (folder / "0000.jpg").rename(folder / "000.jpg")
    with pytest.raises(VideoError, match=r"expected names of as many digits as 000\.jpg, found 0001\.jpg"):
        clip_to_pictures(Iper().list_clips(iper.path)[0])


def test_smpl_parameters_lie_beside(iper):
    iper.add("001/9/1", "test")
    iper.add("001/9/2", "test")
    (iper.path / "smpls" / "001/9/1").mkdir(parents=True)
    with_smpl, without = Iper().list_clips(iper.path)
    assert (with_smpl.smpl, without.smpl) == (iper.path / "smpls" / "001/9/1", None)


def test_small_pictures_serve_where_there_are_no_large_ones(iper):
    iper.add("001/1/1")
    (iper.path / "images_HD").rename(iper.path / "images")
    assert Iper().list_clips(iper.path)[0].media == iper.path / "images" / "001/1/1"


def test_a_listed_clip_that_is_missing_carries_its_problem(iper):
    iper.add("001/1/1")
    with (iper.path / "val.txt").open("a") as stream:
        stream.write("001/1/2\n")
    assert Iper().list_clips(iper.path)[1].problem == (
        "expected images_HD/001/1/2 as val.txt says, found none; bring it (see `vptbench fetch`)"
        " or take it off the list"
    )


def test_lists_without_pictures_are_refused(iper):
    (iper.path / "val.txt").write_text("001/1/1\n")
    with pytest.raises(DatasetError, match=r"found val\.txt and no pictures; check the folder"):
        Iper().list_clips(iper.path)
    (iper.path / "val.txt").write_text("")
    (iper.path / "images").mkdir()
    with pytest.raises(DatasetError, match="expected at least one clip in the dataset's lists, found none"):
        Iper().list_clips(iper.path)


def test_a_protocols_name_is_a_position_in_the_store_whatever_its_width(iper, tmp_path):
    """The protocol says 0010.jpg and both ends of 2 … 4; the file is called 010.jpg."""
    iper.add("001/9/2", frames=12, size=(96, 96))
    folder = iper.path / "images_HD" / "001/9/2"
    for path in sorted(folder.iterdir()):
        path.rename(folder / f"{int(path.stem):03d}.jpg")
    video = {
        "source": ["frame_00000279.png"] * 8, "s_n": {"1": ["0010.jpg"], "4": ["010.jpg", "0002.jpg"]},
        "self_imitation": {"target": "001/9/2", "range": [0, 11]},
        "cross_imitation": {"target": "001/9/2", "range": [2, 4]}, "flag": [7, 9],
    }  # fmt: skip
    (tmp_path / "protocol.json").write_text(json.dumps({"val": {"001/9/2": video}}))
    his_to_benchmark(
        tmp_path / "protocol.json", tmp_path / "mine.json", HisSettings("iper", "cross", size=96)
    )
    settings = PrepareSettings(size=96, crop="full-v1", body="none")
    source_to_store("iper", iper.path, tmp_path / "store", settings)
    store = open_store(tmp_path / "store")
    [item] = benchmark_items(load_benchmark(tmp_path / "mine.json"), store)
    np.testing.assert_array_equal(
        store["001/9/2"].source(item.source_frame).frame, read_image(folder / "010.jpg")
    )
    assert (item.driving_numbers, item.real_numbers) == ((2, 3, 4), (7, 8, 9))
