import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import gradcheck
from torch.func import functional_call
from torch.nn import functional
from torchvision.ops import deform_conv2d

from dmm_model.modulation import MotionModulation

GOLDEN = Path(__file__).parents[1] / "golden"

STATE = {
    "bias": (1, 12, 1, 1),
    "upsample.kernel": (4, 4),
    "conv.weight": (1, 12, 16, 3, 3),
    "conv.modulation.weight": (16, 32),
    "conv.modulation.bias": (16,),
    "activate.bias": (12,),
    "flow_conv.0.weight": (8, 20, 3, 3),
    "flow_conv.0.bias": (8,),
    "offset_conv.weight": (18, 8, 3, 3),
    "offset_conv.bias": (18,),
    "mask_conv.weight": (9, 8, 3, 3),
    "mask_conv.bias": (9,),
}


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def small_block(motion="dmm"):
    """State 3, out 2, style 5, guide 4, hidden 2; all its weights at random."""
    block = MotionModulation(3, 2, 0 if motion == "convolution" else 5, 4, 2, motion).double()
    for number, parameter in enumerate(block.parameters()):
        parameter.data = drawn(*parameter.shape, seed=10 + number)
    return block


def run(block, state, style, guide):
    """A block as the generator calls it."""
    return block(state, guide, block.conv(style))


@pytest.fixture(scope="module")
def published(golden_rule, filled):
    """The block of tests/golden, its state, style and guide."""
    block = filled(MotionModulation(16, 12, 32, 20, 8), "dmm.")
    shapes = {"x": (2, 16, 10, 14), "style": (2, 32), "guide": (2, 20, 10, 14)}
    return block, [torch.from_numpy(golden_rule.normal(shapes[name], f"dmm.{name}")) for name in shapes]


# Golden. Origin: tests/golden/ORIGIN.md, the published module on weights and inputs drawn from names.


def test_keys_and_shapes_are_the_published_ones(published):
    found = {key: tuple(value.shape) for key, value in published[0].state_dict().items()}
    assert found == STATE


def test_block_golden(published):
    block, inputs = published
    with np.load(GOLDEN / "blocks.npz") as stored, torch.no_grad():
        np.testing.assert_allclose(run(block.float(), *inputs), stored["dmm"], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "close"),
    [(torch.float64, {"rtol": 1e-9, "atol": 1e-12}), (torch.float32, {"rtol": 0, "atol": 1e-4})],
    ids=["float64", "float32"],
)
def test_gradients_golden(published, golden_rule, kind, close):
    block = published[0].to(kind)
    block.zero_grad()
    state, style, guide = inputs = [tensor.to(kind).requires_grad_() for tensor in published[1]]
    factor = torch.from_numpy(golden_rule.normal((2, 12, 10, 14), "dmm.grad")).to(kind)
    (run(block, *inputs) * factor).sum().backward()
    found = {
        "x": state, "style": style, "guide": guide, "conv_weight": block.conv.weight,
        "offset_conv_weight": block.offset_conv.weight, "mask_conv_weight": block.mask_conv.weight,
    }  # fmt: skip
    with np.load(GOLDEN / "gradients.npz") as stored:
        assert {f"dmm_{name}" for name in found} == {name for name in stored if name.startswith("dmm_")}
        for name, tensor in found.items():
            np.testing.assert_allclose(tensor.grad, stored[f"dmm_{name}"], **close, err_msg=name)


# Against the published way: samples folded into groups of weights and of offsets.


def published_way(block, state, style, guide):
    batch, _, height, width = state.shape
    flow = functional.relu(
        functional.conv2d(guide, block.flow_conv[0].weight, block.flow_conv[0].bias, padding=1)
    )
    offset = functional.conv2d(flow, block.offset_conv.weight, block.offset_conv.bias, padding=1)
    mask = 2 * torch.sigmoid(functional.conv2d(flow, block.mask_conv.weight, block.mask_conv.bias, padding=1))
    modulation = functional.linear(
        style, block.conv.modulation.weight / math.sqrt(style.shape[1]), block.conv.modulation.bias
    )
    weight = block.conv.weight / math.sqrt(9 * state.shape[1]) * modulation.view(batch, 1, -1, 1, 1)
    weight = weight * torch.rsqrt(weight.pow(2).sum([2, 3, 4], keepdim=True) + 1e-8)
    convolved = deform_conv2d(
        state.reshape(1, -1, height, width), offset.reshape(1, -1, height, width), weight.flatten(0, 1),
        padding=1, mask=mask.reshape(1, -1, height, width),
    )  # fmt: skip
    biased = convolved.view(batch, -1, height, width) + block.bias + block.activate.bias.view(1, -1, 1, 1)
    return math.sqrt(2) * functional.leaky_relu(biased, 0.2)


