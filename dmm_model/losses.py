"""The terms of both losses of training, each a function of its own, without its weight.

Means are over everything that one frame has and over the batch, sums over the frames of a chunk. Features
of a chunk are those of its frames one after another, (B · T, C, H, W), so each function that takes them
needs T.

Source: BDMM (Yu et al. 2023, arXiv 2307.07754) and its published code, which the formulas follow.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import l1_loss as mean_difference
from torch.nn.functional import mse_loss
from torch.utils.checkpoint import checkpoint

from dmm_model.config import LossConfig
from vptbench.errors import ShapeError

Features = Mapping[str, Tensor]
"""Name of a layer to its features, float (N, C, H, W)."""

CONTENT_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
STYLE_LAYERS = ("relu2_2", "relu3_4", "relu4_4", "relu5_2")
CONTEXTUAL_LAYERS = ("relu3_2", "relu4_2", "relu5_2")

BANDWIDTH = 0.5
"""h of the contextual loss."""

DISTANCE_EPS = 1e-5
"""Added to the least distance of the contextual loss, by which the others are divided."""

LEAST_NORM = 1e-4
"""Features whose norm is less are divided by this instead: those of a constant map are rounding errors."""


def l1_loss(generated: Tensor, real: Tensor) -> Tensor:
    """Mean absolute difference of frames, summed over the frames.

    Σ_t mean |generated_t − real_t|, the mean over B, 3, H and W.

    Args:
        generated: (B, T, 3, H, W) in [−1, 1].
        real: The same shape and range.

    Returns:
        A number, 0 to 2 T.

    Raises:
        ShapeError: The shapes differ, or are no chunks.

    Source:
        BDMM, reconstruction loss; summed over frames as published.
    """
    _check_chunks(generated, real)
    return mean_difference(_full(generated), _full(real)) * generated.shape[1]


def content_loss(generated: Features, real: Features, *, frames: int) -> Tensor:
    """Mean absolute difference of features, summed over layers and frames.

    Σ_t Σ_l mean |φ_l(generated_t) − φ_l(real_t)|, the mean over B, C, H and W, l of `CONTENT_LAYERS`.

    Args:
        generated: Features by layer, (B · frames, C, H, W).
        real: The same of the real frames.
        frames: Frames of a chunk.

    Returns:
        A number, not negative.

    Raises:
        ShapeError: Two maps differ in shape, or do not divide into frames.

    Source:
        Johnson et al. 2016, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution",
        equation 2, with the absolute difference in place of the squared one, as published by BDMM.
    """
    return _sum_layers(mean_difference, generated, real, CONTENT_LAYERS, frames)


def style_loss(generated: Features, real: Features, *, frames: int) -> Tensor:
    """Mean absolute difference of Gram matrices, summed over layers and frames.

    Σ_t Σ_l mean |G_l(generated_t) − G_l(real_t)|, the mean over B and C × C, l of `STYLE_LAYERS`.

    Args:
        generated: Features by layer, (B · frames, C, H, W).
        real: The same of the real frames.
        frames: Frames of a chunk.

    Returns:
        A number, not negative.

    Raises:
        ShapeError: Two maps differ in shape, or do not divide into frames.

    Source:
        Johnson et al. 2016, equation 4, with the absolute difference in place of the squared one, as
        published by BDMM.
    """
    return _sum_layers(gram_difference, generated, real, STYLE_LAYERS, frames)


def gram_difference(generated: Tensor, real: Tensor) -> Tensor:
    """Mean absolute difference of Gram matrices G = F Fᵀ / (C H W), F being (C, H · W).

    Args:
        generated: Features of one layer, (N, C, H, W).
        real: The same shape.

    Returns:
        A number, not negative.

    Source:
        Johnson et al. 2016, equation 3.
    """
    return mean_difference(_features_to_gram(generated), _features_to_gram(real))


def contextual_terms(generated: Features, real: Features, *, frames: int) -> Tensor:
    """Contextual losses, summed over layers and frames; the batch of one frame makes one loss.

    Σ_t Σ_l `contextual_loss`(φ_l(generated_t), φ_l(real_t)), l of `CONTEXTUAL_LAYERS`.

    Args:
        generated: Features by layer, (B · frames, C, H, W).
        real: The same of the real frames.
        frames: Frames of a chunk.

    Returns:
        A number, not negative but for rounding.

    Raises:
        ShapeError: Two maps differ in shape, or do not divide into frames.

    Source:
        BDMM, as published.
    """
    terms = []
    for name in CONTEXTUAL_LAYERS:
        ours, theirs = generated[name], real[name]
        _check_maps(name, ours, theirs, frames)
        terms += [contextual_loss(ours[t::frames], theirs[t::frames]) for t in range(frames)]
    return torch.stack(terms).sum()


def contextual_loss(generated: Tensor, real: Tensor, bandwidth: float = BANDWIDTH) -> Tensor:
    """How far each generated feature is from being the like of one real feature, wherever that stands.

    With x_p and y_q the features at positions p and q of the generated and the real image, less the mean of
    the generated ones over batch, height and width, and of length 1:

    - d[p, q] = (1 − x_p · y_q) / 2, divided by (min_p d[p, q] + 1e-5) gives d̃[p, q];
    - w[p, q] = exp((1 − d̃[p, q]) / bandwidth), divided by Σ_p w[p, q] gives CX[p, q];
    - the loss is −log(mean_p max_q CX[p, q]), its mean over the batch.

    The images do not stand for each other: exchanged, they give another value. Where features have no
    length (a constant map) the published code gives NaN; here they are unlike everything.

    A map of P positions makes matrices of P × P; those of one sample at a time are in memory, in the
    backward pass too, which computes them again.

    Args:
        generated: Features of one layer, (N, C, H, W).
        real: The same shape.
        bandwidth: Above 0; with a small one only the nearest feature counts.

    Returns:
        A number, 0 to log(H · W).

    Raises:
        ShapeError: The shapes differ.

    Source:
        Mechrez et al. 2018, "The Contextual Loss for Image Transformation with Non-Aligned Data",
        equations 1 to 5, with the two images exchanged and the generated one's mean, as published by BDMM.
    """
    _check_maps("contextual loss", generated, real, frames=1)
    generated, real = _full(generated), _full(real)
    mean = generated.mean((0, 2, 3), keepdim=True)
    ours, theirs = (_features_to_directions(features - mean) for features in (generated, real))
    samples = []
    for x, y in zip(ours, theirs, strict=True):
        similarity: Tensor = checkpoint(
            _similarity, x, y, bandwidth, use_reentrant=False, preserve_rng_state=False
        )
        samples.append(similarity)
    return -torch.stack(samples).log().mean()


def adversarial_loss(scores: Tensor, target: float) -> Tensor:
    """Mean squared distance of a discriminator's scores from the target: mean (D − target)².

    Args:
        scores: (B, 1, h, w), unbounded.
        target: 1 where they should say real, 0 where generated.

    Returns:
        A number, not negative.

    Source:
        Mao et al. 2017, "Least Squares Generative Adversarial Networks", equation 2 with a = 0, b = c = 1,
        without the generator's half, as published by BDMM.
    """
    scores = _full(scores)
    return mse_loss(scores, torch.full_like(scores, target))


def discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """What a discriminator is trained for: (mean (D(real) − 1)² + mean D(generated)²) / 2.

    Args:
        real_scores: Of real frames, (B, 1, h, w).
        fake_scores: Of generated ones, which carry no gradient to the generator.

    Returns:
        A number, not negative.

    Source:
        Mao et al. 2017, equation 2 with a = 0, b = 1.
    """
    return (adversarial_loss(real_scores, 1.0) + adversarial_loss(fake_scores, 0.0)) / 2


def perceptual_losses(
    vgg: Callable[[Tensor], Features], generated: Tensor, real: Tensor, weights: LossConfig
) -> dict[str, Tensor]:
    """The terms that look at VGG features, without their weights.

    All frames of the chunk go through the network at once, the real ones without gradients.

    Args:
        vgg: Images (N, 3, H, W) in [−1, 1] to their features by layer: a `dmm_model.vgg.VggFeatures`.
        generated: (B, T, 3, H, W) in [−1, 1].
        real: The same shape and range.
        weights: Terms of weight 0 are left out; where all three are, the network does not run.

    Returns:
        "content", "style", "contextual", as far as they have a weight, each to its value.

    Raises:
        ShapeError: The shapes differ, or are no chunks.
    """
    _check_chunks(generated, real)
    chosen = [name for name in TERMS if getattr(weights, name) != 0]
    if not chosen:
        return {}
    ours = vgg(generated.flatten(0, 1))
    with torch.no_grad():
        theirs = vgg(real.flatten(0, 1))
    return {name: TERMS[name](ours, theirs, frames=generated.shape[1]) for name in chosen}


TERMS = {"content": content_loss, "style": style_loss, "contextual": contextual_terms}
"""Fields of `LossConfig` to the terms that look at VGG features."""


def _sum_layers(
    term: Callable[[Tensor, Tensor], Tensor],
    generated: Features,
    real: Features,
    layers: tuple[str, ...],
    frames: int,
) -> Tensor:
    """A term that is a mean over all frames alike, summed over layers and frames.

    Raises:
        ShapeError: Two maps differ in shape, or do not divide into frames.
    """
    for name in layers:
        _check_maps(name, generated[name], real[name], frames)
    return frames * torch.stack([term(_full(generated[name]), _full(real[name])) for name in layers]).sum()


def _features_to_gram(features: Tensor) -> Tensor:
    """(N, C, H, W) to (N, C, C)."""
    flat = features.flatten(2)
    return _product(flat, flat.mT) / flat[0].numel()


def _features_to_directions(features: Tensor) -> Tensor:
    """(N, C, H, W) to (N, C, H · W), each position's vector of length 1, or shorter if it hardly has one."""
    flat = features.flatten(2)
    norms: Tensor = torch.linalg.vector_norm(flat, dim=1, keepdim=True)
    return flat / norms.clamp_min(LEAST_NORM)


