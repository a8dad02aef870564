import dataclasses
import math

import numpy as np
import pytest

from vptbench.errors import ShapeError
from vptbench.generate.arrays import write_heatmaps, write_mesh_flow
from vptbench.skeleton import missing_keypoints
from vptbench.testing.models import example_clip


def test_heatmaps_peak_at_the_joints(tmp_path):
    """At 128 pixels σ is 6 · 128/256 = 3: one pixel beside a joint stands exp(−1/18), three exp(−1/2)."""
    poses = example_clip(frames=2, size=(128, 96)).poses(0, 2)
    keypoints = missing_keypoints(2)
    keypoints[0, 7], keypoints[1, 7], keypoints[1, 0] = (20, 30, 1), (21, 30, 0.1), (95, 127, 1)
    write_heatmaps(None, dataclasses.replace(poses, keypoints=keypoints, frames=(4, 5)), tmp_path / "x")
    with np.load(tmp_path / "x", allow_pickle=False) as made:
        maps, frames = made["heatmaps"], made["frames"]
    assert frames.tolist() == [4, 5]
    assert (maps.dtype, maps.shape) == (np.float16, (2, 25, 128, 96))
    assert maps[0, 7, 30, 20] == maps[1, 7, 30, 21] == maps[1, 0, 127, 95] == 1
    assert maps[0, 7, 30, 21] == pytest.approx(math.exp(-1 / 18), abs=5e-4)
    assert maps[0, 7, 33, 20] == pytest.approx(math.exp(-1 / 2), abs=5e-4)
    assert not maps[0, :7].any()
    assert not maps[0, 8:].any()


def test_flow_is_the_clips(tmp_path):
    clip = example_clip(frames=6)
    write_mesh_flow(clip.source(1), clip.poses(2, 6), tmp_path / "x")
    with np.load(tmp_path / "x", allow_pickle=False) as made:
        flow, frames = made["flow"], made["frames"]
    assert frames.tolist() == [2, 3, 4, 5]
    assert flow.dtype == np.float32
    for row, number in enumerate(frames):
        np.testing.assert_array_equal(flow[row], clip.mesh_flow(1, number))
    assert (flow == -2).any()
    assert (flow != -2).any()


def test_equal_poses_give_equal_bytes(tmp_path):
    clip = example_clip(frames=3)
    for write in (write_heatmaps, write_mesh_flow):
        for name in "ab":
            write(clip.source(0), clip.poses(), tmp_path / name)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_no_mesh_no_flow(tmp_path):
    clip = dataclasses.replace(example_clip(frames=3), mesh=None)
    with pytest.raises(ShapeError, match="expected a mesh in source and driving clip, found none"):
        write_mesh_flow(clip.source(0), clip.poses(), tmp_path / "x")
