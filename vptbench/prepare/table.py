"""Small tables beside raw data, as CSV: one heading, and lines that have its columns."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from vptbench.errors import DatasetError
from vptbench.manifest import write_text


def read_table(path: Path, columns: Sequence[str], numbers: Sequence[str] = ()) -> list[list[str]]:
    """The lines below the heading of a table; none where there is no file.

    Args:
        path: The file.
        columns: Its heading.
        numbers: Columns that hold counts, without sign.

    Raises:
        DatasetError: It is something else.
    """
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            heading, *lines = csv.reader(file, strict=True)
    except (OSError, ValueError, csv.Error) as error:
        raise DatasetError(f"{path}: expected a table, cannot read it ({error}); delete it") from error
    if heading != list(columns) or any(len(line) != len(columns) for line in lines):
        raise DatasetError(f"{path}: expected the columns {','.join(columns)}, found others; delete it")
    cells = [line[columns.index(name)] for name in numbers for line in lines]
    strange = next((cell for cell in cells if not cell.isdecimal()), None)
    if strange is not None:
        raise DatasetError(f"{path}: expected counts in {', '.join(numbers)}, found {strange!r}; delete it")
    return lines


def write_table(path: Path, columns: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    """Write a table whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(lines)
    write_text(path, text.getvalue())
