"""FVD as the published evaluation of BDMM computes it: six numbers, each a mean over repeated runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames
from vptbench.errors import MetricError, ScoreError
from vptbench.metrics.frechet import Statistics, distance
from vptbench.metrics.fvd import FVD, Net, frames_to_rows, load_i3d
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
from vptbench.weights import Networks

SEED = 2307
"""Of torch's generator before the first run. Used by the six definitions.

Source: ours, as the published program sets none; the golden values were made with it.
"""

MOST = 2048
"""Videos of a side that are used. Used by the six definitions. Source: StyleGAN-V's fvd2048."""

BATCH_FRAMES = 128
"""Frames of a batch of the published loader. Used by `lengths_to_starts`. Source: StyleGAN-V."""

WORKERS = 3
"""Of the published loader, each with draws of its own. Used by `lengths_to_starts`. Source: StyleGAN-V."""

RUNS_AT_ONCE = 10
"""Runs whose features are held, 31 MiB of 2048 videos. Used by `FvdBdmm.estimate`. Source: our choice."""


@dataclass(frozen=True, kw_only=True)
class FvdBdmm(Definition):
    """One window a video: of a real one anew in every run, of a generated one always the first.

    Videos are taken in the order of their ids as text. Real ones with fewer than T · s frames are dropped
    and the first 2048 of the rest used; a generated one that is too short is an error, as the published
    program stops there. Covariances are over N, whatever N is: compare only with itself.

    Attributes:
        sample: What a row is.
        extractor: Network and preprocessing, those of `fvd-v1`.
        reference: The split whose videos are the real ones.
        length: Frames T of a window.
        stride: From one frame of a window to the next, s.
        runs: How often windows are drawn.
        seed: Of the first draw.
        most_real: Real videos that are used.
        most_generated: Generated videos that are used.
        net: Gives the features; `load` puts it in place.
        device: Where it runs.

    Source:
        Skorokhodov et al. 2022, "StyleGAN-V" (arXiv 2112.14683), appendix, and its code, which repository
        rocketappslab/bdmm, commit 96181b0, runs; the distance is that of Unterthiner et al. 2018.
    """

    higher_is_better: bool = False
    tolerance: float = 1e-3
    network: str = "i3d-kinetics400"
    sample: str = "window of a video"
    extractor: str = FVD.extractor
    reference: str | None
    length: int
    stride: int
    runs: int
    seed: int = SEED
    most_real: int = MOST
    most_generated: int = MOST
    net: Net = unloaded
    device: str = "cpu"

    @property
    def needed(self) -> int:
        """Least frames T · s of a video."""
        return self.length * self.stride

    def load(self, networks: Networks) -> "FvdBdmm":
        """With its network, from its local file; nothing is downloaded.

        Raises:
            WeightsError: The weights are missing or not the pinned ones.
        """
        return replace(self, net=load_i3d(self.network, networks), device=networks.device)

    def windows(self, clip: str, lengths: Mapping[str, int], *, generated: bool) -> Windows:
        """Of a real clip one window a run, in their order; of a generated one the first window alone.

        None where the clip is not used. See `DistributionMetric.windows`.

        Raises:
            MetricError: The generated clip is too short.
        """
        if generated:
            if clip not in sorted(lengths)[: self.most_generated]:
                return ()
            if lengths[clip] < self.needed:
                raise MetricError(
                    f"clip {clip}: expected at least {self.needed} generated frames, got {lengths[clip]}; "
                    "the published program stops there: score longer clips, or leave this metric out"
                )
            starts = [0]
        else:
            used = [each for each in sorted(lengths) if lengths[each] >= self.needed][: self.most_real]
            if clip not in used:
                return ()
            drawn = lengths_to_starts(
                tuple(lengths[each] for each in used), self.length, self.stride, self.runs, self.seed
            )
            starts = drawn[:, used.index(clip)].tolist()
        reach = (self.length - 1) * self.stride + 1
        return tuple(range(start, start + reach, self.stride) for start in starts)

    def features(self, frames: Frames, windows: Windows | None = None) -> Features:
        """The logits of each window, float32 (N, 400); see `DistributionMetric.features`.

        Raises:
            MetricError: There are no windows and too few frames for that of a generated clip.
            ShapeError: The array is no frames.
            UsageError: The metric is not loaded.
        """
        frames = check_frames(frames, "scored")
        if windows is None:
            windows = self.windows("alone", {"alone": len(frames)}, generated=True)
        return frames_to_rows(frames, windows, self.net, self.device)

    def estimate(self, generated: Samples, target: Samples, groups: Sequence[Group] = ()) -> Estimate:
        """Mean over the runs; see `DistributionMetric.estimate`.

        Without a group every run is gone through again: the values stay means over the same draws.

        Args:
            generated: A row a video.
            target: A row a run and video.
            groups: Of a jackknife.

        Raises:
            ScoreError: A side has no video, or its rows are not as many as said.
        """
        made, true = _used(generated, 1), _used(target, self.runs)
        rests = [(_kept(made, clips), _kept(true, true_clips)) for clips, true_clips in groups]
        if not all(kept.any() for pair in rests for kept in pair):
            rests = []
        kept = [(_kept(made, ()), _kept(true, ())), *rests]
        rows = np.concatenate([generated[clip] for clip in made])
        sides = [Statistics.from_features(rows[clips]) for clips, _ in kept]
        values = np.empty((self.runs, len(kept)))
        for first in range(0, self.runs, RUNS_AT_ONCE):
            block = np.stack([target[clip][first : first + RUNS_AT_ONCE] for clip in true], 1)
            for run, drawn in enumerate(block, first):
                whole = Statistics.from_features(drawn)
                for number, (_, clips) in enumerate(kept):
                    real = whole if clips.all() else Statistics.from_features(drawn[clips])
                    values[run, number] = distance(sides[number], real, ddof=0)
        value, *left_out = values.mean(0).tolist()
        return Estimate(
            value,
            tuple(left_out),
            settings={
                "runs": self.runs, "std": float(values[:, 0].std()), "seed": self.seed,
                "real_clips": len(true), "generated_clips": len(made),
            },
            least=0.0,
        )  # fmt: skip


