"""Which source of poses is taken, and what is done to its keypoints."""

import json
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from click.testing import CliRunner

from vptbench import open_store
from vptbench.cli import main
from vptbench.errors import PoseError, RegistryError
from vptbench.prepare import estimators, poses
from vptbench.prepare.poses import POSES, PoseSettings, clip_to_poses
from vptbench.prepare.smoothing import SMOOTHINGS, smooth_keypoints
from vptbench.prepare.sources import load_dataset
from vptbench.prepare.swaps import swap_sides
from vptbench.skeleton import missing_keypoints
from vptbench.video import VideoInfo

TEN = VideoInfo(frames=10, height=96, width=72, fps=30.0)


def source_of(clip, truth, frames, poses):
    return clip_to_poses(clip, truth, replace(TEN, frames=frames), PoseSettings(poses)).source


class Fake:
    """An estimator that finds what it was told to."""

    name, version, command = "mediapipe", "9 fake", ("pip", "install", "it")
    keypoints: np.ndarray | None = None
    seen: ClassVar[list[tuple[int, float]]] = []

    def missing(self):
        return None if self.keypoints is not None else "no package it"

    def estimate(self, frames, fps):
        Fake.seen = [(len(chunk), fps) for chunk in frames]
        return self.keypoints


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(estimators, "load_estimator", lambda _: Fake())
    monkeypatch.setattr(Fake, "keypoints", None)
    monkeypatch.setattr(Fake, "seen", [])
    return Fake


def standing(frames=12):
    """Somebody who faces the camera and sways: left joints on the right."""
    keypoints = np.ones((frames, 25, 3), np.float32)
    rng = np.random.default_rng(3)
    keypoints[..., 0] = 30 + np.arange(frames)[:, None] * 0.3
    keypoints[..., 1] = np.linspace(10, 80, 25)
    for right, left in ((2, 5), (3, 6), (4, 7), (9, 12), (10, 13), (11, 14), (15, 16), (17, 18)):
        keypoints[:, right, 0] -= rng.uniform(5, 9)
        keypoints[:, left, 0] += rng.uniform(5, 9)
        keypoints[:, left, 1] = keypoints[:, right, 1]
    return keypoints


def only_clip(fashion):
    return next(clip for clip in load_dataset("fashionvideo").list_clips(fashion.path) if clip.id == "a")


@pytest.fixture
def raw(fashion):
    fashion.add("a", openpose=False, truth=False)
    fashion.add("b", "train", openpose=False, truth=False)
    return only_clip(fashion)


def test_openpose_is_taken_before_the_truth(fashion):
    class Truth:
        keypoints = standing(10)

    fashion.add("a", truth=False)
    fashion.add("b", "train", truth=False)
    clip = only_clip(fashion)
    bare = type(clip)(id="a", split="test", media=clip.media)
    assert source_of(clip, Truth, 10, "auto") == "openpose-json"
    assert source_of(clip, Truth, 10, "openpose") == "openpose-json"
    assert source_of(clip, Truth, 10, "truth") == "ground-truth"
    assert source_of(bare, Truth, 10, "auto") == "ground-truth"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("openpose", "openpose/a/"),
        ("coco", "coco/a.json"),
        ("truth", "truth/a.npz"),
        ("kptsmpls", "a folder kptsmpls"),
    ],
)
def test_what_is_asked_for_by_name_must_be_there(raw, name, place):
    with pytest.raises(PoseError, match=f"expected keypoints in {place} beside the data, found none; put"):
        source_of(raw, None, 10, name)


def test_an_installed_estimator_is_taken_when_nothing_lies_there(raw, fake):
    fake.keypoints = standing(10)
    fake.keypoints[4] = missing_keypoints(1)[0]
    found = clip_to_poses(raw, None, TEN, PoseSettings())
    np.testing.assert_array_equal(found.keypoints, fake.keypoints)
    assert (found.source, found.facts) == (
        "mediapipe",
        {"version": "9 fake", "lost_frames": 1, "swapped_frames": 0},
    )
    assert fake.seen == [(8, 30), (2, 30)]


def test_with_nothing_at_hand_one_command_is_named(raw, fake):  # noqa: ARG001
    with pytest.raises(
        PoseError,
        match=r"^expected keypoints in openpose/a/ or coco/a.json beside the data, found none; "
        r"expected an estimator of poses here, found none \(mediapipe: no package it\); run: pip install it$",
    ):
        source_of(raw, None, 10, "auto")


