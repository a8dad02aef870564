"""Where a model breaks: from the figures of a sweep to curves and to a row of numbers a kind and metric.

All values are means over seeds of each clip's value, then over clips: each clip is one vote, whatever the
protocol's pooling. Intervals are 95 % percentile bootstraps over clips, in which every value, drop and
margin of a clip is drawn together. A clip whose value is infinite (PSNR of equal frames) or missing in any
cell of a kind is left out of all cells of that kind and metric, and ``reason`` counts such clips.

Metrics without values by clip (FID, FVD) have means over seeds of the cells' values, no interval, and so
nothing that needs one: no retention, no breaking point.

Severities double the strength of the noise, about, so that an area over severities is one over its logarithm.

Source: drop, retention and breaking point are this project's; areas follow the mean over severities of
Hendrycks and Dietterich 2019 (arXiv 1903.12261) and Michaelis et al. 2019 (arXiv 1907.07484). Where they
differ: ``docs/decisions.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vptbench.curvefile import CLEAN, CURVES_COLUMNS, SUMMARY_COLUMNS
from vptbench.errors import UsageError
from vptbench.interval import means_to_interval, resampled_column_means
from vptbench.manifest import Json
from vptbench.robustness.paired import (
    Paired,
    curve_to_paired,
    severities_to_px,
    sort_kinds,
    tables_to_paired,
    whole_to_clips,
)

BREAKING_SHARE = 0.10
"""Share of the clean margin over the floor beyond which a drop breaks a model.

