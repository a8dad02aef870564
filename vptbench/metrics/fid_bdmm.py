"""FID as the published evaluation of BDMM computes it: another network, and another reference, than FID's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from vptbench.clip import Frames
from vptbench.manifest import Json
from vptbench.metrics.fid import every_frame, fold_norms, frames_to_rows
from vptbench.metrics.frechet import samples_to_estimate
from vptbench.metrics.protocol import (
    Definition,
    Estimate,
    Features,
    Group,
    Samples,
    Windows,
    unloaded,
)
from vptbench.weights import Networks, load_state

if TYPE_CHECKING:
    import torch

SIDE = 299
"""Side of the square that frames are resized to, in pixels. Used by `frames_to_input`.

Source: Szegedy et al. 2016 (arXiv 1512.00567).
"""

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of R, G and B in ImageNet, on [0, 1]. Used by `frames_to_input`. Source: torchvision."""

Net = Callable[["torch.Tensor"], "torch.Tensor"]
"""What `frames_to_input` gives, to features (B, 2048)."""


@dataclass(frozen=True, kw_only=True)
class FidBdmm(Definition):
    """Generated frames against all frames of the training clips, by torchvision's Inception; N − 1.

    The published program stops where either number of frames is a multiple of its batch size of 64, and at
    64 frames or fewer. That failure is not reproduced: for such numbers there is no published value.

    Attributes:
        sample: What a row is.
        extractor: Network and preprocessing.
        reference: The training split, for test results too.
        net: Gives the features; `load` puts it in place.
        device: Where it runs.

    Source:
        Repository rocketappslab/bdmm, commit 96181b0, class FID of `evaluation/getMetrics_animation.py`;
        the distance is that of Heusel et al. 2017, equation 6.
    """

    label: str = "FID (BDMM)"
    higher_is_better: bool = False
    tolerance: float = 1e-4
    network: str = "inception-torchvision"
    settings: Mapping[str, Json] = field(
        default_factory=lambda: {"published_stops_at": "multiples of 64 frames, and 64 frames or fewer"}
    )
    sample: str = "frame"
    extractor: str = "inception-torchvision-bdmm"
    reference: str | None = "train"
    net: Net = unloaded
    device: str = "cpu"

    def load(self, networks: Networks) -> "FidBdmm":
        """With its network, from local weights.

        Raises:
            WeightsError: The weights are missing or not the pinned ones.
        """
        return replace(self, net=load_inception(self.network, networks), device=networks.device)

    def windows(self, clip: str, lengths: Mapping[str, int], *, generated: bool) -> Windows:
        """Every frame alone; see `DistributionMetric.windows`."""
        del generated
        return every_frame(lengths[clip])

    def features(self, frames: Frames, windows: Windows | None = None) -> Features:
        """The pooled layer, float32 (N, 2048); see `DistributionMetric.features`.

        Raises:
            ShapeError: The array is no frames.
            UsageError: The metric is not loaded.
        """
        return frames_to_rows(frames, windows, lambda batch: self.net(frames_to_input(batch)), self.device)

    def estimate(self, generated: Samples, target: Samples, groups: Sequence[Group] = ()) -> Estimate:
        """Fréchet distance; see `DistributionMetric.estimate`.

        Raises:
            ScoreError: A set has fewer than two samples, or the widths differ.
        """
        return samples_to_estimate(generated, target, groups)


FID_BDMM = FidBdmm(id="fid-bdmm-v1")
"""The model's test frames against all frames of the training videos; covariances over N − 1.

torchvision's ImageNet network up to its pooling, frames on [0, 1] brought to 299 × 299 bilinearly, then in
each channel x·(σ/0.5) + (μ − 0.5)/0.5 with ImageNet's μ and σ, a formula that was meant for standardised
frames. The published script fails where a count is a multiple of its batch size of 64, or at most 64; this
one does not.

BDMM's tables. Compare with no other FID.

Source: BDMM (arXiv 2307.07754), `evaluation/`; see `FidBdmm`.
"""


def frames_to_input(frames: "torch.Tensor") -> "torch.Tensor":
    """Resize frames, and scale each channel by a rule that is meant for standardised input.

    On frames standardised by ImageNet's mean and deviation it would give exactly 2x − 1; the published
    program applies it to [0, 1].

    Args:
        frames: float32 (B, 3, H, W) in [0, 1].

    Returns:
        float32 (B, 3, 299, 299).

    Source:
        rocketappslab/bdmm, `evaluation/getMetrics_animation.py`: bilinear with half-pixel centres and no
        antialias, then x · (σ/0.5) + (μ − 0.5)/0.5.
    """
    from torch.nn.functional import interpolate  # noqa: PLC0415 - heavy, and a definition does without

    resized = interpolate(frames, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    deviation, mean = (resized.new_tensor(values)[:, None, None] for values in (DEVIATION, MEAN))
    return resized * (deviation / 0.5) + (mean - 0.5) / 0.5


@lru_cache(maxsize=2)
def load_inception(name: str, networks: Networks) -> Net:
    """Inception-v3 of torchvision up to its pooling, from local weights, its norms folded.

    Args:
        name: Of the network whose file it is.
        networks: Which weights, and where they run.

    Raises:
        WeightsError: The weights are missing or not the pinned ones.
    """
    import torch  # noqa: PLC0415 - heavy, and a definition does without
    from torchvision.models.inception import inception_v3  # noqa: PLC0415

    with torch.device("meta"):
        net: torch.nn.Module = inception_v3(aux_logits=True, transform_input=False, init_weights=False)
    net.load_state_dict(load_state(name, networks, net.state_dict()), assign=True)
    net.fc = torch.nn.Identity()  # the auxiliary head stays, and does not run outside training
    return fold_norms(net.eval()).to(memory_format=torch.channels_last).to(networks.device)
