"""The published generator written the plain way: what ours is held against, in its numbers and its speed.

Weights are modulated for each sample each time that a frame is generated, and folded with their samples into
one grouped convolution; deformable convolutions, norms and the order of memory are torchvision's and torch's
own; warped frames are encoded one by one, through all three stages. `dmm_model` gives no more than the
configuration, and the state dict has the keys of `dmm_model.generator.Generator`.

Source: BDMM (arXiv 2307.07754), as its published code computes it.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import deform_conv2d

from dmm_model.config import GeneratorConfig

Maps = list[Tensor]
State = tuple[Tensor, Tensor, Maps]
"""What a chunk hands to the next: its last image, its last feature, and its last forward states."""


def norm_relu_convolution(channels: int, out: int, size: int = 3, stride: int = 1) -> list[nn.Module]:
    """Three layers, in this order."""
    convolution = nn.Conv2d(channels, out, size, stride=stride, padding=1)
    return [nn.InstanceNorm2d(channels, affine=True), nn.LeakyReLU(0.1), convolution]


class Encoder(nn.ModuleDict):
    """Stages ``block0``, ``encoder0``, ``encoder1``, … that halve the map, with `widths` channels each."""

    def __init__(self, channels: int, widths: list[int]) -> None:
        super().__init__()
        for number, (before, width) in enumerate(zip([channels, *widths], widths, strict=False)):
            layers = norm_relu_convolution(before, width, 4, 2) + norm_relu_convolution(width, width)
            self[f"encoder{number - 1}" if number else "block0"] = nn.ModuleDict(
                {"model": nn.Sequential(*layers)}
            )

    def forward(self, x: Tensor) -> list[Tensor]:
        """The maps after each stage."""
        maps = [x]
        for block in self.values():
            maps.append(block["model"](maps[-1]))
        return maps[1:]


class ResidualBlock(nn.Module):
    """(B, C, H, W) to (B, C', H, W)."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        layers = norm_relu_convolution(channels, channels) + norm_relu_convolution(channels, out)
        self.model = nn.Sequential(*layers)
        self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1))

    def forward(self, x: Tensor) -> Tensor:
        """The sum of both ways."""
        return self.model(x) + self.shortcut(x)


