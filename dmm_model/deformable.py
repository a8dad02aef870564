"""Deformable convolution, 3 × 3: a convolution that samples each of its taps where it is told to.

On a GPU it is torchvision's. On a CPU that one takes some 200 ms for 64 channels at 128², two thirds of the
whole network's time; here the taps are gathered from rows of channels by a weighted sum of four rows each,
which torch calls an embedding bag, and the rest is one 1 × 1 convolution: 25 ms.
"""

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import deform_conv2d

from dmm_model.blocks import convolve

TAPS = 9
"""Places where a 3 × 3 window samples, row by row."""


def deformable_convolution(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolution of (B, C, H, W) whose taps are displaced and scaled, to (B, C', H, W).

    Args:
        x: (B, C, H, W).
        offset: (B, 18, H, W), pixels of this map: channel 2k is y and 2k + 1 is x of tap k.
        mask: (B, 9, H, W), what each tap's sample is multiplied by.
        weight: (B, C', C, 3, 3), each sample's own.
        bias: (C').

    Source:
        Zhu et al. 2019, "Deformable ConvNets v2" (arXiv 1811.11168), equation 1, stride 1, padding 1,
        bilinear samples, zero outside.
    """
    if x.is_cuda:
        return _by_torchvision(x, offset, mask, weight) + bias[:, None, None]
    batch, channels, height, width = x.shape
    rows = x.permute(0, 2, 3, 1).reshape(-1, channels).contiguous()
    place, share = _corners(offset, mask)
    samples = functional.embedding_bag(place, rows, per_sample_weights=share.to(rows.dtype), mode="sum")
    maps = samples.reshape(batch, height, width, TAPS * channels).permute(0, 3, 1, 2)
    return convolve(maps, weight.permute(0, 1, 3, 4, 2).reshape(batch, -1, TAPS * channels, 1, 1), bias)


def _corners(offset: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The four pixels about each sample, and how much of each enters it.

    Returns:
        Numbers of rows among the B·H·W pixels, int32 (B·H·W·9, 4), and shares of the same shape; a corner
        outside has the share 0.
    """
    batch, _, height, width = offset.shape
    tap = torch.arange(TAPS, device=offset.device)
    exact = offset.to(torch.promote_types(offset.dtype, torch.float32))  # bfloat16 cannot count pixels
    moved = exact.reshape(batch, TAPS, 2, height, width).permute(0, 3, 4, 1, 2)  # (B, H, W, 9, 2)
    y = torch.arange(height, device=offset.device)[:, None, None] + (tap // 3 - 1) + moved[..., 0]
    x = torch.arange(width, device=offset.device)[:, None] + (tap % 3 - 1) + moved[..., 1]
    top, left = y.detach().nan_to_num().floor(), x.detach().nan_to_num().floor()
    down, right = y - top, x - left
    amount = mask.permute(0, 2, 3, 1)
    first = torch.arange(batch, device=offset.device)[:, None, None, None] * (height * width)
    places, shares = [], []
    for row, vertical in ((top, (1 - down) * amount), (top + 1, down * amount)):
        for column, horizontal in ((left, 1 - right), (left + 1, right)):
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            pixel = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
            places.append(pixel.int() + first.int())
            shares.append(vertical * horizontal * inside)
    return torch.stack(places, -1).reshape(-1, 4), torch.stack(shares, -1).reshape(-1, 4)


def _by_torchvision(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
    """The same with samples folded into groups of weights and of offsets."""
    batch, out, channels, *size = weight.shape
    folded, kernel = x.reshape(1, batch * channels, *x.shape[2:]), weight.reshape(-1, channels, *size)
    convolved: Tensor = deform_conv2d(
        folded, offset.reshape(1, -1, *x.shape[2:]), kernel, padding=1, mask=mask.reshape(1, -1, *x.shape[2:])
    )
    return convolved.reshape(batch, out, *x.shape[2:])
