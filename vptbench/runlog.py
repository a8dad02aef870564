"""The log of a training run: ``log.csv``, a row at a time.

Its columns are `COLUMNS` and then the trainer's terms, the same ones in every row; iterations increase. A
row is on disk as soon as it is written, so that a kill tears the last line at most: it is left out when the
table is read, and dropped when training goes on, with the rows past the checkpoint that it goes on from.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pandas as pd

from vptbench.errors import RunError, UsageError
from vptbench.manifest import write_text

COLUMNS = ("iteration", "seconds")
"""First columns; the terms follow. Seconds are wall time since the row before, or since training was started
again: their sum is the time that what is kept took."""

TERM = re.compile(r"[A-Za-z_][A-Za-z0-9_.@-]*")
ITERATION = re.compile(r"[0-9]{1,15}")


def append_log(path: Path, iteration: int, seconds: float, terms: Mapping[str, float]) -> None:
    """Add a row, and the header before the first one. The row is with the system when this returns.

    Args:
        path: The log, see `runfile.Run.log`.
        iteration: Iterations done, more than in the row before.
        seconds: See `COLUMNS`.
        terms: Name to value, the same names in the same order each time. NaN and infinity are written down:
            that a loss went astray is what a log is read for.

    Raises:
        UsageError: A name could not stand in a header.
        RunError: The log has other columns.

    Example:
        ``append_log(run.log, 10, 4.2, {"l1": 0.25, "d.spatial": 1.5})``
    """
    unfit = [name for name in terms if name in COLUMNS or TERM.fullmatch(name) is None]
    if unfit:
        raise UsageError(
            f"expected names of terms such as 'l1' or 'd.spatial', got {', '.join(map(repr, unfit))}; "
            "rename them"
        )
    header = ",".join((*COLUMNS, *terms)) + "\n"
    row = ",".join((str(iteration), *(repr(float(value)) for value in (seconds, *terms.values())))) + "\n"
    found = _read_header(path)
    if found not in {"", header}:
        raise RunError(
            f"{path}: expected the columns {header.strip()}, found {found.strip()}; "
            "go on with the trainer that began the run, or give another folder"
        )
    with path.open("a", encoding="utf-8", newline="\n") as stream:
        stream.write(row if found else header + row)


def read_log(path: Path | str) -> pd.DataFrame:
    """A log as a table: ``iteration`` int64, ``seconds`` and the terms float64.

    A torn last line is left out; where there is no log yet, the table has no rows.

    Raises:
        RunError: The log is damaged.

    Example:
        ``read_log("run/log.csv").plot("iteration", "l1")``
    """
    columns, rows = _read_rows(Path(path))
    cells = [row.split(",") for row in rows]
    return pd.DataFrame({
        name: pd.Series(
            [int(row[place]) if name == "iteration" else float(row[place]) for row in cells],
            dtype="int64" if name == "iteration" else "float64",
        )
        for place, name in enumerate(columns)
    })  # fmt: skip


def trim_log(path: Path, iteration: int) -> None:
    """Drop the rows past `iteration` and a torn last line, whole or not at all; a log without rows goes.

    Raises:
        RunError: The log is damaged.
    """
    if not path.exists():
        return
    columns, rows = _read_rows(path)
    kept = [row for row in rows if _row_to_iteration(row) <= iteration]
    text = "".join(f"{line}\n" for line in (",".join(columns), *kept))
    if not kept:
        path.unlink()
    elif len(text.encode()) != path.stat().st_size:
        write_text(path, text)


def log_to_problems(path: Path) -> list[str]:
    """What is wrong with a log, each problem in a line; a torn last line is none."""
    try:
        _, rows = _read_rows(path)
    except RunError as error:
        return [str(error)]
    numbers = [_row_to_iteration(row) for row in rows]
    return [
        f"{path}: line {line}: expected an iteration after {before}, found {after}; delete one of the two"
        for line, (before, after) in enumerate(pairwise(numbers), 3)
        if after <= before
    ]


def _read_header(path: Path) -> str:
    """The first line with its end, or empty where there is none."""
    if not path.exists():
        return ""
    with path.open(encoding="utf-8", errors="replace", newline="\n") as stream:
        return stream.readline()


def _read_rows(path: Path) -> tuple[list[str], list[str]]:
    """Columns and whole rows, these as they stand there; a last line without its end is left out.

    Raises:
        RunError: The header or a row is another than `append_log` writes.
    """
    text = path.read_bytes().decode(errors="replace") if path.exists() else ""
    header, *rows = text.split("\n")[:-1] or [",".join(COLUMNS)]
    columns = header.split(",")
    fit = len(set(columns)) == len(columns) and all(map(TERM.fullmatch, columns))
    if tuple(columns[: len(COLUMNS)]) != COLUMNS or not fit:
        raise RunError(
            f"{path}: expected a header such as {','.join(COLUMNS)},l1, found {header[:80]!r}; "
            "restore it, or delete the file"
        )
    for line, row in enumerate(rows, 2):
        if not _is_row(row, len(columns)):
            raise RunError(
                f"{path}: line {line}: expected {len(columns)} numbers, found {row[:80]!r}; delete that line"
            )
    return columns, rows


def _row_to_iteration(row: str) -> int:
    return int(row.partition(",")[0])


def _is_row(row: str, width: int) -> bool:
    """Whether a line holds `width` numbers, the first one an iteration."""
    first, *others = row.split(",")
    if len(others) != width - 1 or ITERATION.fullmatch(first) is None:
        return False
    try:
        return all(float(cell) is not None for cell in others)
    except ValueError:
        return False
