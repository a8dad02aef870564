import numpy as np
import pytest

from vptbench.drawing import DWPOSE_COLOURS, draw_dwpose, draw_skeleton
from vptbench.skeleton import BODY_25, COCO_18, COCO_18_LIMBS, JOINT_COLOURS, missing_keypoints


def joints_at(**places):
    keypoints = missing_keypoints(1)[0]
    for name, place in places.items():
        keypoints[BODY_25.index(name)] = place
    return keypoints


def test_skeleton_is_drawn_where_joints_are_and_nowhere_else():
    keypoints = missing_keypoints(1)[0]
    keypoints[3] = (10, 8, 1)
    keypoints[4] = (20, 8, 1)
    black = np.zeros((32, 32, 3), np.uint8)
    drawn = draw_skeleton(black, keypoints)
    assert tuple(drawn[8, 10]) == JOINT_COLOURS[3]
    assert tuple(drawn[8, 15]) == JOINT_COLOURS[4]
    assert drawn[14:].max() == 0
    assert black.max() == 0


def test_widths_are_openposes():
    """At 300 pixels: a circle's stroke is 300/75 = 4, so that it reaches 2 + 4/2 pixels; a limb's is 3, which
    OpenCV, as for OpenPose, draws two pixels to each side."""
    keypoints = joints_at(RKnee=(40, 100, 1), RAnkle=(240, 100, 1))
    drawn = draw_skeleton(np.zeros((300, 300, 3), np.uint8), keypoints)
    across = (drawn[:, 140] > 127).any(-1)  # the middle of the limb
    assert np.flatnonzero(across).tolist() == [98, 99, 100, 101, 102]
    assert tuple(drawn[100, 140]) == JOINT_COLOURS[BODY_25.index("RAnkle")] == (0, 255, 255)
    disc = (drawn[:, 40] > 127).any(-1)
    assert np.flatnonzero(disc).tolist() == list(range(96, 105))
    assert tuple(drawn[98, 40]) == JOINT_COLOURS[BODY_25.index("RKnee")] == (0, 255, 170)


def test_dwpose_colours_are_the_published_ones():
    """Of util.py: [255, 0, 0], [255, 85, 0], [255, 170, 0], [255, 255, 0], [170, 255, 0], … [255, 0, 85]."""
    published = [
        (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0),
        (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255),
        (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
    ]  # fmt: skip
    assert list(DWPOSE_COLOURS) == published


def test_dwpose_limbs_are_dark_ellipses_and_joints_bright_discs():
    keypoints = joints_at(RElbow=(20, 30, 1), RWrist=(60, 30, 1))
    drawn = draw_dwpose((64, 96), keypoints)
    # limb 3 of COCO-18 is elbow to wrist: (255, 255, 0) at 0.6, rounded down, 4 pixels on each side
    assert tuple(drawn[30, 40]) == (153, 153, 0)
    assert np.flatnonzero(drawn[:, 40].any(-1)).tolist() == list(range(26, 35))
    assert np.flatnonzero(drawn[:, 29].any(-1)).size < 9  # thinner towards its ends
    assert tuple(drawn[30, 20]) == tuple(drawn[26, 20]) == (255, 255, 0)  # joint 3, radius 4
    assert tuple(drawn[30, 60]) == (170, 255, 0)
    assert not drawn[25, 20].any()
    assert not drawn[45:].any()


def test_dwpose_follows_a_slope():
    keypoints = joints_at(LHip=(20, 20, 1), LKnee=(60, 60, 1))
    drawn = draw_dwpose((80, 80), keypoints)
    colour = tuple(int(0.6 * part) for part in DWPOSE_COLOURS[COCO_18_LIMBS.index((11, 12))])
    assert tuple(drawn[40, 40]) == colour
    assert not drawn[30, 50].any()


def test_dwpose_leaves_out_what_coco_has_not_and_what_is_unsure():
    feet = joints_at(MidHip=(20, 20, 1), LBigToe=(30, 30, 1), RHeel=(40, 40, 1))
    assert not draw_dwpose((64, 64), feet).any()
    unsure = joints_at(RElbow=(20, 30, 0.29), RWrist=(50, 30, 0.3))
    drawn = draw_dwpose((64, 64), unsure)
    assert not drawn[:, :40].any()
    assert tuple(drawn[30, 50]) == (170, 255, 0)


def test_missing_people_leave_pictures_black():
    missing = missing_keypoints(1)[0]
    assert not draw_dwpose((16, 24), missing).any()
    assert not draw_skeleton(np.zeros((16, 24, 3), np.uint8), missing).any()


def test_joints_beyond_the_edge_do_no_harm():
    keypoints = joints_at(RElbow=(-500, 30, 1), RWrist=(5000, 30, 1))
    assert tuple(draw_dwpose((64, 64), keypoints)[30, 32]) == (153, 153, 0)
    assert tuple(draw_skeleton(np.zeros((64, 64, 3), np.uint8), keypoints)[30, 32]) == JOINT_COLOURS[4]


def test_coco_18_names_the_same_joints():
    """OpenPose's COCO model: nose, neck, right arm, left arm, right leg, left leg, eyes, ears."""
    assert [BODY_25[joint] for joint in COCO_18] == [
        "Nose", "Neck", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "RHip", "RKnee",
        "RAnkle", "LHip", "LKnee", "LAnkle", "REye", "LEye", "REar", "LEar",
    ]  # fmt: skip
    assert len(COCO_18_LIMBS) == 17


@pytest.mark.parametrize("far", [1e12, -1e12, 3e38])
def test_a_joint_far_off_does_no_harm(far):
    """Its limb leaves the picture where it should: to the right, along the row of its other end."""
    keypoints = missing_keypoints(1)[0]
    keypoints[1], keypoints[2] = (32, 20, 1), (far, 20, 1)  # neck and right shoulder
    frame = draw_skeleton(np.zeros((64, 64, 3), np.uint8), keypoints)
    side = slice(36, 64) if far > 0 else slice(0, 28)
    assert frame[20, side].any(axis=1).all()
    draw_dwpose((64, 64), keypoints)
