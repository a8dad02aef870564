"""What the generator costs, against counts by hand."""

import pytest
import torch

from dmm_model import efficiency
from dmm_model.config import PRESETS, GeneratorConfig
from dmm_model.efficiency import config_to_multiply_adds, count_multiply_adds, measure_efficiency
from dmm_model.generator import Generator
from dmm_model.modulation import MotionModulation
from vptbench.errors import ModelError

TINY = PRESETS["tiny"].generator  # 64², 16 channels at a half, 32 at a quarter, 64 at an eighth, style of 128
SMALLEST = GeneratorConfig(size=32, channels=4, widest=8, style_stages=4, keypoints=25, frames_per_chunk=2)
COSTS = {"frames_per_second": 1.0, "peak_memory_mib": 1000}
FRAMES, WARPS = 6, 7  # of a chunk: the frame after it is warped as well


def convolution(channels, out, kernel, side):
    return channels * out * kernel**2 * side**2


def encoder_block(channels, out, side):
    return convolution(channels, out, 4, side) + convolution(out, out, 3, side)


def residual_block(channels, out, side):
    hidden = convolution(channels, channels, 3, side)
    return hidden + convolution(channels, out, 3, side) + convolution(channels, out, 1, side)


def up_convolution(channels, out, side):
    """A transposed one, every pixel of its input to 3 × 3, then 4 × 4 taps a channel at twice the side."""
    return convolution(channels, out, 3, side) + out * 16 * (2 * side) ** 2


def motion_modulation(channels, side):
    """Guide, offsets, masks, nine samples a pixel and channel of four pixels each, and what weighs them."""
    offsets = sum(
        convolution(a, b, 3, side) for a, b in ((2 * channels, channels), (channels, 18), (channels, 9))
    )
    return offsets + 4 * 9 * channels * side**2 + convolution(channels, channels, 3, side)


def test_a_block_by_hand():
    # Tiny's first level: 32 channels at 16 × 16 = 256 pixels.
    #   guide    64 → 32, 3 × 3: 256 · 64 · 32 · 9 = 4,718,592
    #   offsets  32 → 18, 3 × 3: 256 · 32 · 18 · 9 = 1,327,104
    #   masks    32 →  9, 3 × 3: 256 · 32 ·  9 · 9 =   663,552
    #   samples  9 taps of 32 channels, from 4 pixels each: 256 · 9 · 32 · 4 = 294,912
    #   weights  32 → 32, 3 × 3: 256 · 32 · 32 · 9 = 2,359,296
    with torch.device("meta"):
        block = MotionModulation(32, 32, 128, 64, 32)
        style, state, guide = torch.zeros(1, 128), torch.zeros(1, 32, 16, 16), torch.zeros(1, 64, 16, 16)
        weight = block.conv(style)
    assert count_multiply_adds(lambda: block(state, guide, weight)) == 9_363_456 == motion_modulation(32, 16)
    assert count_multiply_adds(lambda: block.conv(style)) == 128 * 32


def test_the_whole_of_tiny_by_hand():
    pyramid = encoder_block(16, 32, 16), encoder_block(32, 64, 8)
    source = encoder_block(3, 16, 32) + sum(pyramid) + encoder_block(64, 128, 4) + encoder_block(128, 128, 2)
    styles = 128 * (64 + 3 * 32 + 32 + 3 * 16 + 16 + 16 + 16)  # a number for each channel that enters a block
    warp = 4 * 3 * 64**2 + encoder_block(3, 16, 32) + pyramid[0]
    feature = (
        encoder_block(28, 16, 32) + sum(pyramid) + residual_block(128, 64, 8) + residual_block(64, 64, 8)
    )
    motion = 2 * (residual_block(64, 32, 16) + residual_block(32, 16, 32))
    decoded = sum(up_convolution(*each) for each in ((64, 32, 8), (32, 16, 16), (16, 16, 32)))
    decoded += sum(convolution(*each) for each in ((32, 32, 3, 16), (16, 16, 3, 32), (16, 16, 3, 64)))
    decoded += 2 * (motion_modulation(32, 16) + motion_modulation(16, 32)) + convolution(16, 3, 1, 64)
    expected = source + styles + WARPS * warp + FRAMES * (feature + motion + decoded)
    assert config_to_multiply_adds(TINY) == expected


def test_what_a_configuration_leaves_out_is_not_counted():
    plain = GeneratorConfig(size=64, channels=16, widest=128, style_stages=5, motion="convolution")
    forward = GeneratorConfig(size=64, channels=16, widest=128, style_stages=5, bidirectional=False)
    left_out = [
        motion_modulation(channels, side) - convolution(channels, channels, 3, side)
        for channels, side in ((32, 16), (16, 32))
    ]
    styles = 2 * 128 * (32 + 16)
    whole = config_to_multiply_adds(TINY)
    assert whole - config_to_multiply_adds(plain) == FRAMES * 2 * sum(left_out) + styles
    motion = residual_block(64, 32, 16) + residual_block(32, 16, 32)
    backward = motion + motion_modulation(32, 16) + motion_modulation(16, 32)
    assert whole - config_to_multiply_adds(forward) == FRAMES * backward + styles // 2


def test_networks_of_the_presets_are_rows_with_equal_keys(monkeypatch):
    monkeypatch.setattr(efficiency, "_costs_apart", lambda *_: COSTS)
    rows = measure_efficiency("cpu")
    assert [row["config"] for row in rows] == ["published", "small", "tiny"]  # published-100k is published
    assert [row["size"] for row in rows] == [256, 128, 64]
    for row in rows:
        assert list(row) == list(rows[0])
        with torch.device("meta"):
            generator = Generator(PRESETS[row["config"]].generator)
        assert row["parameters"] == sum(parameter.numel() for parameter in generator.parameters())
    assert rows[0]["parameters"] == 31_540_083
    assert rows[2]["giga_multiply_adds_per_frame"] == float(f"{config_to_multiply_adds(TINY) / 6e9:.4g}")
    assert {key: rows[0][key] for key in COSTS} == COSTS


def test_a_network_is_measured_in_a_process_of_its_own():
    costs = efficiency._costs_apart("smallest", SMALLEST, "cpu")
    assert list(costs) == list(COSTS)
    assert costs["frames_per_second"] > 0
    assert costs["peak_memory_mib"] > 50  # torch alone holds more


def test_a_network_that_does_not_run_is_named():
    with pytest.raises(
        ModelError,
        match=r"expected the network of smallest to run on nowhere at 32 × 32, it failed \(RuntimeErr",
    ):
        efficiency._costs_apart("smallest", SMALLEST, "nowhere")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_tells_what_was_allocated_there():
    costs = efficiency._costs_apart("smallest", SMALLEST, "cuda")
    assert costs["frames_per_second"] > 0
    assert 0 < costs["peak_memory_mib"] < 500
