"""Critics of single frames and of whole chunks: the adversaries of training.

Layer names are the published ones, so that published weights load.

Source: BDMM (Yu et al. 2023, arXiv 2307.07754), its published networks `net_D` and `net_D_V`.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from dmm_model.blocks import SLOPE
from dmm_model.checkpoint import load_state, published_to_own
from vptbench.errors import ModelError, ShapeError

LEAST_SIDE = 16
"""Pixels of the smallest side that four halvings leave one score."""

LEAST_FRAMES = 5
"""Frames of the shortest chunk that two blocks, each of which takes two frames away, leave one."""


class FrameDiscriminator(nn.Module):
    """Judges frames one by one, patch by patch, without a condition.

    Args:
        channels: Channels after the first block; each further block doubles them up to `widest`.
        widest: The most channels.

    Source:
        BDMM, `net_D`: four residual blocks that halve the size, then one score at each position.
    """

    def __init__(self, channels: int = 32, widest: int = 128) -> None:
        super().__init__()
        widths = [min(channels << stage, widest) for stage in range(4)]
        self.block0 = FrameBlock(3, widths[0], hidden=channels)
        self.encoder0 = FrameBlock(widths[0], widths[1], hidden=widths[0])
        self.encoder1 = FrameBlock(widths[1], widths[2], hidden=widths[1])
        self.encoder2 = FrameBlock(widths[2], widths[3], hidden=widths[2])
        self.nonlinearity = nn.LeakyReLU(SLOPE)
        self.conv = _scoring(widths[3])

    def forward(self, frames: Tensor) -> Tensor:
        """Score the patches of frames; in training mode this also updates the spectral norm's estimate.

        Args:
            frames: (B, 3, H, W) in [−1, 1], H and W at least 16.

        Returns:
            (B, 1, H // 16, W // 16): towards 1 for real, towards 0 for generated; unbounded.

        Raises:
            ShapeError: The frames have another shape, or are too small.
        """
        _check_frames(frames, ("B", 3, "H", "W"))
        maps = self.encoder2(self.encoder1(self.encoder0(self.block0(frames))))
        scores: Tensor = self.conv(self.nonlinearity(maps))
        return scores

    def load_published(self, state: Mapping[str, Tensor]) -> None:
        """Load a state dict of the published code; a leading ``module.`` of its keys is cut off.

        Raises:
            ModelError: Keys are missing or surplus, or tensors have other shapes; all are named.
        """
        load_state(self, published_to_own(state), "the published frame discriminator")


class ClipDiscriminator(nn.Module):
    """Judges a chunk of consecutive frames, patch by patch, without a condition.

    Args:
        channels: Channels after the first block; each further block doubles them up to `widest`.
        widest: The most channels of the blocks that follow the folding of time into channels.
        frames: Frames of a chunk, at least 5.

    Raises:
        ModelError: A chunk has too few frames.

    Source:
        BDMM, `net_D_V`: two residual blocks over time and space, then as `net_D`.
    """

    def __init__(self, channels: int = 32, widest: int = 128, frames: int = 6) -> None:
        super().__init__()
        if frames < LEAST_FRAMES:
            raise ModelError(
                f"clip discriminator: expected chunks of at least {LEAST_FRAMES} frames, got {frames}; "
                "raise generator.frames_per_chunk, or set losses.temporal to 0"
            )
        self.frames = frames
        folded = 2 * channels * (frames - LEAST_FRAMES + 1)
        widths = [min(channels << stage, widest) for stage in (2, 3)]
        self.block0 = ClipBlock(3, channels, hidden=channels)
        self.block1 = ClipBlock(channels, 2 * channels, hidden=channels)
        self.encoder0 = FrameBlock(folded, widths[0], hidden=min(folded, widest))
        self.encoder1 = FrameBlock(widths[0], widths[1], hidden=widths[0])
        self.nonlinearity = nn.LeakyReLU(SLOPE)
        self.conv = _scoring(widths[1])

    def forward(self, clips: Tensor) -> Tensor:
        """Score the patches of chunks; in training mode this also updates the spectral norm's estimate.

        Args:
            clips: (B, T, 3, H, W) in [−1, 1], T = `frames`, H and W at least 16.

        Returns:
            (B, 1, H // 16, W // 16): towards 1 for real, towards 0 for generated; unbounded.

        Raises:
            ShapeError: The clips have another shape, or are too small.
        """
        _check_frames(clips, ("B", self.frames, 3, "H", "W"))
        maps = self.block1(self.block0(clips.transpose(1, 2)))
        maps = self.encoder1(self.encoder0(maps.flatten(1, 2)))  # channels first, the frames of each after
        scores: Tensor = self.conv(self.nonlinearity(maps))
        return scores

    def load_published(self, state: Mapping[str, Tensor]) -> None:
        """Load a state dict of the published code; a leading ``module.`` of its keys is cut off.

        Raises:
            ModelError: Keys are missing or surplus, or tensors have other shapes; all are named.
        """
        load_state(self, published_to_own(state), "the published clip discriminator")


class FrameBlock(nn.Module):
    """Residual block that halves height and width: two convolutions beside a mean and a projection.

    Args:
        inner: Channels that come in.
        outer: Channels that go out.
        hidden: Channels between the two convolutions.
    """

    def __init__(self, inner: int, outer: int, *, hidden: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(inner, hidden, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(hidden, outer, 4, stride=2, padding=1),
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(inner, outer, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """(B, `inner`, H, W) to (B, `outer`, H // 2, W // 2)."""
        halved: Tensor = self.model(maps) + self.shortcut(maps)
        return halved


class ClipBlock(nn.Module):
    """The same over time: it halves height and width and, since time is not padded, takes two frames away.

    Args:
        inner: Channels that come in.
        outer: Channels that go out.
        hidden: Channels between the two convolutions.
    """

    def __init__(self, inner: int, outer: int, *, hidden: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.LeakyReLU(SLOPE),
            nn.Conv3d(inner, hidden, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv3d(hidden, outer, (3, 4, 4), stride=(1, 2, 2), padding=(0, 1, 1)),
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool3d((3, 2, 2), stride=(1, 2, 2)),
            nn.Conv3d(inner, outer, 1),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """(B, `inner`, T, H, W) to (B, `outer`, T − 2, H // 2, W // 2)."""
        halved: Tensor = self.model(maps) + self.shortcut(maps)
        return halved


def _scoring(channels: int) -> nn.Conv2d:
    """One score at each position, by a projection of spectral norm 1.

    Source:
        Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks", equation 8: the
        weight over its largest singular value, which one step of power iteration a pass estimates.
    """
    return spectral_norm(nn.Conv2d(channels, 1, 1))


def _check_frames(frames: Tensor, wanted: Sequence[int | str]) -> None:
    """See that frames have the dimensions `wanted`, numbers where they are fixed.

    Raises:
        ShapeError: They have not, or a side is too small.
    """
    fits = frames.ndim == len(wanted) and all(
        size == want for size, want in zip(frames.shape, wanted, strict=True) if isinstance(want, int)
    )
    if not fits or min(frames.shape[-2:]) < LEAST_SIDE:
        raise ShapeError(
            f"expected frames ({', '.join(map(str, wanted))}), sides of at least {LEAST_SIDE} pixels, "
            f"got {tuple(frames.shape)}; cut clips into chunks, frames first, or use larger ones"
        )
