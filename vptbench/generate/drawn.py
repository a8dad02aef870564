"""Poses as pictures on black: OpenPose's skeleton, and DWPose's."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from vptbench.clip import PoseClip, SourceFrame
from vptbench.drawing import draw_dwpose, draw_skeleton
from vptbench.generate.export import InputFormat
from vptbench.image import Frame, write_image
from vptbench.outputs.schema import number_to_name
from vptbench.video import frames_to_video


def write_skeleton_png(_source: SourceFrame, poses: PoseClip, path: Path) -> None:
    """Write ``<frame>.png``, numbered as in the driving clip: BODY_25 in OpenPose's colours."""
    _write_pictures(_skeletons(poses), poses, path)


def write_skeleton_mp4(_source: SourceFrame, poses: PoseClip, path: Path) -> None:
    """Write the same pictures as one H.264 video, lossy, of the clip's frame rate.

    Where height or width is odd, which H.264 does not know, a black row or column is added at the end.
    """
    height, width = poses.size
    padding = (0, height % 2), (0, width % 2), (0, 0)
    frames_to_video((np.pad(frame, padding) for frame in _skeletons(poses)), path, fps=poses.fps)


def write_dwpose(_source: SourceFrame, poses: PoseClip, path: Path) -> None:
    """Write ``<frame>.png``, numbered as in the driving clip: the body as ControlNet's DWPose draws it.

    Without hands and face, which BODY_25 has not.
    """
    _write_pictures((draw_dwpose(poses.size, joints) for joints in poses.keypoints), poses, path)


def _skeletons(poses: PoseClip) -> Iterator[Frame]:
    black = np.zeros((*poses.size, 3), np.uint8)
    return (draw_skeleton(black, joints) for joints in poses.keypoints)


def _write_pictures(pictures: Iterable[Frame], poses: PoseClip, path: Path) -> None:
    path.mkdir()
    for number, picture in zip(poses.frames, pictures, strict=True):
        write_image(path / number_to_name(number), picture)


SKELETON_PNG = InputFormat("", write_skeleton_png)
SKELETON_MP4 = InputFormat(".mp4", write_skeleton_mp4)
DWPOSE = InputFormat("", write_dwpose)
