"""Clips with SMPL parameters as datasets bring them, and what they mean in pixels, worked out apart."""

import json
import pickle

import numpy as np
from smpl_file import make_arrays, naive_vertices

from vptbench.body.smpl import KEYPOINT_JOINTS
from vptbench.image import write_image
from vptbench.skeleton import BODY_25

ARRAYS = make_arrays()
FRAMES = 5


class Person:
    """A clip's parameters, and what they mean in pixels of square frames, worked out apart."""

    def __init__(self, seed=0, frames=FRAMES):
        rng = np.random.default_rng(seed)
        self.pose = rng.normal(0, 0.3, (frames, 24, 3)).astype(np.float32)
        self.pose[:, 0] = np.array([np.pi, 0, 0]) + rng.normal(0, 0.2, (frames, 3))  # upright: y is down
        self.shape = rng.normal(0, 0.5, (frames, 10)).astype(np.float32)
        self.cams = np.float32([0.7, 0.05, 0.1]) + rng.normal(0, 0.02, (frames, 3)).astype(np.float32)
        self.keypoints = np.ones((frames, 25, 3), np.float32)

    def mean_in(self, side):
        """Vertices (T, 198, 3) and joints (T, 24, 3) in pixels with centres at integers."""
        made = [naive_vertices(ARRAYS, *row) for row in zip(self.pose, self.shape, strict=True)]
        return tuple(self._to_pixels(np.array(points), side) for points in zip(*made, strict=True))

    def _to_pixels(self, points, side):
        scale, shift = self.cams[:, :1, None], self.cams[:, None, 1:]
        normalised = scale * (points[..., :2] + shift)  # [−1, 1] is the whole picture
        pixels = ((normalised + 1) * side - 1) / 2
        return np.concatenate([pixels, scale * points[..., 2:] * side / 2], -1)

    def with_keypoints(self, side):
        """Where a detector would see the joints; the face and the feet are anywhere about."""
        _, joints = self.mean_in(side)
        rng = np.random.default_rng(1)
        self.keypoints[..., :2] = rng.uniform(0.3 * side, 0.6 * side, (len(self.pose), 25, 2)).round(2)
        for name, joint in KEYPOINT_JOINTS.items():
            self.keypoints[:, BODY_25.index(name), :2] = joints[:, joint, :2].round(2)
        self.keypoints[1, 4] = (np.nan, np.nan, 0)
        return self


def write_bdmm(raw, clip, person, side, split="test"):
    folder = raw / split / f"{clip}.mp4"
    for name in ("frames", "kptsmpls"):
        (folder / name).mkdir(parents=True)
    for i in range(len(person.pose)):
        write_image(folder / "frames" / f"frame_{i:05d}.png", np.full((side, side, 3), 40 * i, np.uint8))
        joints = np.where(person.keypoints[i, :, 2:] > 0, person.keypoints[i], (-1, -1, 0))
        document = {
            "bbox_xyxy": [0, 0, 1, 1],
            "pose_keypoints_2d": joints.astype(float).tolist(),
            "cam": person.cams[i].tolist(),
            "pose_theta": person.pose[i].ravel().tolist(),
            "shape_beta": person.shape[i].tolist(),
        }
        (folder / "kptsmpls" / f"frame_{i:05d}.json").write_text(json.dumps(document))


def write_iper(raw, clip, person, side, openpose=True):
    folder = raw / "images_HD" / clip
    folder.mkdir(parents=True)
    (raw / "openpose" / clip).mkdir(parents=True)
    for i in range(len(person.pose)):
        write_image(folder / f"{i:04d}.jpg", np.full((side, side, 3), 40 * i, np.uint8))
        people = [{"pose_keypoints_2d": np.nan_to_num(person.keypoints[i]).ravel().astype(float).tolist()}]
        text = json.dumps({"people": people})
        (raw / "openpose" / clip / f"{i:012d}_keypoints.json").write_text(text)
    if not openpose:
        (raw / "openpose" / clip).rename(raw / "nothing")
    with (raw / "val.txt").open("a") as stream:
        stream.write(f"{clip}\n")
    write_pose_shape(raw / "smpls" / clip, person)


def write_pose_shape(folder, person, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    frames = len(person.pose)
    arrays = {"cams": person.cams, "pose": person.pose.reshape(frames, 72), "shape": person.shape} | changes
    (folder / "pose_shape.pkl").write_bytes(pickle.dumps(arrays))
