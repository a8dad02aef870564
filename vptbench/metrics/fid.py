"""FID: the Fréchet distance between images, by features of the Inception network."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from pytorch_fid import inception
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models.inception import BasicConv2d, inception_v3

from vptbench.clip import Frames
from vptbench.metrics.frechet import Statistics, statistics_to_distance
from vptbench.metrics.protocol import Features, check_frames
from vptbench.weights import Networks, exact_inference, load_state

BATCH = 8
"""Frames at a time; on a CPU this is 3 times as fast as the usual 50."""

WIDTH = 2048
"""Features of a frame."""


@dataclass(frozen=True)
class Fid:
    """`fid-v1`: every frame one sample; pytorch-fid's network and preprocessing; covariances over N − 1.

    Source:
        Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule", equation 6. Network, resize
        (bilinear to 299 × 299, half-pixel centres, no antialias, in float) and scale (2x − 1) of the
        package `pytorch-fid`, which runs them.
    """

    net: torch.nn.Module
    device: str

    id: ClassVar[str] = "fid-v1"
    label: ClassVar[str] = "FID"
    unit: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = False
    tolerance: ClassVar[float] = 1e-4
    network: ClassVar[str] = "inception-fid"
    sample: ClassVar[str] = "frame"

    @classmethod
    def load(cls, networks: Networks) -> "Fid":
        """Build the network with local weights; nothing is downloaded.

        Raises:
            WeightsError: The weights are missing or not the pinned ones.
        """
        with torch.device("meta"):
            shapes = inception_v3(num_classes=1008, aux_logits=False, init_weights=False).state_dict()
        state = load_state(cls.network, networks, shapes)
        with _state_instead_of_download(state), torch.random.fork_rng(devices=[]):
            net = inception.InceptionV3([inception.InceptionV3.BLOCK_INDEX_BY_DIM[WIDTH]]).eval()
        fold_norms(net)
        return cls(net.to(networks.device, memory_format=torch.channels_last), networks.device)

    def features(self, frames: Frames) -> Features:
        """The last pooled layer of each frame, float32 (T, 2048); see `DistributionMetric.features`.

        Raises:
            ShapeError: The array is no frames.
        """
        frames = check_frames(frames, "scored")
        rows = np.empty((len(frames), WIDTH), np.float32)
        with exact_inference():
            for start in range(0, len(frames), BATCH):
                batch = torch.from_numpy(frames[start : start + BATCH]).to(self.device).permute(0, 3, 1, 2)
                rows[start : start + BATCH] = self.net(batch.float() / 255)[0].flatten(1).cpu().numpy()
        return rows

    def distance(self, generated: Statistics, target: Statistics) -> float:
        """Fréchet distance; see `DistributionMetric.distance`."""
        return statistics_to_distance(generated, target)


def fold_norms(net: torch.nn.Module) -> None:
    """Replace each convolution and batch norm of an Inception network by one convolution, in place."""
    for block in net.modules():
        if isinstance(block, BasicConv2d):
            block.conv = fuse_conv_bn_eval(block.conv, block.bn)
            block.bn = torch.nn.Identity()


@contextmanager
def _state_instead_of_download(state: dict[str, torch.Tensor]) -> Iterator[None]:
    """Let the package, which always downloads its weights, be given `state` instead.

    It loads them strictly, so that a missing or surplus tensor is an error.
    """
    download = inception.load_state_dict_from_url
    inception.load_state_dict_from_url = lambda url, progress: state  # noqa: ARG005 - the package's call
    try:
        yield
    finally:
        inception.load_state_dict_from_url = download
