"""Poses as OpenPose's own files: a folder with one JSON a frame."""

import json
from pathlib import Path

from vptbench.clip import PoseClip, SourceFrame
from vptbench.generate.export import InputFormat
from vptbench.generate.names import part_to_name
from vptbench.skeleton import keypoints_to_openpose


def write_openpose_json(_source: SourceFrame, poses: PoseClip, path: Path) -> None:
    """Write ``<clip>_<frame>_keypoints.json``, as OpenPose names them for a video: BODY_25, twelve digits.

    Frames are numbered as in the driving clip, whose own name, without folders, stands in front.
    """
    path.mkdir()
    name = part_to_name(poses.clip.rsplit("/", maxsplit=1)[-1])
    for number, joints in zip(poses.frames, poses.keypoints, strict=True):
        text = json.dumps(keypoints_to_openpose(joints), separators=(",", ":"), allow_nan=False)
        file = path / f"{name}_{number:012d}_keypoints.json"
        file.write_text(text + "\n", encoding="utf-8", newline="\n")


OPENPOSE_JSON = InputFormat("", write_openpose_json)
