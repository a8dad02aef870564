"""FashionVideo's two layouts, its lists, and what may be missing."""

import json
import logging

import numpy as np
import pytest

from vptbench import open_store
from vptbench.benchmarks.items import benchmark_items
from vptbench.benchmarks.loader import load_benchmark
from vptbench.errors import DatasetError
from vptbench.image import read_image, write_image
from vptbench.prepare.build import source_to_store
from vptbench.prepare.fashionvideo import FashionVideo
from vptbench.prepare.media import read_media_info
from vptbench.prepare.settings import PrepareSettings


def test_a_store_says_how_many_of_the_published_videos_it_holds(fashion, tmp_path):
    fashion.add("a")
    source_to_store("fashionvideo", fashion.path, tmp_path / "store", PrepareSettings(size=32))
    store = open_store(tmp_path / "store")
    assert (store.listed("test"), store.missing("test"), store.listed("train")) == (100, 99, 500)


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
        "bring it (see `vptbench fetch`) or take it off the list"
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


def test_videos_differ_in_size_and_length(fashion):
    fashion.add("a", frames=5, size=(96, 72))
    fashion.add("b", frames=9, size=(64, 80))
    infos = {clip.id: read_media_info(clip) for clip in FashionVideo().list_clips(fashion.path)}
    assert {name: (info.frames, info.height, info.width) for name, info in infos.items()} == {
        "a": (5, 96, 72), "b": (9, 64, 80),
    }  # fmt: skip


def test_addresses_are_not_decoded(fashion):
    fashion.path.joinpath("fashion_test.txt").write_text(
        "https://example.org/a%20b+c-d.mp4\nhttps://example.org/videos/91-3003CN5S.mp4\n81QkPmlvgKS\n"
    )
    assert [clip.id for clip in FashionVideo().list_clips(fashion.path)] == [
        "a%20b+c-d", "91-3003CN5S", "81QkPmlvgKS",
    ]  # fmt: skip


@pytest.mark.parametrize("listed", [True, False])
def test_gflas_frames_are_squashed_already_and_lie_in_train_a_in_both_splits(fashion, listed):
    for split in ("train", "test"):
        folder = fashion.path / f"{split}_256" / "train_A" / f"91-{split}"
        folder.mkdir(parents=True)
        for i in range(3):
            write_image(folder / f"{i:05d}.png", np.zeros((32, 32, 3), np.uint8))
        if listed:
            (fashion.path / f"fashion_{split}.txt").write_text(f"https://example.org/91-{split}.mp4\n")
    train, test = FashionVideo().list_clips(fashion.path)
    assert (train.id, train.split, test.id, test.split) == ("91-train", "train", "91-test", "test")
    assert (test.cropped, test.fps, test.problem) == ("gfla-squash-v1", 30, None)
    assert test.media == fashion.path / "test_256" / "train_A" / "91-test"
    assert read_media_info(test).frames == 3


def test_neither_list_nor_folder_is_refused(tmp_path):
    (tmp_path / "videos").mkdir()
    with pytest.raises(
        DatasetError, match=r"expected fashion_train\.txt and fashion_test\.txt beside .* found no list"
    ):
        FashionVideo().list_clips(tmp_path)


def test_names_that_look_like_something_else_stay_names(fashion, tmp_path):
    """A sign, a power of ten, leading zeros, a mark of missing values: all are names of videos."""
    names = ("91-3003CN5S", "A1+x-2", "+17", "-17", "81E1", "0017", "NA", "True")
    for name in names:
        fashion.add(name, frames=2)
    settings = PrepareSettings(size=256, body="none")
    report = source_to_store("fashionvideo", fashion.path, tmp_path / "store", settings)
    assert (set(report.done), report.failed) == (set(names), {})
    store = open_store(tmp_path / "store")
    assert set(store) == set(names)
    assert {store[name].id for name in names} == set(names)
    assert {item.id for item in benchmark_items(load_benchmark("fashionvideo-v1"), store)} == set(names)


def test_gflas_frames_are_not_squashed_again(fashion, tmp_path):
    folder = fashion.path / "test_256" / "train_A" / "91-a"
    folder.mkdir(parents=True)
    frames = np.random.default_rng(0).integers(0, 256, (3, 256, 256, 3), np.uint8)
    for i, frame in enumerate(frames):
        write_image(folder / f"{i:05d}.png", frame)
    keypoints = np.full((3, 25, 3), 0.9, np.float32)
    keypoints[..., :2] = np.random.default_rng(1).uniform(40, 200, (25, 2))
    poses = fashion.path / "openpose" / "91-a"
    poses.mkdir(parents=True)
    for i, joints in enumerate(keypoints):
        person = {"pose_keypoints_2d": [float(value) for value in joints.ravel()]}
        (poses / f"{i:012d}_keypoints.json").write_text(json.dumps({"people": [person]}))
    settings = PrepareSettings(crop="gfla-squash-v1", body="none")
    source_to_store("fashionvideo", fashion.path, tmp_path / "store", settings)
    clip = open_store(tmp_path / "store")["91-a"]
    np.testing.assert_array_equal(clip.frames[0:3], frames)
    np.testing.assert_array_equal(clip.frames[1], read_image(folder / "00001.png"))
    np.testing.assert_allclose(clip.keypoints, keypoints, atol=1e-3)
    assert (clip.attributes["crop"], clip.attributes["raw_crop"]) == ("gfla-squash-v1", "gfla-squash-v1")


def test_bdmms_folders_called_like_videos_are_told(fashion, tmp_path):
    (fashion.path / "test" / "a.mp4" / "frames").mkdir(parents=True)
    report = source_to_store("fashionvideo", fashion.path, tmp_path / "store", PrepareSettings(size=64))
    assert report.failed["a"].endswith(
        "a.mp4: expected a video file, found a folder; give the videos themselves, or prepare BDMM's folders "
        "as bdmm-preprocessed"
    )
