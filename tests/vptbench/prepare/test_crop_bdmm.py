"""BDMM's growing box, held against hand values and against a plain rendering of the published steps."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.errors import PoseError, ShapeError
from vptbench.prepare.crop import keypoints_to_box
from vptbench.prepare.crop_bdmm import Cut, GrowingBox, growing_box
from vptbench.skeleton import missing_keypoints


def keypoints_of(*boxes, confidence=1.0):
    """Two joints a frame, at the corners of a box; None: nobody."""
    keypoints = missing_keypoints(len(boxes))
    for frame, box in zip(keypoints, boxes, strict=True):
        if box is not None:
            frame[0], frame[24] = (*box[:2], confidence), (*box[2:], confidence)
    return keypoints


def test_a_cut_by_hand():
    # Joints from (10, 20) to (30, 70): height 50·1.3 = 65 about 45: rows 12…77. Width 65 about 20, clipped:
    # columns 0…52. The width lacks 13: rows 6…84. Now it lacks 26: 13 on each side, clipped: columns 0…65.
    # 78 − 65 = 13 columns to fill, 6 before and 7 behind, although the frame has 80 columns.
    crop = growing_box(keypoints_of((10, 20, 30, 70)), (100, 80), 39)
    assert crop == GrowingBox(cuts=(Cut(left=0, top=6, right=65, bottom=84),), size=39)
    assert crop.to_attributes() == {
        "crop_box": [[-6, 6, 78, 78]],
        "crop_inside": [[0, 6, 65, 78]],
        "scale": [[0.5, 0.5]],
    }
    # (x + 6 + 0.5)/2 − 0.5, (y − 6 + 0.5)/2 − 0.5
    np.testing.assert_array_equal(
        crop.move_points(np.float32([[[-6, 6, 1], [10, 20, 0.5]]])), [[[-0.25, -0.25, 1], [7.75, 6.75, 0.5]]]
    )
    np.testing.assert_array_equal(crop.move_camera(np.float32([[30, -6, 6]])), [[15, -0.25, -0.25]])
    np.testing.assert_array_equal(crop.move_vertices(np.float32([[[-6, 6, -8]]])), [[[-0.25, -0.25, -4]]])


def test_in_the_middle_of_a_large_frame_it_is_a_square_of_1_3_heights():
    [cut] = growing_box(keypoints_of((480, 300, 520, 500)), (1000, 1000), 256).cuts
    assert (cut.right - cut.left, cut.side) == (260, 260)
    assert (cut.left, cut.top) == (370, 270)


def test_a_person_who_fills_a_portrait_frame_gets_borders_of_the_outermost_columns():
    crop = growing_box(keypoints_of((30, 4, 60, 96)), (100, 80), 100)
    assert crop.cuts == (Cut(left=0, top=0, right=80, bottom=100),)
    frame = np.random.default_rng(0).integers(0, 256, (1, 100, 80, 3), np.uint8)
    [moved] = crop.move_frames(frame)
    np.testing.assert_array_equal(moved[:, 10:90], frame[0])
    np.testing.assert_array_equal(moved[:, :10], np.repeat(frame[0][:, :1], 10, axis=1))
    np.testing.assert_array_equal(moved[:, 90:], np.repeat(frame[0][:, -1:], 10, axis=1))
    assert not crop.move_masks(np.ones((1, 100, 80), bool))[0][:, [0, 9, 90, 99]].any()
    assert crop.move_masks(np.ones((1, 100, 80), bool))[0][:, 10:90].all()


def test_the_box_grows_with_the_frames_and_never_shrinks():
    boxes = [(40, 40, 60, 80), (45, 45, 55, 75), (20, 40, 50, 80), (40, 40, 60, 90)]
    crop = growing_box(keypoints_of(*boxes), (200, 200), 64)
    first, same, wider, higher = crop.cuts
    assert same == first
    assert (wider.top, wider.bottom) == (first.top, first.bottom)
    assert (wider.left + wider.right) / 2 == 40  # about columns 20…60, no longer 40…60
    assert (first.side, higher.side) == (52, 65)
    np.testing.assert_array_equal(
        crop.at(3).move_points(np.float32([[[40, 65]]])),
        crop.move_points(np.float32([[[0, 0]]] * 3 + [[[40, 65]]]))[3:],
    )
    scales = [row[0] for row in crop.to_attributes()["scale"]]
    assert scales == [64 / 52, 64 / 52, 64 / 52, 64 / 65]


def test_a_frame_depends_on_no_later_one():
    boxes = [(40, 40, 60, 80), (30, 30, 70, 90), (10, 10, 90, 99)]
    whole = growing_box(keypoints_of(*boxes), (100, 100), 64)
    assert growing_box(keypoints_of(*boxes[:2]), (100, 100), 64).cuts == whole.cuts[:2]


def test_frames_with_nobody_are_cut_as_their_neighbours():
    box, larger = (40, 40, 60, 80), (30, 20, 70, 90)
    crop = growing_box(keypoints_of(None, None, box, None, larger, None), (100, 100), 64)
    one, two = crop.cuts[2], crop.cuts[4]
    assert crop.cuts == (one, one, one, one, two, two)
    assert one != two


def test_any_joint_that_was_found_counts_and_none_that_was_not():
    keypoints = keypoints_of((40, 40, 60, 80))
    sure = growing_box(keypoints, (100, 100), 64)
    keypoints[0, 3] = (45, 20, 0.01)
    assert growing_box(keypoints, (100, 100), 64).cuts[0].side > sure.cuts[0].side


def published(box, height, width):
    """The published steps one after another, with width and height taken for each other in the third."""
    x0, y0, x1, y1 = (float(v) for v in np.float32(box))
    tall = (y1 - y0) * 1.3
    middle_x, middle_y = (x0 + x1) // 2, (y0 + y1) // 2
    box = [0, max(0, int(middle_y - tall / 2)), 0, min(height, int(middle_y + tall / 2))]
    tall = box[3] - box[1]
    box[0], box[2] = max(0, int(middle_x - tall / 2)), min(width, int(middle_x + tall / 2))
    for swapped in (True, False):
        across, down = box[2] - box[0], box[3] - box[1]
        if swapped:
            stretch_x, lacks = across > down, abs(across - down)
        else:
            stretch_x, lacks = down > across, abs(across - down)
        before, behind = lacks // 2, lacks - lacks // 2
        axis, limit = (0, width) if stretch_x else (1, height)
        box[axis], box[axis + 2] = max(0, box[axis] - before), min(limit, box[axis + 2] + behind)
    return box


@given(
    corners=st.tuples(st.floats(0, 119), st.floats(0, 149), st.floats(0, 119), st.floats(0, 149)),
    seed=st.integers(0, 9), size=st.sampled_from([24, 60, 101]),
)  # fmt: skip
def test_any_cut_is_that_of_the_published_steps(corners, seed, size):
    x, y = sorted(corners[::2]), sorted(corners[1::2])
    if y[1] - y[0] < 4:
        y = [y[0], y[0] + 4]
    box = (x[0], y[0], x[1], y[1])
    crop = growing_box(keypoints_of(box), (150, 120), size)
    left, top, right, bottom = published(box, 150, 120)
    assert crop.cuts == (Cut(left=left, top=top, right=right, bottom=bottom),)
    frame = np.random.default_rng(seed).integers(0, 256, (150, 120, 3), np.uint8)
    lacks = (bottom - top) - (right - left)
    columns = np.clip(np.arange(left - lacks // 2, right + lacks - lacks // 2), left, right - 1)
    expected = cv2.resize(frame[top:bottom][:, columns], (size, size))
    np.testing.assert_array_equal(crop.move_frames(frame[None])[0], expected)


@pytest.mark.parametrize("centre", [(100.25, 120.5), (30.0, 120.75), (170.5, 60.0)])
def test_pixels_points_and_masks_move_together(centre):
    rows, columns = np.mgrid[:240, :200]
    x, y = centre
    mask = ((columns - x) ** 2 + (rows - y) ** 2 < 12**2)[None]
    crop = growing_box(keypoints_of((x - 20, y - 40, x + 20, y + 40)), (240, 200), 48)
    frames = np.repeat(mask[..., None], 3, axis=-1).astype(np.uint8) * 255
    bright = crop.move_frames(frames)[0][..., 0].astype(float)
    new_rows, new_columns = np.mgrid[:48, :48]
    found = np.array([(new_columns * bright).sum(), (new_rows * bright).sum()]) / bright.sum()
    # The published keypoints, (x − x0)·s, would lie (1 − s)/2 > 0.2 px beside that.
    np.testing.assert_allclose(found, crop.move_points(np.float32([[centre]]))[0, 0], atol=0.1)
    assert ((bright >= 128) != crop.move_masks(mask)[0]).mean() < 5e-3


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([None, None], "expected joints to find the person by, found none in any frame"),
        (
            [(5, 5, 9, 5)],
            r"up to frame 0 to span some height within 50×60 pixels, found a box from \(5",
        ),
        ([(5, 80, 9, 95)], "up to frame 0 to span some height within 50×60 pixels"),
        ([(90, 10, 99, 40)], "up to frame 0 to span some height within 50×60 pixels"),
    ],
)
def test_boxes_without_a_picture_are_refused(boxes, message):
    with pytest.raises(PoseError, match=message):
        keypoints_to_box("bdmm-crop-v1", keypoints_of(*boxes), (60, 50), 64)


def test_more_frames_than_cuts_are_refused():
    crop = growing_box(keypoints_of((10, 10, 20, 40)), (60, 50), 64)
    with pytest.raises(ShapeError, match="expected at most 1 frames, one for each cut, got 2"):
        crop.move_frames(np.zeros((2, 60, 50, 3), np.uint8))
    with pytest.raises(ShapeError, match="expected at most 0 frames"):
        crop.at(1).move_points(np.zeros((1, 25, 3), np.float32))
