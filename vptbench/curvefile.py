"""Curves: what a sweep over noisy poses found of one model, in a folder.

``robustness.json`` holds, beside ``format`` and ``version``, the fields of `Robustness` but its tables, and
``tables`` with the SHA-256 of those:

- ``cells.csv`` (`CELLS_COLUMNS`): every figure. Clean poses are kind ``clean``, severity 0, seed 0.
- ``per_clip.csv`` (`PER_CLIP_COLUMNS`): the same by clip, of metrics that have a value a clip.
- ``disturbance.csv`` (`DISTURBANCE_COLUMNS`): how far the poses of each cell are from the clean ones.
- ``curves.csv`` (`CURVES_COLUMNS`): a point a kind, severity and metric, over all seeds, with intervals over
  clips; made from the others. Severity 0, the clean poses, stands in each kind's curve.
- ``summary.csv`` (`SUMMARY_COLUMNS`): a row a kind and metric, made from the others.

``role`` is "model"; "floor": repeating the source frame, on clean poses alone, since it does not look at
them; or "control": true frames moved to the noisy pose, what a perfect follower of that pose would score.

A field of a table is empty where there is no number. ``inf`` stands in ``per_clip.csv`` (PSNR of equal
frames) and in the columns ``breaking_px…`` of ``summary.csv`` (never within what was run), nowhere else.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from vptbench.benchmarks.noisy import KINDS, SEVERITIES
from vptbench.config import json_to_config
from vptbench.errors import ConfigError, ScoreError
from vptbench.manifest import Json
from vptbench.scorefile import PROTOCOL, RECORDS
from vptbench.tablefile import TableSchema, read_table_folder, write_table_folder

FORMAT = "vptbench-robustness"
VERSION = 1

MANIFEST = "robustness.json"
CELLS, PER_CLIP, DISTURBANCE = "cells.csv", "per_clip.csv", "disturbance.csv"
CURVES, SUMMARY = "curves.csv", "summary.csv"

CLEAN = "clean"
ROLES = ("model", "floor", "control")

CELLS_COLUMNS = ("kind", "severity", "seed", "role", "metric", "value", "low", "high")
PER_CLIP_COLUMNS = ("kind", "severity", "seed", "role", "clip", "metric", "value")
DISTURBANCE_COLUMNS = ("kind", "severity", "seed", "mean_px", "pck", "missing", "mesh_px")
CURVES_COLUMNS = (
    "kind", "severity", "metric", "mean_px", "value", "low", "high", "floor", "control", "drop", "drop_low",
    "drop_high", "retention",
)  # fmt: skip
"""``value`` is the model's, its ends an interval over clips; ``drop`` is how much worse than clean, positive
where it is worse, whatever the direction; ``retention`` is 1 at the clean value and 0 at the floor."""

SUMMARY_COLUMNS = (
    "kind", "metric", "clean", "floor", "auc", "relative_auc", "breaking_severity", "breaking_px",
    "breaking_px_low", "breaking_px_high", "lost_severity", "obedience", "reason",
)  # fmt: skip
"""See `robustness.breaking`."""

TABLES: Mapping[str, tuple[str, ...]] = {
    CELLS: CELLS_COLUMNS, PER_CLIP: PER_CLIP_COLUMNS, DISTURBANCE: DISTURBANCE_COLUMNS,
    CURVES: CURVES_COLUMNS, SUMMARY: SUMMARY_COLUMNS,
}  # fmt: skip
"""File to its columns; the field of `Robustness` is the name without its ending."""

TEXTS = ("kind", "role", "clip", "metric", "reason")
COUNTS = ("severity", "seed")
KEYS = (*COUNTS, "kind", "role", "clip", "metric")
"""Columns that hold texts, those that hold whole numbers, and those that a row is known by."""

OPEN_ENDS = ("breaking_severity", "lost_severity")
"""Columns of a summary that are empty where a model held to the last severity: whole numbers in the file,
float64 in memory."""

INFINITE = {PER_CLIP: ("value",), SUMMARY: ("breaking_px", "breaking_px_low", "breaking_px_high")}
"""Columns in which infinity is a value."""

SHARES = ("pck", "missing")

RUN_KINDS = ("model", "claimed")
METRIC: Mapping[str, type] = {"label": str, "unit": str, "higher_is_better": bool}
BENCHMARK: Mapping[str, type] = {"id": str, "clean": str, "sha256": str}
"""What a record of ``metrics``, and ``benchmark``, hold at least; the latter ``corruptions`` as well."""

AGAIN = "run vptbench robustness again"

SCHEMA = TableSchema(
    manifest=MANIFEST, kind=FORMAT, version=VERSION, tables=TABLES, texts=TEXTS, counts=COUNTS, again=AGAIN
)


@dataclass(frozen=True, eq=False)
class Robustness:
    """A model's curves.

    Attributes:
        model: Its name.
        kind: "model" or "claimed" (its outputs were scored, it did not run here), as of scores.
        benchmark: The list of corruptions as JSON, with ``id``, ``clean``, ``corruptions`` and ``sha256``.
        protocol: The clean protocol, as `Scores.benchmark`.
        data: As `Scores.data`.
        clip_list_sha256: As `Scores.clip_list_sha256`.
        height: Of the frames, pixels.
        metrics: Name to ``{"label", "unit", "higher_is_better"}``.
        networks: As `Scores.networks`.
        device: As `Scores.device`.
        inputs: Relative path ``store``.
        libraries: Versions of the packages that can move a number.
        asked: Cells that the benchmark has, as ``[kind, severity, seed]``.
        failures: Cell ("jitter-3-0") to the reason why it has no figures.
        cells: `CELLS_COLUMNS`.
        per_clip: `PER_CLIP_COLUMNS`.
        disturbance: `DISTURBANCE_COLUMNS`; mean_px and mesh_px in pixels of the frames, pck and missing in
            [0, 1].
        curves: `CURVES_COLUMNS`.
        summary: `SUMMARY_COLUMNS`.
    """

    model: str
    kind: str
    benchmark: Mapping[str, Json]
    protocol: Mapping[str, Json]
    data: Mapping[str, Json]
    clip_list_sha256: str
    height: int
    metrics: Mapping[str, Mapping[str, Json]]
    networks: Mapping[str, Mapping[str, Json]]
    device: str
    inputs: Mapping[str, Json]
    libraries: Mapping[str, Json]
    asked: tuple[tuple[str, int, int], ...]
    failures: Mapping[str, str]
    cells: pd.DataFrame = field(repr=False)
    per_clip: pd.DataFrame = field(repr=False)
    disturbance: pd.DataFrame = field(repr=False)
    curves: pd.DataFrame = field(repr=False)
    summary: pd.DataFrame = field(repr=False)

    @property
    def complete(self) -> bool:
        """Whether every cell that was asked for has figures of the model."""
        return set(self.asked) <= self.scored

    @property
    def scored(self) -> set[tuple[str, int, int]]:
        """Kind, severity and seed of the cells that have figures of the model; a list may ask for more."""
        return set(_cells(self.cells[self.cells["role"] == "model"]))

    def severities(self, kind: str) -> list[int]:
        """Severities of a kind of noise that have figures of the model, ascending."""
        return sorted({severity for name, severity, _ in self.scored if name == kind})

    @property
    def table(self) -> pd.DataFrame:
        """The curves, indexed by metric, kind and severity."""
        return self.curves.set_index(["metric", "kind", "severity"])


def write_robustness(folder: Path, robustness: Robustness) -> None:
    """Write curves; ``robustness.json`` comes last and is gone while the tables are written.

    Raises:
        ScoreError: What was given contradicts itself.

    Example:
        ``write_robustness(Path("sweeps/again"), read_robustness("sweeps/mesh_warp"))``
    """
    problems = _to_problems(robustness)
    if problems:
        raise ScoreError(f"{folder}: " + "; ".join(problems))
    tables = {name: _table(robustness, name) for name in TABLES}
    whole = dict.fromkeys(OPEN_ENDS, "Int64")
    body = {
        entry.name: getattr(robustness, entry.name)
        for entry in dataclasses.fields(Robustness)
        if f"{entry.name}.csv" not in TABLES
    }
    write_table_folder(folder, SCHEMA, {**tables, SUMMARY: tables[SUMMARY].astype(whole)}, body)


def read_robustness(folder: Path | str) -> Robustness:
    """Read curves, strictly.

    Raises:
        ManifestError: The folder holds no curves, or of an unknown version.
        ScoreError: A field or a table is missing, malformed, or was changed by hand.

    Example:
        ``read_robustness("sweeps/mesh_warp").summary``
    """
    path = Path(folder) / MANIFEST
    fields, tables = read_table_folder(path.parent, SCHEMA)
    named = {name.removesuffix(".csv"): table for name, table in tables.items()}
    asked = fields.get("asked")
    if isinstance(asked, list):
        fields["asked"] = tuple(tuple(cell) if isinstance(cell, list) else cell for cell in asked)
    try:
        robustness = json_to_config(cast("Mapping[str, Json]", {**fields, **named}), Robustness)
    except ConfigError as error:
        raise ScoreError(f"{path}: {error}; {AGAIN}") from error
    problems = _to_problems(robustness)
    if problems:
        raise ScoreError(f"{path}: " + "; ".join(problems) + f"; {AGAIN}")
    return robustness


def reason_to_parts(reason: object) -> list[str]:
    """The parts of a summary's ``reason``, such as "obedience: no control"; none where nothing is empty."""
    return reason.split("; ") if isinstance(reason, str) and reason else []


