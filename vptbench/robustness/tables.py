"""Scores of a sweep's cells to its tables, and those to a folder and to what is printed."""

import json
import math
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from vptbench.config import config_to_json
from vptbench.curvefile import (
    CELLS_COLUMNS,
    CLEAN,
    DISTURBANCE_COLUMNS,
    OPEN_ENDS,
    PER_CLIP_COLUMNS,
    Robustness,
    reason_to_parts,
    write_robustness,
)
from vptbench.curveplot import write_curves
from vptbench.manifest import Json, json_to_text, relative_path
from vptbench.robustness.breaking import cells_to_curves, curves_to_summary
from vptbench.robustness.cells import CLEAN_CELL, FLOOR_NAME, Cell
from vptbench.robustness.disturbance import Disturbance
from vptbench.robustness.ledger import Ledger
from vptbench.robustness.plan import Sweep
from vptbench.scorefile import Scores

FIGURES = ("curves.svg", "curves.png")

UNTOLD = {*OPEN_ENDS, "relative_auc"}
"""Columns of a summary whose reasons are not printed: the table says where a model held, and has no
``relative_auc``."""

NO_DISTURBANCE = {"mean_px": 0.0, "pck": 1.0, "missing": 0.0}
"""Of clean poses."""


def ledger_to_robustness(sweep: Sweep, ledger: Ledger) -> Robustness:
    """All cells of the list that have scores, whichever start made them."""
    found = _found_scores(sweep, ledger)
    clean = found[CLEAN_CELL, "model"]
    metrics: dict[str, dict[str, Json]] = {
        name: {"label": figure.label, "unit": figure.unit, "higher_is_better": figure.higher_is_better}
        for name, figure in clean.metrics.items()
    }
    cells = pd.DataFrame(
        [row for (cell, role), scores in found.items() for row in _to_cells(cell, role, scores)],
        columns=list(CELLS_COLUMNS),
    ).astype(dict.fromkeys(("value", "low", "high"), np.float64))
    per_clip = pd.concat(
        [_to_clips(cell, role, scores) for (cell, role), scores in found.items()], ignore_index=True
    )
    done = [cell for cell, role in found if role == "model"]
    disturbance = pd.DataFrame(
        [_to_disturbance(cell, ledger.disturbance) for cell in done], columns=list(DISTURBANCE_COLUMNS)
    ).astype(dict.fromkeys(DISTURBANCE_COLUMNS[3:], np.float64))
    curves = cells_to_curves(cells, per_clip, disturbance, metrics)
    return Robustness(
        model=clean.model,
        kind=clean.kind,
        benchmark=_plain(config_to_json(sweep.benchmark)),
        protocol=clean.benchmark or {},
        data=clean.data,
        clip_list_sha256=clean.clip_list_sha256,
        height=int(str(cast("list[Json]", next(iter(clean.clips.values()))["size"])[0])),
        metrics=metrics,
        networks=clean.networks,
        device=clean.device,
        inputs={"store": relative_path(sweep.settings.store, ledger.out)},
        libraries=clean.libraries,
        asked=tuple((cell.kind, cell.severity, cell.seed) for cell in sweep.asked),
        failures=dict(ledger.failures),
        cells=cells,
        per_clip=per_clip,
        disturbance=disturbance,
        curves=curves,
        summary=curves_to_summary(curves, per_clip, disturbance, metrics),
    )


def write_tables(out: Path, robustness: Robustness) -> tuple[Path, ...]:
    """Write the tables and the figures of a sweep; the figures' paths."""
    write_robustness(out, robustness)
    figures = tuple(out / name for name in FIGURES)
    for path in figures:
        write_curves([robustness], path)
    return figures


