"""The crop's one rule, held against dots, areas and edges."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.errors import PoseError, RegistryError
from vptbench.prepare.crop import CROPS, MARGIN, CropBox, keypoints_to_box, restore_crop
from vptbench.skeleton import missing_keypoints

H, W = 150, 131


def dot(x, y, sigma, shape=(H, W)):
    """A Gaussian dot at (x, y) on black, uint8 (1, H, W, 3)."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    grey = 250 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return np.repeat(np.round(grey).astype(np.uint8)[None, ..., None], 3, axis=-1)


def centroid(frame):
    weights = frame[..., 0].astype(np.float64)
    rows, columns = np.mgrid[: weights.shape[0], : weights.shape[1]]
    return np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()


@pytest.mark.parametrize(
    ("side", "size"), [(128, 64), (120, 64), (100, 37), (88, 88), (64, 128), (72, 131), (130, 256)]
)
@pytest.mark.parametrize(("x", "y"), [(60.0, 70.0), (60.25, 71.5), (58.37, 69.81)])
def test_a_dot_lands_on_its_keypoint(side, size, x, y):
    box = CropBox(x0=13, y0=17, side=side, size=size)
    moved = box.move_frames(dot(x, y, sigma=max(1.5, 0.6 / box.scale)))[0]
    keypoint = box.move_points(np.float32([[x, y, 1]]))[0]
    np.testing.assert_allclose(centroid(moved), keypoint[:2], atol=0.02)
    assert keypoint[2] == 1


@given(
    side=st.integers(60, 130), size=st.integers(32, 160), x0=st.integers(0, 1), y0=st.integers(0, 20),
    x=st.floats(-0.5, 0.5), y=st.floats(-0.5, 0.5),
)  # fmt: skip
def test_any_dot_lands_on_its_keypoint(side, size, x0, y0, x, y):
    box = CropBox(x0=x0, y0=y0, side=side, size=size)
    x, y = x0 + side / 2 + x, y0 + side / 2 + y
    moved = box.move_frames(dot(x, y, sigma=max(1.5, 0.6 / box.scale)))[0]
    np.testing.assert_allclose(centroid(moved), box.move_points(np.float32([[x, y]]))[0], atol=0.02)


def test_the_rule_by_hand():
    box = CropBox(x0=10, y0=20, side=40, size=20)
    # s = 0.5; the box's first pixel, 10, has its centre at (10 − 10 + 0.5)·0.5 − 0.5 = −0.25
    points = np.float32([[10, 20, 0.5], [49, 59, 1], [np.nan, np.nan, 0]])
    np.testing.assert_array_equal(
        box.move_points(points), np.float32([[-0.25, -0.25, 0.5], [19.25, 19.25, 1], [np.nan, np.nan, 0]])
    )
    np.testing.assert_array_equal(
        box.move_vertices(np.float32([[11, 22, -8]])), np.float32([[0.25, 0.75, -4]])
    )


def test_a_camera_moves_as_its_projections():
    box = CropBox(x0=-7, y0=20, side=40, size=60)
    points = np.random.default_rng(0).normal(size=(5, 3))

    def project(camera):  # x right, z up, y back, metres
        scale, x, y = camera
        return np.stack([scale * points[:, 0] + x, y - scale * points[:, 2], scale * points[:, 1]], 1)

    camera = np.float32([[30, 64, 70]])
    np.testing.assert_allclose(
        box.move_vertices(project(camera[0]).astype(np.float32)),
        project(box.move_camera(camera)[0]),
        atol=1e-4,
    )


def test_the_nearest_pixel_is_repeated_beyond_the_edge():
    frame = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(1, 4, 6, 3)
    moved = CropBox(x0=-2, y0=-3, side=10, size=10).move_frames(frame)[0]
    rows, columns = np.clip(np.arange(10) - 3, 0, 3), np.clip(np.arange(10) - 2, 0, 5)
    np.testing.assert_array_equal(moved, frame[0][rows][:, columns])


