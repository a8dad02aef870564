"""The I3D network of FVD, for runs without published weights.

The pinned network is a TorchScript file; this module is of the same kind (architecture, input,
call) and goes through the same loader once it is filled and scripted (`weights.load_torchscript`).
"""

import torch
import torch.nn.functional as F
from torch import nn

CLASSES = 400
"""Width of the features: the logits of Kinetics-400. Used here and by `fvd`. Source: as `I3D`."""

SIDE = 224
"""Side of the square that frames are resized to, in pixels. Used here and by `fvd`. Source: as `I3D`."""

MIXED = (
    (192, (64, 96, 128, 16, 32, 32)),
    (256, (128, 128, 192, 32, 96, 64)),
    (480, (192, 96, 208, 16, 48, 64)),
    (512, (160, 112, 224, 24, 64, 64)),
    (512, (128, 128, 256, 24, 64, 64)),
    (512, (112, 144, 288, 32, 64, 64)),
    (528, (256, 160, 320, 32, 128, 128)),
    (832, (256, 160, 320, 32, 128, 128)),
    (832, (384, 192, 384, 48, 128, 128)),
)
"""Channels of the nine mixed blocks: in, then the widths (1x1; 1x1, 3x3; 1x1, 3x3; pooled 1x1).

Used by `I3D`. Source: kinetics-i3d, i3d.py.
"""


def same_pad(x: torch.Tensor, kernel: list[int], stride: list[int]) -> torch.Tensor:
    """Zeros around (B, C, T, H, W) so that a window gives ceil(size / stride), the surplus one at the end.

    Source:
        TensorFlow's "SAME" padding, which the published network was trained with.
    """
    pads: list[int] = []
    for axis in (2, 1, 0):
        size = x.shape[axis + 2]
        steps = (size + stride[axis] - 1) // stride[axis]
        total = max((steps - 1) * stride[axis] + kernel[axis] - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


class Unit(nn.Module):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(self, channels: int, width: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = [kernel] * 3, [stride] * 3
        self.conv = nn.Conv3d(channels, width, kernel, stride, bias=False)
        self.norm = nn.BatchNorm3d(width, eps=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, T, H, W) to (B, width, T/stride, H/stride, W/stride)."""
        return F.relu(self.norm(self.conv(same_pad(x, self.kernel, self.stride))))


class Pool(nn.Module):
    """Largest value of a window, padded as TensorFlow does; inputs are not negative."""

    def __init__(self, kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> None:
        super().__init__()
        self.kernel, self.stride = list(kernel), list(stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, T, H, W) to the same, each size divided by its stride, rounded up."""
        return F.max_pool3d(same_pad(x, self.kernel, self.stride), self.kernel, self.stride)


class Mixed(nn.Module):
    """Four branches side by side."""

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        one, three_in, three, small_in, small, pooled = widths
        self.branch0 = Unit(channels, one, 1)
        self.branch1 = nn.Sequential(Unit(channels, three_in, 1), Unit(three_in, three, 3))
        self.branch2 = nn.Sequential(Unit(channels, small_in, 1), Unit(small_in, small, 3))
        self.branch3 = nn.Sequential(Pool((3, 3, 3), (1, 1, 1)), Unit(channels, pooled, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, T, H, W) to (B, sum of the branches' widths, T, H, W)."""
        return torch.cat([self.branch0(x), self.branch1(x), self.branch2(x), self.branch3(x)], 1)


class I3D(nn.Module):
    """Inflated Inception-v1 for RGB.

    Source:
        Carreira and Zisserman 2017, "Quo Vadis, Action Recognition?" (arXiv 1705.07750), figure 3;
        padding, order and widths as in its code (`kinetics-i3d`, i3d.py).
    """

    def __init__(self) -> None:
        super().__init__()
        mixed = [Mixed(channels, widths) for channels, widths in MIXED]
        self.trunk = nn.Sequential(
            Unit(3, 64, 7, 2),
            Pool((1, 3, 3), (1, 2, 2)),
            Unit(64, 64, 1),
            Unit(64, 192, 3),
            Pool((1, 3, 3), (1, 2, 2)),
            *mixed[:2],
            Pool((3, 3, 3), (2, 2, 2)),
            *mixed[2:7],
            Pool((2, 2, 2), (2, 2, 2)),
            *mixed[7:],
        )
        self.logits = nn.Conv3d(1024, CLASSES, 1)
        self.side = SIDE  # TorchScript sees attributes, not a module's constants

    def forward(
        self,
        x: torch.Tensor,
        rescale: bool = False,  # noqa: FBT001, FBT002 - the call of the published file
        resize: bool = False,  # noqa: FBT001, FBT002
        return_features: bool = False,  # noqa: FBT001, FBT002
    ) -> torch.Tensor:
        """Videos to logits, called as the pinned TorchScript file is.

        Args:
            x: (B, 3, T, H, W), T ≥ 9; values 0..255 (any dtype) with `rescale`, else [−1, 1].
            rescale: Map 0..255 to [−1, 1] first.
            resize: Resize every frame to 224 × 224 first (bilinear, half-pixel centres, no antialias).
            return_features: Give the logits, else their softmax.

        Returns:
            float32 (B, 400).
        """
        x = x.float()
        if resize:
            B, C, T, H, W = x.shape
            frames = x.transpose(1, 2).reshape(B * T, C, H, W)
            frames = F.interpolate(frames, size=[self.side, self.side], mode="bilinear", align_corners=False)
            x = frames.reshape(B, T, C, self.side, self.side).transpose(1, 2)
        if rescale:
            x = 2 * x / 255 - 1
        x = F.avg_pool3d(self.trunk(x), [2, 7, 7], [1, 1, 1])
        logits = self.logits(x).squeeze(4).squeeze(3).mean(2)
        answer: torch.Tensor = logits if return_features else logits.softmax(1)
        return answer
