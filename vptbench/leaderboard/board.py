"""The CSV of a leaderboard: one row an entry, everything that decides comparison, and a hash a row.

Columns are `FACTS`, then ``<metric>``, ``<metric>.low`` and ``<metric>.high`` for each metric (names as in
``scores.json``, so ``fid-v1@random`` shows itself), then ``row_sha256``: the SHA-256 of all other columns and
cells, so that a figure edited by hand is noticed. Cells that a spreadsheet would run as a formula begin with
an apostrophe. A file with a header alone is a board without entries.
"""

import csv
import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from vptbench.errors import BoardError
from vptbench.formulas import neutralise
from vptbench.manifest import write_text

FACTS = (
    "name", "kind", "benchmark", "benchmark_sha256", "clip_list_sha256", "reference_sha256", "truth_sha256",
    "networks", "settings", "clips", "frames", "videos", "container", "trained_on", "commit", "command",
    "vptbench", "scores_sha256", "generated_sha256", "per_clip_sha256",
)  # fmt: skip
"""Columns before the metrics. Older boards lack those of `LATER`, and get them when written.

=================  ====================================================================================
name               Of the entry, unique on the board.
kind               "model", "claimed" (only its frames are known) or "audit" (shown, never ranked).
benchmark          Id of the protocol, with its hash in the next column.
clip_list_sha256   Which clips were scored.
reference_sha256   Which clips of another split some metrics compare with; empty where none does.
truth_sha256       Which masks and meshes some metrics need; empty where none does.
networks           What measured: ``name=mode:sha256``, sorted, separated by spaces.
settings           JSON: metric to what a reader must know beside its id (pooling, windows, seed).
clips, frames      How many were scored.
videos             "97 of 100 videos of the test split" where the store lacked some; else empty.
container          What the generated frames lay in, then "lossless" or "lossy"; empty where nobody knows.
trained_on         What the model learned from, as far as it was told.
commit, command    How the outputs came about, as far as it was told.
vptbench           Version that scored.
scores_sha256      Of ``scores.json``, which holds the hashes of its tables.
generated_sha256   Of the hashes of the frames that were scored, clip by clip.
per_clip_sha256    Of the file of figures by clip, see `clips`.
=================  ====================================================================================
"""

LATER = ("settings", "videos", "container", "generated_sha256", "per_clip_sha256")
"""Columns that older boards lack."""

LOSSY = "lossy"
"""How the cell of a container ends in which quality may have been lost."""

ROW_HASH = "row_sha256"

ENDS = (".low", ".high")

KINDS = ("model", "claimed", "audit")


@dataclass(frozen=True)
class Value:
    """A metric's cells.

    Attributes:
        value: The figure, or None where an audit has none.
        low: Lower end of its interval, or None.
        high: Upper end, or None.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Entry:
    """One row.

    Attributes:
        facts: A text for each of `FACTS`, as it stands in the file.
        values: Metric name to its cells.
    """

    facts: Mapping[str, str]
    values: Mapping[str, Value]

    @property
    def name(self) -> str:
        """Of the entry."""
        return self.facts["name"]

    @property
    def lossy(self) -> bool:
        """Whether the container of its frames may have lost some quality."""
        return self.facts["container"].endswith(LOSSY)

    @property
    def ranked(self) -> bool:
        """Whether it takes part in the ranking."""
        return self.facts["kind"] != "audit"


@dataclass(frozen=True)
class Board:
    """All rows, which have the same metrics.

    Attributes:
        path: The CSV.
        metrics: Metric names, in the order of the columns.
        entries: In the order in which they were added.
    """

    path: Path
    metrics: tuple[str, ...]
    entries: tuple[Entry, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row an entry, indexed by its name, with the file's other columns; NaN for no number."""
        return entries_to_table(self.entries, self.metrics)

    def _repr_html_(self) -> str:
        """The table, as notebooks show it."""
        shown = ["kind", *self.metrics, "trained_on"]
        return str(self.table[shown].to_html(na_rep="–"))


@dataclass(frozen=True)
class Table:
    """A board's cells, before its rows are believed.

    Attributes:
        path: The CSV.
        header: Names of the columns.
        metrics: Metric names, in the order of the columns.
        rows: The cells of each row.
    """

    path: Path
    header: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def read_board(path: Path | str) -> Board:
    """Read a board, strictly.

    Raises:
        BoardError: It is missing, empty or no board, or a row was changed by hand.

    Example:
        ``read_board("leaderboards/iper-v1.csv").table``
    """
    table = read_table(Path(path))
    return Board(table.path, table.metrics, tuple(row_to_entry(table, row) for row in table.rows))


def read_table(path: Path) -> Table:
    """Read a board's cells; lines without any are none.

    Raises:
        BoardError: It is missing, empty or no board.
    """
    try:
        text = path.read_bytes().decode()
        header, *rows = map(tuple, csv.reader(io.StringIO(text, newline=""), strict=True))
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        raise BoardError(
            f"expected a leaderboard's CSV at {path}, found none that can be read ({error}); "
            "make one with `vptbench leaderboard add`"
        ) from error
    return Table(path, header, _header_to_metrics(path, header), tuple(row for row in rows if row))


def write_board(board: Board) -> None:
    """Write a board whole or not at all."""
    header = [*FACTS, *_metric_columns(board.metrics), ROW_HASH]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for entry in board.entries:
        cells = [*(entry.facts[name] for name in FACTS), *_values_to_cells(entry, board.metrics)]
        writer.writerow([*cells, row_sha256(header[:-1], cells)])
    write_text(board.path, text.getvalue())


