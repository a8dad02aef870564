"""The Fréchet distance between two sets of features, from statistics that can be merged.

Statistics are float64 and hold the scatter (the sum of centred outer products) as rows whose product is
the scatter: centred samples as long as these are fewer than the features, then a triangle. Merging is Chan's
update in that form, and the distance needs the singular values of one matrix: no covariance is made, and
no square root of a matrix, so that it is exact where samples are fewer than features too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from vptbench.errors import ScoreError, ShapeError
from vptbench.metrics.protocol import Estimate, Features, Group, Samples

BLOCK = 32
"""Columns at a time when rows are folded onto a triangle: for one clip's rows as fast as 64, faster than 128.

Used by `Statistics`. Source: measured, 350 rows of 2048 features.
"""

PIECES = 5
"""Parts are split in so many at a time. Used by `leave_one_out`. Source: 20 groups then take two splits."""


@dataclass(frozen=True, eq=False)
class Statistics:
    """What the distance needs of a set of features; made of features, and added up.

    Adding folds new rows onto the triangle at once. To collect rows until there are twice as many as
    features would take more time (0.3 ms a row of 2048 features instead of 0.2) and twice the memory.

    Attributes:
        count: Samples N.
        mean: float64 (D,), zeros where N is 0.
        rows: float64 (R, D) with ``rows.T @ rows`` = Σ (x − mean)(x − mean)ᵀ and R ≤ D; if R is D, an
            upper triangle.
    """

    count: int
    mean: NDArray[np.float64]
    rows: NDArray[np.float64]

    @classmethod
    def from_features(cls, features: NDArray[np.floating]) -> "Statistics":
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
            raise ScoreError(
                "expected finite features, got NaN or infinity; check the frames and the network"
            )
        values = features.astype(np.float64)
        mean = values.mean(0) if len(values) else np.zeros(values.shape[1])
        values -= mean
        return cls(len(values), mean, _folded(np.zeros((0, len(mean))), values))

    @property
    def width(self) -> int:
        """Number D of features of a sample."""
        return len(self.mean)

    @property
    def scatter(self) -> NDArray[np.float64]:
        """Σ (x − mean)(x − mean)ᵀ, float64 (D, D)."""
        product: NDArray[np.float64] = self.rows.T @ self.rows
        return product

    def __add__(self, other: "Statistics") -> "Statistics":
        """Statistics of both sets taken together.

        Add in a fixed order (clips sorted by id) where the last digit matters.

        Raises:
            ScoreError: The widths differ.

        Source:
            Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", equation 2.1:
            mean = ma + δ nb/n and M = Ma + Mb + δ δᵀ na nb/n with δ = mb − ma, here with M = rowsᵀ rows.
        """
        if self.count == 0 or other.count == 0:
            return other if self.count == 0 else self
        _check_widths(self, other)
        count = self.count + other.count
        delta = other.mean - self.mean
        between = delta * np.sqrt(self.count * (other.count / count))
        rows = _folded(self.rows, np.concatenate([other.rows, between[None]]))
        return Statistics(count, self.mean + delta * (other.count / count), rows)

    def __eq__(self, other: object) -> bool:
        """Whether count, mean and rows are the same numbers, to the last digit."""
        if not isinstance(other, Statistics):
            return NotImplemented
        return (
            self.count == other.count
            and np.array_equal(self.mean, other.mean)
            and np.array_equal(self.rows, other.rows)
        )

    __hash__ = None  # type: ignore[assignment]  # as that of the arrays


NOTHING = Statistics(0, np.zeros(0), np.zeros((0, 0)))
"""Statistics of no samples; adds to those of any width. Used where sums start. Source: by definition."""


def distance(a: Statistics, b: Statistics, *, ddof: int = 1) -> float:
    """Fréchet distance of the normal distributions with the two sets' means and covariances.

    Symmetric; 0 for equal statistics up to rounding (within 1e-9 of the trace), which may leave it slightly
    negative. Biased upwards by small N: compare only at equal N.

    Args:
        a: Of one set.
        b: Of the other.
        ddof: Covariances are divided by N − ddof.

    Raises:
        ScoreError: A set has too few samples for a covariance, or the widths differ.

    Source:
        Dowson and Landau 1982: |m1 − m2|² + tr C1 + tr C2 − 2 tr (C1 C2)^½. With C = XᵀX the last trace is
        the nuclear norm of X1 X2ᵀ, since (C1 C2)^½ has the singular values of X1 X2ᵀ as its eigenvalues.
    """
    for statistics in (a, b):
        if statistics.count <= ddof:
            raise ScoreError(
                f"expected at least {ddof + 1} samples on each side for a covariance, got "
                f"{statistics.count}; score more or longer clips, or leave this metric out"
            )
    _check_widths(a, b)
    free_a, free_b = a.count - ddof, b.count - ddof
    cross = np.linalg.svdvals(a.rows @ b.rows.T).sum() / np.sqrt(free_a * free_b)
    gap = a.mean - b.mean
    return float(gap @ gap + _squares(a.rows) / free_a + _squares(b.rows) / free_b - 2 * cross)


def features_to_total(features: Iterable[Features], start: Statistics = NOTHING) -> Statistics:
    """Statistics of several matrices of features, of which one at a time is held, and of `start`."""
    total = start
    for rows in features:
        total += Statistics.from_features(rows)
    return total


def leave_one_out(parts: Sequence[Iterable[Features]], others: Statistics = NOTHING) -> Iterator[Statistics]:
    """For each of `parts`, all the rest together: what a jackknife needs.

    Splits the parts in five again and again, so that 20 parts are gone through some 7 times without any
    subtraction, while two statistics are held and one matrix of features. Halving would go through them 5
    times and hold five, each 32 MiB for 2048 features.

    Args:
        parts: Groups of clips, each the features of its clips one after another; read several times.
        others: What each of the results holds besides.
    """
    if len(parts) <= 1:
        yield from [others] * len(parts)
        return
    ends = [round(len(parts) * number / PIECES) for number in range(PIECES + 1)]
    for start, stop in pairwise(ends):
        if start < stop:
            outside = chain.from_iterable([*parts[:start], *parts[stop:]])
            yield from leave_one_out(parts[start:stop], features_to_total(outside, others))


def samples_to_estimate(
    generated: Samples, target: Samples, groups: Sequence[Group] = (), *, ddof: int = 1
) -> Estimate:
    """Fréchet distance between all samples of both sides, and without each of the groups.

    Args:
        generated: Features of the model's videos.
        target: Features of the real videos.
        groups: Clips that are left out together; clips in no group belong to every rest.
        ddof: Covariances are divided by N − ddof.

    Returns:
        Its ``left_out`` is empty where the samples without a group are too few.

    Raises:
        ScoreError: A set has too few samples, or their widths differ.
    """
    totals = zip(
        _totals(generated, [group[0] for group in groups]),
        _totals(target, [group[1] for group in groups]),
        strict=True,
    )
    value = distance(*next(totals), ddof=ddof)
    try:
        left_out = tuple(distance(*rests, ddof=ddof) for rests in totals)
    except ScoreError:  # too few samples without one of the groups; all else was found good above
        left_out = ()
    return Estimate(value, left_out, least=0.0)


@dataclass(frozen=True)
class _Part:
    """The features of some clips, read when they are gone through."""

    samples: Samples
    clips: Sequence[str]

    def __iter__(self) -> Iterator[Features]:
        return (self.samples[clip] for clip in self.clips)


def _totals(samples: Samples, groups: Sequence[Sequence[str]]) -> Iterator[Statistics]:
    """Of one side, everything, then what remains without each of the groups."""
    grouped = sorted(chain.from_iterable(groups))
    others = features_to_total(_Part(samples, sorted(set(samples).difference(grouped))))
    yield features_to_total(_Part(samples, grouped), others)
    yield from leave_one_out([_Part(samples, sorted(group)) for group in groups], others)


def _folded(rows: NDArray[np.float64], more: NDArray[np.float64]) -> NDArray[np.float64]:
    """At most D rows with the product of both together; `rows` is as in `Statistics`."""
    width = more.shape[1]
    if len(rows) + len(more) < width:
        return np.concatenate([rows, more])
    if len(rows) < width:
        rows, more = np.zeros((width, width), order="F"), np.concatenate([rows, more])
    triangle: NDArray[np.float64]
    triangle, _, _, _ = lapack.dtpqrt(0, min(BLOCK, width), rows, more)
    return triangle


def _squares(rows: NDArray[np.float64]) -> float:
    """Sum of the squares."""
    flat = rows.ravel(order="K")
    return float(flat @ flat)


def _check_widths(a: Statistics, b: Statistics) -> None:
    if a.width != b.width:
        raise ScoreError(
            f"expected features of the same width, got {a.width} and {b.width}; "
            "use one network for both sides"
        )
