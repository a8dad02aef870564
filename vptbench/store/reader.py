"""Reading a clip store, lazily: nothing is read before it is indexed."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vptbench.clip import Clip, Mesh
from vptbench.errors import StoreError
from vptbench.manifest import Json, read_manifest
from vptbench.registry import check_known
from vptbench.store import schema
from vptbench.store.writer import clip_path

DAMAGE = (OSError, KeyError, RuntimeError, TypeError, ValueError)
"""What h5py raises on damaged files, by what was hit."""


@dataclass
class ClipFile:
    """An HDF5 file that is opened when first read, in each process by itself."""

    path: Path
    _open: tuple[int, h5py.File] | None = field(default=None, repr=False, compare=False)

    def file(self) -> h5py.File:
        """The open file of this process.

        Raises:
            StoreError: It is missing or no HDF5 file.
        """
        if self._open is None or self._open[0] != os.getpid():
            self._open = os.getpid(), _open_file(self.path)
        return self._open[1]

    def __getstate__(self) -> dict[str, object]:
        return {"path": self.path, "_open": None}


@dataclass(frozen=True)
class FileRows:
    """Rows of a dataset in a clip file, read when indexed."""

    source: ClipFile
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    def __getitem__(self, rows: int | slice, /) -> NDArray[np.generic]:
        try:
            values: NDArray[np.generic] = self.source.file()[self.name][rows]
        except (OSError, KeyError, RuntimeError) as error:
            raise StoreError(
                f"{self.source.path}: expected {self.name} to be readable, found damage ({error}); "
                "delete the file and prepare again"
            ) from error
        return values

    def __len__(self) -> int:
        return self.shape[0]


@dataclass(frozen=True, eq=False)
class Store(Mapping[str, Clip]):
    """A clip store: ids to lazy clips, in the order of ``clips.csv``.

    Attributes:
        path: The folder.
        manifest: What ``store.json`` says.
        table: ``clips.csv``, indexed by clip id.
    """

    path: Path
    manifest: Mapping[str, Json]
    table: pd.DataFrame = field(repr=False)

    def __getitem__(self, clip: str) -> Clip:
        check_known(clip, self.table.index, f"clip of {self.path}")
        return read_clip(clip_path(self.path, str(self.table.at[clip, "split"]), clip))

    def __iter__(self) -> Iterator[str]:
        return iter(self.table.index)

    def __len__(self) -> int:
        return len(self.table)

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Clip ids of one split, or of all."""
        table = self.table if split is None else self.table[self.table["split"] == split]
        return tuple(table.index)

    def listed(self, split: str) -> int | None:
        """How many videos of a split the dataset lists, those that could not be prepared included.

        None where ``store.json`` does not say.
        """
        clips = self.manifest.get("clips")
        counts = clips.get(split) if isinstance(clips, Mapping) else None
        listed = counts.get("listed") if isinstance(counts, Mapping) else None
        return listed if isinstance(listed, int) else None


def open_store(path: Path | str) -> Store:
    """Open a clip store.

    Raises:
        ManifestError: The folder is no clip store, or of an unknown version.
        StoreError: Preparing it was interrupted.

    Example:
        ``clip = open_store("store")["001/9/1"]; clip.frames[0:6]``
    """
    path = Path(path)
    manifest = read_manifest(path / schema.MANIFEST, kind=schema.FORMAT, version_number=schema.VERSION)
    table_path = path / schema.CLIPS_TABLE
    if manifest.get("complete") is not True or not table_path.exists():
        raise StoreError(
            f"{path}: expected a finished clip store, found an interrupted one; run the same prepare again"
        )
    try:
        table = pd.read_csv(
            table_path, dtype={"clip": str, "split": str, "raw_sha256": str}, keep_default_na=False
        )
    except ValueError as error:
        raise StoreError(
            f"{table_path}: expected a CSV table, found damage ({error}); prepare again"
        ) from error
    if tuple(table.columns[: len(schema.CLIPS_COLUMNS)]) != schema.CLIPS_COLUMNS:
        raise StoreError(f"{table_path}: expected the columns {','.join(schema.CLIPS_COLUMNS)}, found others")
    _check_table(table, table_path)
    return Store(path=path, manifest=manifest, table=table.set_index("clip"))


