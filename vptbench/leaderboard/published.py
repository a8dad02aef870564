"""The file of published figures by protocol group, ``leaderboards/published.csv``.

Its columns are the fields of `PublishedRow`; `tools/make_published.py` makes it. Rows are never ranked: only
those of one protocol group were measured in one way. A suspect figure stays, marked, with the reason.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path

from vptbench.errors import BoardError
from vptbench.formulas import neutralise
from vptbench.leaderboard.check import board_to_problems
from vptbench.leaderboard.copied import PublishedRow, rows_to_findings

COLUMNS = tuple(field.name for field in fields(PublishedRow))
SUSPECT = "suspect"
"""What stands in that column of a row that is marked."""

MOST_DIGITS = 100
"""Powers of ten that a figure may have before and after its point."""


def mark_suspects(rows: Sequence[PublishedRow]) -> tuple[PublishedRow, ...]:
    """The rows with all that the rules find, marked; marks that are there already stay."""
    marked = list(rows)
    for number, why in rows_to_findings(rows):
        row = marked[number]
        known = row.why.split("; ") if row.why else []
        marked[number] = replace(row, suspect=True, why="; ".join(dict.fromkeys([*known, why])))
    return tuple(marked)


def rows_to_csv(rows: Sequence[PublishedRow]) -> str:
    """The file's text; cells that a spreadsheet would run as a formula begin with an apostrophe."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = asdict(row) | {SUSPECT: SUSPECT if row.suspect else ""}
        writer.writerow([cells[name] if name == "value" else neutralise(cells[name]) for name in COLUMNS])
    return text.getvalue()


def read_published(path: Path | str) -> tuple[PublishedRow, ...]:
    """Read the file, strictly.

    Raises:
        BoardError: It is missing, has other columns, or a row without a source or without a finite number.

    Example:
        ``[row.value for row in read_published("leaderboards/published.csv") if row.method == "BDMM"]``
    """
    rows = []
    for line, cells in enumerate(_read_lines(Path(path)), 2):
        if not cells["source"] or not _is_number(cells["value"]) or cells[SUSPECT] not in {"", SUSPECT}:
            raise BoardError(
                f"{path}: line {line}: expected a number, its source, and {SUSPECT!r} or nothing, found "
                f"{cells['value']!r}, {cells['source']!r} and {cells[SUSPECT]!r}; make the file again with "
                "tools/make_published.py"
            )
        rows.append(PublishedRow(**(cells | {SUSPECT: cells[SUSPECT] == SUSPECT})))  # type: ignore[arg-type]
    return tuple(rows)


def csv_to_problems(path: Path) -> list[str]:
    """What is wrong with a leaderboard or with a file of published figures; each problem in a line.

    In the latter, what the rules find and nobody marked is a problem.

    Raises:
        BoardError: The file is neither.
    """
    return _findings(path, marked=False) if is_published(path) else board_to_problems(path)


def csv_to_warnings(path: Path) -> list[str]:
    """The suspect figures that are marked as such, each with its source; of a leaderboard none."""
    return _findings(path, marked=True) if is_published(path) else []


def is_published(path: Path) -> bool:
    """Whether a file begins with the columns of published figures."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline().rstrip("\r\n") == ",".join(COLUMNS)
    except (OSError, UnicodeDecodeError):
        return False


def _findings(path: Path, *, marked: bool) -> list[str]:
    rows = mark_suspects(read := read_published(path))
    return [
        f"{path}: {row.group}: {row.metric} {row.value} of {row.method} ({row.source}): {row.why}"
        for row, before in zip(rows, read, strict=True)
        if row.suspect and before.suspect == marked
    ]


def _read_lines(path: Path) -> list[dict[str, str]]:
    """The cells of each row by column.

    Raises:
        BoardError: The file cannot be read, or has other columns.
    """
    try:
        text = path.read_text(encoding="utf-8")
        header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        raise BoardError(
            f"expected published figures at {path}, found none that can be read ({error}); make them with "
            "tools/make_published.py"
        ) from error
    if tuple(header) != COLUMNS or any(len(line) != len(COLUMNS) for line in lines):
        raise BoardError(
            f"{path}: expected the columns {', '.join(COLUMNS)} in every row, found others; make the file "
            "again with tools/make_published.py"
        )
    return [dict(zip(COLUMNS, line, strict=True)) for line in lines]


def _is_number(text: str) -> bool:
    """Whether a text is a finite number of a size that a figure can have."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -MOST_DIGITS and number.adjusted() <= MOST_DIGITS
