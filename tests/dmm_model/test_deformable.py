import math

import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional
from torchvision.ops import deform_conv2d

from dmm_model.deformable import TAPS, _by_torchvision, deformable_convolution


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def drawn_inputs(shape, out, reach):
    """Map, offsets up to about `reach` pixels, masks in 0..2, weights and bias."""
    batch, channels, height, width = shape
    return [
        drawn(*shape),
        reach * drawn(batch, 2 * TAPS, height, width, seed=1),
        2 * drawn(batch, TAPS, height, width, seed=2).sigmoid(),
        drawn(batch, out, channels, 3, 3, seed=3),
        drawn(out, seed=4),
    ]


def still(shape, out=1):
    """Inputs of a convolution that moves nothing and only looks at the middle of its window."""
    x, offset, mask, weight, bias = drawn_inputs((1, 1, *shape), out, 0)
    weight.zero_()[:, :, 0, 1, 1] = 1
    return x, offset, torch.ones_like(mask), weight, torch.zeros_like(bias)


def naive(x, offset, mask, weight, bias):
    """The definition, one sample after another."""
    batch, channels, height, width = x.shape
    found = bias[None, :, None, None].repeat(batch, 1, height, width)

    def pixel(n, c, row, column):
        return float(x[n, c, row, column]) if 0 <= row < height and 0 <= column < width else 0.0

    def sample(n, c, y, x_):
        top, left = math.floor(y), math.floor(x_)
        return sum(
            pixel(n, c, row, column) * (1 - abs(y - row)) * (1 - abs(x_ - column))
            for row in (top, top + 1)
            for column in (left, left + 1)
        )

    for n, row, column, k, c in torch.cartesian_prod(
        *(torch.arange(end) for end in (batch, height, width, TAPS, channels))
    ).tolist():
        y = row + k // 3 - 1 + float(offset[n, 2 * k, row, column])
        x_ = column + k % 3 - 1 + float(offset[n, 2 * k + 1, row, column])
        value = sample(n, c, y, x_) * float(mask[n, k, row, column])
        found[n, :, row, column] += weight[n, :, c, k // 3, k % 3] * value
    return found


@pytest.mark.parametrize("reach", [0.3, 3.0], ids=["near", "partly outside"])
def test_against_loops(reach):
    inputs = drawn_inputs((2, 2, 4, 5), 3, reach)
    torch.testing.assert_close(deformable_convolution(*inputs), naive(*inputs), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("reach", [0.5, 4.0, 1000.0], ids=["near", "partly outside", "far outside"])
def test_values_and_gradients_are_those_of_torchvision(reach):
    inputs = [tensor.requires_grad_() for tensor in drawn_inputs((2, 3, 6, 7), 4, reach)]
    x, offset, mask, weight, bias = inputs
    single = [
        deform_conv2d(x[n : n + 1], offset[n : n + 1], weight[n], bias, padding=1, mask=mask[n : n + 1])
        for n in range(2)
    ]
    expected = torch.cat(single)
    folded = _by_torchvision(x, offset, mask, weight) + bias[:, None, None]
    torch.testing.assert_close(folded, expected, rtol=1e-12, atol=1e-12)
    found = deformable_convolution(*inputs)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    factor = drawn(*found.shape, seed=5)
    torch.testing.assert_close(
        torch.autograd.grad((found * factor).sum(), inputs),
        torch.autograd.grad((expected * factor).sum(), inputs),
        rtol=1e-11,
        atol=1e-11,
    )


def test_gradients_are_differences():
    x, offset, mask, weight, bias = drawn_inputs((2, 2, 3, 4), 2, 2.0)
    offset = offset.floor() + 0.2 + 0.6 * drawn(*offset.shape, seed=6).sigmoid()  # never at a pixel
    inputs = [tensor.requires_grad_() for tensor in (x, offset, mask, weight, bias)]
    assert gradcheck(deformable_convolution, inputs)


def test_without_displacement_it_is_a_convolution():
    x, offset, mask, weight, bias = drawn_inputs((2, 3, 5, 6), 4, 0)
    expected = torch.cat([functional.conv2d(x[n : n + 1], weight[n], bias, padding=1) for n in range(2)])
    found = deformable_convolution(x, offset, torch.ones_like(mask), weight, bias)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_even_channels_of_offsets_are_y_downward_odd_ones_x_to_the_right():
    x, offset, mask, weight, bias = still((4, 5))
    offset[:, 8], offset[:, 9] = 2, -1  # of the middle, tap 4: two rows below and one column to the left
    found = deformable_convolution(x, offset, mask, weight, bias)[0, 0]
    assert torch.equal(found[:2, 1:], x[0, 0, 2:, :4])
    assert (found[2:] == 0).all()
    assert (found[:, 0] == 0).all()


def test_each_tap_has_its_own_offset_and_mask():
    x, offset, mask, weight, bias = still((4, 5))
    offset[:, [n for n in range(18) if n not in {8, 9}]] = 3
    mask[:, [n for n in range(9) if n != 4]] = 5
    assert torch.equal(deformable_convolution(x, offset, mask, weight, bias), x)
    mask[:, 4] = 0.5
    assert torch.equal(deformable_convolution(x, offset, mask, weight, bias), x / 2)


def test_samples_between_the_last_pixel_and_the_outside_fade():
    x, offset, mask, weight, bias = still((1, 2))
    x[0, 0, 0] = torch.tensor([8.0, 4.0])
    offset[:, 9] = 0.75  # a quarter of each pixel, three quarters of the next, which is 4 or outside
    found = deformable_convolution(x, offset, mask, weight, bias)
    assert found.flatten().tolist() == [2 + 3, 1 + 0]
    offset[:, 9], offset[:, 8] = 0, -0.25
    assert deformable_convolution(x, offset, mask, weight, bias).flatten().tolist() == [6, 3]


@pytest.mark.parametrize("far", [1e3, -1e3, 1e9, -1e30])
def test_far_outside_is_zero_and_pulls_nowhere(far):
    inputs = [tensor.requires_grad_() for tensor in drawn_inputs((1, 2, 4, 5), 3, 0)]
    x, offset, mask, weight, bias = inputs
    found = deformable_convolution(x, offset + far, mask, weight, bias)
    assert torch.equal(found, bias[None, :, None, None].expand_as(found))
    found.sum().backward()
    for still_there in (x, offset, mask, weight):
        assert (still_there.grad == 0).all()


def test_offsets_that_are_no_numbers_make_results_that_are_none():
    x, offset, mask, weight, bias = drawn_inputs((1, 2, 4, 5), 3, 0.5)
    whole = deformable_convolution(x, offset, mask, weight, bias)
    offset[0, 3, 2, 1] = math.nan
    found = deformable_convolution(x, offset, mask, weight, bias)
    assert found[0, :, 2, 1].isnan().all()
    found[0, :, 2, 1] = whole[0, :, 2, 1]
    assert torch.equal(found, whole)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_finds_the_same_pixels(kind):
    # 300 columns: neither type counts the pixels of a map exactly.
    torch.manual_seed(0)
    x, weight = torch.randn(1, 1, 20, 300), torch.zeros(1, 1, 1, 3, 3)
    weight[..., 1, 1] = 1
    offset = torch.full((1, 2 * TAPS, 20, 300), 0.5)
    mask, bias = torch.ones(1, TAPS, 20, 300), torch.zeros(1)
    inputs = [tensor.to(kind) for tensor in (x, offset, mask, weight, bias)]
    found = deformable_convolution(*inputs)
    assert found.dtype == kind
    expected = deformable_convolution(*(tensor.float() for tensor in inputs))
    torch.testing.assert_close(found.float(), expected, rtol=0.02, atol=0.02)
