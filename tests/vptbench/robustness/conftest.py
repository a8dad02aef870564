"""Clips whose difficulty can be worked out by hand, and a small sweep."""

import json
from dataclasses import replace

import numpy as np
import pytest

from vptbench.clip import Clip, Mesh
from vptbench.robustness.plan import SweepSettings
from vptbench.robustness.sweep import run_sweep

SIZE = 32
NEAR, FAR, OUT = (5, 5, 1), (5, 5, 9), (18, 18, 9)
"""Corners of triangles of 15 pixels: one in front, one behind it, and where that one comes out."""


def triangle(x, y, depth):
    return [(x, y, depth), (x + 4, y, depth), (x, y + 4, depth)]


@pytest.fixture
def make_pose():
    """A function that makes keypoints (25, 3): joints on a circle of 10 pixels about (x, y), some missing."""

    def make(x=16.0, y=16.0, missing=()):
        angles = 2 * np.pi * np.arange(25) / 25
        pose = np.stack([x + 10 * np.cos(angles), y + 10 * np.sin(angles), np.ones(25)], axis=1)
        pose[list(missing)] = (np.nan, np.nan, 0)
        return pose.astype(np.float32)

    return make


@pytest.fixture
def make_clip(make_pose):
    """A function that makes a grey clip; `far` gives it a mesh: where the far triangle lies in each frame."""

    def make(name="a", poses=None, far=None, split="test", fps=25.0, frames=None, **fields):
        poses = np.stack([make_pose()] * (len(far) if far else 4)) if poses is None else np.stack(poses)
        if frames is None:
            frames = np.full((len(poses), SIZE, SIZE, 3), 100, np.uint8)
        mesh = None
        if far:
            vertices = np.array([triangle(*NEAR) + triangle(*place) for place in far], np.float32)
            faces = np.array([[0, 2, 1], [3, 5, 4]], np.int32)
            mesh = Mesh(vertices, faces, np.full((6, 25), 1 / 25, np.float32))
        attributes = {"crop": "clip-square-v1", "raw_sha256": f"raw of {name}"} | fields.pop("attributes", {})
        return Clip(name, split, frames, poses, fps, mesh=mesh, attributes=attributes, **fields)

    return make


@pytest.fixture(scope="session")
def listed(tmp_path_factory):
    """A list of one kind, two severities and one seed."""
    document = {
        "format": "vptbench-benchmark", "version": 1, "id": "mine-noisy-v1", "clean": "synthetic-v1",
        "corruptions": [{"kind": "jitter", "severities": [1, 4], "seeds": [0]}],
    }  # fmt: skip
    path = tmp_path_factory.mktemp("list") / "list.json"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture(scope="session")
def settings(stores, listed, tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep") / "mesh_warp"
    return SweepSettings(
        "mesh_warp", stores["fashionvideo"], out, listed, metrics=("ssim-v1", "l1-v1", "flicker-v1")
    )


@pytest.fixture(scope="session")
def swept(settings):
    return run_sweep(settings)


@pytest.fixture
def again(settings, tmp_path):
    """The same sweep into a folder of the test's own."""
    return replace(settings, out=tmp_path / "sweep")
