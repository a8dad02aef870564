"""Intervals over clips: a seeded bootstrap for means, a jackknife for distances between distributions.

The unit is the clip: frames of one video are too alike to count as independent.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from vptbench.errors import ScoreError

CONFIDENCE = 0.95
"""Of every interval."""

RESAMPLES = 10_000
"""Bootstrap samples."""

LEAST_CLIPS = 6
"""Fewest clips from which noise is judged: five of equal sign happen by chance once in sixteen times."""

GROUPS = 20
"""Most groups of clips in a jackknife."""

CHUNK = 1_000
"""Bootstrap samples drawn at a time, so that memory stays flat; the numbers drawn do not depend on it."""

Interval = tuple[float, float]
"""Lower and upper end; (NaN, NaN) where there are too few clips to tell."""


def bootstrap_interval(
    values: Sequence[float] | NDArray[np.float64],
    *,
    weights: Sequence[float] | NDArray[np.float64] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval:
    """Percentile bootstrap interval of a mean over clips.

    Args:
        values: One number a clip, (N,), in a fixed order (sorted clip ids); may hold infinities.
        weights: What each clip counts, (N,), for a mean over frames (the clips' numbers of frames).
        seed: Of PCG64. The same seed and N resample the same clips, whatever the values.
        resamples: Bootstrap samples.

    Returns:
        The order statistics of the resampled means at 2.5 % and 97.5 %, without interpolation; they
        are infinite where so many resampled means are. (NaN, NaN) for fewer than two clips.

    Raises:
        ScoreError: A value is NaN, or values and weights differ in number.

    Source:
        Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3.
    """
    means = resampled_means(values, weights=weights, seed=seed, resamples=resamples)
    return means_to_interval(means)


def resampled_means(
    values: Sequence[float] | NDArray[np.float64],
    *,
    weights: Sequence[float] | NDArray[np.float64] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> NDArray[np.float64]:
    """Means over clips that are drawn with replacement: the bootstrap's distribution.

    Those of two models over the same clips, with the same seed, are paired: their difference is the
    bootstrap's distribution of the difference.

    Args:
        values: As of `bootstrap_interval`.
        weights: The same; a clip of weight 0 does not count.
        seed: The same.
        resamples: The same.

    Returns:
        float64 (resamples,), or (0,) for fewer than two clips; NaN where no drawn clip counts.

    Raises:
        ScoreError: A value is NaN, or values and weights differ in number.
    """
    numbers = np.asarray(values, np.float64)
    shares = np.ones_like(numbers) if weights is None else np.asarray(weights, np.float64)
    if numbers.ndim != 1 or numbers.shape != shares.shape or np.isnan(numbers).any():
        raise ScoreError(
            f"expected one value (and weight) a clip and no NaN, got values of shape {numbers.shape} with "
            f"{int(np.isnan(numbers).sum())} NaN and weights of shape {shares.shape}"
        )
    if len(numbers) < 2:
        return np.empty(0)
    means = []
    for drawn in _draws(len(numbers), seed, resamples):
        with np.errstate(invalid="ignore"):  # 0 / 0 where no drawn clip counts
            means.append((numbers * shares)[drawn].sum(1) / shares[drawn].sum(1))
    return np.concatenate(means)


def resampled_column_means(
    values: NDArray[np.float64], *, seed: int = 0, resamples: int = RESAMPLES
) -> NDArray[np.float64]:
    """As `resampled_means` of each column, over the same draws for all of them, in a fraction of the time.

    Args:
        values: (N, C), one row a clip; finite.
        seed: As of `bootstrap_interval`.
        resamples: The same.

    Returns:
        float64 (resamples, C), equal to `resampled_means` but for rounding, and exactly 0 for a column of
        zeros; (0, C) for fewer than two clips.

    Raises:
        ScoreError: The values are of another shape, or not all finite.
    """
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise ScoreError(
            f"expected finite values of shape (clips, columns), got shape {table.shape} with "
            f"{int((~np.isfinite(table)).sum())} that are not finite"
        )
    if len(table) < 2:
        return np.empty((0, table.shape[1]))
    means = []
    for drawn in _draws(len(table), seed, resamples):
        places = drawn + len(table) * np.arange(len(drawn))[:, None]
        counts = np.bincount(places.ravel(), minlength=drawn.size).reshape(drawn.shape)
        means.append(counts.astype(np.float64) @ table / len(table))
    return np.concatenate(means)


def means_to_interval(means: NDArray[np.float64]) -> Interval:
    """The order statistics of resampled means, or of their differences, at 2.5 % and 97.5 %.

    Args:
        means: float64 (N,); those that are NaN are left out.

    Returns:
        (NaN, NaN) where there are none.
    """
    known = means[~np.isnan(means)]
    if not len(known):
        return np.nan, np.nan
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(known, [tail, 1 - tail], method="inverted_cdf")
    return float(low), float(high)


def clips_to_groups(clips: int, groups: int = GROUPS) -> list[list[int]]:
    """Deal `clips` numbers 0..clips − 1 out into at most `groups` groups, in turn."""
    count = min(clips, groups)
    return [list(range(group, clips, count)) for group in range(count)]


def jackknife_interval(value: float, left_out: Sequence[float]) -> Interval:
    """Interval of `value` from its values with one group of clips left out at a time.

    It tells the spread between clips and corrects no bias: a Fréchet distance of few samples stays
    too large, and so do both ends.

    Args:
        value: Of all clips.
        left_out: Of all clips but those of group g, for each of G groups of near equal size.

    Returns:
        value ± t · s with s² = (G − 1)/G · Σ (left_out − mean)² and t the 97.5 % point of Student's
        distribution with G − 1 degrees of freedom. (NaN, NaN) for fewer than two groups.

    Raises:
        ScoreError: A number is NaN or infinite.

    Source:
        Efron and Tibshirani 1993, "An Introduction to the Bootstrap", equation 11.5, with groups for
        points; Tukey 1958 for Student's t.
    """
    numbers = np.asarray(left_out, np.float64)
    if not np.isfinite([value, *numbers]).all():
        raise ScoreError(f"expected finite values for a jackknife, got {value} and {numbers.tolist()}")
    groups = len(numbers)
    if groups < 2:
        return np.nan, np.nan
    deviation = np.sqrt((groups - 1) / groups * ((numbers - numbers.mean()) ** 2).sum())
    reach = float(stdtrit(groups - 1, (1 + CONFIDENCE) / 2) * deviation)
    return value - reach, value + reach


def crossed_interval(values: Sequence[Sequence[float]] | NDArray[np.float64]) -> Interval:
    """Interval of a mean over trained networks and clips, each of which was measured with each of the other.

    With few networks it is wide, as it must be: three seeds say little about a fourth.

    Args:
        values: (K, N), K networks that differ in their seeds, N clips, both drawn from many.

    Returns:
        mean ± t · s with s² = s_K²/K + s_N²/N, where s_K² and s_N² are the variances of the networks' means
        and of the clips' means, and Satterthwaite's number of degrees of freedom. Simulated with 3 networks
        and 24 clips, it holds the truth in 93 to 97 %. (NaN, NaN) for fewer than two networks or clips.

    Raises:
        ScoreError: A value is NaN or infinite.

    Source:
        Two-way crossed random effects, Searle, Casella and McCulloch 1992, "Variance Components", chapter 4;
        Satterthwaite 1946 for the degrees of freedom.
    """
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise ScoreError(
            f"expected finite values of networks and clips, got shape {table.shape} with "
            f"{int((~np.isfinite(table)).sum())} that are not finite"
        )
    if min(table.shape) < 2:
        return np.nan, np.nan
    parts = np.array([table.mean(1 - axis).var(ddof=1) / table.shape[axis] for axis in (0, 1)])
    total, mean = parts.sum(), float(table.mean())
    if not total:
        return mean, mean
    freedom = total**2 / (parts**2 / (np.array(table.shape) - 1)).sum()
    reach = float(stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt(total))
    return mean - reach, mean + reach


def _draws(clips: int, seed: int, resamples: int) -> Iterator[NDArray[np.int64]]:
    """Numbers of clips drawn with replacement, (up to `CHUNK`, clips) at a time."""
    generator = np.random.Generator(np.random.PCG64(seed))
    for start in range(0, resamples, CHUNK):
        yield generator.integers(clips, size=(min(CHUNK, resamples - start), clips))