def table_to_keys(table: pd.DataFrame) -> list[str]:
    """Columns that a row is known by."""
    return [column for column in table if column in KEYS]


def _table(robustness: Robustness, name: str) -> pd.DataFrame:
    return cast("pd.DataFrame", getattr(robustness, name.removesuffix(".csv")))


def _cells(table: pd.DataFrame) -> Iterator[tuple[str, int, int]]:
    """Kind, severity and seed of each row."""
    return zip(table["kind"], map(int, table["severity"]), map(int, table["seed"]), strict=True)


def _to_problems(robustness: Robustness) -> list[str]:
    """What is wrong with the types and values of the record and its tables, in words."""
    problems = _fields_to_problems(robustness)
    for name, columns in TABLES.items():
        table = _table(robustness, name)
        if tuple(table.columns) != columns:
            problems.append(f"{name}: expected the columns {','.join(columns)}, found others")
        elif len(table):
            problems += [f"{name}: {text}" for text in _table_to_problems(name, table)]
    if problems:
        return problems
    for name in (CELLS, PER_CLIP, CURVES, SUMMARY):
        if not set(_table(robustness, name)["metric"]) <= set(robustness.metrics):
            problems.append(f"{name}: expected only metrics of robustness.json, found others")
    for name in (CELLS, PER_CLIP, DISTURBANCE):
        found = {cell for cell in _cells(_table(robustness, name)) if cell[0] != CLEAN}
        if not found <= set(robustness.asked):
            problems.append(f"{name}: expected only cells that were asked for, found others")
    return problems