def test_a_mask_is_true_where_half_of_a_pixel_was_and_false_beyond_the_edge():
    mask = np.zeros((1, 8, 8), bool)
    mask[0, :, :3] = True
    # new column 1 takes 1/16, 7/16, 7/16, 1/16 of old columns 1 to 4, of which the first two count: 1/2. New
    # rows 0 and 3 lose the 1/16 that lies beyond the edge.
    np.testing.assert_array_equal(
        CropBox(x0=0, y0=0, side=8, size=4).move_masks(mask)[0],
        [
            [True, False, False, False],
            [True, True, False, False],
            [True, True, False, False],
            [True, *[False] * 3],
        ],
    )
    whole = np.ones((1, 4, 4), bool)
    moved = CropBox(x0=-4, y0=0, side=8, size=8).move_masks(whole)[0]
    np.testing.assert_array_equal(moved[:4], [[False] * 4 + [True] * 4] * 4)
    assert not moved[4:].any()


@pytest.mark.parametrize(("side", "size"), [(96, 64), (96, 96), (96, 200)])
def test_frame_and_mask_move_together(side, size):
    box = CropBox(x0=3, y0=9, side=side, size=size)
    rows, columns = np.mgrid[:H, :W]
    mask = ((columns - 50.3) ** 2 + (rows - 60.8) ** 2 < 30**2)[None]
    frames = np.repeat(mask[..., None], 3, axis=-1).astype(np.uint8) * 255
    bright = box.move_frames(frames)[0][..., 0] >= 128
    assert (bright != box.move_masks(mask)[0]).mean() < 1e-3


def keypoints_in(low, high, frames=3):
    keypoints = missing_keypoints(frames)
    keypoints[0, 0] = (*low, 1)
    keypoints[-1, 24] = (*high, 0.5)
    return keypoints


def test_clip_square_holds_the_confident_keypoints_of_all_frames_with_a_margin():
    keypoints = keypoints_in((200, 100), (260, 300))
    keypoints[1, 3] = (0, 0, 0.2)  # a guess: does not count
    box = keypoints_to_box("clip-square-v1", keypoints, (480, 640), 256)
    assert (box.side, box.size) == (256, 256)  # 1.25 · 200 = 250, up to a multiple of 8
    assert (box.x0 + box.side / 2, box.y0 + box.side / 2) == (230, 200)


def test_clip_square_lies_in_the_frame_or_holds_all_of_it():
    inside = keypoints_to_box("clip-square-v1", keypoints_in((5, 10), (60, 90)), (480, 640), 256)
    assert (inside.x0, inside.y0, inside.side) == (0, 0, 104)
    tall = keypoints_to_box("clip-square-v1", keypoints_in((100, 20), (180, 460)), (480, 360), 256)
    assert (tall.y0, tall.side) == (0, 480)
    assert tall.x0 <= 0
    assert tall.x0 + tall.side >= 360


@given(
    points=st.lists(st.tuples(st.floats(0, 359), st.floats(0, 479)), min_size=2, max_size=6),
    noise=st.floats(-0.2, 0.2),
)
def test_clip_square_keeps_every_keypoint_and_whole_pixels(points, noise):
    keypoints = missing_keypoints(1)
    keypoints[0, : len(points)] = [(x, y, 1) for x, y in points]
    box = keypoints_to_box("clip-square-v1", keypoints, (480, 360), 256)
    found = keypoints[0, : len(points), :2]
    assert (found >= (box.x0 - 0.5, box.y0 - 0.5)).all()
    assert (found <= (box.x0 + box.side - 0.5, box.y0 + box.side - 0.5)).all()
    keypoints[0, : len(points), :2] += noise
    assert abs(keypoints_to_box("clip-square-v1", keypoints, (480, 360), 256).side - box.side) in {0, 8}
    assert MARGIN > 1


