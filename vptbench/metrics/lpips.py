"""LPIPS: the learned perceptual distance, ours and the published variants.

The authors' package is the network; its trunk gets the published weights from local files (`weights.py`).
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames, frames_to_tensor
from vptbench.errors import WeightsError
from vptbench.manifest import file_to_sha256
from vptbench.metrics.protocol import (
    MASK,
    Definition,
    FrameValues,
    Masks,
    check_mask,
    check_pair,
    unloaded,
)
from vptbench.weights import Networks, exact_inference, load_state

if TYPE_CHECKING:
    import lpips
    import torch

Maps = list[NDArray[np.float64]]
"""The distance at each position of each layer, float64 (B, h, w)."""

Net = Callable[["torch.Tensor", "torch.Tensor"], Maps]
"""Two batches of frames, float32 (B, 3, H, W) in [−1, 1], to the distances of their features."""


@dataclass(frozen=True)
class Trunk:
    """A published network as the package knows it.

    Attributes:
        name: The package's name of it.
        slices: For each slice of the package's trunk, the published numbers of its convolutions.
        heads: File of the linear heads, version 0.1, in the package.
        heads_sha256: Hash of its bytes.
        least: Smallest side of a frame that leaves the last slice a pixel.
        batch: Pairs at a time: what is fastest on two processors at 256 × 256 pixels.
    """

    name: str
    slices: Mapping[int, tuple[int, ...]]
    heads: str
    heads_sha256: str
    least: int
    batch: int

    @property
    def places(self) -> dict[str, str]:
        """Published name of each tensor to its name in the package's trunk."""
        return {
            f"features.{layer}.{part}": f"slice{number}.{layer}.{part}"
            for number, layers in self.slices.items()
            for layer in layers
            for part in ("weight", "bias")
        }


TRUNKS: dict[str, Trunk] = {
    "alexnet": Trunk(
        name="alex",
        slices={1: (0,), 2: (3,), 3: (6,), 4: (8,), 5: (10,)},
        heads="alex.pth",
        heads_sha256="df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
        least=31,
        batch=8,
    ),
    "vgg16": Trunk(
        name="vgg",
        slices={1: (0, 2), 2: (5, 7), 3: (10, 12, 14), 4: (17, 19, 21), 5: (24, 26, 28)},
        heads="vgg.pth",
        heads_sha256="a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
        least=16,
        batch=1,
    ),
}
"""By network. Source: torchvision's `alexnet` and `vgg16`, and `lpips` 0.1.4, which cuts them in slices."""


@dataclass(frozen=True)
class PackageNet:
    """The package's network, taken apart before its means, which masked variants take otherwise.

    Attributes:
        package: The network.
        device: Where it runs.
    """

    package: "lpips.LPIPS"
    device: str

    def __call__(self, generated: "torch.Tensor", target: "torch.Tensor") -> Maps:
        """Σ over channels of weight · (difference of unit features)², at each position of each layer.

        Source:
            Zhang et al. 2018, equation 1, before its means over positions and sum over layers.
        """
        import torch  # noqa: PLC0415 - heavy, and reading the facts of a metric does without
        from lpips import normalize_tensor  # noqa: PLC0415

        layout = torch.channels_last
        sides = [
            self.package.net(self.package.scaling_layer(frames.to(self.device, memory_format=layout)))
            for frames in (generated, target)
        ]
        return [
            head((normalize_tensor(u) - normalize_tensor(v)) ** 2)[:, 0].double().cpu().numpy()
            for head, u, v in zip(self.package.lins, *sides, strict=True)
        ]


@lru_cache(maxsize=4)
def load_net(network: str, networks: Networks) -> PackageNet:
    """The package's network with a trunk from local files; nothing is downloaded.

    Raises:
        WeightsError: The trunk's weights, or the package's heads, are missing or not the pinned ones.
    """
    import lpips  # noqa: PLC0415 - heavy, and reading the facts of a metric does without
    import torch  # noqa: PLC0415

    trunk = TRUNKS[network]
    _check_heads(trunk)
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.filterwarnings("ignore", message=_TORCHVISION, category=UserWarning)
        net = lpips.LPIPS(net=trunk.name, version="0.1", pnet_rand=True, verbose=False)
    shapes = {name: net.net.state_dict()[place] for name, place in trunk.places.items()}
    state = load_state(network, networks, shapes)
    net.net.load_state_dict({place: state[name] for name, place in trunk.places.items()}, strict=True)
    return PackageNet(net.to(networks.device, memory_format=torch.channels_last), networks.device)


