"""Published figures beside measured ones, and what is known of each difference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import pandas as pd

from vptbench.figure import Figure
from vptbench.leaderboard.rules import RANDOM_SUFFIX
from vptbench.reproduce.facts import RunFacts
from vptbench.reproduce.recipe import Part, Recipe
from vptbench.score.published import published_rows

RANDOM = "the network has random weights, whose figures compare with nothing: no difference is given"
CLAUSES = "; "
"""Between the remarks of a published row."""

COLUMNS = (
    "column", "metric", "published", "source", "measured", "low", "high", "difference", "percent", "known",
)  # fmt: skip
"""Of the table. A figure published elsewhere has neither ``metric`` nor anything measured."""


@dataclass(frozen=True)
class Published:
    """One published figure.

    Attributes:
        column: Of the published table, such as "SSIM".
        value: The figure.
        source: Where it stands.
        remarks: What is known of it.
    """

    column: str
    value: float
    source: str
    remarks: tuple[str, ...]

    def rounds(self, value: float) -> bool:
        """Whether this is `value`, or that rounded to as many decimals."""
        decimals = len(f"{self.value:.10g}".partition(".")[2])
        return round(value, decimals) == self.value


@dataclass(frozen=True)
class Row:
    """One definition of one column.

    Attributes:
        column: Of the published table.
        metric: Name of the metric that may be it; ``fid-bdmm-v1@random`` by random weights.
        published: What its authors published, or None.
        figure: What was measured.
        known: What is known of this row alone.
    """

    column: str
    metric: str
    published: Published | None
    figure: Figure
    known: tuple[str, ...]

    @property
    def difference(self) -> float | None:
        """Measured minus published; None where one is missing, or a network has random weights."""
        if self.published is None or self.figure.value is None or self.metric.endswith(RANDOM_SUFFIX):
            return None
        return self.figure.value - self.published.value

    @property
    def percent(self) -> float | None:
        """The difference in percent of the published figure."""
        if self.published is None or self.difference is None:
            return None
        return 100 * self.difference / self.published.value


@dataclass(frozen=True)
class Comparison:
    """All figures of a method on a dataset.

    Attributes:
        title: Of the method and the dataset.
        facts: What was done.
        known: What is known of all rows, in order.
        rows: One for each definition of each column.
        elsewhere: Figures of the same method that others print.
    """

    title: str
    facts: RunFacts
    known: tuple[str, ...]
    rows: tuple[Row, ...]
    elsewhere: tuple[Published, ...]

    @property
    def table(self) -> pd.DataFrame:
        """With `COLUMNS`; ``known`` holds every text that applies."""
        lines: list[Mapping[str, object]] = [
            {
                "column": row.column,
                "metric": row.metric,
                "published": row.published and row.published.value,
                "source": row.published and row.published.source,
                "measured": row.figure.value,
                "low": row.figure.low,
                "high": row.figure.high,
                "difference": row.difference,
                "percent": row.percent,
                "known": CLAUSES.join([*row.known, *self.known]),
            }
            for row in self.rows
        ]
        lines += [
            {
                "column": other.column, "published": other.value, "source": other.source,
                "known": CLAUSES.join(other.remarks),
            }
            for other in self.elsewhere
        ]  # fmt: skip
        return pd.DataFrame(lines, columns=list(COLUMNS))

    def own(self, column: str) -> Published | None:
        """What the authors published in a column, or None."""
        return next((row.published for row in self.rows if row.column == column), None)


def facts_to_comparison(recipe: Recipe, part: Part, facts: RunFacts) -> Comparison:
    """Set the figures of a run beside the published ones.

    Args:
        recipe: Of the method.
        part: What was published on the dataset of the run.
        facts: What was done and measured.
    """
    table = published_rows()
    dataset = str(table.loc[table["protocol_group"] == part.rows, "dataset"].iloc[0])
    ours = table[(table["dataset"] == dataset) & table["method"].isin(recipe.methods)]
    authors = (ours["source"] == recipe.source) & (ours["protocol_group"] == part.rows)
    own, others = _to_published(ours[authors]), _to_published(ours[~authors])
    order = [*part.group.columns, *(found.column for found in others)]
    elsewhere = sorted(others, key=lambda found: order.index(found.column))
    shared = [text for text in own[0].remarks if all(text in other.remarks for other in own)]
    notes = [*recipe.notes, *part.notes]
    general = [text for note in notes if not note.about and (text := note.rule(facts))]
    rows: list[Row] = []
    for column, metrics in part.group.columns.items():
        published = next((found for found in own if found.column == column), None)
        remarks = [text for text in published.remarks if text not in shared] if published else []
        known = [f"remark on the published figure: {CLAUSES.join(remarks)}"] if remarks else []
        known += [] if published else ["no figure of its authors is at hand"]
        figures = {name: figure for name, figure in facts.figures.items() if _id(name) in metrics}
        known += _nearest(figures, [found.value for found in (*own, *elsewhere) if found.column == column])
        for name in sorted(figures, key=lambda name: metrics.index(_id(name))):
            about = {column, _id(name)}
            texts = [text for note in notes if about & set(note.about) and (text := note.rule(facts))]
            texts = [f"{column}: {text}" for text in (*texts, *known)]
            rows.append(Row(column, name, published, figures[name], (*_figure_to_known(name, facts), *texts)))
    remarks = [f"remark on the published figures: {CLAUSES.join(shared)}"] if shared else []
    return Comparison(
        f"{recipe.title} on {dataset}", facts, (*general, *remarks), tuple(rows), tuple(elsewhere)
    )


def _id(name: str) -> str:
    """The id in a metric's name: "fid-v1" of "fid-v1@random"."""
    return name.partition("@")[0]


def _figure_to_known(name: str, facts: RunFacts) -> list[str]:
    """What a figure says of itself."""
    if facts.figures[name].reason:
        return [f"no figure: {facts.figures[name].reason}"]
    return [RANDOM] if name.endswith(RANDOM_SUFFIX) else []


def _nearest(figures: Mapping[str, Figure], published: Sequence[float]) -> list[str]:
    """Where a column has several definitions, which of them comes nearest to each published figure."""
    values = {
        name: figure.value
        for name, figure in figures.items()
        if figure.value is not None and not name.endswith(RANDOM_SUFFIX)
    }
    if len(values) < 2:
        return []
    found = {
        value: min(values, key=lambda name: abs(values[name] - value)) for value in dict.fromkeys(published)
    }
    return [f"{name} ({values[name]:.5g}) is nearest to {value:g}" for value, name in found.items()]


def _to_published(rows: pd.DataFrame) -> list[Published]:
    records = cast("list[Mapping[str, object]]", rows.to_dict("records"))
    return [
        Published(
            column=str(row["metric"]),
            value=cast("float", row["value"]),
            source=str(row["source"]),
            remarks=tuple(text for text in str(row["notes"]).split(CLAUSES) if text),
        )
        for row in records
    ]
