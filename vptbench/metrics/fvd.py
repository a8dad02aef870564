"""FVD: the Fréchet distance between videos, by features of the I3D network; ours and DisCo's protocol."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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
from vptbench.weights import Networks, exact_inference, load_torchscript

if TYPE_CHECKING:
    import torch

FRAMES = 32
"""Frames that go through the network at a time, one window at least. Used by `windows_to_rows`.

An odd window joins others: alone it would take longer. Source: measured on a CPU: two or three windows of 16
take 0.17 s each, one takes 0.27 s, four 0.22 s each.
"""

PICTURES = 64
"""Resized frames that are kept for the windows to come, some 38 MiB. Used by `frames_to_bicubic_rows`.

Source: our choice, at least the frames of two windows.
"""

Net = Callable[..., "torch.Tensor"]
"""Videos (B, 3, T, H, W) to features (B, D), with the keywords rescale, resize and return_features."""


@dataclass(frozen=True, kw_only=True)
class Fvd(Definition):
    """Samples are windows of successive frames of a clip, real and generated alike; covariances over N − 1.

    Frames that fill no window are not used.

    Attributes:
        sample: What a row is.
        extractor: Network and preprocessing.
        reference: The benchmark's own split.
        length: Frames of a window.
        step: From the first frame of a window to that of the next; the first begins with the clip.
        bicubic: Whether frames are resized by PIL (if not, the network resizes and rescales by itself).
        net: Gives the features; `load` puts it in place.
        device: Where it runs.

    Source:
        Unterthiner et al. 2018, "Towards Accurate Generative Models of Video" (arXiv 1812.01717); the
        logits of I3D by StyleGAN-V's TorchScript file.
    """

    label: str = "FVD"
    higher_is_better: bool = False
    tolerance: float = 1e-3
    network: str = "i3d-kinetics400"
    sample: str = "window of 16 frames"
    extractor: str = "i3d-kinetics400"
    reference: str | None = None
    length: int = 16
    step: int = 16
    bicubic: bool = False
    net: Net = unloaded
    device: str = "cpu"

    def load(self, networks: Networks) -> "Fvd":
        """With its network, from its local file; nothing is downloaded.

        Raises:
            WeightsError: The weights are missing or not the pinned ones.
        """
        return replace(self, net=load_i3d(self.network, networks), device=networks.device)

    def windows(self, clip: str, lengths: Mapping[str, int], *, generated: bool) -> Windows:
        """Every `step` frames one of `length`; see `DistributionMetric.windows`."""
        del generated
        starts = range(0, lengths[clip] - self.length + 1, self.step)
        return tuple(range(start, start + self.length) for start in starts)

    def features(self, frames: Frames, windows: Windows | None = None) -> Features:
        """The logits of each window, float32 (N, 400); see `DistributionMetric.features`.

        Raises:
            ShapeError: The array is no frames.
            UsageError: The metric is not loaded.
        """
        frames = check_frames(frames, "scored")
        if windows is None:
            windows = self.windows("", {"": len(frames)}, generated=True)
        run = frames_to_bicubic_rows if self.bicubic else frames_to_rows
        return run(frames, windows, self.net, self.device)

    def estimate(self, generated: Samples, target: Samples, groups: Sequence[Group] = ()) -> Estimate:
        """Fréchet distance; see `DistributionMetric.estimate`.

        Raises:
            ScoreError: A set has fewer than two samples, or the widths differ.
        """
        return samples_to_estimate(generated, target, groups)


FVD = Fvd(
    id="fvd-v1",
    settings={"frames": 16, "stride": 1, "step": 16, "network_call": "rescale, resize, return_features"},
)
"""Windows of 16 frames side by side, from the first scored frame of every clip, the same on both sides.

Frames that fill no window are not used; covariances over N − 1. This project's benchmarks: compare at equal
numbers of windows alone, which stand beside the figure.

Source: Unterthiner et al. 2018, "Towards Accurate Generative Models of Video" (arXiv 1812.01717), by the
logits of StyleGAN-V's TorchScript I3D; windows and divisor are ours.
"""

FVD_DISCO = Fvd(
    id="fvd-disco-ts-v1",
    label="FVD (DisCo)",
    extractor="i3d-kinetics400-bicubic",
    step=1,
    bicubic=True,
    settings={
        "frames": 16, "stride": 1, "step": 1,
        "network_call": "return_features, on 224 × 224 by PIL's bicubic",
        "network": "TorchScript I3D of StyleGAN-V, not DisCo's own file",
    },
)  # fmt: skip
"""DisCo's protocol: every 16 successive frames, each resized by PIL to 224 × 224 whatever its aspect.

