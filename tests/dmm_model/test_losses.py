import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from dmm_model.config import LossConfig
from dmm_model.losses import (
    CONTENT_LAYERS,
    CONTEXTUAL_LAYERS,
    STYLE_LAYERS,
    _similarity,
    adversarial_loss,
    content_loss,
    contextual_loss,
    contextual_terms,
    discriminator_loss,
    gram_difference,
    l1_loss,
    perceptual_losses,
    style_loss,
)
from dmm_model.vgg import VggFeatures
from vptbench.errors import ShapeError
from vptbench.weights import Networks

GOLDEN = Path(__file__).parents[1] / "golden"


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def drawn_features(layers, frames, seed=0):
    """Maps of different sizes and channels, as if of a batch of two chunks."""
    return {
        name: drawn(2 * frames, 3 + place, 5 - place % 2, 4, seed=seed + place).abs()
        for place, name in enumerate(layers)
    }


@pytest.fixture(scope="module")
def pair(golden_rule):
    return [torch.from_numpy(golden_rule.normal((2, 24, 9, 7), f"cx.{letter}")) for letter in "ab"]


@pytest.fixture(scope="module")
def stored():
    with np.load(GOLDEN / "blocks.npz") as blocks:
        return {name: float(blocks[name]) for name in ("contextual", "gram_style")}


# Golden. Origin: shared/golden (the published functions in float32; exchanged and h = 0.1 from its facts).


def test_contextual_golden(pair, stored):
    x, y = pair
    for given in ((x, y), (x.double(), y.double())):
        assert float(contextual_loss(*given)) == pytest.approx(stored["contextual"], rel=1e-6)
    assert float(contextual_loss(y, x)) == pytest.approx(2.5607731, rel=1e-6)
    assert float(contextual_loss(x, y, bandwidth=0.1)) == pytest.approx(0.9225325, rel=1e-6)


def test_gram_golden(pair, stored):
    assert float(gram_difference(*pair)) == pytest.approx(stored["gram_style"], rel=1e-6)
    assert float(gram_difference(*(x.double() for x in pair))) == pytest.approx(
        stored["gram_style"], rel=1e-6
    )


# By hand.


def test_l1_by_hand():
    real = torch.zeros(2, 3, 3, 4, 4)
    generated = real.clone()
    generated[:, 0] = 0.5  # a mean of 0.5 for frame 0
    generated[0, 2] = -1  # and of 0.5 for frame 2, half the batch
    assert float(l1_loss(generated, real)) == pytest.approx(1.0)


def test_content_by_hand():
    # One layer differs by 2 in one of two frames: a mean of 1, times 2 frames.
    real = {name: torch.zeros(2, 3, 2, 2) for name in CONTENT_LAYERS}
    generated = {name: features.clone() for name, features in real.items()}
    generated["relu3_1"][1] = 2
    assert float(content_loss(generated, real, frames=2)) == pytest.approx(2.0)
    assert float(content_loss(generated, real, frames=1)) == pytest.approx(1.0)


def test_gram_by_hand():
    # F = [[1, 3], [2, 0]] (C = 2, H · W = 2): F Fᵀ = [[10, 2], [2, 4]], over C H W = 4 a mean of 18 / 16.
    features = torch.tensor([[1.0, 3.0], [2.0, 0.0]]).view(1, 2, 1, 2)
    assert float(gram_difference(features, torch.zeros(1, 2, 1, 2))) == pytest.approx(18 / 16)


def test_contextual_by_hand():
    # x is (1), (−1), mean 0; y is (1), (1). d = 0 for p = 0 and 1 for p = 1, divided by 1e-5: w = e² and 0,
    # so that CX is 1 for p = 0, 0 for p = 1. Their mean is 1/2.
    x = torch.tensor([1.0, -1.0]).view(1, 1, 1, 2)
    y = torch.tensor([1.0, 1.0]).view(1, 1, 1, 2)
    assert float(contextual_loss(x, y)) == pytest.approx(math.log(2), rel=1e-6)
    # Exchanged: the mean is 1, so that y has no length, x is (0), (−2): all c are 0, and all CX are 1/2.
    assert float(contextual_loss(y, x)) == pytest.approx(math.log(2), rel=1e-6)


