"""A board's entries in order.

In each metric, entries are sorted by its direction; each in turn joins the current rank, or opens a new one
where it differs from that rank's leader, its best entry, by more than noise (`noise.Noise.differ`). Equal
figures always share a rank. Entries that share one get the mean of the places they fill, so that two at the
top have 1.5. Ranks never contradict the figures; two neighbours of different rank may still be within noise
of each other. An entry's place follows from the mean of its ranks over all metrics, equal means sharing a
place. Audits are shown, never ranked.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd

from vptbench.interval import LEAST_CLIPS
from vptbench.leaderboard.board import Board, Entry
from vptbench.leaderboard.digits import interval_to_text, value_to_text, values_to_decimals
from vptbench.leaderboard.noise import NO_NOISE, Basis, Noise, board_to_noise
from vptbench.leaderboard.rules import listed
from vptbench.leaderboard.text import printable
from vptbench.metrics import metric_facts

RULE = (
    "Place by the mean, over metrics, of an entry's rank in each. In a metric, an entry shares the rank of "
    "those above it unless it differs from the best of them by more than noise; a shared rank is the mean of "
    "the places it fills. Audits are shown for scale and never ranked."
)
"""How the order came about, for readers of the ranking."""


@dataclass(frozen=True)
class Column:
    """A metric as it stands in tables.

    Attributes:
        name: "ssim-v1", "fid-v1@random".
        label: "SSIM".
        unit: "dB", or empty.
        arrow: "↑" where higher is better, else "↓".
        decimals: Of all its figures.
    """

    name: str
    label: str
    unit: str
    arrow: str
    decimals: int


@dataclass(frozen=True)
class Place:
    """An entry and where it stands.

    Attributes:
        entry: The entry.
        place: From 1, or None for audits.
        mean_rank: Over metrics, or None for audits.
        ranks: Metric to rank; empty for audits.
        best: Metrics in which no entry is better by more than noise.
    """

    entry: Entry
    place: int | None
    mean_rank: float | None
    ranks: Mapping[str, float]
    best: frozenset[str]

    @property
    def name(self) -> str:
        """Of the entry, as it may be shown."""
        return printable(self.entry.name)

    def cell(self, column: Column) -> tuple[str, str]:
        """The figure of a metric and its interval, as text."""
        value = self.entry.values[column.name]
        return (
            value_to_text(value.value, column.decimals),
            interval_to_text(value.low, value.high, column.decimals),
        )


@dataclass(frozen=True)
class Ranking:
    """A board in order.

    Attributes:
        board: The board.
        columns: Its metrics.
        places: Ranked entries by place and then name, after them the audits by name.
        notes: How noise was judged, in sentences.
    """

    board: Board
    columns: tuple[Column, ...]
    places: tuple[Place, ...]
    notes: tuple[str, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row an entry in order, indexed by its name: place, kind, mean rank, figures and ranks."""
        rows = [
            {
                "name": place.entry.name, "place": place.place, "kind": place.entry.facts["kind"],
                "mean_rank": place.mean_rank,
                **{
                    key: number
                    for metric in self.board.metrics
                    for key, number in (
                        (metric, place.entry.values[metric].value),
                        (f"{metric}.rank", place.ranks.get(metric)),
                    )
                },
            }
            for place in self.places
        ]  # fmt: skip
        metrics = [f"{metric}{end}" for metric in self.board.metrics for end in ("", ".rank")]
        kinds = {"place": "Int64", **dict.fromkeys(["mean_rank", *metrics], "float64")}
        frame = pd.DataFrame(rows, columns=["name", "place", "kind", "mean_rank", *metrics])
        return frame.astype(kinds).set_index("name")


def rank_board(board: Board) -> Ranking:
    """Put a board in order.

    Raises:
        BoardError: Figures by clip beside the board were changed by hand.
        RegistryError: A metric is unknown.

    Example:
        ``rank_board(read_board("leaderboards/iper-v1.csv")).table``
    """
    columns = board_to_columns(board)
    noise = board_to_noise(board)
    places = entries_to_ranking(board.entries, [column.arrow == "↑" for column in columns], noise)
    return Ranking(board, tuple(columns), tuple(places), tuple(_to_notes(board, columns, noise)))


