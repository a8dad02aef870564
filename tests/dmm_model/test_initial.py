import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from dmm_model.blocks import EqualLinear, InstanceNorm, ModulatedWeight, StyledConvolution
from dmm_model.config import GeneratorConfig
from dmm_model.discriminators import FrameDiscriminator
from dmm_model.generator import Generator
from dmm_model.initial import initialise
from dmm_model.modulation import MotionModulation

SMALL = GeneratorConfig(size=16, channels=8, widest=32, style_stages=3, keypoints=3)


def begun(network, *, parity, seed=0):
    torch.manual_seed(seed)
    initialise(network, parity=parity)
    return network


@pytest.fixture(params=[(64, 128, 64), (128, 256, 128)], ids=["fine", "coarse"])
def block(request):
    """A motion modulation of the published widths."""
    state, guide, hidden = request.param
    torch.manual_seed(1)
    return MotionModulation(state, state, 512, guide, hidden)


# Without parity.


def test_motion_modulation_begins_as_a_plain_modulated_convolution():
    torch.manual_seed(1)
    block = begun(MotionModulation(4, 3, 6, 5, 2), parity=False)
    state, style, guide = torch.randn(2, 4, 5, 6), torch.randn(2, 6), torch.randn(2, 5, 5, 6)
    weight = block.conv(style)
    for sample in range(2):
        plain = functional.conv2d(state[sample], weight[sample], padding=1)
        expected = math.sqrt(2) * functional.leaky_relu(plain, 0.2)
        torch.testing.assert_close(block(state, guide, weight)[sample], expected, rtol=1e-5, atol=1e-5)


def test_motion_modulation_still_learns_to_move():
    block = begun(MotionModulation(4, 3, 6, 5, 2), parity=False)
    state, guide = torch.randn(1, 4, 5, 6), torch.randn(1, 5, 5, 6)
    block(state, guide, block.conv(torch.randn(1, 6))).square().sum().backward()
    for still in (block.offset_conv, block.mask_conv):
        assert (still.weight == 0).all()
        assert still.weight.grad.abs().max() > 0


def test_styled_weights_begin_normal_and_their_style_bias_1():
    layer = begun(StyledConvolution(64, 64, 64), parity=False).conv
    assert float(layer.weight.detach().std()) == pytest.approx(1, abs=0.02)
    assert (layer.modulation.bias == 1).all()


def test_a_plain_convolution_has_nothing_to_still():
    begun(MotionModulation(4, 3, 0, 5, 2, "convolution"), parity=False)


# With parity: what running the published code gives (facts of the published code, initialisation).


def test_offsets_and_masks_begin_orthogonal_as_published(block):
    begun(block, parity=True)
    # 18 and 9 orthogonal rows of length 0.02: √18 · 0.02 and √9 · 0.02.
    assert float(block.offset_conv.weight.detach().norm()) == pytest.approx(0.085, abs=5e-4)
    assert float(block.mask_conv.weight.detach().norm()) == pytest.approx(0.06, abs=1e-5)
    for conv in (block.flow_conv[0], block.offset_conv, block.mask_conv):
        assert (conv.bias == 0).all()


def test_weights_of_motion_modulation_stay_normal_as_published(block):
    before = block.conv.weight.detach().clone()
    begun(block, parity=True)
    assert torch.equal(block.conv.weight, before)
    assert float(before.std()) == pytest.approx(1, abs=0.02)
    assert (block.conv.modulation.bias == 0).all()


def test_styled_weights_begin_as_one_short_vector_as_published():
    network = begun(Generator(SMALL), parity=True)
    motion = {module.conv for module in network.modules() if isinstance(module, MotionModulation)}
    styled = [m for m in network.modules() if isinstance(m, ModulatedWeight) and m not in motion]
    assert len(styled) == 7  # two a level, and the one to RGB
    for layer in styled:
        assert float(layer.weight.detach().norm()) == pytest.approx(0.02, rel=1e-5)
        assert (layer.modulation.bias == 0).all()


def test_other_weights_begin_orthogonal_as_published():
    network = begun(Generator(SMALL), parity=True)
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | EqualLinear)]
    assert len(layers) > 40
    for layer in layers:
        rows = layer.weight.detach().flatten(1).double()
        rows = rows if len(rows) <= rows.shape[1] else rows.T
        expected = 0.02**2 * torch.eye(len(rows), dtype=torch.float64)
        torch.testing.assert_close(rows @ rows.T, expected, rtol=0, atol=1e-9)
        assert (layer.bias == 0).all()


@pytest.mark.parametrize("parity", [True, False])
def test_norms_and_filters_stay_as_they_are(parity):
    network = begun(Generator(SMALL), parity=parity)
    for module in network.modules():
        if isinstance(module, InstanceNorm):
            assert (module.weight == 1).all()
            assert (module.bias == 0).all()
    assert float(network.conv1up.conv.blur.kernel.sum()) == 4


def test_spectral_norm_is_drawn_before_it_is_applied():
    critic = begun(FrameDiscriminator(channels=4, widest=8), parity=True)
    assert float(critic.conv.weight_orig.detach().norm()) == pytest.approx(0.02, rel=1e-5)
    assert (critic.conv.bias == 0).all()


@pytest.mark.parametrize("parity", [True, False])
def test_equal_seeds_begin_equally(parity):
    def state(seed):
        torch.manual_seed(seed)
        network = Generator(SMALL)
        initialise(network, parity=parity)
        return network.state_dict()

    first, again, other = state(0), state(0), state(1)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["x_rcnn1.model.2.weight"], other["x_rcnn1.model.2.weight"])