def entries_to_table(entries: Sequence[Entry], metrics: Sequence[str]) -> pd.DataFrame:
    """Entries as pandas has them, see `Board.table`."""
    rows = [
        {**{name: entry.facts[name] for name in FACTS}, **dict(zip(columns, numbers, strict=True))}
        for columns in [_metric_columns(metrics)]
        for entry in entries
        for numbers in [_values_to_numbers(entry, metrics)]
    ]
    columns = [*FACTS, *_metric_columns(metrics)]
    numbers = dict.fromkeys(_metric_columns(metrics), np.float64)
    return pd.DataFrame(rows, columns=columns).astype(numbers).set_index("name")


def table_to_entries(table: pd.DataFrame) -> tuple[Entry, ...]:
    """Entries from such a table, in its order: `entries_to_table` backwards.

    Raises:
        BoardError: Columns are missing or unknown, or a cell is of another type.
    """
    whole = table.reset_index()
    metrics = _header_to_metrics(Path("table"), [*map(str, whole.columns), ROW_HASH])
    entries = []
    for row in whole.to_dict("records"):
        facts = {name: row.get(name, "") for name in FACTS}
        wrong = [
            name for name, fact in facts.items() if not isinstance(fact, str) or fact != neutralise(fact)
        ]
        if wrong:
            raise BoardError(
                f"table: row {row['name']!r}: expected texts that no spreadsheet runs in {', '.join(wrong)}, "
                "found others; take rows of a board"
            )
        cells = {column: "" if pd.isna(row[column]) else repr(float(row[column])) for column in
                 _metric_columns(metrics)}  # fmt: skip
        entries.append(Entry(facts, _cells_to_values("table", str(row["name"]), cells, metrics)))
    return tuple(entries)


def row_sha256(columns: Sequence[str], cells: Sequence[str]) -> str:
    """SHA-256 of a row: of the JSON list of [column, cell], without the hash's own."""
    pairs = [list(pair) for pair in zip(columns, cells, strict=True)]
    return hashlib.sha256(json.dumps(pairs, ensure_ascii=False).encode()).hexdigest()


def row_to_entry(table: Table, row: Sequence[str]) -> Entry:
    """One row.

    Raises:
        BoardError: It was changed by hand, or holds what `add` never writes.
    """
    name = row[0] if row else ""
    if len(row) != len(table.header) or row[-1] != row_sha256(table.header[:-1], row[:-1]):
        raise BoardError(
            f"{table.path}: row {name!r}: expected the row as it was added, found one that was changed by "
            "hand; delete the row and add its scores again"
        )
    cells = dict(zip(table.header, row, strict=True))
    facts = {fact: cells.get(fact, "") for fact in FACTS}
    wrong = [f"{fact} {text!r}" for fact, text in facts.items() if text != neutralise(text)]
    if facts["kind"] not in KINDS:
        wrong.append(f"kind {facts['kind']!r}")
    if wrong:
        raise BoardError(
            f"{table.path}: row {name!r}: expected a kind of {', '.join(KINDS)} and no formulas, found "
            f"{', '.join(wrong)}; delete the row and add its scores again"
        )
    values = _cells_to_values(str(table.path), name, cells, table.metrics)
    empty = [metric for metric, value in values.items() if value.value is None]
    if empty and facts["kind"] != "audit":
        raise BoardError(
            f"{table.path}: row {name!r}: expected a figure for every metric, found none for "
            f"{', '.join(empty)}; delete the row and add its scores again"
        )
    return Entry(facts, values)


def _metric_columns(metrics: Sequence[str]) -> list[str]:
    return [name + end for name in metrics for end in ("", *ENDS)]


def _header_to_metrics(path: Path, header: Sequence[str]) -> tuple[str, ...]:
    """Metric names in a header.

    Raises:
        BoardError: It is no board's header.
    """
    facts = [name for name in FACTS if name not in LATER or name in header]
    metrics = tuple(header[len(facts) : -1 : 1 + len(ENDS)])
    if not metrics or list(header) != [*facts, *_metric_columns(metrics), ROW_HASH]:
        raise BoardError(
            f"{path}: expected the columns of a leaderboard ({', '.join(FACTS)}, metrics, {ROW_HASH}), "
            "found others; give another file"
        )
    return metrics


def _values_to_numbers(entry: Entry, metrics: Sequence[str]) -> list[float | None]:
    return [
        number
        for metric in metrics
        for value in [entry.values[metric]]
        for number in (value.value, value.low, value.high)
    ]


def _values_to_cells(entry: Entry, metrics: Sequence[str]) -> list[str]:
    numbers = _values_to_numbers(entry, metrics)
    return ["" if number is None else repr(float(number)) for number in numbers]


def _cells_to_values(
    place: str, name: str, cells: Mapping[str, str], metrics: Sequence[str]
) -> dict[str, Value]:
    """The figures of a row.

    Raises:
        BoardError: One is no finite number.
    """
    try:
        return {
            metric: Value(*(_cell_to_number(cells[metric + end]) for end in ("", *ENDS)))
            for metric in metrics
        }
    except ValueError as error:
        raise BoardError(
            f"{place}: row {name!r}: expected finite numbers, found another ({error})"
        ) from error


def _cell_to_number(cell: str) -> float | None:
    """The number in a cell, or None where it is empty.

    Raises:
        ValueError: It is no finite number.
    """
    if not cell:
        return None
    number = float(cell)
    if not math.isfinite(number):
        raise ValueError(cell)
    return number