@pytest.mark.parametrize(("raw_size", "square"), [((480, 361), (-60, 0, 480)), ((64, 64), (0, 0, 64))])
def test_full_holds_the_frame_in_its_middle(raw_size, square):
    box = keypoints_to_box("full-v1", missing_keypoints(1), raw_size, 128)
    assert (box.x0, box.y0, box.side) == square


def test_crops_that_are_unknown_or_find_nobody_are_refused():
    with pytest.raises(RegistryError, match="expected a known crop, got 'clip-square-v2'; did you mean"):
        keypoints_to_box("clip-square-v2", missing_keypoints(1), (64, 64), 64)
    with pytest.raises(PoseError, match=r"expected keypoints of confidence 0\.3 or more .* found none"):
        keypoints_to_box("clip-square-v1", missing_keypoints(2), (64, 64), 64)
    assert set(CROPS) == {"clip-square-v1", "full-v1", "bdmm-crop-v1", "gfla-squash-v1"}


@pytest.mark.parametrize("layout", ["fashionvideo", "iper"])
def test_the_margin_holds_a_dressed_person(layout, raw_folders):
    paths = sorted((raw_folders[layout] / "truth").rglob("*.npz"))
    assert paths
    for path in paths:
        with np.load(path) as truth:
            shift = np.float32([200, 200, 0])  # far from every edge, so that nothing moves the box
            box = keypoints_to_box("clip-square-v1", truth["keypoints"] + shift, (600, 600), 64)
            surface = box.move_vertices(truth["vertices"] + shift)[..., :2]
        assert ((surface > -0.5) & (surface < 63.5)).all()


@pytest.mark.parametrize("crop", CROPS)
def test_every_crop_moves_everything_and_later_frames_alike(crop):
    rng = np.random.default_rng(0)
    keypoints = np.ones((4, 25, 3), np.float32)
    keypoints[..., :2] = rng.uniform(20, 60, (4, 25, 2)) + np.arange(4)[:, None, None] * 6
    keypoints[1, 3] = (np.nan, np.nan, 0)
    masks = rng.random((4, 110, 90)) < 0.5
    vertices, camera = rng.random((4, 7, 3)).astype(np.float32), rng.random((4, 3)).astype(np.float32)
    box = keypoints_to_box(crop, keypoints, (110, 90), 48)
    frames = rng.integers(0, 256, (4, 110, 90, 3), np.uint8)
    for move, raw, shape in (
        ("move_frames", frames, (48, 48, 3)),
        ("move_masks", masks, (48, 48)),
        ("move_points", keypoints, (25, 3)),
        ("move_vertices", vertices, (7, 3)),
        ("move_camera", camera, (4,) if crop == "gfla-squash-v1" else (3,)),
    ):
        moved = getattr(box, move)(raw)
        assert (moved.shape, moved.dtype) == ((4, *shape), raw.dtype)
        later = [getattr(box.at(first), move)(raw[first : first + 1]) for first in range(4)]
        np.testing.assert_array_equal(np.concatenate(later), moved)
    attributes = json.loads(json.dumps(box.to_attributes()))
    rows = (4,) if crop == "bdmm-crop-v1" else ()
    assert np.shape(attributes["crop_box"]) == (*rows, 4)
    assert np.shape(attributes["scale"]) == (*rows, 2)
    # what the attributes say is what was done
    start, scale = (
        np.broadcast_to(attributes[name], (4, n))[:, None] for name, n in (("crop_box", 4), ("scale", 2))
    )
    np.testing.assert_allclose(
        box.move_points(keypoints)[..., :2],
        (keypoints[..., :2] - start[..., :2] + 0.5) * scale - 0.5,
        atol=1e-4,
    )
    np.testing.assert_allclose(start[..., 2:] * scale, 48, rtol=1e-12)