def board_to_columns(board: Board) -> list[Column]:
    """The metrics of a board.

    Raises:
        RegistryError: One is unknown.
    """
    columns = []
    for name in board.metrics:
        facts = metric_facts(name.partition("@")[0])
        decimals = values_to_decimals(entry.values[name].value for entry in board.entries)
        arrow = "↑" if facts.higher_is_better else "↓"
        columns.append(Column(name, facts.label, facts.unit, arrow, decimals))
    return columns


def entries_to_ranking(
    entries: Sequence[Entry], higher_is_better: Sequence[bool], noise: Noise = NO_NOISE
) -> list[Place]:
    """Order entries; see the module's docstring.

    Args:
        entries: Of one board.
        higher_is_better: For each metric, in the order of `Entry.values`.
        noise: What tells figures apart; by default their values alone.

    Returns:
        Ranked entries by place and then name, after them the audits by name.
    """
    ranked = sorted((entry for entry in entries if entry.ranked), key=lambda entry: entry.name)
    audits = sorted((entry for entry in entries if not entry.ranked), key=lambda entry: entry.name)
    ranks: list[dict[str, float]] = [{} for _ in ranked]
    best: list[set[str]] = [set() for _ in ranked]
    for metric, higher in zip(ranked[0].values if ranked else (), higher_is_better, strict=bool(ranked)):
        above = 0
        for group in _ranks(ranked, metric, higher=higher, noise=noise):
            for index in group:
                ranks[index][metric] = above + (len(group) + 1) / 2
                if not above:
                    best[index].add(metric)
            above += len(group)
    means = [float(np.mean(list(each.values()))) for each in ranks]
    places = [1 + sum(other < mean for other in means) for mean in means]
    order = sorted(range(len(ranked)), key=lambda index: places[index])
    return [
        Place(ranked[index], places[index], means[index], ranks[index], frozenset(best[index]))
        for index in order
    ] + [Place(audit, None, None, {}, frozenset()) for audit in audits]


def heading(column: Column) -> str:
    """A metric's heading, such as "PSNR [dB] ↑"."""
    return " ".join(filter(None, [column.label, f"[{column.unit}]" if column.unit else "", column.arrow]))


def _ranks(entries: Sequence[Entry], metric: str, *, higher: bool, noise: Noise) -> Iterator[list[int]]:
    """The entries that share each rank, best first, as positions in `entries`."""

    def figure(index: int) -> float:
        value = entries[index].values[metric].value
        return (-1 if higher else 1) * (np.inf if value is None else value)

    leaders: list[int] = []
    group: list[int] = []
    for _, equal in groupby(sorted(range(len(entries)), key=figure), key=figure):
        members = list(equal)
        if group and not any(
            not noise.differ(metric, entries[leader], entries[member])[0]
            for leader in leaders
            for member in members
        ):
            yield group
            group = []
        if not group:
            leaders = members
        group = group + members
    if group:
        yield group


def _to_notes(board: Board, columns: Sequence[Column], noise: Noise) -> list[str]:
    """How each metric's figures were told apart, in sentences."""
    ranked = [entry for entry in board.entries if entry.ranked]
    if len(ranked) < 2:
        return []
    if noise.clips < LEAST_CLIPS:
        few = f"Over {noise.clips} clips noise cannot be judged (that takes {LEAST_CLIPS})"
        return [f"{few}: figures rank by value alone, and small differences mean nothing."]
    found: dict[Basis, list[str]] = {}
    for column in columns:
        bases = {
            noise.differ(column.name, one, other)[1]
            for index, one in enumerate(ranked)
            for other in ranked[:index]
        }
        for basis in bases:
            found.setdefault(basis, []).append(column.label)
    tell: dict[Basis, Callable[[str], str]] = {
        Basis.PAIRED: lambda names: (
            f"{names}: told apart where the 95 % interval of the difference leaves out 0, by a paired "
            f"bootstrap over {noise.clips} clips."
        ),
        Basis.INTERVALS: lambda names: (
            f"{names}: told apart where the 95 % intervals of two entries do not overlap, which is stricter."
        ),
        Basis.VALUE: lambda names: (
            f"{names}: ranked by value alone where no interval is at hand; small differences may be noise."
        ),
    }
    return [tell[basis](listed(found[basis])) for basis in Basis if basis in found]
