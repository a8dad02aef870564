"""Weights before training."""

import torch
from torch import nn

from dmm_model.blocks import EqualLinear, ModulatedWeight
from dmm_model.modulation import MotionModulation

GAIN = 0.02
"""Of the orthogonal matrices that the published code begins with."""


def initialise(network: nn.Module, *, parity: bool) -> None:
    """Draw the weights of `network` from torch's global generator.

    Without `parity`, convolutions begin as torch draws them, styled ones from N(0, 1) with a style bias of 1,
    and motion modulation without displacement and with masks of 1: at first it is a plain convolution. With
    `parity`, all that the published code reaches begins orthogonal, gain 0.02, biases 0; which is all but the
    weights that motion modulation convolves with, and makes of a styled layer's weights one vector of norm
    0.02 and of its style bias 0.

    Source:
        The published code of BDMM as it runs (`docs/decisions.md`).
    """
    untouched = {module.conv for module in network.modules() if isinstance(module, MotionModulation)}
    for module in network.modules():
        if parity and isinstance(module, nn.Conv2d | nn.Conv3d | EqualLinear | ModulatedWeight):
            if module not in untouched:
                nn.init.orthogonal_(_weight(module), GAIN)
            bias: torch.Tensor | None = getattr(module, "bias", None)
            if bias is not None:
                nn.init.zeros_(bias)
        elif not parity and isinstance(module, MotionModulation) and module.deforms:
            for still in (module.offset_conv, module.mask_conv):
                for parameter in still.parameters():
                    nn.init.zeros_(parameter)


def _weight(module: nn.Module) -> torch.Tensor:
    """What is drawn: of a convolution under spectral norm, the weight before it."""
    parameters = dict(module.named_parameters(recurse=False))
    return parameters["weight_orig" if "weight_orig" in parameters else "weight"]