def robustness_to_rows(robustness: Robustness) -> list[dict[str, Json]]:
    """What is printed of a summary: a row a kind and metric."""
    return [
        {
            "kind": row["kind"],
            "metric": row["metric"],
            "clean": _to_text(row["clean"]),
            "auc": _to_text(row["auc"]),
            "breaks at": _severity(robustness, row, "breaking_severity"),
            f"px ({robustness.height} high)": _pixels(row),
            "lost at": _severity(robustness, row, "lost_severity"),
            "obedience": _to_text(row["obedience"]),
        }
        for row in robustness.summary.to_dict("records")
    ]


def robustness_to_reasons(robustness: Robustness) -> list[str]:
    """Why figures of `robustness_to_rows` are missing, a line a reason; not why severities did not come."""
    places: dict[str, list[str]] = {}
    for row in robustness.summary.to_dict("records"):
        for part in reason_to_parts(row["reason"]):
            if part.partition(": ")[0] not in UNTOLD:
                places.setdefault(part, []).append(f"{row['kind']} {row['metric']}")
    return [f"{', '.join(where)}: {reason}" for reason, where in places.items()]


def _found_scores(sweep: Sweep, ledger: Ledger) -> dict[tuple[Cell, str], Scores]:
    """Finished scores by cell and role, in the order of the list."""
    names = {(CLEAN_CELL, "model"): CLEAN, (CLEAN_CELL, "floor"): FLOOR_NAME}
    names |= {(CLEAN_CELL, "control"): CLEAN_CELL.control}
    for cell in sweep.asked:
        names |= {(cell, "model"): cell.name, (cell, "control"): cell.control}
    return {
        place: scores
        for place, name in names.items()
        if name not in ledger.failures and (scores := ledger.scores(name, sweep.names)) is not None
    }


def _to_cells(cell: Cell, role: str, scores: Scores) -> list[tuple[object, ...]]:
    return [
        (cell.kind, cell.severity, cell.seed, role, name, figure.value, figure.low, figure.high)
        for name, figure in scores.metrics.items()
    ]


def _to_clips(cell: Cell, role: str, scores: Scores) -> pd.DataFrame:
    table = scores.per_clip.assign(kind=cell.kind, severity=cell.severity, seed=cell.seed, role=role)
    return table[list(PER_CLIP_COLUMNS)]


def _to_disturbance(cell: Cell, known: Mapping[str, Disturbance]) -> tuple[object, ...]:
    """A row; clean poses are as far from themselves as their mesh is, where any cell has one."""
    place = (cell.kind, cell.severity, cell.seed)
    if cell == CLEAN_CELL:
        mesh = 0.0 if any(found.mesh_px is not None for found in known.values()) else None
        return (*place, *NO_DISTURBANCE.values(), mesh)
    found = known[cell.name]
    return (*place, *(getattr(found, column) for column in DISTURBANCE_COLUMNS[3:]))


def _plain(document: Mapping[str, Json]) -> dict[str, Json]:
    """As JSON gives it back: lists for tuples."""
    return cast("dict[str, Json]", json.loads(json_to_text(dict(document))))


def _to_text(number: object) -> str:
    return "–" if pd.isna(number) else f"{number:.4g}"  # type: ignore[call-overload]


def _severity(robustness: Robustness, row: Mapping[Hashable, object], name: str) -> str:
    """A severity, or that none came up to the last one that was run."""
    if any(part.startswith(f"{name}: ") for part in reason_to_parts(row["reason"])):
        return f"none to {max(robustness.severities(str(row['kind'])), default=0)}"
    return _to_text(row[name])


def _pixels(row: Mapping[Hashable, object]) -> str:
    """Where a curve crosses the line, with its interval, which may go on past what was run."""
    at, low, high = (float(str(row[f"breaking_px{end}"])) for end in ("", "_low", "_high"))
    if math.isnan(low):
        return _to_text(at)
    if math.isinf(at):
        return f"{low:.3g} or more" if math.isfinite(low) else "–"
    return f"{at:.3g} ({low:.3g} " + ("or more)" if math.isinf(high) else f"to {high:.3g})")