def _fields_to_problems(robustness: Robustness) -> list[str]:
    """What is wrong with what stands in ``robustness.json``, in words."""
    kinds: dict[type, tuple[str, ...]] = {
        str: ("model", "kind", "clip_list_sha256", "device"),
        int: ("height",),
        tuple: ("asked",),
        Mapping: ("benchmark", "protocol", "data", "metrics", "networks", "inputs", "libraries", "failures"),
    }
    problems = [
        f"{name}: found {getattr(robustness, name)!r:.80}, which is of another type than expected"
        for kind, names in kinds.items()
        for name in names
        if not isinstance(getattr(robustness, name), kind) or isinstance(getattr(robustness, name), bool)
    ]
    if problems:
        return problems
    if robustness.kind not in RUN_KINDS:
        problems.append(f"kind: expected {' or '.join(RUN_KINDS)}, found {robustness.kind!r}")
    if robustness.height < 1:
        problems.append(f"height: expected pixels from 1, found {robustness.height}")
    if not robustness.metrics:
        problems.append("metrics: expected at least one, found none")
    if not isinstance(robustness.benchmark.get("corruptions"), list | tuple):
        problems.append("benchmark: expected a list of corruptions")
    records: list[tuple[str, object, Mapping[str, type]]] = [
        ("benchmark", robustness.benchmark, BENCHMARK), ("protocol", robustness.protocol, PROTOCOL)
    ]  # fmt: skip
    records += [(f"metrics: {name}", record, METRIC) for name, record in robustness.metrics.items()]
    records += [
        (f"networks: {name}", record, RECORDS["networks"]) for name, record in robustness.networks.items()
    ]
    problems += [
        f"{name}: expected {', '.join(fields)}, found another record"
        for name, record, fields in records
        if not isinstance(record, Mapping)
        or any(type(record.get(key)) is not kind for key, kind in fields.items())
    ]
    problems += [
        f"asked: expected [kind, severity, seed], found {cell!r:.80}"
        for cell in robustness.asked
        if not _is_cell(cell)
    ]
    if not all(isinstance(reason, str) for reason in robustness.failures.values()):
        problems.append("failures: expected a reason for each cell")
    return problems