class Blur(nn.Module):
    """The filter after a transposed convolution, depth by depth, with zeros outside; sums to 4."""

    def __init__(self) -> None:
        super().__init__()
        line = torch.tensor([1.0, 3.0, 3.0, 1.0])
        self.register_buffer("kernel", line[:, None] * line[None] / 16)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H − 1, W − 1)."""
        channels = x.shape[1]
        return functional.conv2d(x, self.kernel.expand(channels, 1, 4, 4), padding=1, groups=channels)


class ModulatedWeight(nn.Module):
    """Holds (1, C', C, k, k), and scales it by each sample's style."""

    def __init__(self, channels: int, out: int, size: int, style: int, *, demodulate: bool) -> None:
        super().__init__()
        self.demodulate = demodulate
        self.weight = nn.Parameter(torch.randn(1, out, channels, size, size))
        self.modulation = nn.Linear(style, channels)

    def forward(self, style: Tensor) -> Tensor:
        """(B, S) to (B, C', C, k, k)."""
        scale = self.modulation.weight / math.sqrt(style.shape[1])
        amount = functional.linear(style, scale, self.modulation.bias)
        weight = self.weight / math.sqrt(self.weight[0, 0].numel()) * amount[:, None, :, None, None]
        if self.demodulate:
            weight = weight / (weight.pow(2).sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
        return weight


class FusedLeakyRelu(nn.Module):
    """A bias, a leaky rectifier of slope 0.2, and √2."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Of (B, C, H, W)."""
        return math.sqrt(2) * functional.leaky_relu(x + self.bias[:, None, None], 0.2)


class StyledConvolution(nn.Module):
    """A grouped convolution with weights of each sample's own; with `up` to twice the size."""

    def __init__(self, channels: int, out: int, style: int, size: int = 3, *, up: bool = False) -> None:
        super().__init__()
        self.up = up
        self.conv = ModulatedWeight(channels, out, size, style, demodulate=up)
        if up:
            self.conv.blur = Blur()
        self.bias = nn.Parameter(torch.zeros(1, out, 1, 1))
        if size > 1:
            self.activate = FusedLeakyRelu(out)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(B, C, H, W) and (B, S) to (B, C', H, W), or with `up` (B, C', 2H, 2W)."""
        weight, folded = self.conv(style), x.flatten(0, 1)[None]
        batch, out, _, size, _ = weight.shape
        if self.up:
            kernel = weight.transpose(1, 2).flatten(0, 1)
            made = functional.conv_transpose2d(folded, kernel, stride=2, groups=batch)
        else:
            made = functional.conv2d(folded, weight.flatten(0, 1), padding=size // 2, groups=batch)
        made = made.reshape(batch, out, *made.shape[2:])
        made = (self.conv.blur(made) if self.up else made) + self.bias
        return self.activate(made) if size > 1 else made


class MotionModulation(nn.Module):
    """Torchvision's deformable convolution with weights of each sample's own and offsets from a guide."""

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        self.conv = ModulatedWeight(channels, channels, 3, style, demodulate=True)
        self.upsample = Blur()  # in the published state dict, and never used
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.activate = FusedLeakyRelu(channels)
        self.flow_conv = nn.Sequential(nn.Conv2d(2 * channels, channels, 3, padding=1), nn.ReLU())
        self.offset_conv = nn.Conv2d(channels, 18, 3, padding=1)
        self.mask_conv = nn.Conv2d(channels, 9, 3, padding=1)

    def forward(self, state: Tensor, style: Tensor, guide: Tensor) -> Tensor:
        """State (B, C, H, W), style (B, S) and guide (B, 2C, H, W) to (B, C, H, W)."""
        flow, weight = self.flow_conv(guide), self.conv(style).flatten(0, 1)
        parts = state, self.offset_conv(flow), 2 * torch.sigmoid(self.mask_conv(flow))
        folded, offset, mask = (part.flatten(0, 1)[None] for part in parts)
        made = deform_conv2d(folded, offset, weight, padding=1, mask=mask)
        return self.activate(made.reshape(state.shape) + self.bias)


class NaiveGenerator(nn.ModuleDict):
    """As `dmm_model.generator.Generator` in its two directions, with all that the publication has.

    Args:
        config: Its widths, stages, heatmaps and frames in a chunk; the default is the published network.

    Raises:
        ValueError: The configuration leaves a part of the published network out.
    """

    def __init__(self, config: GeneratorConfig | None = None) -> None:
        config = GeneratorConfig() if config is None else config
        if not config.bidirectional or config.motion != "dmm" or not config.style_modulation:
            raise ValueError(f"expected both directions, dmm and style modulation, got {config}; leave them")
        widths = [min(config.channels * 2**stage, config.widest) for stage in range(config.style_stages)]
        (fine, middle, coarse), style = widths[:3], config.widest
        parts = {
            "x_ref": Encoder(3, widths),
            "x_encoder": Encoder(config.keypoints + 3, widths[:3]),
            "warp_encoder": Encoder(3, widths[:3]),
            "x_rcnn1": ResidualBlock(2 * coarse, coarse),
            "x_rcnn2": ResidualBlock(coarse, coarse),
            "decoder256": StyledConvolution(fine, 3, style, 1),
        }
        for number, (before, width) in enumerate([(coarse, middle), (middle, fine), (fine, fine)], start=1):
            parts[f"conv{number}up"] = StyledConvolution(before, width, style, up=True)
            parts[f"directconv{number}"] = StyledConvolution(width, width, style)
        for direction in ("for", "back"):
            for number, level, width in ((1, 64, middle), (2, 128, fine)):
                parts[f"{direction}_rcnn{level}"] = ResidualBlock(2 * width, width)
                parts[f"{direction}conv{number}"] = MotionModulation(width, style)
        super().__init__(parts)
        self.frames_per_chunk = config.frames_per_chunk

    def forward(self, source: Tensor, poses: Tensor, grids: Tensor) -> Tensor:
        """Source (B, 3, H, W), poses (B, T, K, H, W) and grids (B, T, H, W, 2) to (B, T, 3, H, W).

        In training mode no gradient flows from one chunk into the one before.
        """
        made, state, count = [], None, poses.shape[1]
        for start in range(0, count, self.frames_per_chunk):
            rows = slice(start, start + self.frames_per_chunk)
            following = grids[:, min(rows.stop, count - 1)]
            frames, state = self.chunk(source, poses[:, rows], grids[:, rows], following, state)
            if self.training:
                state = (state[0].detach(), state[1].detach(), [each.detach() for each in state[2]])
            made += frames
        return torch.stack(made, 1)

    def chunk(
        self, source: Tensor, poses: Tensor, grids: Tensor, following: Tensor, state: State | None
    ) -> tuple[list[Tensor], State]:
        """The frames of one chunk and what it hands on; `following` is the next chunk's first grid."""
        style = self["x_ref"](source)[-1].mean((2, 3))
        warped = [self.warped(source, grid) for grid in grids.unbind(1)]
        image, feature, before = state or (source, None, self.warped(source, grids[:, 0]))
        forward = self.propagated("for", warped, before)
        backward = self.propagated("back", warped[::-1], self.warped(source, following))[::-1]
        frames = []
        for pose, past, future in zip(poses.unbind(1), forward, backward, strict=True):
            encoded = self["x_encoder"](torch.cat([pose, image], 1))[-1]
            together = torch.cat([encoded if feature is None else feature, encoded], 1)
            feature = self["x_rcnn2"](self["x_rcnn1"](together))
            image = self.decode(feature, style, past, future)
            frames.append(image)
        return frames, (image, feature, forward[-1])

    def warped(self, source: Tensor, grid: Tensor) -> Maps:
        """The source as one grid moves it, encoded: maps at a quarter and at a half of its size."""
        moved = functional.grid_sample(source, grid, padding_mode="zeros", align_corners=False)
        half, quarter, _ = self["warp_encoder"](moved)
        return [quarter, half]

    def propagated(self, direction: str, warped: list[Maps], states: Maps) -> list[Maps]:
        """Motion states at both levels after each frame, beginning from `states`."""
        blocks, made = (self[f"{direction}_rcnn64"], self[f"{direction}_rcnn128"]), []
        for maps in warped:
            pairs = zip(blocks, maps, states, strict=True)
            states = [block(torch.cat([encoded, state], 1)) for block, encoded, state in pairs]
            made.append(states)
        return made

    def decode(self, x: Tensor, style: Tensor, past: Maps, future: Maps) -> Tensor:
        """A frame from its feature, the style, and the motion states of both directions."""
        for number, (before, after) in enumerate(zip(past, future, strict=True), start=1):
            x = self[f"conv{number}up"](x, style)
            from_past = self[f"forconv{number}"](before, style, torch.cat([x, before], 1))
            from_future = self[f"backconv{number}"](after, style, torch.cat([x, after], 1))
            x = self[f"directconv{number}"](x, style) + from_past + from_future
        for name in ("conv3up", "directconv3", "decoder256"):
            x = self[name](x, style)
        return x.tanh()
