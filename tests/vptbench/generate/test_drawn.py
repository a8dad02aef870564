import dataclasses

import numpy as np

from vptbench.drawing import DWPOSE_COLOURS
from vptbench.generate.drawn import write_dwpose, write_skeleton_mp4, write_skeleton_png
from vptbench.image import read_image
from vptbench.skeleton import JOINT_COLOURS, missing_keypoints
from vptbench.testing.models import example_clip
from vptbench.video import read_video_info, video_to_frames


def poses_of(size=(64, 64)):
    clip = example_clip(frames=4, size=size)
    keypoints = missing_keypoints(4)
    for t in range(4):
        keypoints[t, 3], keypoints[t, 4] = (10 + 4 * t, 20, 1), (10 + 4 * t, 50, 1)
    return dataclasses.replace(clip.poses(0, 4), keypoints=keypoints, frames=(2, 3, 4, 5))


def test_pictures_bear_the_frames_numbers_and_hold_the_joints(tmp_path):
    for write, joint, limb in (
        (write_skeleton_png, JOINT_COLOURS[4], JOINT_COLOURS[4]),
        (write_dwpose, DWPOSE_COLOURS[4], (153, 153, 0)),
    ):
        folder = tmp_path / write.__name__
        write(None, poses_of(), folder)
        assert sorted(path.name for path in folder.iterdir()) == [f"{n:05d}.png" for n in (2, 3, 4, 5)]
        for t, number in enumerate((2, 3, 4, 5)):
            picture = read_image(folder / f"{number:05d}.png")
            assert picture.shape == (64, 64, 3)
            assert tuple(picture[50, 10 + 4 * t]) == joint
            assert tuple(picture[35, 10 + 4 * t]) == limb
            assert not picture[:10].any()


def test_videos_hold_the_same_pictures(tmp_path):
    poses = poses_of()
    write_skeleton_mp4(None, poses, tmp_path / "a.part")
    write_skeleton_png(None, poses, tmp_path / "png")
    (frames,) = video_to_frames(tmp_path / "a.part")
    assert read_video_info(tmp_path / "a.part").fps == poses.fps
    assert len(frames) == 4
    for frame, number in zip(frames, (2, 3, 4, 5), strict=True):
        picture = read_image(tmp_path / "png" / f"{number:05d}.png")
        assert np.abs(frame.astype(int) - picture).mean() < 3  # colours of thin lines suffer


def test_odd_sizes_get_a_black_row_or_column(tmp_path):
    write_skeleton_mp4(None, poses_of((63, 61)), tmp_path / "a.part")
    (frames,) = video_to_frames(tmp_path / "a.part")
    assert frames.shape == (4, 64, 62, 3)
    assert frames[:, 63].max() < 8
