"""The generator: one source frame and driving poses to frames, chunk after chunk."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from dmm_model.blocks import Encoder, ResidualBlock, StyledConvolution, ToRgb
from dmm_model.checkpoint import load_state, published_to_own
from dmm_model.config import GeneratorConfig
from dmm_model.modulation import MotionModulation
from dmm_model.propagation import LEVELS, Carried, propagate, warp
from vptbench.errors import ShapeError

Result = TypeVar("Result")

STAGES = 3
"""Halvings of the pose and warp encoders, and doublings of the decoder."""


@dataclass(frozen=True)
class Look:
    """What the source frame gives to all frames of a clip.

    Attributes:
        source: (B, 3, H, W) in [−1, 1].
        weights: Of each convolution of the decoder, (B, C', C, k, k), by the block's name.
    """

    source: Tensor
    weights: Mapping[str, Tensor]


class Generator(nn.Module):
    """Bidirectional propagation with deformable motion modulation; names of its parts as published.

    Attributes:
        config: Its shape.
        recompute: Whether activations are computed again in the backward pass instead of kept: some two
            thirds of the memory for a third more time.

    Args:
        config: The default is the published network of 31,540,083 parameters.

    Source:
        BDMM (arXiv 2307.07754).
    """

    def __init__(self, config: GeneratorConfig | None = None) -> None:
        super().__init__()
        self.config = config = GeneratorConfig() if config is None else config
        self.recompute = False
        widths = [min(config.channels * 2**stage, config.widest) for stage in range(config.style_stages)]
        fine, middle, coarse = widths[:STAGES]
        style = widths[-1] if config.style_modulation else 0
        if style:
            self.x_ref = Encoder(3, widths)
        self.x_encoder = Encoder(config.keypoints + 3, widths[:STAGES])
        self.warp_encoder = Encoder(3, widths[:STAGES])
        self.warp_encoder.get_submodule("encoder1").requires_grad_(
            requires_grad=False
        )  # published, and never used
        self.x_rcnn1 = ResidualBlock(2 * coarse, coarse)
        self.x_rcnn2 = ResidualBlock(coarse, coarse)
        directions = ("for", "back") if config.bidirectional else ("for",)
        for level, width in zip(LEVELS, (middle, fine), strict=True):
            for direction in directions:
                self.add_module(f"{direction}_rcnn{level}", ResidualBlock(2 * width, width))
        for number, (before, width) in enumerate(((coarse, middle), (middle, fine), (fine, fine)), start=1):
            self.add_module(f"conv{number}up", StyledConvolution(before, width, style, up=True))
            self.add_module(f"directconv{number}", StyledConvolution(width, width, style))
            for direction in directions if number <= len(LEVELS) else ():
                block = MotionModulation(width, width, style, 2 * width, width, config.motion)
                self.add_module(f"{direction}conv{number}", block)
        self.decoder256 = ToRgb(fine, style)

    def forward(
        self, source: Tensor, poses: Tensor, grids: Tensor, frames_per_chunk: int | None = None
    ) -> Tensor:
        """Generate a clip. In training mode no gradient flows from one chunk into the one before.

        Args:
            source: (B, 3, H, W) in [−1, 1].
            poses: (B, T, 25, H, W), heatmaps in [0, 1].
            grids: (B, T, H, W, 2), mesh flow: where in the source each pixel comes from.
            frames_per_chunk: Other than the configuration's; results depend on it.

        Returns:
            (B, T, 3, H, W) in [−1, 1].

        Raises:
            ShapeError: The arrays do not fit together, or the network cannot take their size.
        """
        check_inputs(self.config, source, poses, grids)
        length = self.config.frames_per_chunk if frames_per_chunk is None else frames_per_chunk
        if length < 1:
            raise ShapeError(f"expected chunks of at least 1 frame, got {length}; leave frames_per_chunk out")
        look = self.look(source)
        made, carried = [], None
        for start, stop in chunks(poses.shape[1], length):
            following = grids[:, min(stop, poses.shape[1] - 1)]
            frames, carried = self.chunk(look, poses[:, start:stop], grids[:, start:stop], following, carried)
            carried = carried.detach() if self.training else carried
            made.append(frames)
        return torch.cat(made, 1)

    def look(self, source: Tensor) -> Look:
        """Encode the source (B, 3, H, W): its style, and the decoder's weights that follow from it."""
        source = _in_order(source)
        style = self.x_ref(source)[-1].mean((2, 3)) if self.config.style_modulation else source.flatten(1)
        blocks = {name: block for name, block in self.named_children() if hasattr(block, "conv")}
        return Look(source, {name: block.get_submodule("conv")(style) for name, block in blocks.items()})

    def chunk(
        self, look: Look, poses: Tensor, grids: Tensor, following: Tensor, carried: Carried | None
    ) -> tuple[Tensor, Carried]:
        """Generate the frames of one chunk.

        Args:
            look: Of the source.
            poses: (B, n, 25, H, W).
            grids: (B, n, H, W, 2).
            following: (B, H, W, 2), grid of the next chunk's first frame; where none follows, of the last
                frame.
            carried: From the chunk before; None at a clip's beginning.

        Returns:
            Frames (B, n, 3, H, W) in [−1, 1], and what to carry to the next chunk.
        """
        states, last = self._motion(look, grids, following, carried)
        image = look.source if carried is None else carried.image
        feature = None if carried is None else carried.feature
        frames = []
        for row in range(poses.shape[1]):
            motion = [level[row] for level in states]
            feature, image = self._kept(self._frame, look, poses[:, row], image, feature, motion)
            frames.append(image)
        return torch.stack(frames, 1), Carried(image, cast("Tensor", feature), last)

    def _kept(self, function: Callable[..., Result], *inputs: object) -> Result:
        """Call `function`, with `recompute` so that only its inputs are kept for the backward pass."""
        if self.recompute and torch.is_grad_enabled():
            made: Result = checkpoint(function, *inputs, use_reentrant=False, preserve_rng_state=False)
            return made
        return function(*inputs)

    def _frame(
        self,
        look: Look,
        pose: Tensor,
        image: Tensor,
        feature: Tensor | None,
        motion: list[tuple[Tensor, ...]],
    ) -> tuple[Tensor, Tensor]:
        """One frame's feature and the frame, from those of the frame before."""
        encoded = self.x_encoder(_in_order(torch.cat([pose, image], 1)))[-1]
        before = encoded if feature is None else feature
        feature = self.x_rcnn2(self.x_rcnn1(torch.cat([before, encoded], 1)))
        return feature, self._decode(look, feature, motion)

    def _motion(
        self, look: Look, grids: Tensor, following: Tensor, carried: Carried | None
    ) -> tuple[list[list[tuple[Tensor, ...]]], tuple[Tensor, ...]]:
        """Motion states by level and frame (forward, then backward if any), and the last forward."""
        batch, frames = grids.shape[:2]
        warped = warp(look.source, torch.cat([grids, following[:, None]], 1))
        encoded = self._kept(self.warp_encoder, _in_order(warped.flatten(0, 1)), len(LEVELS))
        by_level, last = [], []
        for number, (level, maps) in enumerate(zip(LEVELS, reversed(encoded), strict=True)):
            *steps, after = maps.unflatten(0, (batch, frames + 1)).unbind(1)
            first = steps[0] if carried is None else carried.forward[number]
            states = [self._kept(propagate, self.get_submodule(f"for_rcnn{level}"), steps, first)]
            last.append(states[0][-1])
            if self.config.bidirectional:
                backward = self._kept(propagate, self.get_submodule(f"back_rcnn{level}"), steps[::-1], after)
                states.append(backward[::-1])
            by_level.append(list(zip(*states, strict=True)))
        return by_level, tuple(last)

    def _decode(self, look: Look, x: Tensor, states: list[tuple[Tensor, ...]]) -> Tensor:
        """A frame's feature and its motion states, level by level, to the frame."""

        def run(name: str, *inputs: Tensor) -> Tensor:
            made: Tensor = self.get_submodule(name)(*inputs, look.weights[name])
            return made

        for number, level in enumerate((*states, ()), start=1):
            x = run(f"conv{number}up", x)
            guided = [
                run(f"{direction}conv{number}", state, torch.cat([x, state], 1))
                for direction, state in zip(("for", "back"), level, strict=False)
            ]
            x = sum(guided, start=run(f"directconv{number}", x))
        return run("decoder256", x).tanh()

    def load_published(self, state: Mapping[str, Tensor]) -> None:
        """Load a state dict of the published code, without ``module.`` and what is its renderer's.

        Raises:
            ModelError: Keys are missing or surplus, or tensors have other shapes; all are named.
        """
        load_state(self, published_to_own(state), "the published generator")


def _in_order(x: Tensor) -> Tensor:
    """`x` with its channels last in memory on a CPU, where convolutions are a quarter faster so."""
    return x if x.is_cuda else x.contiguous(memory_format=torch.channels_last)


def chunks(frames: int, length: int) -> Iterator[tuple[int, int]]:
    """Starts and stops of the chunks of a clip; the last may be shorter."""
    return ((start, min(start + length, frames)) for start in range(0, frames, length))


def size_to_problem(config: GeneratorConfig, height: int, width: int) -> str:
    """Why the network cannot take frames of a size, in words; empty if it can."""
    whole = 2**STAGES
    area = (height // 2**config.style_stages) * (width // 2**config.style_stages)
    if height % whole == 0 and width % whole == 0 and area > 1:
        return ""
    smallest = 2**config.style_stages
    advised = max(-(-config.size // whole) * whole, 2 * smallest)
    return (
        f"expected frames whose height and width are multiples of {whole}, and at least {smallest} × "
        f"{2 * smallest} or {2 * smallest} × {smallest}, got {height} × {width}; prepare with --size "
        f"{advised}, or take a configuration with fewer style_stages"
    )


def check_inputs(config: GeneratorConfig, source: Tensor, poses: Tensor, grids: Tensor) -> None:
    """See that source (B, 3, H, W), poses (B, T, K, H, W) and grids (B, T, H, W, 2) fit together.

    Raises:
        ShapeError: They do not, or the network cannot take their size.
    """
    batch, frames, *_ = poses.shape if poses.ndim == 5 else (0, 0)
    height, width = source.shape[-2:] if source.ndim == 4 else (0, 0)
    expected = ((batch, 3, height, width), (batch, frames, config.keypoints, height, width))
    found = (tuple(source.shape), tuple(poses.shape), tuple(grids.shape))
    if frames == 0 or found != (*expected, (batch, frames, height, width, 2)):
        raise ShapeError(
            f"expected source (B, 3, H, W), poses (B, T, {config.keypoints}, H, W) and grids (B, T, H, W, 2) "
            f"with T > 0, got {', '.join(map(str, found))}; give arrays of one batch, length and size"
        )
    problem = size_to_problem(config, height, width)
    if problem:
        raise ShapeError(problem)
