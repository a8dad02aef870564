"""Sweeps over noisy poses as sections of the page: a picture and tables of what may be compared."""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vptbench.curvefile import CLEAN, MANIFEST, OPEN_ENDS, Robustness, read_robustness, reason_to_parts
from vptbench.curveplot import curves_to_picture, sweeps_to_kinds, sweeps_to_metrics
from vptbench.interval import LEAST_CLIPS
from vptbench.leaderboard.digits import EMPTY, value_to_text, values_to_decimals
from vptbench.leaderboard.ranking import Column
from vptbench.leaderboard.rules import listed, networks_to_text, weights_to_sentence
from vptbench.manifest import Json, json_to_text
from vptbench.plotting import DPI

LONG = ("asked", "metrics", "cells", "per_clip", "disturbance", "curves", "summary")
"""Fields of a sweep that the provenance record leaves to its tables."""

MOST_FAILURES = 5
"""Cells without figures that are named before they are counted."""


@dataclass(frozen=True)
class NoiseCell:
    """A figure as it is shown.

    Attributes:
        text: The figure, or "–".
        detail: What stands small below it.
        key: What it is sorted by; empty where there is no figure, "Infinity" where none came.
        reason: Why there is none, or empty.
    """

    text: str
    detail: str = ""
    key: str = ""
    reason: str = ""


@dataclass(frozen=True)
class NoiseRow:
    """A kind of noise and a model.

    Attributes:
        kind: Of noise.
        model: Its name, with the folder's where two would be called the same.
        claimed: Whether its outputs were scored, and it did not run here.
        cells: Clean figure, area, breaking point, loss and obedience.
    """

    kind: str
    model: str
    claimed: bool
    cells: tuple[NoiseCell, ...]


@dataclass(frozen=True)
class NoiseSection:
    """Sweeps that may be compared: one list of corruptions, one list of clips, the same networks.

    Attributes:
        title: Which list, and on what data.
        counts: How much was scored, in a sentence.
        picture: The curves as a data URI.
        size: Height and width at which it is shown, CSS pixels.
        tables: The metrics, and the rows of each.
        sentence: What kind of weights measured.
        failures: Cells without figures and why, in sentences.
        notes: Why figures of the tables are missing, in sentences.
        records: Name of a model, and its provenance as JSON.
        sweeps: In the order given, names told apart.
    """

    title: str
    counts: str
    picture: str
    size: tuple[int, int]
    tables: tuple[tuple[Column, tuple[NoiseRow, ...]], ...]
    sentence: str
    failures: tuple[str, ...]
    notes: tuple[str, ...]
    records: tuple[tuple[str, str], ...]
    sweeps: tuple[Robustness, ...]


def is_sweep(folder: Path | str) -> bool:
    """Whether a folder holds a sweep rather than scores."""
    return (Path(folder) / MANIFEST).is_file()


def sweeps_to_sections(folders: Sequence[Path | str]) -> list[NoiseSection]:
    """Read sweeps and set side by side what may be compared, in the order given.

    Raises:
        ManifestError: A folder holds no sweep.
        ScoreError: One is damaged, or has no curves.
        RegistryError: A metric is unknown.
    """
    groups: dict[tuple[str, ...], list[tuple[Path, Robustness]]] = {}
    for folder in map(Path, folders):
        sweep = read_robustness(folder)
        networks = networks_to_text(sweep.networks)
        key = (str(sweep.benchmark["sha256"]), sweep.clip_list_sha256, networks)
        groups.setdefault(key, []).append((folder, sweep))
    return [_to_section(members) for members in groups.values()]


