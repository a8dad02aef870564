"""LPIPS: the learned perceptual distance."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import lpips
import numpy as np
import torch

from vptbench.clip import Frames, frames_to_tensor
from vptbench.errors import WeightsError
from vptbench.manifest import file_to_sha256
from vptbench.metrics.protocol import FrameValues, check_pair
from vptbench.weights import Networks, exact_inference, load_state

BATCH = 8
"""Pairs at a time; larger batches are no faster on a CPU."""

LEAST = 31
"""Smallest side that leaves the last layer of the trunk a pixel."""

HEADS_SHA256 = "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"
"""Of the linear heads, version 0.1, that the package brings."""

SLICES = {0: 1, 3: 2, 6: 3, 8: 4, 10: 5}
"""For each convolution of AlexNet's `features`, the slice that the package puts it into."""


@dataclass(frozen=True)
class Lpips:
    """`lpips-v1`: AlexNet trunk, heads version 0.1, frames in [−1, 1] at their own size, mean over pixels.

    Source:
        Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
        equation 1, by its authors' package `lpips`.
    """

    net: torch.nn.Module
    device: str

    id: ClassVar[str] = "lpips-v1"
    label: ClassVar[str] = "LPIPS"
    unit: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = False
    tolerance: ClassVar[float] = 1e-5
    network: ClassVar[str] = "alexnet"

    @classmethod
    def load(cls, networks: Networks) -> "Lpips":
        """Build the network with local weights; nothing is downloaded.

        Raises:
            WeightsError: The trunk's weights, or the package's heads, are missing or not the pinned ones.
        """
        heads = Path(lpips.__file__).parent / "weights" / "v0.1" / "alex.pth"
        if not heads.is_file() or file_to_sha256(heads) != HEADS_SHA256:
            raise WeightsError(
                f"expected the LPIPS heads with SHA-256 {HEADS_SHA256} at {heads}, found others or none; "
                "install lpips 0.1.4 again"
            )
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.filterwarnings("ignore", message=_TORCHVISION, category=UserWarning)
            net = lpips.LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False)
        places = {
            f"features.{layer}.{part}": f"slice{number}.{layer}.{part}"
            for layer, number in SLICES.items()
            for part in ("weight", "bias")
        }
        shapes = {name: net.net.state_dict()[place] for name, place in places.items()}
        state = load_state(cls.network, networks, shapes)
        net.net.load_state_dict({place: state[name] for name, place in places.items()}, strict=True)
        return cls(net.to(networks.device, memory_format=torch.channels_last), networks.device)

    def per_frame(self, *, generated: Frames, target: Frames) -> FrameValues:
        """Distance of each frame, 0 for equal ones; see `FrameMetric.per_frame`.

        Raises:
            ShapeError: The arrays differ in shape, are no frames, or are too small for the trunk.
        """
        generated, target = check_pair(generated, target, least=LEAST)
        values = np.empty(len(target), np.float64)
        with exact_inference():
            for start in range(0, len(target), BATCH):
                rows = slice(start, start + BATCH)
                pair = (
                    frames_to_tensor(frames[rows]).to(self.device, memory_format=torch.channels_last)
                    for frames in (generated, target)
                )
                values[rows] = self.net(*pair).flatten().cpu().numpy()
        return values


_TORCHVISION = (
    "(The parameter 'pretrained'|Arguments other than a weight enum or `None` for 'weights') "
    "(is|are) deprecated"
)
