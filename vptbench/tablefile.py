"""A folder with a manifest and CSV tables: the manifest holds their SHA-256 and is written last."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from vptbench.errors import ScoreError
from vptbench.manifest import Json, file_to_sha256, make_folder, read_manifest, write_manifest, write_text


@dataclass(frozen=True)
class TableFolder:
    """What stands in such a folder.

    Attributes:
        manifest: Name of the manifest.
        kind: Its ``format``.
        version: Its ``version``.
        tables: Files to their columns.
        texts: Columns that hold texts.
        counts: Columns that hold whole numbers, int64; all others are float64, NaN where empty.
        again: What makes such a folder again, for errors.
    """

    manifest: str
    kind: str
    version: int
    tables: Mapping[str, tuple[str, ...]]
    texts: tuple[str, ...]
    counts: tuple[str, ...]
    again: str


def write_tables(
    folder: Path, what: TableFolder, tables: Mapping[str, pd.DataFrame], body: Mapping[str, Json]
) -> None:
    """Write tables, then the manifest, which is gone meanwhile.

    Args:
        folder: Made where it is missing.
        what: What it is to hold.
        tables: By the names of their files.
        body: Of the manifest; ``tables``, file to SHA-256, is added.
    """
    make_folder(folder)
    path = folder / what.manifest
    path.unlink(missing_ok=True)
    for name, table in tables.items():
        write_text(folder / name, table.to_csv(index=False, lineterminator="\n"))
    hashes = {name: file_to_sha256(folder / name) for name in tables}
    write_manifest(path, kind=what.kind, version_number=what.version, body={**body, "tables": hashes})


def read_tables(folder: Path, what: TableFolder) -> dict[str, Json]:
    """The fields of a manifest, and each table under the name of its file without the ending.

    The tables are data frames, which the type does not say, so that both may go to `json_to_config`.

    Raises:
        ManifestError: There is no manifest, or one of another kind or an unknown version.
        ScoreError: A table is missing, damaged, or was changed by hand.
    """
    document = read_manifest(folder / what.manifest, kind=what.kind, version_number=what.version)
    hashes = document.get("tables")
    fields = {key: value for key, value in document.items() if key not in {"format", "version", "tables"}}
    for name, columns in what.tables.items():
        file = folder / name
        if not file.is_file():
            raise ScoreError(f"expected a table at {file}, found none; {what.again}")
        if not isinstance(hashes, Mapping) or file_to_sha256(file) != hashes.get(name):
            raise ScoreError(f"{file}: expected the table as it was written, found another; {what.again}")
        try:
            table = _read_table(file, columns, what)
        except ValueError as error:
            raise ScoreError(f"{file}: expected a CSV table, found damage ({error}); {what.again}") from error
        if table is None:
            raise ScoreError(f"{file}: expected the columns {','.join(columns)}, found others; {what.again}")
        fields[file.stem] = cast("Json", table)
    return fields


def _read_table(file: Path, columns: tuple[str, ...], what: TableFolder) -> pd.DataFrame | None:
    """A CSV table; None where it has other columns.

    Raises:
        ValueError: It is no CSV table, or a number is none.
    """
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    if tuple(table.columns) != columns:
        return None
    for column in columns:
        if column in what.counts:
            table[column] = table[column].astype(np.int64)
        elif column not in what.texts:
            table[column] = table[column].map(_text_to_number).astype(np.float64)
    return table


def _text_to_number(text: str) -> float:
    return float(text) if text else math.nan  # exact, unlike some of pandas' parsers