def _is_cell(cell: object) -> bool:
    """Whether this is kind, severity and seed, each one that there can be."""
    if not isinstance(cell, tuple) or [type(part) for part in cell] != [str, int, int]:
        return False
    kind, severity, seed = cell
    return (
        (severity, seed) == (0, 0)
        if kind == CLEAN
        else kind in KINDS and severity in SEVERITIES and seed >= 0
    )


def _table_to_problems(name: str, table: pd.DataFrame) -> list[str]:
    """What is wrong with the values of one table that has rows, in words."""
    columns = TABLES[name]
    wrong = [column for column in columns if not _is_typed(table[column], column)]
    if wrong:
        return [f"expected texts and numbers, found values of other types in {', '.join(wrong)}"]
    problems = []
    for column in columns:
        if column in {*TEXTS, *COUNTS}:
            continue
        numbers = table[column].to_numpy(np.float64)
        infinite = column in INFINITE.get(name, ())
        allowed = (
            np.isfinite(numbers) | (np.isnan(numbers) & (name != PER_CLIP)) | ((numbers == np.inf) & infinite)
        )
        if not allowed.all():
            problems.append(f"{column}: expected numbers, found {numbers[~allowed][0]}")
        if column in SHARES and ((numbers < 0) | (numbers > 1)).any():
            problems.append(f"{column}: expected shares from 0 to 1, found others")
    if name == CELLS and (table["low"].isna() != table["high"].isna()).any():
        problems.append("expected both ends of an interval or neither")
    if table.duplicated(table_to_keys(table)).any():
        problems.append("expected one row of a kind, found two")
    return problems + _names_to_problems(table)


def _names_to_problems(table: pd.DataFrame) -> list[str]:
    """What is wrong with kinds, severities, seeds and roles, in words."""
    strange: list[object]
    if "seed" in table:
        strange = [cell for cell in sorted(set(_cells(table))) if not _is_cell(cell)]
    else:  # a curve is of all seeds, and a summary of all severities
        strange = [kind for kind in sorted(set(table["kind"])) if kind not in KINDS]
        found = set(table["severity"]) if "severity" in table else set()
        strange += sorted(found - {0, *SEVERITIES})
    problems = [f"found {each!r:.80}, which no sweep has" for each in strange]
    if "role" in table:
        unknown = sorted(set(table["role"]) - set(ROLES))
        if unknown:
            problems.append(f"role: expected {' or '.join(ROLES)}, found {unknown[0]!r}")
        if (table.loc[table["role"] == "floor", "kind"] != CLEAN).any():
            problems.append("expected a floor on clean poses alone, found others")
    return problems


def _is_typed(values: "pd.Series[float]", column: str) -> bool:
    if column in TEXTS:
        return all(isinstance(value, str) for value in values)
    kind = np.integer if column in COUNTS else np.number
    return isinstance(values.dtype, np.dtype) and np.issubdtype(values.dtype, kind)