def as_stored(attributes):
    """As the attributes of a clip file are read: numbers through float64 arrays, beside others."""
    return {"clip": "a", **{name: np.asarray(value).tolist() for name, value in attributes.items()}}


@pytest.mark.parametrize("crop", CROPS)
@given(
    seed=st.integers(0, 2**32 - 1), raw=st.tuples(st.integers(20, 400), st.integers(20, 400)),
    frames=st.integers(1, 5), size=st.sampled_from([16, 63, 256]),
)  # fmt: skip
def test_a_crop_is_made_again_from_its_attributes(crop, seed, raw, frames, size):
    rng = np.random.default_rng(seed)
    keypoints = np.ones((frames, 25, 3), np.float32)
    keypoints[..., :2] = rng.uniform(-0.2, 1.2, (frames, 25, 2)) * (raw[1], raw[0])
    made = keypoints_to_box(crop, keypoints, raw, size)
    assert restore_crop(crop, as_stored(made.to_attributes()), raw, size) == made


BOX = {"crop_box": [10.0, 20.0, 64.0, 64.0], "scale": [0.5, 0.5]}
CUT = {
    "crop_box": [[10.0, 20.0, 64.0, 64.0]],
    "crop_inside": [[10.0, 20.0, 64.0, 64.0]],
    "scale": [[0.5, 0.5]],
}


def test_the_attributes_that_are_spoilt_below_are_right():
    assert restore_crop("clip-square-v1", BOX, (H, W), 32) == CropBox(10, 20, 64, 32)
    assert restore_crop("bdmm-crop-v1", CUT, (H, W), 32).to_attributes() == CUT


@pytest.mark.parametrize(
    ("crop", "right", "change"),
    [
        ("clip-square-v1", BOX, {"crop_box": [10.5, 20.0, 64.0, 64.0]}),  # between pixels
        ("clip-square-v1", BOX, {"crop_box": [10.0, 20.0, 64.0, 65.0]}),  # no square
        ("clip-square-v1", BOX, {"crop_box": [10.0, 20.0, 0.0, 0.0]}),  # empty
        ("clip-square-v1", BOX, {"crop_box": [100.0, 20.0, 64.0, 64.0]}),  # beyond the frame
        ("clip-square-v1", BOX, {"crop_box": [0.0, 0.0, 1e9, 1e9], "scale": [3.2e-8, 3.2e-8]}),
        ("clip-square-v1", BOX, {"crop_box": [float("nan")] * 4}),
        ("clip-square-v1", BOX, {"crop_box": "all"}),
        ("full-v1", BOX, {"scale": [0.5, 0.25]}),
        ("full-v1", BOX, {"crop_box": [[10.0, 20.0, 64.0, 64.0]]}),  # a row a frame
        ("bdmm-crop-v1", BOX, {}),
        ("bdmm-crop-v1", CUT, {"crop_inside": [[-1.0, 20.0, 64.0, 64.0]]}),
        ("bdmm-crop-v1", CUT, {"crop_inside": [[10.0, 20.0, 64.0, 640.0]]}),
        ("bdmm-crop-v1", CUT, {"crop_inside": [[10.0, 20.0, 60.0, 64.0]]}),  # then the box begins 2 before
        ("bdmm-crop-v1", CUT, {"crop_inside": [[10.0, 20.0, 64.0, 0.0]]}),
        ("gfla-squash-v1", BOX, {"crop_box": [0.0, 0.0, 64.0, 64.0]}),  # of another video
    ],
)
def test_attributes_that_no_crop_gives_are_refused(crop, right, change):
    with pytest.raises(
        PoseError, match=f"expected crop_box and scale as {crop} gives them for frames of 131×150"
    ):
        restore_crop(crop, right | change, (H, W), 32)


def test_unknown_crops_are_not_made_again():
    with pytest.raises(RegistryError, match="expected a known crop, got 'full-v2'"):
        restore_crop("full-v2", BOX, (H, W), 32)