def test_values_and_gradients_are_those_of_the_published_way():
    block = small_block()
    inputs = [drawn(3, 3, 4, 5), drawn(3, 5, seed=1), drawn(3, 4, 4, 5, seed=2)]
    given = [tensor.requires_grad_() for tensor in inputs] + list(block.parameters())
    found, expected = run(block, *inputs), published_way(block, *inputs)
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)
    factor = drawn(*found.shape, seed=3)
    torch.testing.assert_close(
        torch.autograd.grad((found * factor).sum(), given),
        torch.autograd.grad((expected * factor).sum(), given),
        rtol=1e-10,
        atol=1e-10,
    )


def test_gradients_are_differences():
    block = small_block()
    with torch.no_grad():  # offsets about a half, so that no sample meets a pixel
        block.offset_conv.weight.mul_(0.004)
        block.offset_conv.bias.copy_(torch.arange(18) % 3 - 0.5)
    names = [name for name, _ in block.named_parameters()]
    conv = {name: name.removeprefix("conv.") for name in names if name.startswith("conv.")}

    def outputs(state, style, guide, *parameters):
        given = dict(zip(names, parameters, strict=True))
        weight = functional_call(block.conv, {conv[name]: given[name] for name in conv}, (style,))
        return functional_call(block, given, (state, guide, weight))

    values = [parameter.detach().clone() for parameter in block.parameters()]
    inputs = [drawn(2, 3, 2, 3), drawn(2, 5, seed=1), drawn(2, 4, 2, 3, seed=2), *values]
    offset = block.offset_conv(block.flow_conv(inputs[2]))
    assert ((offset - offset.floor() - 0.5).abs() < 0.3).all()
    assert gradcheck(outputs, [value.requires_grad_() for value in inputs])


# The three kinds of motion.


@pytest.mark.parametrize(
    ("motion", "absent"),
    [
        ("dmm", ()),
        ("deformable", ("conv.modulation.",)),
        ("convolution", ("conv.modulation.", "flow_conv.", "offset_conv.", "mask_conv.")),
    ],
)
def test_what_a_kind_of_motion_lacks(motion, absent):
    state = MotionModulation(16, 12, 32, 20, 8, motion).state_dict()
    assert list(state) == [key for key in STATE if not key.startswith(tuple(absent) or "-")]


@pytest.mark.parametrize(
    ("motion", "by_style", "by_guide"),
    [("dmm", True, True), ("deformable", False, True), ("convolution", False, False)],
)
def test_what_style_and_guide_change(motion, by_style, by_guide):
    block = small_block(motion)
    state, style, guide = drawn(2, 3, 4, 5), drawn(2, 5, seed=1), drawn(2, 4, 4, 5, seed=2)
    before = run(block, state, style, guide)
    assert torch.equal(run(block, state, style + 1, guide), before) != by_style
    assert torch.equal(run(block, state, style, guide + 1), before) != by_guide


def test_plain_convolution_has_unit_weights_and_both_biases():
    block = small_block("convolution")
    state = drawn(2, 3, 4, 5)
    kernel = functional.normalize(block.conv.weight[0], dim=(1, 2, 3), eps=0)
    biased = functional.conv2d(state, kernel, block.bias.flatten(), padding=1) + block.activate.bias.view(
        -1, 1, 1
    )
    expected = math.sqrt(2) * functional.leaky_relu(biased, 0.2)
    found = run(block, state, drawn(2, 5), drawn(2, 4, 4, 5))
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


def test_masks_reach_from_0_to_2():
    block = small_block()
    nn.init.zeros_(block.mask_conv.weight)
    nn.init.zeros_(block.bias)
    nn.init.zeros_(block.activate.bias)
    inputs = drawn(1, 3, 4, 5), drawn(1, 5, seed=1), drawn(1, 4, 4, 5, seed=2)
    by_bias = []
    for bias in (-100.0, 0.0, 100.0):
        nn.init.constant_(block.mask_conv.bias, bias)
        by_bias.append(run(block, *inputs))
    assert by_bias[0].abs().max() < 1e-12
    torch.testing.assert_close(by_bias[2], 2 * by_bias[1], rtol=1e-12, atol=1e-12)
    assert by_bias[1].abs().max() > 0.1
