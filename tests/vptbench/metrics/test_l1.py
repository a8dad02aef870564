import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import data

from vptbench.errors import ShapeError
from vptbench.metrics.l1 import L1

SHAPE = (2, 4, 5, 3)
frames = arrays(np.uint8, SHAPE)
quick = settings(deadline=None, max_examples=40, derandomize=True)


def test_hand():
    target = np.zeros((2, 1, 2, 3), np.uint8)
    generated = target.copy()
    generated[0, 0, 0] = (255, 51, 0)  # |differences| 255 + 51 over 6 numbers: 51 / 255 = 0.2
    generated[1] = 255  # no wrap-around: 1
    np.testing.assert_allclose(L1().per_frame(generated=generated, target=target), [0.2, 1], rtol=1e-15)
    np.testing.assert_allclose(L1().per_frame(generated=target, target=generated), [0.2, 1], rtol=1e-15)


@quick
@given(frames, frames)
def test_naive(generated, target):
    expected = [
        sum(abs(int(a) - int(b)) for a, b in zip(x.ravel(), y.ravel(), strict=True)) / (255 * x.size)
        for x, y in zip(generated, target, strict=True)
    ]
    found = L1().per_frame(generated=generated, target=target)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@quick
@given(frames, frames, st.permutations(range(2)))
def test_property_bounds_symmetry_identity_order(a, b, order):
    value = L1().per_frame(generated=a, target=b)
    assert ((value >= 0) & (value <= 1)).all()
    np.testing.assert_array_equal(value, L1().per_frame(generated=b, target=a))
    np.testing.assert_array_equal(L1().per_frame(generated=a, target=a), [0, 0])
    np.testing.assert_array_equal(value[order], L1().per_frame(generated=a[order], target=b[order]))


def test_golden_astronaut():
    # Origin: NumPy in float64 (scikit-image 0.26.0's astronaut against its mirror, NumPy 2.4.6,
    # 2026-08): mean |a - b| is 86.36473083496094 on 0..255, 0.33868521896063114 of the range.
    picture = data.astronaut()[None]
    np.testing.assert_allclose(
        L1().per_frame(generated=picture, target=picture[:, :, ::-1]), [0.33868521896063114], rtol=1e-14
    )


def test_refuses_another_size():
    with pytest.raises(
        ShapeError, match=r"expected generated frames of shape \(2, 4, 5, 3\).*got \(2, 5, 4, 3\)"
    ):
        L1().per_frame(generated=np.zeros((2, 5, 4, 3), np.uint8), target=np.zeros(SHAPE, np.uint8))