def test_without_an_estimator_nothing_is_begun(fashion, tmp_path, fake):  # noqa: ARG001
    """Where every clip needs one; where one clip has poses, it is done and the other is listed."""
    fashion.add("a", openpose=False, truth=False)
    command = ["prepare", "fashionvideo", str(fashion.path), str(tmp_path / "store"), "--size", "32"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 2
    assert "run: pip install it" in done.stderr
    assert not (tmp_path / "store").exists()
    fashion.add("b")
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 1
    assert done.stdout.startswith("poses: openpose-json (1 clips); mesh: ground-truth (1 clips)\n")
    assert open_store(tmp_path / "store").manifest["origins"] == {
        "poses": {"openpose-json": 1}, "meshes": {"ground-truth": 1}, "lost_frames": 0, "lost": "mark",
    }  # fmt: skip


def test_an_estimators_wrong_number_of_frames_is_refused(raw, fake):
    fake.keypoints = standing(9)
    with pytest.raises(
        PoseError, match=r"shape \(10, 25, 3\) from mediapipe, found float32 \(9, 25, 3\); report"
    ):
        source_of(raw, None, 10, "mediapipe")


def test_a_clip_without_anybody_is_refused(raw, fake):
    fake.keypoints = missing_keypoints(10)
    with pytest.raises(
        PoseError, match=r"expected a person in at least one frame, found none in 10 \(mediapipe"
    ):
        source_of(raw, None, 10, "mediapipe")


@pytest.mark.parametrize(("swaps", "mended"), [("estimated", True), ("all", True), ("none", False)])
def test_an_estimators_swaps_are_mended_and_counted(raw, fake, swaps, mended):
    swapped = np.zeros((10, 3), bool)
    swapped[4] = True
    fake.keypoints = swap_sides(standing(10), swapped)
    found = clip_to_poses(raw, None, TEN, PoseSettings(swaps=swaps))
    assert found.facts.get("swapped_frames") == (1 if mended else None)
    np.testing.assert_array_equal(found.keypoints, standing(10) if mended else fake.keypoints)


def test_brought_poses_are_kept_as_they_are_unless_asked(fashion):
    fashion.add("a", openpose=False, truth=False)
    fashion.add("b", "train", openpose=False, truth=False)
    swapped = np.zeros((10, 3), bool)
    swapped[4] = True
    given = swap_sides(standing(10), swapped)
    folder = fashion.path / "openpose" / "a"
    folder.mkdir(parents=True)
    for t, joints in enumerate(np.nan_to_num(given)):
        people = [{"pose_keypoints_2d": [float(value) for value in joints.ravel()]}]
        (folder / f"{t:012d}_keypoints.json").write_text(json.dumps({"people": people}))
    clip = only_clip(fashion)
    np.testing.assert_array_equal(clip_to_poses(clip, None, TEN, PoseSettings()).keypoints, given)
    mended = clip_to_poses(clip, None, TEN, PoseSettings(swaps="all"))
    np.testing.assert_array_equal(mended.keypoints, standing(10))
    assert mended.facts == {"lost_frames": 0, "swapped_frames": 1}


def test_smoothing_is_recorded(raw, fake):
    fake.keypoints = standing(10)
    found = clip_to_poses(raw, None, TEN, PoseSettings(smoothing="one-euro-bdmm"))
    np.testing.assert_array_equal(
        found.keypoints, smooth_keypoints(standing(10), SMOOTHINGS["one-euro-bdmm"])
    )
    assert found.facts["smoothing"] == {
        "name": "one-euro-bdmm",
        "rate": 15,
        "min_cutoff": 1,
        "beta": 0.05,
        "speed_cutoff": 1.0,
    }


def test_the_truth_is_never_changed(raw):
    class Truth:
        keypoints = standing(10)

    found = clip_to_poses(raw, Truth, TEN, PoseSettings("truth", "all", "one-euro-bdmm"))
    assert found.keypoints is Truth.keypoints
    assert found.facts == {"lost_frames": 0}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"poses": "openpos"}, "known source of poses, got 'openpos'; did you mean 'openpose'"),
        ({"swaps": "some"}, "known kind of poses to mend swaps of, got 'some'"),
        ({"smoothing": "one-euro"}, "known smoothing, got 'one-euro'; did you mean 'one-euro-bdmm'"),
    ],
)
def test_unknown_settings_are_refused(settings, message):
    with pytest.raises(RegistryError, match=message):
        PoseSettings(**settings)


def test_every_estimator_can_be_asked_for():
    assert set(estimators.ESTIMATORS) <= set(POSES)
    assert poses.PoseSettings(poses="rtmlib").swaps == "estimated"
