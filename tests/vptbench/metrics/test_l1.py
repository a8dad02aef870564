import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import data

from vptbench.errors import ShapeError
from vptbench.metrics.l1 import L1, L1_BACKGROUND, L1_BDMM, L1_DISCO, L1_PERSON

SHAPE = (2, 4, 5, 3)
frames = arrays(np.uint8, SHAPE)
masks = arrays(np.bool_, SHAPE[:3])
quick = settings(deadline=None, max_examples=40, derandomize=True)

WHOLE = [L1, L1_BDMM, L1_DISCO]
REGIONS = [L1_PERSON, L1_BACKGROUND]


@pytest.mark.parametrize(
    ("metric", "first", "second"),
    [
        (L1, 0.2, 1),  # |differences| 255 + 51 over 6 numbers: 51 of 255; no wrap-around: 1
        (L1_BDMM, 0.4, 2),  # on [−1, 1] the range is 2
        (L1_DISCO, 25.5, 127.5),  # 51 and 255, over the 2 pixels once more
    ],
)
def test_hand(metric, first, second):
    target = np.zeros((2, 1, 2, 3), np.uint8)
    generated = target.copy()
    generated[0, 0, 0] = (255, 51, 0)
    generated[1] = 255
    for pair in ((generated, target), (target, generated)):
        found = metric.per_frame(generated=pair[0], target=pair[1])
        np.testing.assert_allclose(found, [first, second], rtol=1e-15)


def test_hand_regions():
    # The left pixel differs by 255, 51 and 0, the right one by 51 in each: 2/5 and 1/5.
    target = np.zeros((1, 1, 2, 3), np.uint8)
    generated = np.array([[[[255, 51, 0], [51, 51, 51]]]], np.uint8)
    mask = np.array([[[True, False]]])
    found = [metric.per_frame(generated=generated, target=target, mask=mask)[0] for metric in REGIONS]
    np.testing.assert_allclose(found, [0.4, 0.2], rtol=1e-15)
    assert L1_PERSON.per_frame(generated=generated, target=target, mask=mask & ~mask) == np.inf
    assert L1_BACKGROUND.per_frame(generated=generated, target=target, mask=mask | ~mask) == np.inf


@quick
@given(frames, frames, masks)
def test_naive(generated, target, mask):
    def mean(x, y):
        differences = [abs(int(a) - int(b)) for a, b in zip(x.ravel(), y.ravel(), strict=True)]
        return sum(differences) / len(differences) if differences else np.inf

    means = np.array([mean(x, y) for x, y in zip(generated, target, strict=True)])
    for metric, expected in ((L1, means / 255), (L1_BDMM, means / 127.5), (L1_DISCO, means / 20)):
        found = metric.per_frame(generated=generated, target=target)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    for metric, region in ((L1_PERSON, mask), (L1_BACKGROUND, ~mask)):
        kept = [mean(x[here], y[here]) / 255 for x, y, here in zip(generated, target, region, strict=True)]
        found = metric.per_frame(generated=generated, target=target, mask=mask)
        np.testing.assert_allclose(found, kept, rtol=1e-12)


@pytest.mark.parametrize("metric", WHOLE + REGIONS, ids=lambda metric: metric.id)
@quick
@given(a=frames, b=frames, mask=masks, order=st.permutations(range(2)))
def test_property_bounds_symmetry_identity_order_batch(metric, a, b, mask, order):
    mask[:, 0, 0], mask[:, 0, 1] = True, False

    def call(x, y, rows=slice(None)):
        more = {"mask": mask[rows]} if metric in REGIONS else {}
        return metric.per_frame(generated=x[rows], target=y[rows], **more)

    value = call(a, b)
    assert ((value >= 0) & (value <= {"l1-bdmm-v1": 2, "l1-disco-v1": 12.75}.get(metric.id, 1))).all()
    np.testing.assert_array_equal(value, call(b, a))
    np.testing.assert_array_equal(call(a, a), [0, 0])
    np.testing.assert_array_equal(value[order], call(a, b, order))
    np.testing.assert_array_equal(value[:1], call(a, b, slice(1)))


@quick
@given(frames, frames, masks)
def test_property_both_regions_make_up_the_whole(a, b, mask):
    mask[:, 0, 0], mask[:, 0, 1] = True, False
    person, rest = (metric.per_frame(generated=a, target=b, mask=mask) for metric in REGIONS)
    share = mask.mean((1, 2))
    whole = L1.per_frame(generated=a, target=b)
    np.testing.assert_allclose(share * person + (1 - share) * rest, whole, rtol=1e-12)


def test_golden_regions():
    # Origin: NumPy 2.4.6 in float64, `abs(x - y).mean() / 255` of scikit-image 0.26.0's astronaut against its
    # mirror, over the left 200 columns and over the others, 2026-08.
    picture = data.astronaut()[None]
    mask = np.indices((1, 512, 512))[2] < 200
    found = [
        metric.per_frame(generated=picture, target=picture[:, :, ::-1], mask=mask)[0] for metric in REGIONS
    ]
    np.testing.assert_allclose(found, [0.36163642514297384, 0.3239729073052833], rtol=1e-13)


def test_refuses_another_size():
    with pytest.raises(
        ShapeError, match=r"expected generated frames of shape \(2, 4, 5, 3\).*got \(2, 5, 4, 3\)"
    ):
        L1.per_frame(generated=np.zeros((2, 5, 4, 3), np.uint8), target=np.zeros(SHAPE, np.uint8))
    with pytest.raises(ShapeError, match=r"mask: expected bool \(2, 4, 5\), got bool \(2, 5, 4\)"):
        L1_PERSON.per_frame(
            generated=np.zeros(SHAPE, np.uint8), target=np.zeros(SHAPE, np.uint8),
            mask=np.zeros((2, 5, 4), bool),
        )  # fmt: skip