DisCo's own I3D is another file of the same network (i3d_pretrained_400.pt), which gives nearly the same
numbers and not the very same: hence "ts", for TorchScript, in the id.

Source: repository Wangt-CN/DisCo, commit c4fa48a, `--type fvd --sample_duration 16`.
"""


def frames_to_rows(frames: Frames, windows: Windows, net: Net, device: str) -> Features:
    """Features of windows of 8-bit frames, which the network resizes and rescales.

    Args:
        frames: uint8 (T, H, W, 3).
        windows: All of one length; equal ones go through the network once.
        net: The network.
        device: Where it runs.
    """

    def video(window: range) -> NDArray[np.uint8]:
        return frames[window.start : window.stop : window.step].transpose(3, 0, 1, 2)

    def run(videos: "torch.Tensor") -> "torch.Tensor":
        return net(videos.to(device), rescale=True, resize=True, return_features=True)

    return windows_to_rows(windows, video, run)


def frames_to_bicubic_rows(frames: Frames, windows: Windows, net: Net, device: str) -> Features:
    """As `frames_to_rows`, but frames are resized and rescaled here, by `frame_to_picture`."""
    picture = lru_cache(PICTURES)(lambda number: frame_to_picture(frames[number]))

    def video(window: range) -> NDArray[np.float32]:
        return np.stack([picture(number) for number in window], 1)

    def run(videos: "torch.Tensor") -> "torch.Tensor":
        return net(videos.to(device), rescale=False, resize=False, return_features=True)

    return windows_to_rows(windows, video, run)


def frame_to_picture(frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Resize a frame (H, W, 3) as DisCo does, float32 (3, 224, 224); a little beyond [−1, 1] at edges.

    Source:
        Wangt-CN/DisCo: each channel in float through PIL's bicubic resize, which averages where it
        shrinks and is not clipped, then x/127.5 − 1.
    """
    from PIL import Image  # noqa: PLC0415 - for this protocol alone

    from vptbench.metrics.i3d import SIDE  # noqa: PLC0415 - as torch

    picture = np.empty((3, SIDE, SIDE), np.float32)
    for number, channel in enumerate(frame.transpose(2, 0, 1).astype(np.float32)):
        picture[number] = np.asarray(Image.fromarray(channel).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    return picture / np.float32(127.5) - np.float32(1)


def windows_to_rows(
    windows: Windows,
    video: Callable[[range], NDArray[np.uint8] | NDArray[np.float32]],
    run: "Callable[[torch.Tensor], torch.Tensor]",
) -> Features:
    """Features of windows, some at a time, equal ones once.

    Args:
        windows: All of one length.
        video: A window to what the network is given, (3, T, H, W).
        run: Videos (B, 3, T, H, W) to features (B, D).

    Returns:
        A row a window, float32 (N, D).
    """
    import torch  # noqa: PLC0415 - heavy, and a definition does without

    from vptbench.metrics.i3d import CLASSES  # noqa: PLC0415

    distinct = list(dict.fromkeys(windows))
    if not distinct:
        return np.empty((0, CLASSES), np.float32)
    at_once = max(1, FRAMES // len(distinct[0]))
    rows = []
    with exact_inference():
        for some in np.array_split(np.arange(len(distinct)), max(1, len(distinct) // at_once)):
            videos = np.stack([video(distinct[place]) for place in some])
            batch = torch.from_numpy(np.ascontiguousarray(videos))
            rows.append(run(batch).float().cpu().numpy())
    places = {window: place for place, window in enumerate(distinct)}
    return np.concatenate(rows)[[places[window] for window in windows]]


@lru_cache(maxsize=2)
def load_i3d(name: str, networks: Networks) -> Net:
    """I3D from its TorchScript file, made quick: norms folded into convolutions, channels last.

    Args:
        name: Of the network whose file it is.
        networks: Which weights, and where they run.

    Raises:
        WeightsError: The weights are missing or not the pinned ones.
    """
    import torch  # noqa: PLC0415 - heavy, and a definition does without

    from vptbench.metrics.i3d import I3D  # noqa: PLC0415

    net: Net = load_torchscript(name, networks, I3D).to(memory_format=torch.channels_last_3d)
    with warnings.catch_warnings(), suppress(RuntimeError):  # a file that cannot be frozen is slower, no more
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.\w+` is deprecated", category=FutureWarning)
        net = torch.jit.freeze(net)
    return net
