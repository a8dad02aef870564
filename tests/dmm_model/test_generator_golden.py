"""Golden values of the published generator: weights and inputs drawn from names, two chunks of two frames.

Origin: tests/golden/ORIGIN.md.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from dmm_model.generator import Generator

GOLDEN = Path(__file__).parents[1] / "golden"
SHAPES = json.loads((GOLDEN / "generator_state.json").read_text())


@pytest.fixture(scope="module")
def published(golden_rule):
    """The published network, loaded from a state dict as the published code saves it."""
    network = Generator()
    state = {
        key: network.state_dict()[key]
        if key.endswith("kernel")
        else torch.from_numpy(golden_rule.weight(key, tuple(shape)))
        for key, shape in SHAPES.items()
    }
    saved = {f"module.{key}": value for key, value in state.items()}
    network.load_published(saved | {"module.renderer.faces": torch.zeros(3)})
    return network


@pytest.fixture(scope="module")
def inputs(golden_rule):
    return [torch.from_numpy(array) for array in golden_rule.inputs()]


def test_keys_and_shapes_are_the_published_ones(published):
    found = {key: list(value.shape) for key, value in published.state_dict().items()}
    assert found == SHAPES
    assert list(found) == list(SHAPES)
    assert len(found) == 241
    assert sum(parameter.numel() for parameter in published.parameters()) == 31_540_083


def test_frames_golden(published, inputs):
    source, poses, grids = inputs
    with np.load(GOLDEN / "generator.npz") as stored:
        # First: the rule draws as it did.
        np.testing.assert_array_equal(source[0, :, :2, :2], stored["source_head"])
        np.testing.assert_array_equal(poses[0, 0, :2, :2, :2], stored["pose_head"])
        np.testing.assert_array_equal(grids[0, 0, 60:62, 60:62], stored["grid_head"])
        with torch.no_grad():
            found = published.float().eval()(source, poses, grids, frames_per_chunk=2)
        np.testing.assert_allclose(found, stored["frames"], rtol=0, atol=1e-4)


def frames_and_gradients(network, inputs, factor):
    """Frames; the stored loss; its gradients of the source, and of all keys (0 where there is none)."""
    source, poses, grids = inputs
    source = source.clone().requires_grad_()
    frames = network.train()(source, poses, grids, frames_per_chunk=2)
    loss = (frames * factor).mean((0, 2, 3, 4)).sum()
    learned = {key: value for key, value in network.named_parameters() if value.requires_grad}
    first, *others = torch.autograd.grad(loss, (source, *learned.values()))
    gradients = dict(zip(learned, others, strict=True))
    by_key = {key: gradients.get(key, torch.zeros(tuple(SHAPES[key]))) for key in SHAPES}
    return frames.detach(), loss.item(), first, by_key


def assert_gradients_are(golden, gradients, *, close, small):
    """Norm and first 8 numbers of each key's gradient, up to `close` of the norm, plus `small`."""
    norms = golden["norms"]
    found = [gradient.norm().item() for gradient in gradients.values()]
    np.testing.assert_allclose(found, norms, rtol=close, atol=small)
    for key, norm, head in zip(SHAPES, norms, golden["heads"], strict=True):
        first = np.zeros(8)
        first[: min(gradients[key].numel(), 8)] = gradients[key].flatten()[:8]
        np.testing.assert_allclose(first, head, rtol=0, atol=close * norm + small, err_msg=key)


@pytest.fixture(scope="module")
def factor(golden_rule, golden):
    """What frames are multiplied by in the stored loss."""
    drawn = torch.from_numpy(golden_rule.normal((1, 4, 3, 128, 128), "grad.frames"))
    np.testing.assert_array_equal(drawn[0, 0, :, 0, :2], golden["frames_factor_head"])
    return drawn


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "gradients.npz") as stored:
        return {key: stored[key] for key in stored if not key.startswith("dmm_")}


def test_frames_and_gradients_golden_in_float64(published, inputs, factor, golden):
    doubled = [tensor.double() for tensor in inputs]
    frames, loss, first, gradients = frames_and_gradients(published.double(), doubled, factor.double())
    with np.load(GOLDEN / "generator.npz") as stored:  # in float32, which costs 5.5e-5
        np.testing.assert_allclose(frames, stored["frames"], rtol=0, atol=6e-5)
    assert loss == pytest.approx(float(golden["loss"]), rel=1e-9)
    assert first.norm().item() == pytest.approx(float(golden["source_norm"]), rel=1e-9)
    np.testing.assert_allclose(first[0, :, :2, :2], golden["source_head"], rtol=1e-9, atol=1e-14)
    assert_gradients_are(golden, gradients, close=1e-9, small=1e-14)


def test_gradients_golden_in_float32(published, inputs, factor, golden):
    _, loss, _, gradients = frames_and_gradients(published.float(), inputs, factor)
    assert loss == pytest.approx(float(golden["loss"]), rel=1e-3)
    # 24 biases before a norm have no gradient but for rounding.
    assert_gradients_are(golden, gradients, close=0.05, small=1e-7)
