"""Strata as Markdown tables, one a metric: bins down, models across, and differences to the first."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from vptbench.interval import LEAST_CLIPS
from vptbench.leaderboard.digits import EMPTY, interval_to_text, value_to_text, values_to_decimals
from vptbench.leaderboard.text import escape_markdown, rows_to_markdown

FEW = "†"
"""Behind the number of clips of a bin where these are too few to judge noise by."""

NOT_SIGNIFICANT = "n.s."
"""Behind a difference whose interval holds 0."""


def strata_to_markdown(
    table: pd.DataFrame, models: Sequence[str], headings: Mapping[str, str], unplaced: Mapping[str, int]
) -> str:
    """Means by bin with intervals, and differences of the first model to the others.

    Args:
        table: `robustness.strata.STRATA_COLUMNS`.
        models: Their names.
        headings: Metric to heading.
        unplaced: Stratum to the number of frames that are in none of its bins.
    """
    texts = [
        f"**{escape_markdown(heading)}**\n\n{_metric_to_markdown(table[table['metric'] == name], models)}"
        for name, heading in headings.items()
    ]
    legend = (
        f"95 % intervals by a bootstrap over clips. {FEW}: fewer than {LEAST_CLIPS} clips, too few to judge. "
        f"{NOT_SIGNIFICANT}: the interval of the difference holds 0."
    )
    lost = [f"{name}: {count} frames have no figure." for name, count in unplaced.items() if count]
    infinite = table.groupby("metric", sort=False)["infinite"].max()
    if (infinite > 0).any():
        lost.append("Frames without a finite value are left out (column `infinite` of strata.csv).")
    return "\n\n".join([*texts, " ".join([legend, *lost])])


def _metric_to_markdown(table: pd.DataFrame, models: Sequence[str]) -> str:
    own, differences = table[table["minus"] == ""], table[table["minus"] != ""]
    decimals = values_to_decimals([value for value in own["value"].tolist() if math.isfinite(value)])
    first = escape_markdown(models[0])
    rows = [
        ["Stratum", "Bin", "Frames", "Clips", *map(escape_markdown, models)]
        + [f"{first} − {escape_markdown(other)}" for other in models[1:]]
    ]
    for (stratum, name), inside in own.groupby(["stratum", "bin"], sort=False):
        there = differences[(differences["stratum"] == stratum) & (differences["bin"] == name)]
        frames, clips = int(inside["frames"].max()), int(inside["clips"].max())
        few = clips < LEAST_CLIPS
        rows.append(
            [str(stratum), str(name), str(frames), f"{clips}{FEW if few and clips else ''}"]
            + [_cell(row, decimals) for row in _by(inside, "model", models)]
            + [_cell(row, decimals) + _verdict(row) for row in _by(there, "minus", models[1:])]
        )
    return rows_to_markdown(rows)


def _by(rows: pd.DataFrame, column: str, names: Sequence[str]) -> list[Mapping[str, float]]:
    """The row of each name."""
    columns = ("value", "low", "high", "clips")
    keyed = {str(row[column]): {name: float(row[name]) for name in columns} for _, row in rows.iterrows()}
    return [keyed[name] for name in names]


def _cell(row: Mapping[str, float], decimals: int) -> str:
    """A value, with its interval where there is one."""
    value, low, high = (row[key] if math.isfinite(row[key]) else None for key in ("value", "low", "high"))
    if value is None:
        return EMPTY
    interval = interval_to_text(low, high, decimals)
    return value_to_text(value, decimals) + (f" ({interval})" if interval else "")


def _verdict(row: Mapping[str, float]) -> str:
    """Whether a difference can be told from none; nothing where that cannot be judged."""
    judged = row["clips"] >= LEAST_CLIPS and math.isfinite(row["low"])
    return f" {NOT_SIGNIFICANT}" if judged and row["low"] <= 0 <= row["high"] else ""
