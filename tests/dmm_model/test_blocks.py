import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import gradcheck
from torch.func import functional_call
from torch.nn import functional

from dmm_model.blocks import (
    Blur,
    Encoder,
    EncoderBlock,
    EqualLinear,
    InstanceNorm,
    ModulatedWeight,
    ResidualBlock,
    StyledActivation,
    StyledConvolution,
    ToRgb,
    convolve,
    sample_by_sample,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "blocks.npz"

# Per stored output: block, salt of its weights, published keys and shapes of its state.
STYLED = {
    "bias": (1, 12, 1, 1),
    "conv.weight": (1, 12, 16, 3, 3),
    "conv.modulation.weight": (16, 32),
    "conv.modulation.bias": (16,),
    "activate.bias": (12,),
}
NORMED = {f"model.{place}.{kind}": (16,) for place in (0, 3) for kind in ("weight", "bias")}
KINDS = {
    "styled_up": (
        lambda: StyledConvolution(16, 12, 32, up=True), "up.", STYLED | {"conv.blur.kernel": (4, 4)}
    ),
    "styled_direct": (lambda: StyledConvolution(16, 12, 32), "direct.", STYLED),
    "to_rgb": (
        lambda: ToRgb(16, 32),
        "rgb.",
        {
            "bias": (1, 3, 1, 1),
            "conv.weight": (1, 3, 16, 1, 1),
            "conv.modulation.weight": (16, 32),
            "conv.modulation.bias": (16,),
        },
    ),
    "encoder": (
        lambda: EncoderBlock(16, 12),
        "enc.",
        NORMED
        | {"model.3.weight": (12,), "model.3.bias": (12,)}
        | {"model.2.weight": (12, 16, 4, 4), "model.2.bias": (12,)}
        | {"model.5.weight": (12, 12, 3, 3), "model.5.bias": (12,)},
    ),
    "residual": (
        lambda: ResidualBlock(16, 12),
        "res.",
        NORMED
        | {"model.2.weight": (16, 16, 3, 3), "model.2.bias": (16,)}
        | {"model.5.weight": (12, 16, 3, 3), "model.5.bias": (12,)}
        | {"shortcut.0.weight": (12, 16, 1, 1), "shortcut.0.bias": (12,)},
    ),
}  # fmt: skip


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def run(block, x, style):
    """A block as the generator calls it."""
    return block(x, block.conv(style)) if hasattr(block, "conv") else block(x)


def gradients(outputs, inputs):
    """Of a sum of `outputs` with different factors, with respect to each of `inputs`."""
    return torch.autograd.grad((outputs * drawn(*outputs.shape, seed=99)).sum(), inputs)


def assert_equal_with_gradients(found, expected, inputs):
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(gradients(found, inputs), gradients(expected, inputs), rtol=1e-10, atol=1e-10)


# Golden. Origin: tests/golden/ORIGIN.md, the published modules on weights and inputs drawn from names.


@pytest.mark.parametrize("name", KINDS)
def test_blocks_golden(name, golden_rule, filled):
    make, salt, _ = KINDS[name]
    x = torch.from_numpy(golden_rule.normal((2, 16, 10, 14), "dmm.x"))
    style = torch.from_numpy(golden_rule.normal((2, 32), "dmm.style"))
    with np.load(GOLDEN) as stored, torch.no_grad():
        np.testing.assert_allclose(run(filled(make(), salt), x, style), stored[name], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
def test_keys_and_shapes_are_the_published_ones(name):
    make, _, expected = KINDS[name]
    assert {key: tuple(value.shape) for key, value in make().state_dict().items()} == expected


# Against the published way: weights of each sample, folded into the groups of one convolution.


def published_weight(conv, style):
    """(B, C', C, k, k), step by step as published."""
    _, out, channels, size, _ = conv.weight.shape
    modulation = functional.linear(
        style, conv.modulation.weight * (1 / math.sqrt(style.shape[1])), conv.modulation.bias
    )
    weight = conv.weight * (1 / math.sqrt(channels * size**2)) * modulation.view(-1, 1, channels, 1, 1)
    if conv.demodulate:
        norm = torch.rsqrt(weight.pow(2).sum([2, 3, 4]) + 1e-8)
        weight = weight * norm.view(len(style), out, 1, 1, 1)
    return weight


def grouped(x, weight):
    """All samples in one convolution, one group each."""
    batch, out, channels, size, _ = weight.shape
    folded = x.reshape(1, batch * channels, *x.shape[2:])
    kernels = weight.reshape(batch * out, channels, size, size)
    return functional.conv2d(folded, kernels, padding=size // 2, groups=batch).view(batch, out, *x.shape[2:])


def grouped_up(x, weight):
    batch, out, channels, size, _ = weight.shape
    folded = x.reshape(1, batch * channels, *x.shape[2:])
    kernels = weight.transpose(1, 2).reshape(batch * channels, out, size, size)
    larger = functional.conv_transpose2d(folded, kernels, stride=2, groups=batch)
    filter_ = torch.outer(*[torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype)] * 2) / 64 * 4
    blurred = functional.conv2d(
        larger, filter_.flip(0, 1).expand(batch * out, 1, 4, 4), padding=1, groups=batch * out
    )
    return blurred.view(batch, out, 2 * x.shape[2], 2 * x.shape[3])


@pytest.mark.parametrize("kind", ["up", "direct", "rgb"])
def test_styled_blocks_are_grouped_convolutions(kind):
    torch.manual_seed(0)
    block = (ToRgb(4, 6) if kind == "rgb" else StyledConvolution(4, 3, 6, up=kind == "up")).double()
    for parameter in block.parameters():
        nn.init.normal_(parameter)
    x, style = drawn(3, 4, 5, 6).requires_grad_(), drawn(3, 6, seed=1).requires_grad_()
    weight = published_weight(block.conv, style)
    expected = (grouped_up if kind == "up" else grouped)(x, weight) + block.bias
    if kind != "rgb":
        biased = expected + block.activate.bias.view(1, -1, 1, 1)
        expected = math.sqrt(2) * functional.leaky_relu(biased, 0.2)
    assert_equal_with_gradients(run(block, x, style), expected, (x, style, *block.parameters()))


@pytest.mark.parametrize("batch", [1, 3])
def test_weights_without_style_are_shared(batch):
    torch.manual_seed(0)
    conv = ModulatedWeight(4, 3, 3, 0, demodulate=True)
    assert list(conv.state_dict()) == ["weight"]
    found = conv(torch.randn(batch, 6))
    assert found.shape == (batch, 3, 4, 3, 3)
    for weight in found:
        torch.testing.assert_close(weight, functional.normalize(conv.weight[0], dim=(1, 2, 3)))


def test_demodulated_weights_have_unit_norm_whatever_the_style():
    torch.manual_seed(0)
    conv = ModulatedWeight(4, 3, 3, 6, demodulate=True).double()
    found = conv(100 * drawn(5, 6))
    norms = torch.linalg.vector_norm(found, dim=(2, 3, 4))
    torch.testing.assert_close(norms, torch.ones(5, 3, dtype=torch.float64), rtol=1e-6, atol=0)
    assert (found[0] - found[1]).abs().max() > 0.1


@pytest.mark.parametrize("up", [True, False])
def test_gradients_of_styled_convolutions_are_differences(up):
    torch.manual_seed(0)
    block = StyledConvolution(2, 3, 4, up=up).double()
    names = [name for name, _ in block.named_parameters()]

    def outputs(x, style, *parameters):
        given = dict(zip(names, parameters, strict=True))
        conv = {key.removeprefix("conv."): value for key, value in given.items() if key[:5] == "conv."}
        return functional_call(block, given, (x, functional_call(block.conv, conv, (style,))))

    values = [drawn(*parameter.shape, seed=5 + n) for n, parameter in enumerate(block.parameters())]
    inputs = [drawn(2, 2, 3, 2), drawn(2, 4, seed=1), *values]
    assert gradcheck(outputs, [value.requires_grad_() for value in inputs])


# Norm, filter and encoder.


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("training", [True, False])
def test_instance_norm_is_that_of_torch(batch, layout, training):
    norm = InstanceNorm(4).double().train(training)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = (3 + 2 * drawn(batch, 4, 5, 6)).to(memory_format=layout).requires_grad_()
    expected = functional.instance_norm(x, weight=norm.weight, bias=norm.bias, eps=1e-5)
    assert_equal_with_gradients(norm(x), expected, (x, norm.weight, norm.bias))
    assert list(norm.state_dict()) == ["weight", "bias"]


def test_instance_norm_keeps_channels_last():
    x = torch.randn(1, 4, 5, 6).contiguous(memory_format=torch.channels_last)
    assert InstanceNorm(4)(x).is_contiguous(memory_format=torch.channels_last)


def test_samples_are_taken_one_by_one():
    seen = []

    def add(x, y):
        seen.append((x.shape, y.shape))
        return x + y

    x, y = drawn(3, 2), drawn(3, 1, seed=1)
    assert torch.equal(sample_by_sample(add, x, y), x + y)
    assert seen == [((1, 2), (1, 1))] * 3


def test_the_blur_of_a_dot_is_its_kernel():
    # [1, 3, 3, 1] each way, over 64 times 4: the corners are 1/16, the middle is 9/16.
    blur, dot = Blur(), torch.zeros(1, 2, 5, 5)
    dot[0, 1, 2, 2] = 16
    found = blur(dot, torch.tensor([7.0, 0.0]))
    assert found.shape == (1, 2, 4, 4)
    assert (found[0, 0] == 7).all()
    assert found[0, 1].tolist() == [[1, 3, 3, 1], [3, 9, 9, 3], [3, 9, 9, 3], [1, 3, 3, 1]]


def test_equal_linear_by_hand():
    # (1, 2, 3, 4) · (2, 0, 0, 1) = 6, over √4, plus 1 that it begins with.
    layer = EqualLinear(4, 1)
    layer.weight.data = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    assert layer(torch.tensor([[2.0, 0.0, 0.0, 1.0]])).tolist() == [[4]]


def test_styled_activation_by_hand():
    found = StyledActivation(1)(torch.tensor([3.0, -5.0]).view(1, 1, 1, 2)).flatten()
    torch.testing.assert_close(found, math.sqrt(2) * torch.tensor([3.0, -1.0]))


def test_convolution_shows_which_side_of_a_kernel_is_which():
    # The tap up and left of the middle brings what stands there; outside is 0.
    kernel = torch.zeros(1, 1, 1, 3, 3)
    kernel[..., 0, 0] = 1
    found = convolve(torch.tensor([[1.0, 2.0], [3.0, 4.0]]).view(1, 1, 2, 2), kernel, torch.tensor([10.0]))
    assert found.tolist() == [[[[10, 10], [10, 11]]]]


def test_an_encoder_halves_stage_by_stage():
    encoder = Encoder(5, (4, 6, 8))
    maps = encoder(torch.randn(2, 5, 16, 24))
    assert [tuple(found.shape[1:]) for found in maps] == [(4, 8, 12), (6, 4, 6), (8, 2, 3)]
    assert [name for name, _ in encoder.named_children()] == ["block0", "encoder0", "encoder1"]


def test_an_encoder_stops_where_it_is_told():
    torch.manual_seed(0)
    encoder, x = Encoder(3, (4, 6, 8)), torch.randn(1, 3, 16, 16)
    encoder.encoder1.register_forward_hook(lambda *_: pytest.fail("the last stage ran"))
    found = encoder(x, 2)
    assert len(found) == 2
    assert torch.equal(found[1], encoder.encoder0(encoder.block0(x)))


@pytest.mark.parametrize("make", [EncoderBlock, ResidualBlock])
def test_blocks_leave_their_input_as_it_is(make):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 8, 8)
    before = x.clone()
    make(3, 4)(x)
    assert torch.equal(x, before)