Source: this project's choice, made before any model was measured; give 0.05 and 0.25 as well where it
matters."""

Metrics = Mapping[str, Mapping[str, Json]]
"""Name to ``{"label", "unit", "higher_is_better"}``."""


def cells_to_curves(
    cells: pd.DataFrame, per_clip: pd.DataFrame, disturbance: pd.DataFrame, metrics: Metrics
) -> pd.DataFrame:
    """A point a kind, severity and metric.

    Severity 0 stands in each kind's curve, with the clean values of the clips that this kind's curve is of.

    Args:
        cells: `CELLS_COLUMNS`.
        per_clip: `PER_CLIP_COLUMNS`.
        disturbance: `DISTURBANCE_COLUMNS`.
        metrics: Which metrics, and their directions.

    Returns:
        `CURVES_COLUMNS`, sorted by kind, metric (as in `metrics`) and severity; NaN where nothing is known.
        The order of the rows given does not matter.

    Raises:
        ScoreError: A clip has two values in a cell.
    """
    clips, whole = _by_metric_and_kind(per_clip), _by_metric_and_kind(whole_to_clips(cells))
    by_clip = _metrics_by_clip(per_clip)
    rows: list[dict[str, object]] = []
    for kind in sort_kinds(cells["kind"]):
        ours = cells[(cells["kind"] == kind) & (cells["role"] == "model")]
        severities = sorted({0, *map(int, ours["severity"])})
        px = severities_to_px(disturbance, kind, severities)
        for metric, facts in metrics.items():
            tables = clips if metric in by_clip else whole
            found = [tables[metric, each] for each in (CLEAN, kind) if (metric, each) in tables]
            points = {}
            if found:
                higher = bool(facts["higher_is_better"])
                points = _points(tables_to_paired(found, higher_is_better=higher, by_clip=metric in by_clip))
            rows += [
                {
                    "kind": kind, "severity": severity, "metric": metric, "mean_px": moved,
                    **points.get(severity, {}),
                }
                for severity, moved in zip(severities, px, strict=True)
            ]  # fmt: skip
    curves = pd.DataFrame(rows, columns=list(CURVES_COLUMNS))
    numbers = dict.fromkeys(set(CURVES_COLUMNS) - {"kind", "severity", "metric"}, np.float64)
    return curves.astype({"severity": np.int64, **numbers})


def curves_to_summary(
    curves: pd.DataFrame,
    per_clip: pd.DataFrame,
    disturbance: pd.DataFrame,
    metrics: Metrics,
    *,
    share: float = BREAKING_SHARE,
) -> pd.DataFrame:
    """A row a kind and metric.

    - ``clean``, ``floor``: values on clean poses, of the model and of repeating the source frame.
    - ``auc``: area under the retention by the trapezoid rule over the severities that were run, 0 included,
      divided by their span. 1 is unharmed, 0 no better than the floor throughout. Empty unless the clean
      model beats the floor: unless the lower end of the interval of its margin is above 0.
    - ``relative_auc``: the same of the value over the clean value, or the inverse where lower is better; it
      needs no floor, and is empty where a value is not above 0.
    - ``breaking_severity``: the smallest one from which on, at it and every greater one that was run, the
      drop exceeds `share` of the margin beyond the noise: drop − share · margin, by clip, has an interval
      whose lower end is above 0. Since the margin's is too, the drop is above 0 beyond the noise.
    - ``breaking_px``: where, in mean distance of the joints from their clean places, the mean of drop −
      share · margin crosses 0 for good: the median over resampled clips, with its interval. Between
      severities it is interpolated in the logarithm of the distance, below the first one in the distance.
      Infinite where it never crosses within what was run. It locates the crossing, which
      ``breaking_severity`` proves: a model that is not proven to break has an infinite upper end. Empty
      where the distance does not grow with the severity, as that of joints that are only missing.
    - ``lost_severity``: the smallest one from which on the model is not better than the floor beyond the
      noise: the interval of its lead has no lower end above 0. 0 where the clean model is not either.
    - ``obedience``: the model's mean drops summed over severities, divided by those of the control, which
      moves true frames to the noisy pose. About 1: it loses what obeying the wrong pose costs; above: more;
      below: it resists. The control's drop is measured from the true frames, so for SSIM from 1, and the
      model's from its own clean value.
    - ``reason``: why fields are empty, and how many clips were left out.

    Args:
        curves: Of `cells_to_curves`.
        per_clip: `PER_CLIP_COLUMNS`, the same.
        disturbance: `DISTURBANCE_COLUMNS`, the same.
        metrics: The same.
        share: Of the clean margin that a drop must exceed, in [0, 1).

    Returns:
        `SUMMARY_COLUMNS`, sorted as `curves`; severities are float64, NaN where there is none.

    Raises:
        UsageError: The share is outside [0, 1).
        ScoreError: A clip has two values in a cell.
    """
    if not 0 <= share < 1:
        raise UsageError(f"expected a share of the margin from 0 to below 1, got {share}")
    clips, by_clip = _by_metric_and_kind(per_clip), _metrics_by_clip(per_clip)
    rows: list[dict[str, object]] = []
    for kind in sort_kinds(curves["kind"]):
        for metric, facts in metrics.items():
            own = (curves["kind"] == kind) & (curves["metric"] == metric)
            curve, higher = curves[own].sort_values("severity"), bool(facts["higher_is_better"])
            found = [clips[metric, each] for each in (CLEAN, kind) if (metric, each) in clips]
            if metric in by_clip and found:
                paired = tables_to_paired(found, higher_is_better=higher)
            else:
                paired = curve_to_paired(curve, higher_is_better=higher)
            px = severities_to_px(disturbance, kind, paired.severities)
            rows.append({"kind": kind, "metric": metric, **_summary(curve, paired, px, share)})
    summary = pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
    numbers = set(SUMMARY_COLUMNS) - {"kind", "metric", "reason"}
    return summary.astype(dict.fromkeys(numbers, np.float64))


def _by_metric_and_kind(values: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    return {(str(metric), str(kind)): rows for (metric, kind), rows in values.groupby(["metric", "kind"])}


def _metrics_by_clip(per_clip: pd.DataFrame) -> set[str]:
    """Metrics of which the model has values by clip."""
    return set(per_clip.loc[per_clip["role"] == "model", "metric"])


def _points(paired: Paired) -> dict[int, dict[str, float]]:
    """Severity to the columns of a curve from ``value`` on."""
    if not paired.model.size:
        return {}
    count = len(paired.severities)
    low, high = _ends(np.vstack([paired.model, paired.drop, paired.lead[:1]]))
    drops = paired.drop.mean(axis=1)
    beaten = bool(len(paired.lead)) and paired.has_clean and low[-1] > 0
    lead = paired.lead.mean(axis=1)
    points = {}
    for place, severity in enumerate(paired.severities):
        point = {"value": paired.model[place].mean(), "low": low[place], "high": high[place]}
        point["floor"] = np.nan if paired.floor is None else paired.floor.mean()
        point["control"] = _control_value(paired, place)
        if len(drops):
            point |= {"drop": drops[place], "drop_low": low[count + place], "drop_high": high[count + place]}
        if beaten:
            point["retention"] = lead[place] / lead[0]
        points[severity] = point
    return points


def _control_value(paired: Paired, place: int) -> float:
    """Mean over clips that are finite at every noisy severity of the control; NaN where there is none."""
    if paired.control is None or np.isnan(paired.control[place]).all():
        return np.nan
    run = ~np.isnan(paired.control).all(axis=1) & (np.array(paired.severities) > 0)
    values = paired.control[place, np.isfinite(paired.control[run]).all(axis=0)]
    return float(values.mean()) if len(values) and np.isfinite(values).all() else np.nan


def _ends(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of the intervals of each row's mean over clips; NaN for fewer than two clips."""
    ends = np.array([means_to_interval(means) for means in resampled_column_means(rows.T).T])
    return ends.reshape(-1, 2)[:, 0], ends.reshape(-1, 2)[:, 1]


