"""The blocks that the generator is made of; names of their parts are those of the published state dict."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.1
"""Of the leaky rectifiers in encoders, residual blocks and discriminators."""

STYLED_SLOPE, STYLED_GAIN = 0.2, math.sqrt(2)
"""Of the leaky rectifier that follows a styled convolution, and what it is multiplied by."""

BLUR = torch.tensor([1.0, 3.0, 3.0, 1.0])
"""The filter after a transposed convolution, each way; its outer product is scaled to sum to 4."""


class InstanceNorm(nn.InstanceNorm2d):
    """Normalises each channel over height and width, with gain and bias, and no running statistics.

    On a CPU, torch's own would undo the order of memory that convolutions are fast in (channels last), its
    batch norm of one sample does not: 0.5 ms instead of 1.6 for 128 channels at 128².
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        if x.is_cuda:
            return super().forward(x)
        return sample_by_sample(self._normalise, x)

    def _normalise(self, x: Tensor) -> Tensor:
        return functional.batch_norm(x, None, None, self.weight, self.bias, training=True, eps=self.eps)


def sample_by_sample(function: Callable[..., Tensor], *batches: Tensor) -> Tensor:
    """Give `function` one sample of each batch at a time, (1, …), and join what it makes of them."""
    if len(batches[0]) == 1:
        return function(*batches)
    pairs = zip(*(batch.chunk(len(batch)) for batch in batches), strict=True)
    return torch.cat([function(*samples) for samples in pairs])


