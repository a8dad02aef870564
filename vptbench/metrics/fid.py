"""FID: the Fréchet distance between images, by features of the Inception network."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from vptbench.clip import Frames
from vptbench.metrics.frechet import samples_to_estimate
from vptbench.metrics.protocol import (
    Definition,
    Estimate,
    Features,
    Group,
    Samples,
    Windows,
    check_frames,
    unloaded,
)
from vptbench.weights import Networks, exact_inference, load_state

if TYPE_CHECKING:
    import torch

BATCH = 8
"""Frames at a time; on a CPU this is 3 times as fast as the usual 50. Used by `frames_to_rows`.

Source: measured with norms folded into convolutions and channels last.
"""

WIDTH = 2048
"""Features of a frame, in both Inception networks.

Used by `frames_to_rows`. Source: Szegedy et al. 2016 (arXiv 1512.00567), table 1.
"""

CLASSES = 1008
"""Classes of the network of 2015-12-05, whose file holds that layer too. Used by `load_inception`.

Source: package `pytorch-fid`.
"""

Net = Callable[["torch.Tensor"], Sequence["torch.Tensor"]]
"""Frames, float32 (B, 3, H, W) in [0, 1], to a list of one tensor (B, 2048, 1, 1)."""


Compare = Callable[[Samples, Samples, Sequence[Group]], Estimate]
"""Two sets of features, and the groups of a jackknife, to a distance."""


@dataclass(frozen=True, kw_only=True)
class ImageDistance(Definition):
    """A distance between images; every scored frame is a sample; pytorch-fid's network and preprocessing.

    Attributes:
        compare: The distance between two sets of features.
        sample: What a row is.
        extractor: Network and preprocessing: metrics that share them share the rows that are kept.
        reference: The benchmark's own split.
        net: Gives the features; `load` puts it in place.
        device: Where it runs.

    Source:
        Network, resize (bilinear to 299 × 299, half-pixel centres, no antialias, in float) and scale
        (2x − 1) of the package `pytorch-fid`, which runs them.
    """

    compare: Compare
    higher_is_better: bool = False
    tolerance: float = 1e-4
    network: str = "inception-fid"
    sample: str = "frame"
    extractor: str = "inception-fid"
    reference: str | None = None
    net: Net = unloaded
    device: str = "cpu"

    def load(self, networks: Networks) -> "ImageDistance":
        """With its network, from local weights; nothing is downloaded.

        Raises:
            WeightsError: The weights are missing or not the pinned ones.
        """
        return replace(self, net=load_inception(networks), device=networks.device)

    def windows(self, clip: str, lengths: Mapping[str, int], *, generated: bool) -> Windows:
        """Every frame alone; see `DistributionMetric.windows`."""
        del generated
        return every_frame(lengths[clip])

    def features(self, frames: Frames, windows: Windows | None = None) -> Features:
        """The last pooled layer, float32 (N, 2048); see `DistributionMetric.features`.

        Raises:
            ShapeError: The array is no frames.
            UsageError: The metric is not loaded.
        """
        return frames_to_rows(frames, windows, lambda batch: self.net(batch)[0].flatten(1), self.device)

    def estimate(self, generated: Samples, target: Samples, groups: Sequence[Group] = ()) -> Estimate:
        """See `DistributionMetric.estimate`.

        Raises:
            ScoreError: A set has fewer than two samples, or the widths differ.
        """
        return self.compare(generated, target, groups)


FID = ImageDistance(id="fid-v1", label="FID", compare=samples_to_estimate)
"""The Fréchet distance as pytorch-fid computes it, frame by frame; covariances over N − 1.

This project's benchmarks, and most tables, DisCo's among them (which run that package).

Source: Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule", equation 6; see `ImageDistance`.
"""


def every_frame(length: int) -> Windows:
    """Windows of one frame each."""
    return tuple(range(frame, frame + 1) for frame in range(length))


def frames_to_rows(
    frames: Frames,
    windows: Windows | None,
    run: "Callable[[torch.Tensor], torch.Tensor]",
    device: str,
) -> Features:
    """Features of the one frame of each window, a few at a time.

    Args:
        frames: uint8 (T, H, W, 3).
        windows: Of one frame each; None for every frame.
        run: Frames, float32 (B, 3, H, W) in [0, 1], to features (B, 2048).
        device: Where it runs.

    Raises:
        ShapeError: The array is no frames.
    """
    import torch  # noqa: PLC0415 - heavy, and a definition does without

    frames = check_frames(frames, "scored")
    chosen = [window[0] for window in (every_frame(len(frames)) if windows is None else windows)]
    rows = np.empty((len(chosen), WIDTH), np.float32)
    with exact_inference():
        for start in range(0, len(chosen), BATCH):
            batch = torch.from_numpy(frames[chosen[start : start + BATCH]]).to(device)
            rows[start : start + BATCH] = run(batch.permute(0, 3, 1, 2).float() / 255).cpu().numpy()
    return rows


@lru_cache(maxsize=2)
def load_inception(networks: Networks) -> Net:
    """The network of pytorch-fid, from local weights, its norms folded.

    Raises:
        WeightsError: The weights are missing or not the pinned ones.
    """
    import torch  # noqa: PLC0415 - heavy, and a definition does without
    from pytorch_fid.inception import InceptionV3  # noqa: PLC0415
    from torchvision.models.inception import inception_v3  # noqa: PLC0415

    with torch.device("meta"):
        shapes = inception_v3(num_classes=CLASSES, aux_logits=False, init_weights=False).state_dict()
    state = load_state(FID.network, networks, shapes)
    with _state_instead_of_download(state), torch.random.fork_rng(devices=[]):
        net: torch.nn.Module = InceptionV3([InceptionV3.BLOCK_INDEX_BY_DIM[WIDTH]])
    return fold_norms(net.eval()).to(memory_format=torch.channels_last).to(networks.device)


def fold_norms(net: "torch.nn.Module") -> "torch.nn.Module":
    """Replace each convolution and batch norm of an Inception network by one convolution, in place."""
    from torch.nn import Identity  # noqa: PLC0415 - heavy, and a definition does without
    from torch.nn.utils.fusion import fuse_conv_bn_eval  # noqa: PLC0415
    from torchvision.models.inception import BasicConv2d  # noqa: PLC0415

    for block in net.modules():
        if isinstance(block, BasicConv2d):
            block.conv = fuse_conv_bn_eval(block.conv, block.bn)
            block.bn = Identity()
    return net


@contextmanager
def _state_instead_of_download(state: "dict[str, torch.Tensor]") -> Iterator[None]:
    """Let the package, which always downloads its weights, be given `state` instead.

    It loads them strictly, so that a missing or surplus tensor is an error.
    """
    from pytorch_fid import inception  # noqa: PLC0415 - heavy, and a definition does without

    download = inception.load_state_dict_from_url
    inception.load_state_dict_from_url = lambda url, progress: state  # noqa: ARG005 - the package's call
    try:
        yield
    finally:
        inception.load_state_dict_from_url = download
