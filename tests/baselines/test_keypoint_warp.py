"""Bending by keypoints: exact where the answer is known, the source where it cannot be told."""

import dataclasses

import numpy as np
import pytest

from baselines.copy_source import CopySource
from baselines.keypoint_warp import SMOOTHING, KeypointWarp, bend_places
from vptbench.clip import Clip
from vptbench.errors import ModelError
from vptbench.prepare.build import source_to_store
from vptbench.prepare.settings import PrepareSettings
from vptbench.skeleton import BODY_25, missing_keypoints
from vptbench.store.reader import open_store
from vptbench.synth.build import seed_to_raw
from vptbench.testing.models import example_clip

H, W = 48, 40
WALL = np.uint8([200, 190, 180])
LIMBS = ("Neck", "MidHip", "RShoulder", "LShoulder")


def figure_clip(shifts, joints=LIMBS):
    """A textured block that moves by whole pixels before a wall, with keypoints and a mask."""
    keypoints = missing_keypoints(len(shifts))
    places = np.float32([(20, 14), (20, 30), (14, 15), (26, 16)])[: len(joints)]
    texture = np.random.default_rng(0).integers(0, 256, (22, 16, 3), np.uint8)
    frames = np.broadcast_to(WALL, (len(shifts), H, W, 3)).copy()
    mask = np.zeros((len(shifts), H, W), bool)
    for row, (x, y) in enumerate(shifts):
        keypoints[row, [BODY_25.index(name) for name in joints]] = np.column_stack(
            [places + np.float32([x, y]), np.ones(len(places))]
        )
        frames[row, 12 + y : 34 + y, 12 + x : 28 + x] = texture
        mask[row, 12 + y : 34 + y, 12 + x : 28 + x] = True
    return Clip("figure", "test", frames, keypoints, 25.0, mask=mask)


def warp(clip, index=0):
    return KeypointWarp.load(None, "cpu").generate(clip.source(index), clip.poses())


def test_without_smoothing_the_spline_goes_through_every_joint():
    rng = np.random.default_rng(1)
    joints, targets = rng.random((2, 12, 2))
    np.testing.assert_allclose(bend_places(joints, targets, joints, smoothing=0), targets, atol=1e-9)


def test_with_smoothing_joints_that_move_a_little_are_missed_by_less_than_a_fiftieth():
    rng = np.random.default_rng(2)
    joints = rng.random((25, 2))
    targets = joints + 0.05 * np.sin(3 * joints[:, ::-1])
    missed = np.abs(bend_places(joints, targets, joints) - targets).max()
    assert 1e-9 < missed < 0.05 / 50


@pytest.mark.parametrize("smoothing", [0, SMOOTHING, 1.0])
def test_an_affine_map_is_itself(smoothing):
    rng = np.random.default_rng(3)
    joints, places = rng.random((9, 2)), rng.random((50, 2)) * 3 - 1
    turn, shift = np.float64([[0.8, -0.3], [0.4, 1.1]]), np.float64([0.2, -0.1])
    found = bend_places(joints, joints @ turn + shift, places, smoothing=smoothing)
    np.testing.assert_allclose(found, places @ turn + shift, atol=1e-8)


def test_driven_by_its_own_pose_the_source_is_unchanged():
    for clip in (example_clip(), dataclasses.replace(example_clip(), mask=None), figure_clip([(0, 0)])):
        np.testing.assert_array_equal(warp(clip)[0], clip.frames[0])


def test_a_figure_that_moves_takes_its_pixels_along_and_leaves_the_wall():
    clip = figure_clip([(0, 0), (6, 4), (-5, -7)])
    np.testing.assert_array_equal(warp(clip), clip.frames)


def test_a_missing_joint_is_left_out():
    clip = figure_clip([(0, 0), (6, 4)])
    keypoints = clip.keypoints.copy()
    keypoints[1, BODY_25.index("LShoulder")] = (np.nan, np.nan, 0)
    keypoints[0, BODY_25.index("Nose")] = (3, 3, 1)  # the driving pose has none
    np.testing.assert_array_equal(warp(dataclasses.replace(clip, keypoints=keypoints)), clip.frames)


@pytest.mark.parametrize("far", [1e10, -1e10, 1e30])
@pytest.mark.parametrize("row", [0, 1], ids=["source", "driving"])
def test_a_joint_far_off_fails_nothing(row, far):
    clip = figure_clip([(0, 0), (6, 4)])
    keypoints = clip.keypoints.copy()
    keypoints[row, BODY_25.index("LShoulder"), 0] = far
    made = warp(dataclasses.replace(clip, keypoints=keypoints))
    assert made.shape == clip.frames.shape
    if row == 1:
        np.testing.assert_array_equal(made[0], clip.frames[0])  # the frame beside it is as it was


@pytest.mark.parametrize("joints", [(), LIMBS[:1], LIMBS[:2]], ids=len)
def test_too_few_joints_give_the_source(joints):
    clip = figure_clip([(0, 0), (6, 4)], joints)
    np.testing.assert_array_equal(warp(clip), [clip.frames[0]] * 2)


def test_joints_on_a_line_give_the_source():
    clip = figure_clip([(0, 0), (6, 4)])
    keypoints = clip.keypoints.copy()
    keypoints[1, :, 1] = 3 * keypoints[1, :, 0]
    np.testing.assert_array_equal(warp(dataclasses.replace(clip, keypoints=keypoints)), [clip.frames[0]] * 2)


def test_joints_that_meet_do_no_harm():
    clip = figure_clip([(0, 0), (0, 0)])
    keypoints = clip.keypoints.copy()
    keypoints[1, BODY_25.index("LShoulder")] = keypoints[1, BODY_25.index("RShoulder")]
    made = warp(dataclasses.replace(clip, keypoints=keypoints))
    np.testing.assert_array_equal(made[0], clip.frames[0])
    np.testing.assert_array_equal(made[1, :4], clip.frames[1, :4])  # far from any limb the wall stays


def test_it_beats_copying_on_people_who_turn(tmp_path):
    seed_to_raw(tmp_path / "raw", layout="fashionvideo", clips=2, frames=12, size=64, seed=1)
    source_to_store("fashionvideo", tmp_path / "raw", tmp_path / "store", PrepareSettings(size=64))
    for clip in open_store(tmp_path / "store").values():
        made, copied = (
            np.abs(model.generate(clip.source(0), clip.poses(1)).astype(float) - clip.frames[1:12]).mean()
            for model in (KeypointWarp(), CopySource())
        )
        assert made < 0.8 * copied


def test_another_size_is_refused():
    clip, small = example_clip(), example_clip(size=(48, 64))
    with pytest.raises(ModelError, match="keypoint_warp expected the frame size of source clip example/0"):
        KeypointWarp().generate(clip.source(0), small.poses())
