"""Motion carried along a chunk: from the past forward, and from the frame after it backward."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

LEVELS = ("64", "128")
"""The two scales of motion, by their height at the published size: a quarter and a half of the frame's."""


@dataclass(frozen=True)
class Carried:
    """What one chunk hands to the next.

    Attributes:
        image: (B, 3, H, W), the last frame that was generated.
        feature: (B, C, H/8, W/8), the last frame's feature.
        forward: One state a level, (B, C, H/4, W/4) and (B, C, H/2, W/2).
    """

    image: Tensor
    feature: Tensor
    forward: tuple[Tensor, ...]

    def detach(self) -> "Carried":
        """The same numbers, through which no gradient flows."""
        forward = tuple(state.detach() for state in self.forward)
        return Carried(self.image.detach(), self.feature.detach(), forward)


def warp(source: Tensor, grids: Tensor) -> Tensor:
    """The source frame as each grid moves it, at full size; mid-grey (0) where a grid leads outside.

    Args:
        source: (B, 3, H, W).
        grids: (B, T, H, W, 2), mesh flow in the coordinates of `grid_sample` without aligned corners.

    Returns:
        (B, T, 3, H, W).
    """
    batch, frames = grids.shape[:2]
    repeated = source[:, None].expand(-1, frames, -1, -1, -1).reshape(batch * frames, *source.shape[1:])
    warped = functional.grid_sample(
        repeated, grids.reshape(batch * frames, *grids.shape[2:]), padding_mode="zeros", align_corners=False
    )
    return warped.reshape(batch, frames, *warped.shape[1:])


def propagate(block: nn.Module, maps: Sequence[Tensor], state: Tensor) -> list[Tensor]:
    """States after each of `maps` (B, C, h, w), in their order, beginning from `state` (B, C, h, w)."""
    states = []
    for encoded in maps:
        state = block(torch.cat([encoded, state], 1))
        states.append(state)
    return states