def _check_heads(trunk: Trunk) -> None:
    """See that the package brings the linear heads that were published.

    Raises:
        WeightsError: They are missing, or others.
    """
    package = find_spec("lpips")
    folder = Path(package.origin).parent if package and package.origin else Path("lpips")
    path = folder / "weights" / "v0.1" / trunk.heads
    if not path.is_file() or file_to_sha256(path) != trunk.heads_sha256:
        raise WeightsError(
            f"expected the LPIPS heads with SHA-256 {trunk.heads_sha256} at {path}, found others or none; "
            "install lpips 0.1.4 again"
        )


_TORCHVISION = (
    "(The parameter 'pretrained'|Arguments other than a weight enum or `None` for 'weights') "
    "(is|are) deprecated"
)


@dataclass(frozen=True, kw_only=True)
class Lpips(Definition):
    """LPIPS of whole frames at their own size: mean over positions, summed over layers.

    Attributes:
        net: Compares two batches; `load` puts it in place.
        signed: Whether the network is given frames on [−1, 1] (if not, on [0, 1]).

    Source:
        Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
        equation 1.
    """

    higher_is_better: bool = False
    tolerance: float = 1e-5
    network: str = "alexnet"
    net: Net = field(default=unloaded, repr=False, compare=False)
    signed: bool = True

    def load(self, networks: Networks) -> "Lpips":
        """With its network, from local weights.

        Raises:
            WeightsError: The trunk's weights, or the package's heads, are missing or not the pinned ones.
        """
        return replace(self, net=load_net(self.network, networks))

    def per_frame(self, *, generated: Frames, target: Frames) -> FrameValues:
        """Distance of each frame, 0 for equal ones; see `FrameMetric.per_frame`.

        Raises:
            ShapeError: The arrays differ in shape, are no frames, or are too small for the trunk.
            UsageError: The metric is not loaded.
        """
        trunk = TRUNKS[self.network]
        generated, target = check_pair(generated, target, least=trunk.least)
        values = np.empty(len(target), np.float64)
        for rows, maps in _batches(generated, target, self.net, trunk.batch, signed=self.signed):
            values[rows] = sum(distances.mean((1, 2)) for distances in maps)
        return values


@dataclass(frozen=True, kw_only=True)
class RegionLpips(Definition):
    """LPIPS of the person, or of the rest: as `lpips-v1`, positions weighted by the region's part of them.

    The mask is averaged over the area of each position of a layer, and the layer's mean over positions is
    weighted by that; a region of all pixels gives `lpips-v1`. Features see beyond the outline.

    Attributes:
        net: Compares two batches; `load` puts it in place.
        background: Whether the region is everything but the person.

    Source:
        Zhang et al. 2018, equation 1; the weights are ours.
    """

    higher_is_better: bool = False
    tolerance: float = 1e-5
    network: str = "alexnet"
    needs: tuple[str, ...] = (MASK,)
    net: Net = field(default=unloaded, repr=False, compare=False)
    background: bool = False

    def load(self, networks: Networks) -> "RegionLpips":
        """With its network, from local weights.

        Raises:
            WeightsError: The trunk's weights, or the package's heads, are missing or not the pinned ones.
        """
        return replace(self, net=load_net(self.network, networks))

    def per_frame(self, *, generated: Frames, target: Frames, mask: Masks) -> FrameValues:
        """Distance of each frame; inf where the region is empty.

        Raises:
            ShapeError: The arrays differ in shape, are no frames, or are too small for the trunk.
            UsageError: The metric is not loaded.
        """
        trunk = TRUNKS[self.network]
        generated, target = check_pair(generated, target, least=trunk.least)
        region = check_mask(mask, target) != self.background
        there = np.flatnonzero(region.any((1, 2)))
        values = np.full(len(target), np.inf)
        for rows, maps in _batches(generated[there], target[there], self.net, trunk.batch, signed=True):
            sums = np.stack([cv2.integral(region[row].view(np.uint8)) for row in there[rows]])
            values[there[rows]] = sum(_weighted_mean(distances, sums) for distances in maps)
        return values


