import dataclasses

import numpy as np
import pytest

from vptbench.errors import ShapeError
from vptbench.metrics.l1 import L1
from vptbench.metrics.protocol import check_frames, check_mask, check_pair, is_frame_metric

FRAMES = np.arange(2 * 4 * 6 * 3, dtype=np.uint8).reshape(2, 4, 6, 3)


class Distances:
    """A distribution metric as an outsider might write it: nothing imported."""

    def features(self, frames):
        return frames.mean((1, 2))


def test_kinds_are_told_apart_by_structure():
    assert is_frame_metric(L1)
    assert not is_frame_metric(Distances())


def test_views_become_contiguous_without_change():
    view = FRAMES[::-1, :, ::-2]
    assert not view.flags.c_contiguous
    checked = check_frames(view, "scored")
    assert checked.flags.c_contiguous
    np.testing.assert_array_equal(checked, view)


def test_a_single_frame_of_a_reversed_video_loses_its_negative_stride():
    view = FRAMES[:1][::-1]
    assert view.strides[0] < 0
    assert min(check_frames(view, "scored").strides) > 0


@pytest.mark.parametrize(
    ("frames", "found"),
    [
        (FRAMES.astype(np.float32), r"float32 \(2, 4, 6, 3\)"),
        (FRAMES[0], r"uint8 \(4, 6, 3\)"),
        (FRAMES[..., :1], r"uint8 \(2, 4, 6, 1\)"),
        (np.zeros((2, 4, 6, 4), np.uint8), r"uint8 \(2, 4, 6, 4\)"),
    ],
)
def test_refuses_what_is_no_frames(frames, found):
    with pytest.raises(
        ShapeError, match=rf"target frames: expected uint8 \(T, H, W, 3\), got {found}; convert"
    ):
        check_pair(FRAMES, frames)


def test_refuses_small_frames():
    with pytest.raises(ShapeError, match="generated frames: expected at least 5 × 5 pixels, got 4 × 6"):
        check_pair(FRAMES, FRAMES, least=5)


@pytest.mark.parametrize("generated", [FRAMES[:1], FRAMES[:, :3], FRAMES[:, :, :5]])
def test_refuses_pairs_that_differ(generated):
    with pytest.raises(ShapeError, match=r"shape \(2, 4, 6, 3\) as the target's, got .*nothing is resized"):
        check_pair(generated, FRAMES)


def test_definitions_are_values():
    assert (L1.needs, L1.floored, L1.unit, L1.network, dict(L1.settings)) == ((), False, "", None, {})
    assert dataclasses.replace(L1) == L1
    assert dataclasses.replace(L1, tolerance=1) != L1
    with pytest.raises(dataclasses.FrozenInstanceError):
        L1.tolerance = 1


@pytest.mark.parametrize(
    ("mask", "found"),
    [
        (np.ones((2, 4, 6), np.uint8), r"uint8 \(2, 4, 6\)"),
        (np.ones((2, 6, 4), bool), r"bool \(2, 6, 4\)"),
        (np.ones((2, 4, 6, 1), bool), r"bool \(2, 4, 6, 1\)"),
    ],
)
def test_refuses_a_mask_that_does_not_fit(mask, found):
    with pytest.raises(ShapeError, match=rf"mask: expected bool \(2, 4, 6\), got {found}; give the person's"):
        check_mask(mask, FRAMES)
    fits = np.zeros((2, 4, 6), bool)
    assert check_mask(fits, FRAMES) is fits
