"""The Fréchet distance between two sets of features, from statistics that can be merged.

Statistics are float64 and hold the scatter (the sum of centred outer products) as rows whose product
is the scatter: centred samples as long as there are few, then a triangular factor. Merging is Chan's
update in that form, and the distance needs singular values of one small matrix: no square root of a
matrix, no 2048 × 2048 decomposition where there are fewer samples.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vptbench.errors import ScoreError, ShapeError

ROWS_PER_COLUMN = 2
"""Rows kept, as a multiple of the width, before they are reduced to a triangular factor."""


@dataclass(frozen=True, eq=False)
class Statistics:
    """What the distance needs of a set of features.

    Attributes:
        count: Samples N.
        mean: float64 (D,), zeros where N is 0.
        rows: float64 (R, D) with ``rows.T @ rows`` = Σ (x − mean)(x − mean)ᵀ and R ≤ 2 D.
    """

    count: int
    mean: NDArray[np.float64]
    rows: NDArray[np.float64]

    @property
    def width(self) -> int:
        """Number D of features of a sample."""
        return int(self.mean.shape[0])

    @property
    def scatter(self) -> NDArray[np.float64]:
        """Σ (x − mean)(x − mean)ᵀ, float64 (D, D)."""
        product: NDArray[np.float64] = self.rows.T @ self.rows
        return product


def features_to_statistics(features: NDArray[np.floating]) -> Statistics:
    """Statistics of rows of features.

    Args:
        features: (N, D), finite; N may be 0.

    Raises:
        ShapeError: It is no matrix.
        ScoreError: A number is NaN or infinite.
    """
    if features.ndim != 2:
        raise ShapeError(f"expected features of shape (N, D), got {tuple(features.shape)}")
    if not np.isfinite(features).all():
        raise ScoreError("expected finite features, got NaN or infinity; check the frames and the network")
    values = features.astype(np.float64)
    mean = values.mean(0) if len(values) else np.zeros(values.shape[1])
    return Statistics(len(values), mean, _reduced(values - mean))


def merge_statistics(first: Statistics, second: Statistics) -> Statistics:
    """Statistics of two sets taken together.

    Merge in a fixed order (clips sorted by id) where the last digit matters.

    Raises:
        ScoreError: The widths differ.

    Source:
        Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", equation 2.1:
        mean = ma + δ nb/n and M = Ma + Mb + δ δᵀ na nb/n with δ = mb − ma, here with M = rowsᵀ rows.
    """
    _check_widths(first, second)
    count = first.count + second.count
    if first.count == 0 or second.count == 0:
        return second if first.count == 0 else first
    delta = second.mean - first.mean
    between = delta * np.sqrt(first.count * (second.count / count))
    rows = np.concatenate([first.rows, second.rows, between[None]])
    return Statistics(count, first.mean + delta * (second.count / count), _reduced(rows))


def statistics_to_distance(first: Statistics, second: Statistics) -> float:
    """Fréchet distance of the normal distributions with the two sets' means and covariances.

    Symmetric; 0 for equal statistics up to rounding (within 1e-9 of the trace), which may leave it
    slightly negative. Biased upwards by small N: compare only at equal N.

    Raises:
        ScoreError: A set has fewer than two samples, or the widths differ.

    Source:
        Dowson and Landau 1982: |m1 − m2|² + tr C1 + tr C2 − 2 tr (C1 C2)^½, covariances with divisor
        N − 1. With C = XᵀX the last trace is the nuclear norm of X1 X2ᵀ, since (C1 C2)^½ has the
        singular values of X1 X2ᵀ as its eigenvalues.
    """
    _check_widths(first, second)
    for statistics in (first, second):
        if statistics.count < 2:
            raise ScoreError(
                f"expected at least 2 samples on each side for a covariance, got {statistics.count}; "
                "score more or longer clips, or leave this metric out"
            )
    x, y = (s.rows / np.sqrt(s.count - 1) for s in (first, second))
    x, y = _triangle(x), _triangle(y)
    cross = np.linalg.svd(x @ y.T, compute_uv=False).sum()
    gap = first.mean - second.mean
    return float(gap @ gap + (x * x).sum() + (y * y).sum() - 2 * cross)


def merged(parts: Sequence[Statistics]) -> Statistics:
    """All of `parts` (at least one) merged, from first to last."""
    total = parts[0]
    for part in parts[1:]:
        total = merge_statistics(total, part)
    return total


def leave_one_out(parts: Sequence[Statistics], others: Statistics | None = None) -> Iterator[Statistics]:
    """For each of `parts` (at least two), all the rest merged: what a jackknife needs.

    Halves the parts again and again, so that n parts take about n log2 n merges, no subtraction, and
    hold log2 n statistics at a time beside the parts.

    Args:
        parts: Statistics of groups of clips.
        others: What each of the results holds besides; the recursion's own.
    """
    if len(parts) == 1:
        if others is not None:
            yield others
        return
    half = len(parts) // 2
    for inside, outside in ((parts[:half], parts[half:]), (parts[half:], parts[:half])):
        rest = merged(outside if others is None else [others, *outside])
        yield from leave_one_out(inside, rest)


def _reduced(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows if len(rows) <= ROWS_PER_COLUMN * rows.shape[1] else _triangle(rows)


def _triangle(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """At most D rows with the same product."""
    if len(rows) <= rows.shape[1]:
        return rows
    return cast("NDArray[np.float64]", np.linalg.qr(rows, mode="r"))


def _check_widths(first: Statistics, second: Statistics) -> None:
    if first.width != second.width:
        raise ScoreError(
            f"expected features of the same width, got {first.width} and {second.width}; "
            "use one network for both sides"
        )
