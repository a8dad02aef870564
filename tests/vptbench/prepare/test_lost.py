"""Frames without a person: marked, or left out together with all that belongs to them."""

import numpy as np
import pytest

from vptbench import open_store
from vptbench.errors import RegistryError
from vptbench.prepare.build import source_to_store
from vptbench.prepare.lost import Kept, keypoints_to_kept
from vptbench.prepare.settings import PrepareSettings
from vptbench.skeleton import missing_keypoints
from vptbench.store.check import store_to_problems

GONE = (0, 3, 4, 9)
KEPT = (1, 2, 5, 6, 7, 8)


def empty(raw, clip, gone):
    """Nobody is in these frames of a clip's OpenPose JSON."""
    for number in gone:
        (raw.path / "openpose" / clip / f"{number:012d}_keypoints.json").write_text('{"people": []}')


def without(raw, clip, copy, gone):
    """The same clip as if the camera had never taken these frames."""
    media, poses = raw.path / "images_HD", raw.path / "openpose"
    (media / copy).mkdir(parents=True)
    (poses / copy).mkdir(parents=True)
    kept = [number for number in range(10) if number not in gone]
    for place, number in enumerate(kept):
        picture = (media / clip / f"{number:04d}.jpg").read_bytes()
        (media / copy / f"{place:04d}.jpg").write_bytes(picture)
        text = (poses / clip / f"{number:012d}_keypoints.json").read_text()
        (poses / copy / f"{place:012d}_keypoints.json").write_text(text)
    with (raw.path / "val.txt").open("a") as stream:
        stream.write(f"{copy}\n")
    if (raw.path / "truth" / f"{clip}.npz").is_file():
        arrays = dict(np.load(raw.path / "truth" / f"{clip}.npz"))
        for name in ("keypoints", "vertices", "mask", "pose", "camera"):
            arrays[name] = arrays[name][kept]
        (raw.path / "truth" / copy).parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(raw.path / "truth" / f"{copy}.npz", **arrays)


def prepare(raw, store, **settings):
    report = source_to_store(raw.layout, raw.path, store, PrepareSettings(size=64, **settings))
    return open_store(store), report


@pytest.mark.parametrize("crop", ["clip-square-v1", "bdmm-crop-v1"])
@pytest.mark.parametrize("body", ["dataset", "fit", "none"])
def test_a_dropped_frame_might_never_have_been(iper, tmp_path, body, crop):
    iper.add("001/1/1", truth=body == "dataset")
    without(iper, "001/1/1", "001/1/2", GONE)
    empty(iper, "001/1/1", GONE)
    store, report = prepare(iper, tmp_path / "store", body=body, crop=crop, lost="drop")
    assert report.failed == {}
    clip, other = store["001/1/1"], store["001/1/2"]
    assert len(clip) == len(KEPT)
    np.testing.assert_array_equal(clip.frames[0:6], other.frames[0:6])
    np.testing.assert_array_equal(clip.keypoints, other.keypoints)
    assert (clip.mask is None) == (clip.mesh is None) == (body == "none")
    if body != "none":
        np.testing.assert_array_equal(clip.mask[0:6], other.mask[0:6])
        np.testing.assert_array_equal(clip.mesh.vertices[0:6], other.mesh.vertices[0:6])
        assert len(clip.body["pose"]) == len(clip.body["camera"]) == len(KEPT)
    assert list(clip.attributes["raw_frames"]) == list(KEPT)
    assert clip.attributes["pose_facts"]["lost_frames"] == len(GONE)
    assert "raw_frames" not in other.attributes
    assert store.manifest["settings"]["lost"] == "drop"
    assert store_to_problems(store.path) == []


def test_a_truth_without_the_person_is_dropped_from(iper, tmp_path):
    """The ground truth itself has nobody in some frames, as in a synthetic video that somebody leaves."""
    arrays = iper.add("001/1/1", openpose=False)
    arrays["keypoints"][list(GONE)] = missing_keypoints(1)
    np.savez_compressed(iper.path / "truth" / "001/1/1.npz", **arrays)
    marked, _ = prepare(iper, tmp_path / "marked", crop="full-v1")
    dropped, _ = prepare(iper, tmp_path / "dropped", crop="full-v1", lost="drop")
    before, after = marked["001/1/1"], dropped["001/1/1"]
    assert (len(before), len(after)) == (10, len(KEPT))
    for part in ("frames", "mask"):
        whole, picked = (np.asarray(getattr(clip, part)[0 : len(clip)]) for clip in (before, after))
        np.testing.assert_array_equal(picked, whole[list(KEPT)])
    for place, number in enumerate(KEPT):
        np.testing.assert_array_equal(after.mesh.vertices[place], before.mesh.vertices[number])
    assert after.attributes["mesh_source"] == "ground-truth"


def test_lost_frames_are_marked_by_default(iper, tmp_path):
    iper.add("001/1/1")
    empty(iper, "001/1/1", GONE)
    store, _ = prepare(iper, tmp_path / "store")
    clip = store["001/1/1"]
    assert np.flatnonzero((clip.keypoints[..., 2] == 0).all(axis=1)).tolist() == list(GONE)
    assert len(clip) == 10
    assert "raw_frames" not in clip.attributes
    assert clip.attributes["settings"]["lost"] == "mark"


def test_a_video_is_dropped_from_as_well(fashion, tmp_path):
    arrays = fashion.add("a", truth=False)
    empty(fashion, "a", GONE)
    marked, _ = prepare(fashion, tmp_path / "marked", body="none")
    dropped, _ = prepare(fashion, tmp_path / "dropped", body="none", lost="drop")
    frames = np.asarray(marked["a"].frames[0:10])
    np.testing.assert_array_equal(dropped["a"].frames[0:6], frames[list(KEPT)])
    np.testing.assert_array_equal(dropped["a"].keypoints, marked["a"].keypoints[list(KEPT)])
    assert dropped.table.at["a", "frames"] == len(KEPT)
    assert arrays["keypoints"].shape[0] == 10


def test_a_clip_without_frames_left_fails_with_its_reason(fashion, tmp_path):
    fashion.add("a", truth=False)
    fashion.add("b", truth=False)
    empty(fashion, "a", range(10))
    store, report = prepare(fashion, tmp_path / "store", body="none", lost="drop")
    assert list(store) == ["b"]
    assert report.failed["a"].startswith("expected a person in at least one frame, found none in 10")


def test_another_way_is_refused():
    with pytest.raises(
        RegistryError, match="known way with frames without a person, got 'drops'; did you mean"
    ):
        PrepareSettings(lost="drops")


@pytest.mark.parametrize("sizes", [(10,), (3, 3, 3, 1), (1,) * 10, (5, 5)])
def test_frames_are_picked_however_they_come(sizes):
    frames = np.arange(10, dtype=np.uint8)[:, None, None, None].repeat(3, 3)
    ends = np.cumsum(sizes)
    chunks = [frames[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    picked = list(Kept(KEPT, 10).frames(iter(chunks)))
    assert all(len(chunk) for chunk in picked)
    assert np.concatenate(picked)[:, 0, 0, 0].tolist() == list(KEPT)


def test_a_single_joint_keeps_a_frame():
    keypoints = missing_keypoints(3)
    keypoints[1, 7] = (4, 5, 0.01)
    assert keypoints_to_kept(keypoints, "drop") == Kept((1,), 3)
    assert keypoints_to_kept(keypoints, "mark").whole
