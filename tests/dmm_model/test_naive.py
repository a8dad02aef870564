"""Ours beside the same network written plainly (``benchmarks/peers/naive_generator.py``)."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from dmm_model.config import GeneratorConfig
from dmm_model.generator import Generator

ROOT = Path(__file__).parents[2]
SMALL = GeneratorConfig(size=128, channels=8, widest=32, keypoints=25, frames_per_chunk=3)


@pytest.fixture(scope="module")
def naive():
    """The module of the plain network."""
    path = ROOT / "benchmarks" / "peers" / "naive_generator.py"
    specification = importlib.util.spec_from_file_location("naive_generator", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def rule_to_inputs(rule, frames, batch, size=128):
    """Sources, heatmaps and grids, float64, another person in each sample."""
    samples = [rule.inputs(size, frames, f"inputs.{number}") for number in range(batch)]
    return [torch.from_numpy(np.concatenate(parts)).double() for parts in zip(*samples, strict=True)]


def gradients(network):
    return {key: each.grad for key, each in network.named_parameters() if each.grad is not None}


@pytest.mark.parametrize("training", [True, False])
def test_ours_equals_the_plain_network_and_so_do_its_gradients(naive, golden_rule, filled, training):
    # Five frames in chunks of three: the last is short. In training mode chunks are cut from each other.
    networks = Generator(SMALL), naive.NaiveGenerator(SMALL)
    ours, theirs = (network.double().train(training) for network in networks)
    theirs.load_state_dict(filled(ours).state_dict())
    source, poses, grids = rule_to_inputs(golden_rule, frames=5, batch=2)
    target = torch.linspace(-1, 1, 2 * 5 * 3 * 128 * 128, dtype=torch.float64).reshape(2, 5, 3, 128, 128)
    made = {}
    for network in (ours, theirs):
        seen = source.clone().requires_grad_(), poses.clone().requires_grad_()
        frames = network(*seen, grids)
        (frames - target).square().mean().backward()
        made[network] = frames.detach(), gradients(network), [each.grad for each in seen]
    assert made[ours][0].std() > 0.1
    torch.testing.assert_close(made[ours][0], made[theirs][0], rtol=0, atol=1e-9)
    assert set(made[ours][1]) == set(made[theirs][1]) > {"x_ref.block0.model.2.weight"}
    for key, gradient in made[theirs][1].items():
        # A bias in front of an instance norm moves nothing: its gradient is rounding, some 1e-18.
        assert torch.dist(made[ours][1][key], gradient) < 1e-9 * gradient.norm() + 1e-15, key
    for found, expected in zip(made[ours][2], made[theirs][2], strict=True):
        assert torch.dist(found, expected) < 1e-9 * expected.norm()


def test_the_plain_network_is_the_published_one(naive, golden_rule, filled):
    # The golden frames were made by the published code itself (tests/golden/ORIGIN.md), so the two
    # implementations cannot share an error.
    network = filled(naive.NaiveGenerator(GeneratorConfig(frames_per_chunk=golden_rule.FRAMES_PER_CHUNK)))
    with torch.inference_mode():
        frames = network(*(torch.from_numpy(each) for each in golden_rule.inputs()))
    expected = np.load(ROOT / "tests" / "golden" / "generator.npz")["frames"]
    np.testing.assert_allclose(frames.numpy(), expected, rtol=0, atol=1e-4)


def test_states_fit_both_ways(naive):
    with torch.device("meta"):
        ours, theirs = Generator(), naive.NaiveGenerator()
    assert {key: tensor.shape for key, tensor in ours.state_dict().items()} == {
        key: tensor.shape for key, tensor in theirs.state_dict().items()
    }
    assert sum(parameter.numel() for parameter in theirs.parameters()) == 31_540_083


def test_a_network_that_lacks_parts_is_refused(naive):
    with pytest.raises(ValueError, match="expected both directions, dmm and style modulation, got"):
        naive.NaiveGenerator(GeneratorConfig(bidirectional=False))
