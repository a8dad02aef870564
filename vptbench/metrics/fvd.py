"""FVD: the Fréchet distance between videos, by features of the I3D network."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from vptbench.clip import Frames
from vptbench.metrics.frechet import Statistics, statistics_to_distance
from vptbench.metrics.i3d import CLASSES, I3D
from vptbench.metrics.protocol import Features, check_frames
from vptbench.weights import Networks, exact_inference, load_torchscript

WINDOW = 16
"""Frames of a sample."""


@dataclass(frozen=True)
class Fvd:
    """`fvd-v1`: samples are windows of 16 frames, side by side from the first scored frame of a clip.

    Frames left over at the end are not used; covariances over N − 1.

    Source:
        Unterthiner et al. 2018, "Towards Accurate Generative Models of Video" (arXiv 1812.01717); the
        logits of I3D by StyleGAN-V's TorchScript file, which resizes and rescales by itself.
    """

    net: torch.jit.ScriptModule
    device: str

    id: ClassVar[str] = "fvd-v1"
    label: ClassVar[str] = "FVD"
    unit: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = False
    tolerance: ClassVar[float] = 1e-3
    network: ClassVar[str] = "i3d-kinetics400"
    sample: ClassVar[str] = "window of 16 frames"

    @classmethod
    def load(cls, networks: Networks) -> "Fvd":
        """Load the network from its local file; nothing is downloaded.

        Raises:
            WeightsError: The weights are missing or not the pinned ones.
        """
        net = load_torchscript(cls.network, networks, I3D)
        return cls(net.to(memory_format=torch.channels_last_3d), networks.device)

    def features(self, frames: Frames) -> Features:
        """The logits of each window, float32 (T // 16, 400); see `DistributionMetric.features`.

        Raises:
            ShapeError: The array is no frames.
        """
        frames = check_frames(frames, "scored")
        rows = np.empty((len(frames) // WINDOW, CLASSES), np.float32)
        with exact_inference():
            for row in range(len(rows)):
                window = torch.from_numpy(frames[row * WINDOW : (row + 1) * WINDOW]).to(self.device)
                video = window.permute(3, 0, 1, 2)[None].contiguous()
                rows[row] = self.net(video, rescale=True, resize=True, return_features=True)[0].cpu().numpy()
        return rows

    def distance(self, generated: Statistics, target: Statistics) -> float:
        """Fréchet distance; see `DistributionMetric.distance`."""
        return statistics_to_distance(generated, target)
