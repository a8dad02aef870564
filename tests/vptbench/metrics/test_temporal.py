import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vptbench.errors import ShapeError
from vptbench.metrics.temporal import FLICKER
from vptbench.testing.models import example_clip

SHAPE = (3, 6, 7, 3)
frames = arrays(np.uint8, SHAPE)
quick = settings(deadline=None, max_examples=25, derandomize=True)


def places_to_flow(x, y, known=True):
    """Pixels of the previous frame, (H, W) each, to normalised coordinates; −2 where not `known`."""
    height, width = x.shape
    flow = np.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1).astype(np.float32)
    flow[~np.broadcast_to(known, x.shape)] = -2
    return flow


def shifted(height, width, dx, dy):
    """Flow of a picture that moves by (−dx, −dy) pixels a frame; none where it comes from outside."""
    y, x = np.mgrid[:height, :width].astype(float)
    x, y = x + dx, y + dy
    return places_to_flow(x, y, (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1))


def call(generated, flow):
    return FLICKER.per_frame(generated=generated, target=np.zeros_like(generated), flow=flow)


def test_hand():
    # Both pixels of frame 1 come from the middle between 10 and 30, which is 20 (R alone): |20 − 20| and
    # |20 − 71| = 51 over 6 numbers, a fifth of the range: 0.2 / 6. Frame 2 sees the left pixel, 20, as it is.
    generated = np.zeros((3, 1, 2, 3), np.uint8)
    generated[:, 0, :, 0] = [[10, 30], [20, 71], [122, 9]]
    middle = places_to_flow(np.full((1, 2), 0.5), np.zeros((1, 2)))
    left = places_to_flow(np.zeros((1, 2)), np.zeros((1, 2)), np.array([[True, False]]))
    found = call(generated, [middle, middle, left])
    np.testing.assert_allclose(found, [np.inf, 0.2 / 6, 102 / 255 / 3], rtol=1e-14)


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (3, -2), (-5, 7), (1, 0)])
@pytest.mark.parametrize("size", [(96, 128), (100, 75), (31, 257)])
def test_hand_a_moved_picture_does_not_flicker(dx, dy, size):
    (height, width), start = size, 40
    picture = np.random.default_rng(0).integers(0, 256, (height + 80, width + 80, 3), np.uint8)
    video = np.stack([
        picture[start + dy * t : start + dy * t + height, start + dx * t : start + dx * t + width]
        for t in range(4)
    ])  # fmt: skip
    flow = [shifted(height, width, dx, dy)] * 4
    np.testing.assert_array_equal(call(video, flow), [np.inf, 0, 0, 0])
    assert (
        dx == dy == 0 or (call(video[:1].repeat(4, 0), flow)[1:] > 0.1).all()
    )  # a picture that stands still


def naive(previous, frame, flow):
    """The definition, pixel by pixel; places to the nearest 1/32 pixel, the edge repeated outside."""
    height, width = flow.shape[:2]
    differences = []
    for row, column in np.ndindex(height, width):
        if (flow[row, column] == -2).all():
            continue
        u, v = flow[row, column].astype(float)
        x, y = np.rint(((u + 1) * width - 1) / 2 * 32) / 32, np.rint(((v + 1) * height - 1) / 2 * 32) / 32
        left, top = int(np.floor(x)), int(np.floor(y))
        sampled = 0
        for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
            weight = (1 - abs(y - top - i)) * (1 - abs(x - left - j))
            place = min(max(top + i, 0), height - 1), min(max(left + j, 0), width - 1)
            sampled = sampled + weight * previous[place].astype(float)
        differences.append(np.abs(sampled - frame[row, column]))
    return np.mean(differences) / 255 if differences else np.inf


@quick
@given(frames, st.integers(0, 999), st.floats(0, 1))
def test_naive(generated, seed, share):
    generator = np.random.default_rng(seed)
    flow = generator.uniform(-1.1, 1.1, (*SHAPE[:3], 2)).astype(np.float32)
    flow[generator.random(SHAPE[:3]) > share] = -2
    expected = [np.inf, *(naive(generated[t - 1], generated[t], flow[t]) for t in range(1, SHAPE[0]))]
    found = call(generated, flow)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@quick
@given(frames, frames, st.integers(0, 999))
def test_property_bounds_target_batch_and_who_is_judged(generated, target, seed):
    flow = np.random.default_rng(seed).uniform(-1, 1, (*SHAPE[:3], 2)).astype(np.float32)
    value = FLICKER.per_frame(generated=generated, target=target, flow=flow)
    assert value[0] == np.inf
    assert ((value[1:] >= 0) & (value[1:] <= 1)).all()
    np.testing.assert_array_equal(value, call(generated, flow))  # the target's colours do not matter
    np.testing.assert_array_equal(value[2:], call(generated[1:], flow[1:])[1:])
    np.testing.assert_array_equal(value[:2], call(generated[:2], flow[:2]))
    constant = np.broadcast_to(generated[:1, :1, :1], SHAPE).copy()
    np.testing.assert_array_equal(call(constant, flow)[1:], 0)


def test_true_frames_have_a_floor_and_noise_lies_above_it():
    clip = example_clip(frames=5, size=(96, 96))
    flow = [clip.mesh_flow(max(t - 1, 0), t, visible_only=True) for t in range(5)]
    floor = call(clip.frames, flow)
    noise = np.random.default_rng(0).integers(-20, 21, clip.frames.shape)
    noisy = np.clip(clip.frames + noise, 0, 255).astype(np.uint8)
    assert (floor[1:] < 0.01).all()  # the example's cloth has its colours painted on
    assert (call(noisy, flow)[1:] > floor[1:] + 0.02).all()
    # Origin: this metric, NumPy 2.4.6, OpenCV 5.0.0, 2026-08. It pins the order of x and y and the edges.
    np.testing.assert_allclose(floor[1:], [0.004750945, 0.009355445, 0.009182280, 0.008459768], rtol=1e-4)


def test_frames_without_flow_and_empty_videos_have_no_value():
    video = np.zeros((2, 4, 5, 3), np.uint8)
    np.testing.assert_array_equal(call(video, [np.full((4, 5, 2), -2, np.float32)] * 2), [np.inf, np.inf])
    assert call(video[:0], []).shape == (0,)
    assert call(video[:1], [None]) == np.inf  # row 0 is not asked for


def test_refuses_flow_that_does_not_fit():
    video = np.zeros((2, 4, 5, 3), np.uint8)
    with pytest.raises(ShapeError, match="flow: expected 2 rows as the target has frames, got 1"):
        call(video, np.zeros((1, 4, 5, 2), np.float32))
    with pytest.raises(
        ShapeError, match=r"flow, row 1: expected float32 \(4, 5, 2\), got float32 \(5, 4, 2\); give it as"
    ):
        call(video, np.zeros((2, 5, 4, 2), np.float32))
    with pytest.raises(ShapeError, match=r"flow, row 1: expected float32 .* got float64"):
        call(video, np.zeros((2, 4, 5, 2)))