def test_adversarial_by_hand():
    scores = torch.tensor([0.0, 2.0, 3.0, 1.0]).view(1, 1, 2, 2)
    assert float(adversarial_loss(scores, 1.0)) == (1 + 1 + 4 + 0) / 4
    assert float(adversarial_loss(scores, 0.0)) == (0 + 4 + 9 + 1) / 4
    assert float(discriminator_loss(scores, scores + 1)) == (1.5 + (1 + 9 + 16 + 4) / 4) / 2


# Against slow loops over the definitions.


def naive_contextual(generated, real, bandwidth):
    """The definition, one position after another, with published divisions."""
    generated, real = generated.numpy(), real.numpy()
    samples, channels, height, width = generated.shape
    mean = np.array([generated[:, c].mean() for c in range(channels)])
    total = 0.0
    for n in range(samples):
        sides = []
        for maps in (generated[n], real[n]):
            vectors = [maps[:, i, j] - mean for i, j in itertools.product(range(height), range(width))]
            sides.append([vector / np.sqrt((vector**2).sum()) for vector in vectors])
        d = np.array([[(1 - float(x @ y)) / 2 for y in sides[1]] for x in sides[0]])
        w = np.empty_like(d)
        for q in range(d.shape[1]):
            for p in range(d.shape[0]):
                w[p, q] = math.exp((1 - d[p, q] / (min(d[:, q]) + 1e-5)) / bandwidth)
        cx = w / w.sum(0)
        total -= math.log(np.mean([max(row) for row in cx]))
    return total / samples