def _to_section(members: Sequence[tuple[Path, Robustness]]) -> NoiseSection:
    models = [sweep.model for _, sweep in members]
    sweeps = tuple(
        sweep if models.count(sweep.model) == 1 else replace(sweep, model=f"{sweep.model} ({folder.name})")
        for folder, sweep in members
    )
    metrics = sweeps_to_metrics(sweeps)
    picture = curves_to_picture(sweeps, ".png")
    width, height = (int.from_bytes(picture[at : at + 4]) for at in (16, 20))  # as PNG's header has them
    return NoiseSection(
        title=_to_title(sweeps[0]),
        counts=_to_counts(sweeps),
        picture=f"data:image/png;base64,{base64.b64encode(picture).decode()}",
        size=(2 * height * 40 // DPI, 2 * width * 40 // DPI),
        tables=tuple(_to_table(sweeps, name) for name in metrics),
        sentence=weights_to_sentence(metrics),
        failures=tuple(text for sweep in sweeps for text in _to_failures(sweep)),
        notes=(*_to_spans(sweeps), *(note for sweep in sweeps for note in _to_notes(sweep))),
        records=tuple((sweep.model, _to_record(sweep)) for sweep in sweeps),
        sweeps=sweeps,
    )


def _to_title(sweep: Robustness) -> str:
    title = f"Noisy poses: {sweep.benchmark['id']}"
    return f"{title}, {sweep.data.get('dataset')} layout" if sweep.data.get("synth") else title


def _to_counts(sweeps: Sequence[Robustness]) -> str:
    clips = max(sweep.per_clip["clip"].nunique() for sweep in sweeps)
    cells = [cell for sweep in sweeps for cell in sweep.scored if cell[0] != CLEAN]
    severities = sorted({severity for _, severity, _ in cells})
    seeds = len({seed for _, _, seed in cells})
    few = "" if clips >= LEAST_CLIPS else " So few clips cannot tell noise: breaking points are rough."
    return (
        f"{clips} clips of {sweeps[0].height} pixels; severities {listed(list(map(str, severities)))} of "
        f"{listed(sweeps_to_kinds(sweeps))}, {seeds} {'draw' if seeds == 1 else 'draws'} of each.{few}"
    )


def _to_table(sweeps: Sequence[Robustness], metric: str) -> tuple[Column, tuple[NoiseRow, ...]]:
    facts = next(sweep.metrics[metric] for sweep in sweeps if metric in sweep.metrics)
    own = [sweep.summary[sweep.summary["metric"].isin([metric])] for sweep in sweeps]
    values = [_number(value) for table in own for name in ("clean", "floor") for value in table[name]]
    arrow = "↑" if facts["higher_is_better"] else "↓"
    column = Column(metric, str(facts["label"]), str(facts["unit"]), arrow, values_to_decimals(values))
    rows = [
        NoiseRow(kind, sweep.model, sweep.kind != "model", _to_cells(sweep, found.iloc[0], column))
        for kind in sweeps_to_kinds(sweeps)
        for sweep, table in zip(sweeps, own, strict=True)
        if not (found := table[table["kind"].isin([kind])]).empty
    ]
    return column, tuple(rows)


def _to_cells(sweep: Robustness, row: "pd.Series[Any]", column: Column) -> tuple[NoiseCell, ...]:
    why = _to_reasons(row["reason"])
    clean, floor, relative = (_number(row[name]) for name in ("clean", "floor", "relative_auc"))
    last = max(sweep.severities(row["kind"]), default=0)
    below = "" if floor is None else f"floor {value_to_text(floor, column.decimals)}"
    return (
        _figure(clean, column.decimals, _reason(why, "clean"), below),
        _figure(
            _number(row["auc"]),
            3,
            _reason(why, "auc"),
            "" if relative is None else f"{relative:.3f} of clean",
        ),
        _severity(_number(row["breaking_severity"]), last, why, "breaking", _pixels(row)),
        _severity(_number(row["lost_severity"]), last, why, "lost", ""),
        _figure(_number(row["obedience"]), 2, _reason(why, "obedience"), ""),
    )


def _figure(value: float | None, decimals: int, reason: str, detail: str) -> NoiseCell:
    if value is None:
        return NoiseCell(EMPTY, detail, reason=reason)
    return NoiseCell(value_to_text(value, decimals), detail, repr(value))


def _severity(value: float | None, last: int, why: Mapping[str, str], name: str, detail: str) -> NoiseCell:
    """A severity; where none came although it was looked for, the curve holds to the last one."""
    if value is not None:
        return NoiseCell(f"{value:g}", detail, repr(value))
    if f"{name}_severity" in why:
        return NoiseCell(f"none to {last}", detail, "Infinity", why[f"{name}_severity"])
    return NoiseCell(EMPTY, reason=_reason(why, name))


def _pixels(row: "pd.Series[Any]") -> str:
    """The breaking point in pixels with its interval, which may go on past the last severity."""
    at, low, high = (_number(row[name]) for name in ("breaking_px", "breaking_px_low", "breaking_px_high"))
    if at is None:
        return "" if low is None else f"{low:.3g} px or more"
    if low is None:
        return f"{at:.3g} px"
    return f"{at:.3g} px, {low:.3g} " + ("or more" if high is None else f"to {high:.3g}")


def _to_reasons(text: object) -> dict[str, str]:
    """Column, or the beginning of its name, to why it is empty: "auc, breaking: no floor; obedience: …"."""
    found = {}
    for part in reason_to_parts(text):
        names, mark, reason = part.partition(": ")
        for name in names.split(", ") if mark else ("",):
            found[name] = reason or part
    return found


def _reason(why: Mapping[str, str], name: str) -> str:
    return why.get(name) or why.get("all", "")


def _to_failures(sweep: Robustness) -> list[str]:
    if not sweep.failures:
        return []
    told = [f"{cell}: {reason}" for cell, reason in list(sweep.failures.items())[:MOST_FAILURES]]
    more = len(sweep.failures) - len(told)
    words = "; ".join(told) + (f"; and {more} more" if more else "")
    return [f"{sweep.model}: {len(sweep.failures)} of {len(sweep.asked)} cells have no figures ({words})."]


def _to_notes(sweep: Robustness) -> list[str]:
    """Why figures are missing; not of severities that did not come, which the tables say."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for row in sweep.summary.to_dict("records"):
        label = str(sweep.metrics.get(str(row["metric"]), {}).get("label", row["metric"]))
        for name, reason in _to_reasons(row["reason"]).items():
            if name not in OPEN_ENDS:
                reasons.setdefault(reason, {}).setdefault(str(row["kind"]), []).append(label)
    notes = []
    for reason, kinds in reasons.items():
        where = [f"{listed(list(dict.fromkeys(labels)))} under {kind}" for kind, labels in kinds.items()]
        notes.append(f"{sweep.model}, {'; '.join(where)}: {reason}.")
    return notes


def _to_spans(sweeps: Sequence[Robustness]) -> list[str]:
    """Kinds of which sweeps ran different severities: areas and obedience are over those."""
    notes = []
    for kind in sweeps_to_kinds(sweeps):
        spans: dict[tuple[int, ...], list[str]] = {}
        for sweep in sweeps:
            ran = sweep.severities(kind)
            if ran:
                spans.setdefault(tuple(ran), []).append(sweep.model)
        if len(spans) > 1:
            told = [f"{listed(list(map(str, ran)))} of {listed(models)}" for ran, models in spans.items()]
            notes.append(f"Severities of {kind} differ, and area and obedience with them: {'; '.join(told)}.")
    return notes


def _to_record(sweep: Robustness) -> str:
    record: dict[str, Json] = {
        entry.name: getattr(sweep, entry.name) for entry in fields(sweep) if entry.name not in LONG
    }
    return json_to_text(record)


def _number(value: object) -> float | None:
    """A cell of a table; None where it is empty or infinite."""
    number = float(value) if isinstance(value, int | float | np.number) else math.nan
    return number if math.isfinite(number) else None