def _summary(
    curve: pd.DataFrame, paired: Paired, px: NDArray[np.float64], share: float
) -> dict[str, float | str]:
    """A row of the summary, from ``clean`` on."""
    known = curve[curve["value"].notna()]
    clean = known[known["severity"] == 0]
    row: dict[str, float | str] = {}
    reasons = []
    if len(clean):
        row = {
            name: float(clean[column].iloc[0]) for name, column in (("clean", "value"), ("floor", "floor"))
        }
        row["auc"] = _area(known["severity"], known["retention"])
        row["relative_auc"] = _relative_area(known, higher_is_better=paired.higher_is_better)
        if np.isnan(row["relative_auc"]):
            reasons.append("relative_auc: fewer than two severities, or values that are not above 0")
    else:
        reasons.append("all: no clip left" if paired.left_out else "all: no values on clean poses")
    unknown = _paired_to_problem(paired)
    if unknown and len(clean):
        reasons.append(f"auc, breaking, lost: {unknown}")
    elif len(clean):
        found = _breaking(paired, px, share)
        row |= found.numbers
        reasons += found.reasons
    if len(clean):
        obedience, problem = _obedience(paired)
        row["obedience"] = obedience
        reasons += [f"obedience: {problem}"] if problem else []
    if paired.left_out:
        everybody = paired.left_out + paired.model.shape[1]
        reasons.append(f"{paired.left_out} of {everybody} clips left out: infinite or missing values")
    return {**row, "reason": "; ".join(reasons)}


def _paired_to_problem(paired: Paired) -> str:
    """Why nothing can be said of margins; empty where it can."""
    if not paired.by_clip:
        return "no values by clip, so no interval"
    if not paired.has_clean or paired.model.shape[1] < 2:
        return "fewer than two clips"
    if paired.floor is None:
        return "no floor"
    return "" if len(paired.severities) > 1 else "no noisy values"


@dataclass(frozen=True)
class _Found:
    numbers: dict[str, float]
    reasons: list[str]


