"""KID: the kernel distance between images, by the features of FID."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vptbench.errors import ScoreError
from vptbench.metrics.fid import ImageDistance
from vptbench.metrics.protocol import Estimate, Group, Samples

ROWS = 1024
"""Samples of each side whose kernel is held at a time. Used by `samples_to_estimate`.

Source: our choice: some 50 MiB, whatever the number of clips.
"""


_Block = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Some samples, float64 (n, D), and which group leaves each of them out, one-hot (n, G)."""


def samples_to_estimate(generated: Samples, target: Samples, groups: Sequence[Group] = ()) -> Estimate:
    """Unbiased squared discrepancy between all samples of both sides, and without each of the groups.

    The kernel is summed once for every pair of groups; whatever is left out, the rest is a sum of these.

    Args:
        generated: Features of the model's videos.
        target: Features of the real videos.
        groups: Clips that are left out together; clips in no group belong to every rest.

    Returns:
        Its ``left_out`` is empty where fewer than two samples of a side remain without a group.

    Raises:
        ScoreError: A set has fewer than two samples, or the widths differ.
    """
    x = _Side(generated, [group[0] for group in groups])
    y = _Side(target, [group[1] for group in groups])
    few = min(x.counts.sum(), y.counts.sum())
    if few < 2:
        raise ScoreError(
            f"expected at least 2 samples on each side, got {few:.0f}; "
            "score more or longer clips, or leave this metric out"
        )
    sums = _kernel_sums(x, x), _kernel_sums(y, y), _kernel_sums(x, y)

    def discrepancy(*left: int) -> float:
        n, m = (np.delete(side.counts, left).sum() for side in (x, y))
        xx, yy, xy = (np.delete(np.delete(each, left, 0), left, 1).sum() for each in sums)
        return float(xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m))

    rest = min(side.counts.sum() - side.counts[:-1].max(initial=0) for side in (x, y))
    return Estimate(discrepancy(), tuple(map(discrepancy, range(len(groups)))) if rest >= 2 else ())


@dataclass(frozen=True)
class _Side:
    """The samples of one side, and the clips that are left out together."""

    samples: Samples
    groups: Sequence[Sequence[str]]

    @cached_property
    def owners(self) -> dict[str, NDArray[np.float64]]:
        """Which group leaves a clip out, one-hot; the last place is that of clips in no group."""
        places = np.eye(len(self.groups) + 1)
        found = dict.fromkeys(self.samples, places[-1])
        return found | {clip: places[at] for at, group in enumerate(self.groups) for clip in group}

    @cached_property
    def counts(self) -> NDArray[np.float64]:
        """Samples of each group."""
        none = np.zeros(len(self.groups) + 1)
        return sum((len(self.samples[clip]) * self.owners[clip] for clip in self.samples), none)

    def blocks(self) -> Iterator[_Block]:
        """All samples, at most `ROWS` at a time, clips in sorted order."""
        held: list[_Block] = []
        for clip in sorted(self.samples):
            rows = self.samples[clip].astype(np.float64)
            owners = np.broadcast_to(self.owners[clip], (len(rows), len(self.owners[clip])))
            room = ROWS - sum(len(part) for part, _ in held)
            while len(rows) >= room:
                yield _joined([*held, (rows[:room], owners[:room])])
                held, rows, owners, room = [], rows[room:], owners[room:], ROWS
            held.append((rows, owners))
        yield _joined(held)


def _joined(parts: Sequence[_Block]) -> _Block:
    return np.concatenate([rows for rows, _ in parts]), np.concatenate([owners for _, owners in parts])


def _kernel_sums(a: _Side, b: _Side) -> NDArray[np.float64]:
    """Sum of the kernel over all pairs of samples, by their groups, (G, G); over other samples if a is b.

    Raises:
        ScoreError: The widths differ, or a number is NaN or infinite.
    """
    sums = np.zeros((len(a.counts), len(b.counts)))
    for number, (rows, owners) in enumerate(a.blocks()):
        for other, (columns, others) in enumerate(b.blocks()):
            if a is b and other < number:
                continue  # counted twice where it stood the other way round
            kernel = _kernel(rows, columns)
            if a is b and other == number:
                np.fill_diagonal(kernel, 0)
            sums += (2 if a is b and other > number else 1) * (owners.T @ kernel @ others)
    if not np.isfinite(sums).all():
        raise ScoreError("expected finite features, got NaN or infinity; check the frames and the network")
    return sums


def _kernel(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """(x·y/D + 1)³ of every pair, (N, M).

    Raises:
        ScoreError: The widths differ.
    """
    if x.shape[1] != y.shape[1]:
        raise ScoreError(
            f"expected features of the same width, got {x.shape[1]} and {y.shape[1]}; "
            "use one network for both sides"
        )
    base = x @ y.T
    base /= x.shape[1]
    base += 1
    return np.multiply(base * base, base, out=base)


KID = ImageDistance(
    id="kid-v1",
    label="KID",
    compare=samples_to_estimate,
    settings={"kernel": "(x·y/D + 1)³", "samples": "all"},
)
"""Squared maximum mean discrepancy of the features of `fid-v1`, unbiased, over all samples.

Published tools average 100 random subsets of at most 1000 samples a side. With equally many on both sides, up
to 1000, that is this very number; else it has the same expectation and the noise of its subsets besides. This
one has no seed.
It may be negative, and is unbiased at any number of samples.

Source: Bińkowski et al. 2018, "Demystifying MMD GANs" (arXiv 1801.01401), section 4: kernel (x·y/D + 1)³;
Gretton et al. 2012, "A Kernel Two-Sample Test", equation 3, the unbiased estimate.
"""
