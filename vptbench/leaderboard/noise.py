"""Whether two entries of a board differ in a metric by more than the noise between clips."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from vptbench.interval import LEAST_CLIPS, means_to_interval, resampled_means
from vptbench.leaderboard.board import Board, Entry
from vptbench.leaderboard.clips import Clips, read_clips
from vptbench.leaderboard.rules import POOLING, entry_to_settings

SEED = 0
"""Of the bootstrap."""


class Basis(Enum):
    """From what two figures were told apart."""

    PAIRED = "paired bootstrap over clips"
    INTERVALS = "their intervals, which must not overlap"
    VALUE = "value alone"


@dataclass(frozen=True, eq=False)
class Noise:
    """What is known of the noise in a board's figures.

    Attributes:
        clips: How many were scored.
        means: Name of an entry to metric to its resampled means, paired over all entries.
    """

    clips: int
    means: Mapping[str, Mapping[str, NDArray[np.float64]]]

    def differ(self, metric: str, one: Entry, other: Entry) -> tuple[bool, Basis]:
        """Whether two entries differ in a metric, and from what that is known.

        With figures by clip of both, they do where the 95 % interval of their difference, by a paired
        bootstrap, leaves out 0. Without, where their own intervals do not overlap, which is stricter. With
        neither, or with fewer clips than `LEAST_CLIPS`, any difference counts.
        """
        ours, theirs = one.values[metric], other.values[metric]
        if self.clips < LEAST_CLIPS:
            return ours.value != theirs.value, Basis.VALUE
        pair = [self.means.get(entry.name, {}).get(metric) for entry in (one, other)]
        if pair[0] is not None and pair[1] is not None:
            low, high = means_to_interval(pair[0] - pair[1])
            return not low <= 0 <= high, Basis.PAIRED
        if ours.low is None or ours.high is None or theirs.low is None or theirs.high is None:
            return ours.value != theirs.value, Basis.VALUE
        return ours.high < theirs.low or theirs.high < ours.low, Basis.INTERVALS


NO_NOISE = Noise(0, {})
"""Nothing is known: figures are told apart by their values."""


def board_to_noise(board: Board) -> Noise:
    """Read what lies beside a board.

    Raises:
        BoardError: Figures by clip were changed by hand.
    """
    ranked = [entry for entry in board.entries if entry.ranked]
    if not ranked:
        return NO_NOISE
    read = {entry.name: read_clips(board.path, entry) for entry in ranked}
    names = {clip for clips in read.values() for figures in clips.values() for clip in figures}
    means = {
        entry.name: _clips_to_means(read[entry.name], sorted(names), entry_to_settings(entry))
        for entry in ranked
    }
    return Noise(int(ranked[0].facts["clips"]), means)


def _clips_to_means(
    clips: Clips, names: list[str], settings: Mapping[str, Mapping[str, object]]
) -> dict[str, NDArray[np.float64]]:
    """Resampled means of each metric over the clips `names`, the same draws for every entry."""
    means = {}
    for metric, figures in clips.items():
        frames = settings.get(metric, {}).get(POOLING) == "frame"
        values = [figures[name].value if name in figures else 0.0 for name in names]
        weights = [(figures[name].frames if frames else 1) if name in figures else 0 for name in names]
        drawn = resampled_means(values, weights=weights, seed=SEED)
        if len(drawn):
            means[metric] = drawn
    return means