def _breaking(paired: Paired, px: NDArray[np.float64], share: float) -> _Found:
    """Breaking point and lost severity of clips that have clean values and a floor."""
    count, greatest = len(paired.severities), paired.severities[-1]
    excess = paired.drop - share * paired.lead[0]
    means = resampled_column_means(np.vstack([excess, paired.lead]).T)
    low = np.array([means_to_interval(column)[0] for column in means.T]).reshape(2, count)
    numbers = {"lost_severity": _onset(paired.severities, low[1] <= 0)}
    reasons = []
    if np.isnan(numbers["lost_severity"]):
        reasons.append(f"lost_severity: better than the floor at severity {greatest}")
    if low[1, 0] <= 0:
        reasons.append("auc, breaking: the clean model is not better than the floor")
        return _Found(numbers, reasons)
    numbers["breaking_severity"] = _onset(paired.severities, low[0] > 0)
    if np.isnan(numbers["breaking_severity"]):
        reasons.append(f"breaking_severity: not proven to break at severity {greatest}")
    if not (np.diff(px) > 0).all():  # NaN is no growth either
        reasons.append("breaking_px: the joints' distance does not grow with the severity")
        return _Found(numbers, reasons)
    crossings = excess_to_px(means[:, :count], px)
    numbers["breaking_px"] = float(np.quantile(crossings, 0.5, method="inverted_cdf"))
    numbers["breaking_px_low"], numbers["breaking_px_high"] = means_to_interval(crossings)
    return _Found(numbers, reasons)


def excess_to_px(excess: NDArray[np.float64], px: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where curves cross 0 from below for good.

    Args:
        excess: float64 (R, S), R curves over S severities, the first of them 0.
        px: float64 (S,), rising from 0: the distance at each severity.

    Returns:
        float64 (R,): pixels, between the last severity at or below 0 and the next; interpolated in the
        distance between the first two, in its logarithm between others. Infinite where the last severity is
        not above 0; 0 where all are.
    """
    below = excess <= 0
    last = len(px) - 1 - np.argmax(below[:, ::-1], axis=1)
    crossings = np.where(below.any(axis=1), np.inf, 0.0)
    inside = np.flatnonzero(below.any(axis=1) & (last < len(px) - 1))
    before = last[inside]
    under, over = excess[inside, before], excess[inside, before + 1]
    part = under / (under - over)
    near, far = px[before], px[before + 1]
    start = np.where(before == 0, far, near)  # in place of 0, which has no logarithm
    crossings[inside] = np.where(before == 0, part * far, start * (far / start) ** part)
    return crossings


def _onset(severities: tuple[int, ...], holds: NDArray[np.bool_]) -> float:
    """The smallest severity at which something holds, and at every greater one; NaN where there is none."""
    steady = np.logical_and.accumulate(holds[::-1])[::-1]
    return float(severities[int(np.argmax(steady))]) if steady.any() else np.nan


def _area(severities: "pd.Series[int]", values: "pd.Series[float]") -> float:
    """Mean height of a curve by the trapezoid rule over the points known, NaN for fewer than two."""
    known = values.notna()
    places, heights = severities[known].to_numpy(np.float64), values[known].to_numpy(np.float64)
    if len(places) < 2:
        return np.nan
    return float(np.trapezoid(heights, places) / (places[-1] - places[0]))


def _relative_area(curve: pd.DataFrame, *, higher_is_better: bool) -> float:
    """`_area` of values relative to the first one, 1 where unharmed; NaN where a value is not above 0."""
    values = curve["value"]
    if not (values > 0).all():
        return np.nan
    relative = values / values.iloc[0] if higher_is_better else values.iloc[0] / values
    return _area(curve["severity"], relative)


def _obedience(paired: Paired) -> tuple[float, str]:
    """The model's drops over those of the control, over severities and clips that both have, or why not."""
    if paired.control is None:
        return np.nan, "no control"
    run = np.array([not np.isnan(row).all() for row in paired.control])
    if not run[0] or run.sum() < 2:
        return np.nan, "no control on clean or on noisy poses"
    control = paired.control[run]
    usable = np.isfinite(control).all(axis=0)
    if not usable.any():
        return np.nan, "the control has no finite values (frames equal to the true ones)"
    lost = paired.sign * (control[0, usable] - control[:, usable]).mean(axis=1).sum()
    if not lost > 0:
        return np.nan, "the control loses nothing"
    return float(paired.drop[run][:, usable].mean(axis=1).sum() / lost), ""
