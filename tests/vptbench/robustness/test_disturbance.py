"""What a corruption did, by hand examples and merged parts."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.config import config_to_json, json_to_config
from vptbench.robustness.disturbance import Disturbance, merge_disturbances, poses_to_disturbance
from vptbench.skeleton import missing_keypoints


def _joints(frames, places):
    """Keypoints of `frames` frames, of which only the first joints are there."""
    keypoints = missing_keypoints(frames)
    keypoints[:, : len(places)] = [(*place, 1) for place in places]
    return keypoints


def test_distances_shares_and_counts_by_hand():
    clean = _joints(1, [(0, 0), (100, 0), (50, 40), (10, 10)])  # box 100 × 40, so that 5 px are near
    noisy = clean.copy()
    noisy[0, 0, :2] += (3, 4)  # 5: near
    noisy[0, 1, :2] += (0, 7)  # 7: not
    noisy[0, 3] = (np.nan, np.nan, 0)
    noisy[0, 9] = (1, 1, 1)  # clean lacks it
    found = poses_to_disturbance(clean, noisy, left_out=(), mesh=(30.0, 12))
    assert found == Disturbance(mean_px=4.0, pck=0.5, missing=0.25, mesh_px=2.5, joints=4, vertices=12)


def test_frames_left_out_are_not_counted():
    clean = _joints(3, [(0, 0), (0, 80)])
    noisy = clean.copy()
    noisy[1:, 0, 0] += np.float32([2, 50])
    found = poses_to_disturbance(clean, noisy, left_out={2}, mesh=None)
    assert found == Disturbance(mean_px=0.5, pck=1.0, missing=0.0, mesh_px=None, joints=4, vertices=0)


def test_the_box_is_each_frames_own():
    clean = _joints(2, [(0, 0), (0, 100)])
    clean[1, 1, 1] = 20
    noisy = clean + np.float32([4, 0, 0])  # 4 px: near where the box has 100, not where it has 20
    assert poses_to_disturbance(clean, noisy, left_out=(), mesh=None).pck == 0.5


@pytest.mark.parametrize(
    ("clean", "noisy", "expected"),
    [
        (missing_keypoints(2), _joints(2, [(1, 1)]), Disturbance(0.0, 1.0, 0.0, None, 0, 0)),
        (_joints(2, [(1, 1)]), missing_keypoints(2), Disturbance(0.0, 0.0, 1.0, None, 2, 0)),
        (missing_keypoints(0), missing_keypoints(0), Disturbance(0.0, 1.0, 0.0, None, 0, 0)),
    ],
)
def test_nothing_to_compare(clean, noisy, expected):
    assert poses_to_disturbance(clean, noisy, left_out=(), mesh=None) == expected


def test_nothing_merged_is_no_disturbance_and_clips_without_mesh_do_not_count_for_it():
    assert merge_disturbances([]) == Disturbance(0.0, 1.0, 0.0, None, 0, 0)
    with_mesh, without = (Disturbance(1.0, 1.0, 0.0, *mesh) for mesh in ((3.0, 10, 7), (None, 10, 0)))
    assert merge_disturbances([with_mesh, without]) == Disturbance(1.0, 1.0, 0.0, 3.0, 20, 7)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_parts_merged_are_the_whole(seed, cut):
    rng = np.random.default_rng(seed)
    clean, noisy = rng.uniform(0, 100, (2, 6, 25, 3)).astype(np.float32)
    noisy = clean + (noisy - clean) / 20
    for keypoints in (clean, noisy):
        keypoints[rng.random((6, 25)) < rng.random()] = (np.nan, np.nan, 0)
    sums = rng.uniform(0, 50, 6)

    def measure(rows):
        mesh = (float(sums[rows].sum()), 11 * len(sums[rows]))
        return poses_to_disturbance(clean[rows], noisy[rows], left_out=(), mesh=mesh)

    whole = measure(slice(None))
    merged = merge_disturbances([measure(slice(0, cut)), measure(slice(cut, None))])
    assert (merged.joints, merged.vertices) == (whole.joints, whole.vertices)
    for name in ("mean_px", "pck", "missing", "mesh_px"):
        assert getattr(merged, name) == pytest.approx(getattr(whole, name), rel=1e-9), name


def test_json_and_back():
    found = Disturbance(1.5, 0.25, 0.125, None, 3, 0)
    assert json_to_config(json.loads(json.dumps(config_to_json(found))), Disturbance) == found