class EncoderBlock(nn.Module):
    """Halves a map: (B, C, H, W) to (B, C', H/2, W/2); normalised before each convolution."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            InstanceNorm(channels),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Conv2d(channels, out, 4, stride=2, padding=1),
            InstanceNorm(out),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Conv2d(out, out, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """One stage of an encoder."""
        halved: Tensor = self.model(x)
        return halved


class Encoder(nn.Module):
    """Stages ``block0``, ``encoder0``, ``encoder1``, … that each halve the map.

    Args:
        channels: Of the input.
        stages: Channels after each stage.
    """

    def __init__(self, channels: int, stages: Sequence[int]) -> None:
        super().__init__()
        self.names = ("block0", *(f"encoder{number}" for number in range(len(stages) - 1)))
        for name, before, after in zip(self.names, (channels, *stages), stages, strict=False):
            self.add_module(name, EncoderBlock(before, after))

    def forward(self, x: Tensor, stages: int | None = None) -> list[Tensor]:
        """The maps after the first `stages` stages, all by default; the last is the smallest."""
        maps = []
        for name in self.names[:stages]:
            x = getattr(self, name)(x)
            maps.append(x)
        return maps


class ResidualBlock(nn.Module):
    """Two normalised convolutions beside a 1 × 1 shortcut: (B, C, H, W) to (B, C', H, W)."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            InstanceNorm(channels),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            InstanceNorm(channels),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Conv2d(channels, out, 3, padding=1),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1))

    def forward(self, x: Tensor) -> Tensor:
        """The sum of both ways."""
        both: Tensor = self.model(x) + self.shortcut(x)
        return both


class EqualLinear(nn.Module):
    """A linear map whose weights are scaled by 1/√inputs when it is used, not when they are drawn.

    Source:
        Karras et al. 2018, "Progressive Growing of GANs" (arXiv 1710.10196), section 4.1.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.ones(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) to (B, outputs)."""
        return functional.linear(x, self.weight / math.sqrt(self.weight.shape[1]), self.bias)


class Blur(nn.Module):
    """A smooth filter after a transposed convolution, one pixel smaller: (B, C, H, W) to (B, C, H−1, W−1)."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", torch.outer(BLUR, BLUR) * (4 / BLUR.sum() ** 2))

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Zeros are taken outside; `bias` (C) is added."""
        channels = x.shape[1]
        kernel = self.kernel.expand(channels, 1, 4, 4)
        return functional.conv2d(x, kernel, bias, padding=1, groups=channels)


class ModulatedWeight(nn.Module):
    """The weights of a convolution, one set for each sample's style.

    Attributes:
        weight: (1, C', C, k, k), drawn from N(0, 1).

    Args:
        channels: C, of the input.
        out: C', of the output.
        size: k.
        style: Length of the style vector; 0 for weights that all samples share.
        demodulate: Whether each output channel's weights are brought to unit norm.
        blurred: Whether a `Blur` follows the convolution (its place in the state dict is here).

    Source:
        Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN" (arXiv 1912.04958),
        equations 1 and 3.
    """

    def __init__(
        self, channels: int, out: int, size: int, style: int, *, demodulate: bool, blurred: bool = False
    ) -> None:
        super().__init__()
        self.demodulate = demodulate
        self.weight = nn.Parameter(torch.randn(1, out, channels, size, size))
        if blurred:
            self.blur = Blur()
        if style:
            self.modulation = EqualLinear(style, channels)

    def forward(self, style: Tensor) -> Tensor:
        """Style (B, S) to weights (B, C', C, k, k)."""
        weight = self.weight / math.sqrt(math.prod(self.weight.shape[2:]))
        if hasattr(self, "modulation"):
            weight = weight * self.modulation(style)[:, None, :, None, None]
        if self.demodulate:
            weight = weight * torch.rsqrt(weight.square().sum((2, 3, 4), keepdim=True) + 1e-8)
        return weight.expand(len(style), -1, -1, -1, -1)


class StyledActivation(nn.Module):
    """A further bias, a leaky rectifier, and a gain."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Of (B, C, H, W), to which the bias has been added (by the convolution, in one go with its own)."""
        return functional.leaky_relu(x, STYLED_SLOPE).mul_(STYLED_GAIN)


class StyledConvolution(nn.Module):
    """A convolution with weights of each sample's own, 3 × 3; with `up`, to twice the size.

    Call it with the weights that ``block.conv(style)`` gives: they serve all frames of a clip.
    """

    def __init__(self, channels: int, out: int, style: int, *, up: bool = False) -> None:
        super().__init__()
        self.up = up
        self.bias = nn.Parameter(torch.zeros(1, out, 1, 1))
        self.conv = ModulatedWeight(channels, out, 3, style, demodulate=up, blurred=up)
        self.activate = StyledActivation(out)

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        """(B, C, H, W) with weights (B, C', C, 3, 3) to (B, C', H, W), or with `up` (B, C', 2H, 2W)."""
        bias = self.bias.flatten() + self.activate.bias
        convolved = self.conv.blur(_convolve_up(x, weight), bias) if self.up else convolve(x, weight, bias)
        activated: Tensor = self.activate(convolved)
        return activated


class ToRgb(nn.Module):
    """A 1 × 1 convolution with weights of each sample's own to three channels."""

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))
        self.conv = ModulatedWeight(channels, 3, 1, style, demodulate=False)

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        """(B, C, H, W) with weights (B, 3, C, 1, 1) to (B, 3, H, W), without limits."""
        return convolve(x, weight, self.bias.flatten())


def convolve(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolution that keeps the size, each sample with its own weights (B, C', C, k, k)."""

    def one(sample: Tensor, kernel: Tensor) -> Tensor:
        return functional.conv2d(sample, kernel[0], bias, padding=kernel.shape[-1] // 2)

    return sample_by_sample(one, x, weight)


def _convolve_up(x: Tensor, weight: Tensor) -> Tensor:
    """Transposed convolution of stride 2, (B, C, H, W) to (B, C', 2H + 1, 2W + 1)."""

    def one(sample: Tensor, kernel: Tensor) -> Tensor:
        return functional.conv_transpose2d(sample, kernel[0].transpose(0, 1), stride=2)

    return sample_by_sample(one, x, weight)
