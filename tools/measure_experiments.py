"""Groups of trained networks against each other, on clean and on noisy poses: tables, a CSV and a figure.

    .venv/bin/python tools/measure_experiments.py OUT GROUP=FOLDER,FOLDER,… GROUP=FOLDER,…

Each FOLDER is of one network: what `vptbench robustness` wrote, or scores (clean poses alone). The networks
of a group differ in their seeds; all were measured on the same clips, and the others are compared with the
first group clip by clip. Intervals are over seeds and clips (`interval.crossed_interval`). A difference is
told apart from none where its interval leaves 0 out and every seed's mean has its sign. Drops and differences
are positive where something is worse, whatever the metric's direction.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vptbench.curvefile import CLEAN, MANIFEST, read_robustness
from vptbench.errors import UsageError
from vptbench.interval import crossed_interval
from vptbench.metrics import metric_facts
from vptbench.plotting import COLOURS, MARKERS, figure_to_picture
from vptbench.scorefile import read_scores

Values = NDArray[np.float64]

COLUMNS = (
    "group", "kind", "severity", "metric", "seeds", "clips", "value", "low", "high", "drop", "drop_low",
    "drop_high", "difference", "difference_low", "difference_high", "told_apart",
)  # fmt: skip
"""``drop`` is against the group's own clean figure; ``difference`` is of the drop against the first group's,
and of the figure itself on clean poses."""


class Cell(NamedTuple):
    """What was measured together.

    Attributes:
        kind: Of corruption, or "clean".
        severity: 0 for clean.
        metric: Its id.
    """

    kind: str
    severity: int
    metric: str


class Estimate(NamedTuple):
    """A mean over seeds and clips, and its interval.

    Attributes:
        value: The mean.
        low: Lower end.
        high: Upper end.
        apart: Whether it differs from 0: the interval leaves 0 out, and every seed's mean has one sign.
    """

    value: float
    low: float
    high: float
    apart: bool


def estimate(values: Values) -> Estimate:
    """Of (K, N): K seeds, N clips."""
    low, high = crossed_interval(values)
    signs = np.sign(values.mean(1))
    return Estimate(
        float(values.mean()), low, high, bool((low > 0 or high < 0) and abs(signs.sum()) == len(signs))
    )


def folder_to_values(folder: Path) -> dict[Cell, pd.Series]:
    """A network's figures by clip; several draws of noise are averaged.

    Args:
        folder: Of a sweep, or of scores.
    """
    if (folder / MANIFEST).exists():
        table = read_robustness(folder).per_clip
        table = table[table["role"] == "model"]
    else:
        table = read_scores(folder).per_clip.assign(kind=CLEAN, severity=0)
    means = table.groupby(["kind", "severity", "metric", "clip"])["value"].mean()
    return {
        Cell(str(kind), int(severity), str(metric)): means.loc[kind, severity, metric].sort_index()
        for kind, severity, metric in dict.fromkeys(means.index.droplevel("clip"))
    }


def folders_to_values(folders: Sequence[Path]) -> dict[Cell, Values]:
    """A group's figures, (K, N) of each cell that all its networks have.

    Raises:
        UsageError: They were not measured on the same clips.
    """
    found = [folder_to_values(folder) for folder in folders]
    clips = {tuple(series.index) for cells in found for series in cells.values()}
    if len(clips) > 1:
        raise UsageError(
            f"expected the same clips in {', '.join(map(str, folders))}, found others; score them again"
        )
    shared = [cell for cell in found[0] if all(cell in cells for cells in found)]
    return {cell: np.stack([cells[cell].to_numpy(np.float64) for cells in found]) for cell in shared}


def groups_to_table(groups: Mapping[str, Mapping[Cell, Values]]) -> pd.DataFrame:
    """Every figure of every group, `COLUMNS`.

    Args:
        groups: Name to cells; the first is the one that the others are compared with.
    """
    base = next(iter(groups.values()))
    rows = []
    for name, cells in groups.items():
        for cell, values in cells.items():
            clean = Cell(CLEAN, 0, cell.metric)
            worse = -1 if metric_facts(cell.metric).higher_is_better else 1
            drop = worse * (values - cells[clean])
            other = worse * (base[cell] - (0 if cell == clean else base[clean]))
            against = (worse * values if cell == clean else drop) - other
            rows.append(
                (name, *cell, *values.shape, *estimate(values)[:3], *estimate(drop)[:3], *estimate(against))
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def table_to_text(table: pd.DataFrame) -> str:
    """Markdown: for each metric the groups on clean poses, and what each corruption costs them."""
    parts = []
    base = table["group"].iloc[0]
    for metric, rows in table.groupby("metric", sort=False):
        groups = list(dict.fromkeys(rows["group"]))
        head = ["poses", *groups, *(f"{name} − {base}" for name in groups[1:])]
        lines = [f"**{metric}**", "", f"| {' | '.join(head)} |", f"| --- |{' ---: |' * (len(head) - 1)}"]
        for (kind, severity), cells in rows.groupby(["kind", "severity"], sort=False):
            by_group = cells.set_index("group")
            values = [_cell(by_group.loc[name], "value" if kind == CLEAN else "drop") for name in groups]
            others = [_cell(by_group.loc[name], "difference") for name in groups[1:]]
            title = "clean" if kind == CLEAN else f"drop at {kind} {severity}"
            lines.append(f"| {title} | {' | '.join([*values, *others])} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _cell(row: pd.Series, name: str) -> str:
    """A figure with its interval; bold where it is a difference that is told apart from none."""
    ends = ("low", "high") if name == "value" else (f"{name}_low", f"{name}_high")
    text = f"{row[name]:.4g} [{row[ends[0]]:.3g}, {row[ends[1]]:.3g}]"
    return f"**{text}**" if name == "difference" and row["told_apart"] else text


def table_to_figure(table: pd.DataFrame) -> Figure:
    """Curves: a column a kind, a row a metric, a line a group, with intervals over seeds and clips."""
    kinds = [kind for kind in dict.fromkeys(table["kind"]) if kind != CLEAN]
    metrics, groups = list(dict.fromkeys(table["metric"])), list(dict.fromkeys(table["group"]))
    figure = Figure(figsize=(3.2 * max(len(kinds), 1), 2.6 * len(metrics)), layout="constrained")
    axes = figure.subplots(len(metrics), max(len(kinds), 1), sharex=True, sharey="row", squeeze=False)
    for row, metric in enumerate(metrics):
        for column, kind in enumerate(kinds):
            panel = axes[row, column]
            for place, group in enumerate(groups):
                chosen = table[
                    (table["group"] == group)
                    & (table["metric"] == metric)
                    & table["kind"].isin([CLEAN, kind])
                ].sort_values("severity")
                shift = 0.06 * (place - (len(groups) - 1) / 2)
                ends = [chosen["value"] - chosen["low"], chosen["high"] - chosen["value"]]
                panel.errorbar(
                    chosen["severity"] + shift, chosen["value"], yerr=ends, label=group, markersize=3,
                    color=COLOURS[place % len(COLOURS)], marker=MARKERS[place % len(MARKERS)], linewidth=1,
                )  # fmt: skip
            if row == 0:
                panel.set_title(kind)
            if column == 0:
                better = "↑" if metric_facts(metric).higher_is_better else "↓"
                panel.set_ylabel(f"{metric} {better}")
    if kinds:
        figure.supxlabel("severity")
        axes[0, 0].legend(fontsize="small")
    return figure


def main() -> None:
    """Write OUT/table.csv, OUT/table.md and, where there are corruptions, OUT/curves.svg."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("groups", nargs="+", metavar="GROUP=FOLDER,FOLDER")
    parser.add_argument("--metrics", default="ssim-v1,l1-v1,flicker-v1", help="Those to show.")
    given = parser.parse_args()
    chosen = given.metrics.split(",")
    groups = {}
    for text in given.groups:
        name, _, folders = text.partition("=")
        found = folders_to_values([Path(folder) for folder in folders.split(",")])
        groups[name] = {cell: values for cell, values in found.items() if cell.metric in chosen}
    table = groups_to_table(groups)
    given.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(given.out / "table.csv", index=False, lineterminator="\n", float_format="%.6g")
    (given.out / "table.md").write_text(table_to_text(table), encoding="utf-8")
    if set(table["kind"]) != {CLEAN}:
        (given.out / "curves.svg").write_bytes(figure_to_picture(lambda: table_to_figure(table), ".svg"))
    print(table_to_text(table))


if __name__ == "__main__":
    main()
