"""A folder with a manifest and CSV tables: the manifest holds their SHA-256 and is written last."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from vptbench.errors import ScoreError
from vptbench.manifest import Json, file_to_sha256, make_folder, read_manifest, write_manifest, write_text


@dataclass(frozen=True)
class TableSchema:
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


def write_table_folder(
    folder: Path, schema: TableSchema, tables: Mapping[str, pd.DataFrame], body: Mapping[str, Json]
) -> None:
    """Write tables, then the manifest, which is gone meanwhile.

    Args:
        folder: Made where it is missing.
        schema: What it is to hold.
        tables: By the names of their files.
        body: Of the manifest; ``tables``, file to SHA-256, is added.

    Raises:
        ManifestError: The folder, or one above it, is a file.
    """
    make_folder(folder)
    path = folder / schema.manifest
    path.unlink(missing_ok=True)
    for name, table in tables.items():
        write_text(folder / name, table.to_csv(index=False, lineterminator="\n"))
    hashes = {name: file_to_sha256(folder / name) for name in tables}
    write_manifest(path, kind=schema.kind, version_number=schema.version, body={**body, "tables": hashes})


def read_table_folder(folder: Path, schema: TableSchema) -> tuple[dict[str, Json], dict[str, pd.DataFrame]]:
    """The fields of a manifest, but for those of `write_manifest` and ``tables``; and the tables by file.

    Raises:
        ManifestError: There is no manifest, or one of another kind or an unknown version.
        ScoreError: A table is missing, damaged, or was changed by hand.
    """
    document = read_manifest(folder / schema.manifest, kind=schema.kind, version_number=schema.version)
    hashes = document.pop("tables", None)
    fields = {key: value for key, value in document.items() if key not in {"format", "version"}}
    tables = {}
    for name in schema.tables:
        file = folder / name
        if not file.is_file():
            raise ScoreError(f"expected a table at {file}, found none; {schema.again}")
        if not isinstance(hashes, Mapping) or file_to_sha256(file) != hashes.get(name):
            raise ScoreError(f"{file}: expected the table as it was written, found another; {schema.again}")
        tables[name] = _read_table(file, schema)
    return fields, tables


def _read_table(file: Path, schema: TableSchema) -> pd.DataFrame:
    """One of the tables.

    Raises:
        ScoreError: It has other columns, is no CSV table, or a number is none.
    """
    columns = schema.tables[file.name]
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
        if tuple(table.columns) != columns:
            raise ScoreError(
                f"{file}: expected the columns {','.join(columns)}, found others; {schema.again}"
            )
        for column in columns:
            if column in schema.counts:
                table[column] = table[column].astype(np.int64)
            elif column not in schema.texts:
                table[column] = table[column].map(_text_to_number).astype(np.float64)
    except (ValueError, OverflowError) as error:
        raise ScoreError(f"{file}: expected a CSV table, found damage ({error}); {schema.again}") from error
    return table


def _text_to_number(text: str) -> float:
    return float(text) if text else math.nan  # exact, unlike some of pandas' parsers
