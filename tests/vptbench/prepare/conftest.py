"""Raw clips made by hand: a box that moves over a gradient; keypoints, mesh and mask move with it."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from vptbench.generate.pose_pack import store_to_pack
from vptbench.image import write_image
from vptbench.prepare.build import source_to_store
from vptbench.prepare.pack import Join
from vptbench.prepare.settings import PrepareSettings
from vptbench.video import frames_to_video

T, H, W = 10, 96, 72
V, F, S = 8, 12, 3


@dataclass(frozen=True)
class RawFolder:
    """A dataset's folder in the making."""

    path: Path
    layout: str

    def add(self, clip="a", split="test", *, frames=T, size=(H, W), openpose=True, truth=True, seed=0):
        """Add one clip, its list entry, poses and truth."""
        arrays = make_truth(frames, size, seed)
        pictures = make_frames(arrays["mask"])
        if self.layout == "fashionvideo":
            listed, line = f"fashion_{split}.txt", f"https://example.org/dataset/{clip}.mp4"
            media = self.path / split / f"{clip}.mp4"
            media.parent.mkdir(parents=True, exist_ok=True)
            frames_to_video(pictures, media, fps=30, crf=4)
        else:
            listed, line = {"train": "train.txt", "test": "val.txt"}[split], clip
            media = self.path / "images_HD" / clip
            media.mkdir(parents=True)
            for i, picture in enumerate(pictures):
                write_image(media / f"{i:04d}.jpg", picture)
        with (self.path / listed).open("a") as stream:
            stream.write(f"{line}\n")
        if openpose:
            write_openpose(self.path / "openpose" / clip, arrays["keypoints"])
        if truth:
            path = self.path / "truth" / f"{clip}.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(path, **arrays)
        return arrays


def make_truth(frames=T, size=(H, W), seed=0):
    rng = np.random.default_rng(seed)
    height, width = size
    centre = np.array([width / 2, height / 2]) + np.outer(
        np.arange(frames) / frames, [width / 8, height / 10]
    )
    spread = rng.uniform(-0.3, 0.3, (25, 2)) * (width, height)
    keypoints = np.ones((frames, 25, 3), np.float32)
    keypoints[..., :2] = centre[:, None] + spread
    keypoints[::3, 4] = (np.nan, np.nan, 0)
    vertices = np.concatenate(
        [centre[:, None] + rng.uniform(-15, 15, (V, 2)), rng.uniform(-9, 9, (frames, V, 1))], axis=-1
    )
    rows, columns = np.mgrid[:height, :width]
    near = np.abs(columns - centre[:, 0, None, None]) < width / 5
    weights = rng.random((V, 25)).astype(np.float32)
    return {
        "keypoints": keypoints,
        "vertices": vertices.astype(np.float32),
        "faces": rng.integers(0, V, (F, 3)).astype(np.int32),
        "joint_weights": weights / weights.sum(axis=1, keepdims=True),
        "mask": near & (np.abs(rows - centre[:, 1, None, None]) < height / 3),
        "pose": rng.normal(size=(frames, 18, 3)).astype(np.float32),
        "shape": rng.normal(size=S).astype(np.float32),
        "camera": rng.uniform(20, 40, (frames, 3)).astype(np.float32),
        "body": np.array("a-body-v1"),
    }


def make_frames(mask):
    rows, columns = np.mgrid[: mask.shape[1], : mask.shape[2]]
    plain = np.stack([rows * 2, columns * 2, np.full_like(rows, 90)], axis=-1).astype(np.uint8)
    return np.where(mask[..., None], np.uint8([200, 60, 40]), plain)


def write_openpose(folder, keypoints):
    folder.mkdir(parents=True, exist_ok=True)
    for i, joints in enumerate(np.nan_to_num(keypoints)):
        people = [{"person_id": [-1], "pose_keypoints_2d": [round(float(v), 3) for v in joints.ravel()]}]
        (folder / f"{i:012d}_keypoints.json").write_text(json.dumps({"version": 1.3, "people": people}))


@pytest.fixture
def fashion(tmp_path):
    """An empty FashionVideo folder."""
    (tmp_path / "raw").mkdir()
    return RawFolder(tmp_path / "raw", "fashionvideo")


@pytest.fixture
def iper(tmp_path):
    """An empty iPER folder."""
    (tmp_path / "raw").mkdir()
    return RawFolder(tmp_path / "raw", "iper")


@pytest.fixture
def joined(fashion, tmp_path):
    """Three raw clips, and the pack of their store, which is "first" beside it."""
    for name, split, frames in (("a", "train", 10), ("b", "test", 9), ("c", "test", 8)):
        fashion.add(name, split, frames=frames)
    source_to_store("fashionvideo", fashion.path, tmp_path / "first", PrepareSettings(size=32))
    store_to_pack(tmp_path / "first", tmp_path / "pack")
    return Join("fashionvideo", fashion.path, tmp_path / "pack")