def read_clip(path: Path) -> Clip:
    """Open one clip file, lazily.

    Raises:
        StoreError: It is missing, damaged, no clip file, or of an unknown version.
        ShapeError: Its parts do not fit together.
    """
    source = ClipFile(path)
    source.file()
    try:
        return _file_to_clip(source)
    except DAMAGE as error:
        raise StoreError(
            f"{path}: expected a whole clip file, found damage ({error}); delete it and prepare again"
        ) from error


def _file_to_clip(source: ClipFile) -> Clip:
    file, path = source.file(), source.path
    attributes = _read_attributes(file, path)
    missing = [name for name in (schema.FRAMES, schema.KEYPOINTS) if name not in file]
    missing += [f"attribute {name}" for name in schema.ATTRIBUTES if name not in attributes]
    if missing:
        raise StoreError(
            f"{path}: expected {', '.join(missing)}, found none; delete the file and prepare it again"
        )
    return Clip(
        id=str(attributes["clip"]),
        split=str(attributes["split"]),
        frames=_rows(source, schema.FRAMES),
        keypoints=file[schema.KEYPOINTS][:],
        fps=float(str(attributes["fps"])),
        mask=_rows(source, schema.MASK) if schema.MASK in file else None,
        mesh=_read_mesh(source) if schema.VERTICES in file else None,
        body={name: array[:] for name, array in file.get(schema.BODY, {}).items()},
        attributes=attributes,
    )


def _check_table(table: pd.DataFrame, path: Path) -> None:
    """Refuse a ``clips.csv`` that others have edited beyond use.

    Raises:
        StoreError: A clip comes twice, a split is unknown, or a number is none.
    """
    numbers = all(pd.api.types.is_integer_dtype(table[name]) for name in ("frames", "height", "width"))
    if len(table) and not (table["clip"].is_unique and table["split"].isin(schema.SPLITS).all() and numbers):
        raise StoreError(
            f"{path}: expected each clip once, in {' or '.join(schema.SPLITS)}, with whole numbers of frames "
            "and pixels, found others; run the same prepare again"
        )


def _open_file(path: Path) -> h5py.File:
    if not path.is_file():
        raise StoreError(f"expected a clip file at {path}, found none; run the same prepare again")
    with suppress(ImportError):
        import hdf5plugin  # noqa: F401, PLC0415 - an extra: registers zstd
    try:
        return h5py.File(path, "r")
    except (OSError, RuntimeError) as error:
        raise StoreError(
            f"{path}: expected an HDF5 clip file, found another or a damaged one; delete and prepare again"
        ) from error


def _read_attributes(file: h5py.File, path: Path) -> dict[str, Json]:
    attributes = {name: _plain(value) for name, value in file.attrs.items()}
    if attributes.get("format") != schema.CLIP_FORMAT:
        raise StoreError(
            f"{path}: expected format {schema.CLIP_FORMAT!r}, found {attributes.get('format')!r}"
        )
    if attributes.get("version") != schema.VERSION:
        raise StoreError(
            f"{path}: expected version {schema.VERSION} of {schema.CLIP_FORMAT}, "
            f"found {attributes.get('version')!r}; install the vptbench that wrote it, or prepare again"
        )
    for name in schema.JSON_ATTRIBUTES:
        attributes[name] = json.loads(str(attributes.get(name, "{}")))
    return attributes


def _plain(value: object) -> Json:
    plain: Json = value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
    return plain.decode(errors="replace") if isinstance(plain, bytes) else plain


def _rows(source: ClipFile, name: str) -> FileRows:
    dataset = source.file()[name]
    return FileRows(source, name, tuple(dataset.shape), dataset.dtype)


def _read_mesh(source: ClipFile) -> Mesh:
    file = source.file()
    return Mesh(
        vertices=_rows(source, schema.VERTICES),
        faces=file[schema.FACES][:],
        joint_weights=file[schema.JOINT_WEIGHTS][:],
    )