@lru_cache(maxsize=8)
def lengths_to_starts(
    lengths: tuple[int, ...], length: int, stride: int, runs: int, seed: int
) -> NDArray[np.int64]:
    """First frames of the windows of real videos, in the order of draws of the published program.

    Every run draws a base from torch's generator, and another that nothing uses. Batches of videos go to
    the workers of the loader in turn, and each worker draws by Python's generator, seeded with the base
    and its number.

    Args:
        lengths: Frames of the videos, T · s or more each, in their order.
        length: Frames T of a window.
        stride: From one frame to the next, s.
        runs: How often to draw.
        seed: Of torch's generator.

    Returns:
        (runs, videos), from 0 to n − T s + s − 1, both included: at stride s the last window ends with
        the video.

    Source:
        StyleGAN-V's loader and the golden values of the published program (tests/golden/ORIGIN.md).
    """
    import torch  # noqa: PLC0415 - heavy, and a definition does without

    generator = torch.Generator().manual_seed(seed)
    batch = BATCH_FRAMES // length
    starts = np.empty((runs, len(lengths)), np.int64)
    for run in range(runs):
        base, _ = (
            int(torch.empty((), dtype=torch.int64).random_(generator=generator).item()) for _ in range(2)
        )
        workers = [Random(base + number) for number in range(WORKERS)]  # noqa: S311 - the published draws
        for place, frames in enumerate(lengths):
            worker = workers[place // batch % WORKERS]
            starts[run, place] = worker.randint(0, frames - length * stride + stride - 1)
    return starts


def _used(samples: Samples, rows: int) -> list[str]:
    """The clips of a side that have samples.

    Raises:
        ScoreError: None has, or one has another number of rows.
    """
    counts = {clip: len(samples[clip]) for clip in sorted(samples)}
    used = [clip for clip, count in counts.items() if count]
    wrong = [clip for clip in used if counts[clip] != rows]
    if wrong:
        raise ScoreError(
            f"clip {wrong[0]}: expected {rows} rows of features, got {counts[wrong[0]]}; "
            "take those of the windows that this metric names"
        )
    if not used:
        raise ScoreError(
            "expected a video long enough for a window on each side, got none; "
            "score longer clips, or leave this metric out"
        )
    return used


def _kept(clips: Sequence[str], left: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([clip not in left for clip in clips])


def _definition(name: str, reference: str, length: int, stride: int, runs: int) -> FvdBdmm:
    return FvdBdmm(
        id=f"fvd-bdmm-{reference}-{name}-v1",
        label=f"FVD {name} {reference} (BDMM)",
        reference=reference,
        length=length,
        stride=stride,
        runs=runs,
        settings={
            "frames": length, "stride": stride, "runs": runs, "seed": SEED,
            "network_call": "rescale, resize, return_features",
        },
    )  # fmt: skip


TRAIN_16F = _definition("16f", "train", length=16, stride=1, runs=100)
"""`fvd2048_16f` of BDMM's evaluation, against the training videos: the mean over 100 runs.

A run takes of every video one window of 16 successive frames: of a real one drawn anew, of a
generated one always the first. Real videos that are too short are dropped, a generated one leaves no figure;
at most 2048 videos a side; covariances over N. The spread over runs stands in the settings of a figure.

Source: StyleGAN-V (arXiv 2112.14683) and its code, as BDMM (arXiv 2307.07754) runs it; see `FvdBdmm`.
"""

TRAIN_128F = _definition("128f", "train", length=128, stride=1, runs=50)
"""`fvd2048_128f` of BDMM's evaluation, against the training videos: the mean over 50 runs.

A run takes of every video one window of 128 successive frames: of a real one drawn anew, of a
generated one always the first. Real videos that are too short are dropped, a generated one leaves no figure;
at most 2048 videos a side; covariances over N. The spread over runs stands in the settings of a figure.

Source: StyleGAN-V (arXiv 2112.14683) and its code, as BDMM (arXiv 2307.07754) runs it; see `FvdBdmm`.
"""

TRAIN_128F_S8 = _definition("128f-s8", "train", length=16, stride=8, runs=50)
"""`fvd2048_128f_subsample8f` of BDMM's evaluation, against the training videos: the mean over 50 runs.

A run takes of every video one window of 16 frames, each 8 after the one before: of a real one drawn anew, of
a generated one always the first. Real videos that are too short are dropped, a generated one leaves no
figure; at most 2048 videos a side; covariances over N. The spread over runs stands in the settings of a
figure.

Source: StyleGAN-V (arXiv 2112.14683) and its code, as BDMM (arXiv 2307.07754) runs it; see `FvdBdmm`.
"""

TEST_16F = _definition("16f", "test", length=16, stride=1, runs=100)
"""`fvd2048_16f` of BDMM's evaluation, against the test videos: the mean over 100 runs.

A run takes of every video one window of 16 successive frames: of a real one drawn anew, of a
generated one always the first. Real videos that are too short are dropped, a generated one leaves no figure;
at most 2048 videos a side; covariances over N. The spread over runs stands in the settings of a figure.

Source: StyleGAN-V (arXiv 2112.14683) and its code, as BDMM (arXiv 2307.07754) runs it; see `FvdBdmm`.
"""

TEST_128F = _definition("128f", "test", length=128, stride=1, runs=50)
"""`fvd2048_128f` of BDMM's evaluation, against the test videos: the mean over 50 runs.

A run takes of every video one window of 128 successive frames: of a real one drawn anew, of a
generated one always the first. Real videos that are too short are dropped, a generated one leaves no figure;
at most 2048 videos a side; covariances over N. The spread over runs stands in the settings of a figure.

Source: StyleGAN-V (arXiv 2112.14683) and its code, as BDMM (arXiv 2307.07754) runs it; see `FvdBdmm`.
"""

TEST_128F_S8 = _definition("128f-s8", "test", length=16, stride=8, runs=50)
"""`fvd2048_128f_subsample8f` of BDMM's evaluation, against the test videos: the mean over 50 runs.

A run takes of every video one window of 16 frames, each 8 after the one before: of a real one drawn anew, of
a generated one always the first. Real videos that are too short are dropped, a generated one leaves no
figure; at most 2048 videos a side; covariances over N. The spread over runs stands in the settings of a
figure.

Source: StyleGAN-V (arXiv 2112.14683) and its code, as BDMM (arXiv 2307.07754) runs it; see `FvdBdmm`.
"""