@pytest.mark.parametrize("bandwidth", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("shape", [(1, 3, 4, 3), (3, 8, 2, 5)])
def test_contextual_against_loops(shape, bandwidth):
    x, y = drawn(*shape), drawn(*shape, seed=1)
    expected = naive_contextual(x, y, bandwidth)
    np.testing.assert_allclose(float(contextual_loss(x, y, bandwidth)), expected, rtol=1e-12)


def naive_gram(features):
    channels, height, width = features.shape
    flat = features.reshape(channels, -1)
    rows = [[float(flat[a] @ flat[b]) for b in range(channels)] for a in range(channels)]
    return np.array(rows) / (channels * height * width)


def test_style_against_loops():
    ours, theirs = (drawn_features(STYLE_LAYERS, frames=3, seed=seed) for seed in (0, 10))
    expected = 0.0
    for frame in range(3):
        for name in STYLE_LAYERS:
            samples = [
                np.abs(naive_gram(ours[name][3 * b + frame]) - naive_gram(theirs[name][3 * b + frame])).mean()
                for b in range(2)
            ]
            expected += np.mean(samples)
    np.testing.assert_allclose(float(style_loss(ours, theirs, frames=3)), expected, rtol=1e-12)


def test_content_against_loops():
    ours, theirs = (drawn_features(CONTENT_LAYERS, frames=3, seed=seed) for seed in (0, 10))
    expected = 0.0
    for frame, name in itertools.product(range(3), CONTENT_LAYERS):
        samples = [
            np.abs(ours[name][3 * b + frame].numpy() - theirs[name][3 * b + frame].numpy()).mean()
            for b in range(2)
        ]
        expected += np.mean(samples)
    np.testing.assert_allclose(float(content_loss(ours, theirs, frames=3)), expected, rtol=1e-12)


def test_contextual_terms_take_one_frame_of_the_batch_at_a_time():
    ours, theirs = (drawn_features(CONTEXTUAL_LAYERS, frames=3, seed=seed) for seed in (0, 10))
    expected = 0.0
    for frame, name in itertools.product(range(3), CONTEXTUAL_LAYERS):
        rows = [frame, 3 + frame]  # both samples' features of the frame share one mean
        expected += naive_contextual(ours[name][rows], theirs[name][rows], 0.5)
    np.testing.assert_allclose(float(contextual_terms(ours, theirs, frames=3)), expected, rtol=1e-12)


# Properties.


def test_contextual_gradients():
    x, y = drawn(2, 3, 3, 2).requires_grad_(), drawn(2, 3, 3, 2, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(contextual_loss, (x, y))


def test_other_gradients():
    x, y = drawn(2, 3, 3, 2).requires_grad_(), drawn(2, 3, 3, 2, seed=1)
    assert torch.autograd.gradcheck(gram_difference, (x, y))
    assert torch.autograd.gradcheck(discriminator_loss, (x, y))


@pytest.mark.parametrize("constant", ["generated", "real", "both"])
@pytest.mark.parametrize("value", [0.0, 0.7])
def test_contextual_of_constant_maps_is_finite(constant, value):
    x, y = drawn(1, 4, 3, 3).float(), drawn(1, 4, 3, 3, seed=1).float()
    flat = torch.full_like(x, value)
    x = (x if constant == "real" else flat).clone().requires_grad_()
    y = y if constant == "generated" else flat
    loss = contextual_loss(x, y)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(x.grad).all()
    if constant != "real":  # what is unlike everything is so in the same way: CX is 1/9 everywhere
        assert loss.item() == pytest.approx(math.log(9), rel=1e-3)


def test_contextual_of_equal_maps_is_near_0_and_others_are_bounded():
    x, y = drawn(2, 16, 4, 4).float(), drawn(2, 16, 4, 4, seed=1).float()
    assert 0 <= float(contextual_loss(x, x)) < 1e-4
    shuffled = x.flatten(2)[:, :, torch.randperm(16, generator=torch.Generator().manual_seed(0))].view_as(x)
    assert float(contextual_loss(x, shuffled)) == pytest.approx(float(contextual_loss(x, x)), abs=1e-5)
    assert 0 < float(contextual_loss(x, y)) < math.log(16)


def test_cosines_above_1_count_as_1():
    # As coarse products (TF32) give them; a distance below −1e-5 would turn every sign.
    x = torch.eye(4) * math.sqrt(1.001)
    assert float(_similarity(x, x, 0.5)) == pytest.approx(1)


def test_equal_chunks_lose_nothing():
    frames = drawn(2, 3, 3, 4, 4)
    assert float(l1_loss(frames, frames)) == 0
    features = drawn_features({*CONTENT_LAYERS, *STYLE_LAYERS}, frames=3)
    assert float(content_loss(features, features, frames=3)) == 0
    assert float(style_loss(features, features, frames=3)) == 0


@pytest.mark.parametrize("term", [content_loss, style_loss, contextual_terms])
def test_a_chunk_is_the_sum_of_its_frames(term):
    layers = {*CONTENT_LAYERS, *STYLE_LAYERS, *CONTEXTUAL_LAYERS}
    ours, theirs = (drawn_features(sorted(layers), frames=3, seed=seed) for seed in (0, 20))
    parts = [
        term(
            {name: x[t::3] for name, x in ours.items()},
            {name: x[t::3] for name, x in theirs.items()},
            frames=1,
        )
        for t in range(3)
    ]
    np.testing.assert_allclose(float(term(ours, theirs, frames=3)), float(sum(parts)), rtol=1e-12)


def test_sixteen_bit_scores_and_features_are_reckoned_in_float32():
    features = torch.full((1, 2, 64, 64), 100.0, dtype=torch.float16)
    # F Fᵀ holds 4096 · 100², more than 65504; over C H W it is 5000.
    assert float(gram_difference(features.float(), features.float() * 0)) == 5000
    maps = dict.fromkeys(STYLE_LAYERS, features)
    zeros = dict.fromkeys(STYLE_LAYERS, features * 0)
    assert float(style_loss(maps, zeros, frames=1)) == 4 * 5000
    x, y = drawn(1, 8, 4, 4).bfloat16(), drawn(1, 8, 4, 4, seed=1).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = contextual_loss(x, y)
    assert found.dtype == torch.float32
    assert float(found) == float(contextual_loss(x.float(), y.float()))
    assert adversarial_loss(x, 1.0).dtype == torch.float32


# All terms at once.


@pytest.fixture(scope="module")
def vgg():
    return VggFeatures.load(Networks("random"), parity=False)


@pytest.fixture(scope="module")
def chunks():
    return [torch.tanh(drawn(2, 2, 3, 32, 32, seed=seed)).float() for seed in (0, 1)]


def test_perceptual_losses_are_their_terms(vgg, chunks):
    generated, real = chunks[0].clone().requires_grad_(), chunks[1].clone().requires_grad_()
    losses = perceptual_losses(vgg, generated, real, LossConfig())
    assert list(losses) == ["content", "style", "contextual"]
    ours, theirs = (vgg(frames.flatten(0, 1)) for frames in chunks)
    for name, term in (("content", content_loss), ("style", style_loss), ("contextual", contextual_terms)):
        torch.testing.assert_close(losses[name].detach(), term(ours, theirs, frames=2), rtol=1e-5, atol=0)
    sum(losses.values()).backward()
    assert torch.isfinite(generated.grad).all()
    assert all(float(generated.grad[b, t].abs().max()) > 0 for b in range(2) for t in range(2))
    assert real.grad is None


def test_the_network_runs_once_a_side_and_only_where_it_is_needed(vgg, chunks):
    calls = []

    def counted(images):
        calls.append((tuple(images.shape), torch.is_grad_enabled()))
        return vgg(images)

    losses = perceptual_losses(counted, *chunks, LossConfig(content=0, contextual=0))
    assert list(losses) == ["style"]
    assert calls == [((4, 3, 32, 32), True), ((4, 3, 32, 32), False)]
    assert perceptual_losses(counted, *chunks, LossConfig(content=0, style=0, contextual=0)) == {}
    assert len(calls) == 2


# Refusals.


@pytest.mark.parametrize("other", [(1, 2, 3, 8, 8), (2, 3, 8, 8)])
def test_frames_of_two_shapes_are_refused(vgg, other):
    given = torch.zeros(1, 3, 3, 8, 8), torch.zeros(other)
    match = r"expected generated and real frames of one shape \(B, T, 3, H, W\), got \(1, 3, 3, 8, 8\) and "
    with pytest.raises(ShapeError, match=match):
        l1_loss(*given)
    with pytest.raises(ShapeError, match=match):
        perceptual_losses(vgg, *given, LossConfig())
    with pytest.raises(ShapeError, match=r"got \(2, 3, 8, 8\) and \(2, 3, 8, 8\)"):
        l1_loss(torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8, 8))


@pytest.mark.parametrize(
    ("term", "layers"),
    [(content_loss, CONTENT_LAYERS), (style_loss, STYLE_LAYERS), (contextual_terms, CONTEXTUAL_LAYERS)],
)
def test_features_that_make_no_whole_chunks_are_refused(term, layers):
    maps = {name: torch.zeros(4, 3, 2, 2) for name in layers}
    match = (
        rf"{layers[0]}: expected generated and real features of one shape \(B · 3, C, H, W\), got \(4, 3, 2"
    )
    with pytest.raises(ShapeError, match=match):
        term(maps, maps, frames=3)
    other = maps | {layers[-1]: torch.zeros(4, 3, 2, 3)}
    with pytest.raises(ShapeError, match=rf"{layers[-1]}: .* got \(4, 3, 2, 2\) and \(4, 3, 2, 3\)"):
        term(maps, other, frames=2)


def test_a_pair_of_maps_of_two_shapes_is_refused():
    with pytest.raises(ShapeError, match=r"contextual loss: .* got \(1, 3, 2, 2\) and \(1, 3, 2, 3\)"):
        contextual_loss(torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 3))