def _batches(
    generated: Frames, target: Frames, net: Net, batch: int, *, signed: bool
) -> Iterator[tuple[slice, Maps]]:
    """The distances of some frames after others, and which frames they are."""
    for start in range(0, len(target), batch):
        rows = slice(start, start + batch)
        a, b = frames_to_tensor(generated[rows]), frames_to_tensor(target[rows])
        with exact_inference():
            maps = net(a, b) if signed else net((a + 1) / 2, (b + 1) / 2)
        yield rows, maps


def _weighted_mean(distances: NDArray[np.float64], sums: NDArray[np.int32]) -> FrameValues:
    """Mean of distances (B, h, w), weighted by the part of a region in each of h × w cells of the frame.

    Args:
        distances: float64 (B, h, w).
        sums: int32 (B, H + 1, W + 1): pixels of the region above and left of each corner of a pixel. Between
            corners the area grows linearly, so interpolating gives it exactly for cells of any size.
    """
    at = sums.astype(np.float64)
    for axis in (1, 2):
        edges = np.linspace(0, sums.shape[axis] - 1, distances.shape[axis] + 1)
        before = np.minimum(edges.astype(int), sums.shape[axis] - 2)
        past = (edges - before).reshape((-1, 1) if axis == 1 else (-1,))
        at = np.diff(at.take(before, axis) * (1 - past) + at.take(before + 1, axis) * past, axis=axis)
    weighted: FrameValues = (at * distances).sum((1, 2)) / at.sum((1, 2))
    return weighted


LPIPS = Lpips(id="lpips-v1", label="LPIPS")
"""`lpips-v1`: AlexNet trunk, heads version 0.1, frames on [−1, 1] at their own size, mean over positions.

This project's benchmarks, BDMM's tables, and most of pose transfer. It depends on the frames' size.

Source: Zhang et al. 2018, equation 1, by its authors' package `lpips` 0.1.4.
"""

LPIPS_PERSON = RegionLpips(id="lpips-person-v1", label="LPIPS person")
"""`lpips-person-v1`: as `lpips-v1`, positions weighted by the person's part of them.

Beside this project's benchmarks (`score --metrics`).

Source: Zhang et al. 2018, equation 1; the weights are ours.
"""

LPIPS_BACKGROUND = RegionLpips(id="lpips-background-v1", label="LPIPS background", background=True)
"""`lpips-background-v1`: as `lpips-v1`, positions weighted by the part of them that is not the person's.

Beside this project's benchmarks (`score --metrics`).

Source: Zhang et al. 2018, equation 1; the weights are ours.
"""

LPIPS_VGG = Lpips(id="lpips-vgg-v1", label="LPIPS (VGG)", network="vgg16")
"""`lpips-vgg-v1`: as `lpips-v1`, with VGG-16 as trunk. Its values are not those of AlexNet in another unit.

Papers that train with it as a loss.

Source: Zhang et al. 2018, equation 1, by its authors' package `lpips` 0.1.4 with net="vgg".
"""

LPIPS_VGG_DISCO = Lpips(id="lpips-vgg-disco-v1", label="LPIPS (DisCo)", network="vgg16", signed=False)
"""`lpips-vgg-disco-v1`: as `lpips-vgg-v1`, but the network is given frames on [0, 1], half its contrast.

DisCo and the tables on TikTok videos that use its scripts.

Source: DisCo (Wangt-CN/DisCo), `tool/metrics`, which leaves out the step 2 x − 1.
"""

LPIPS_HIS = Lpips(id="lpips-his-v1", label="LPIPS (HIS)")
"""`lpips-his-v1`: per frame the same as `lpips-v1`, by his_evaluators' own copy of the authors' code.

Tables of Liquid Warping GAN and its followers on iPER. An id of its own, because the first figures published
under this name were 1 − distance, and because its protocol takes frames of 512 × 512 pixels and averages
over batches of 32 frames: figures of the two ids do not belong into one column.

Source: his_evaluators (svip-lab/impersonator, `thirdparty/his_evaluators`, `metrics.py`).
"""
