"""Deformable motion modulation: a motion state, sampled where a guide says and weighted as the style says."""

import torch
from torch import Tensor, nn

from dmm_model.blocks import Blur, ModulatedWeight, StyledActivation, convolve
from dmm_model.config import Motion
from dmm_model.deformable import TAPS, deformable_convolution


class MotionModulation(nn.Module):
    """Brings a motion state into the frame that is being generated.

    Call it with the weights that ``block.conv(style)`` gives: they serve all frames of a clip.

    Args:
        channels: Of the state.
        out: Of the result.
        style: Length of the style vector; 0 for weights that all samples share.
        guide: Channels of the guide.
        hidden: Channels between the guide and the offsets.
        motion: "dmm" for offsets, masks and modulation as published; "deformable" for the same with weights
            that no style scales; "convolution" for neither.

    Source:
        BDMM (arXiv 2307.07754), deformable motion modulation.
    """

    def __init__(
        self, channels: int, out: int, style: int, guide: int, hidden: int, motion: Motion = "dmm"
    ) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, out, 1, 1))
        self.upsample = Blur()  # kept, unused, for the published state dict
        self.conv = ModulatedWeight(channels, out, 3, style if motion == "dmm" else 0, demodulate=True)
        self.activate = StyledActivation(out)
        self.deforms = motion != "convolution"
        if self.deforms:
            self.flow_conv = nn.Sequential(nn.Conv2d(guide, hidden, 3, padding=1), nn.ReLU(inplace=True))
            self.offset_conv = nn.Conv2d(hidden, 2 * TAPS, 3, padding=1)
            self.mask_conv = nn.Conv2d(hidden, TAPS, 3, padding=1)

    def forward(self, state: Tensor, guide: Tensor, weight: Tensor) -> Tensor:
        """State (B, C, H, W), guide (B, G, H, W), weights (B, C', C, 3, 3) to (B, C', H, W)."""
        bias = self.bias.flatten() + self.activate.bias
        if self.deforms:
            flow = self.flow_conv(guide)
            offset, mask = self.offset_conv(flow), 2 * self.mask_conv(flow).sigmoid()
            moved = deformable_convolution(state, offset, mask, weight, bias)
        else:
            moved = convolve(state, weight, bias)
        activated: Tensor = self.activate(moved)
        return activated