def _similarity(x: Tensor, y: Tensor, bandwidth: float) -> Tensor:
    """mean_p max_q CX[p, q] of one sample.

    Args:
        x: Directions of generated features, (C, P).
        y: Directions of real ones, (C, P).
        bandwidth: See `contextual_loss`.
    """
    distances = ((1 - _product(x.mT, y)) / 2).clamp_min(0)  # rounding puts a cosine above 1
    relative = distances / (distances.min(dim=0, keepdim=True).values + DISTANCE_EPS)
    return torch.softmax((1 - relative) / bandwidth, dim=0).max(dim=1).values.mean()


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Matrix product in the arguments' own precision, whatever automatic precision would make of it."""
    with torch.autocast(a.device.type, enabled=False):
        product: Tensor = a @ b
    return product


def _full(tensor: Tensor) -> Tensor:
    """In float32 at least: means and products of 16-bit numbers lose too much, or overflow."""
    return tensor.float() if tensor.dtype in {torch.float16, torch.bfloat16} else tensor


def _check_chunks(generated: Tensor, real: Tensor) -> None:
    """See that two tensors are chunks of frames, of one shape.

    Raises:
        ShapeError: They are not.
    """
    if generated.ndim != 5 or generated.shape != real.shape:
        raise ShapeError(
            "expected generated and real frames of one shape (B, T, 3, H, W), got "
            f"{tuple(generated.shape)} and {tuple(real.shape)}; cut both from the same chunk"
        )


def _check_maps(name: str, generated: Tensor, real: Tensor, frames: int) -> None:
    """See that two maps of features have one shape, and are those of whole chunks.

    Raises:
        ShapeError: They have not, or are not.
    """
    if generated.ndim != 4 or generated.shape != real.shape or len(generated) % frames:
        raise ShapeError(
            f"{name}: expected generated and real features of one shape (B · {frames}, C, H, W), got "
            f"{tuple(generated.shape)} and {tuple(real.shape)}; take both from the same chunk"
        )
