"""Writing a clip store: clip files whole or not at all, then the tables and the manifest."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames, Mesh
from vptbench.errors import StoreError
from vptbench.manifest import (
    Json,
    check_relative,
    delete_parts,
    json_to_text,
    make_folder,
    read_manifest,
    write_manifest,
    write_text,
    written_beside,
)
from vptbench.store import schema
from vptbench.store.diskfile import DiskFile

Chunk = TypeVar("Chunk")


@dataclass(frozen=True)
class Link:
    """In place of frames or mask: those of another clip file.

    Attributes:
        file: That file as seen from the folder of the one that is written, with forward slashes.
    """

    file: str


@dataclass(frozen=True)
class ClipParts:
    """What a clip file is made of. `frames` and `mask` come in chunks, so that long clips need little memory.

    Attributes:
        attributes: One value for each of `schema.ATTRIBUTES`.
        shape: (T, H, W) of the clip.
        frames: Chunks of RGB frames, uint8 (n, H, W, 3), T in all, or a link to them; None: a clip file of a
            pose pack, without.
        keypoints: float32 (T, 25, 3).
        mask: Chunks, bool (n, H, W), T in all, or a link, or None where the person's outline is not known.
        mesh: Projected mesh with T rows, or None.
        body: Arrays for ``body/`` by name.
    """

    attributes: Mapping[str, Json]
    shape: tuple[int, int, int]
    frames: Iterable[Frames] | Link | None
    keypoints: NDArray[np.float32]
    mask: Iterable[NDArray[np.bool_]] | Link | None
    mesh: Mesh | None
    body: Mapping[str, NDArray[np.float32]]


def clip_path(store: Path, split: str, clip: str) -> Path:
    """Where the file of a clip lies.

    Raises:
        ManifestError: The id is no plain relative name.
    """
    return store / schema.CLIPS_FOLDER / split / f"{check_relative(clip, 'clip id')}{schema.CLIP_SUFFIX}"


def clip_to_file(parts: ClipParts, path: Path, *, compression: str = "gzip") -> None:
    """Write a clip file; it stands at `path` only when it is whole. Equal parts give equal bytes.

    Raises:
        StoreError: Attributes are missing, a part has another number of frames than stated, or the disk
            is full.
    """
    missing = sorted(set(schema.ATTRIBUTES) - set(parts.attributes))
    if missing:
        raise StoreError(f"{path}: expected the attributes {', '.join(missing)}, got none; state them")
    with written_beside(path) as part, _hdf5_file(part, path) as (file, disk):
        _write_attributes(file, parts)
        if isinstance(parts.frames, Link):
            _write_link(file, schema.FRAMES, parts.frames)
        elif parts.frames is not None:
            _write_rows(
                file,
                schema.FRAMES,
                (*parts.shape, 3),
                np.dtype(np.uint8),
                _while_room(parts.frames, disk, path),
                compression,
            )
        if isinstance(parts.mask, Link):
            _write_link(file, schema.MASK, parts.mask)
        elif parts.mask is not None:
            _write_rows(
                file,
                schema.MASK,
                parts.shape,
                np.dtype(np.bool_),
                _while_room(parts.mask, disk, path),
                compression,
            )
        _write_array(file, schema.KEYPOINTS, parts.keypoints)
        if parts.mesh is not None:
            _write_mesh(file, parts.mesh, parts.shape[0], compression)
        for name, array in sorted(parts.body.items()):
            _write_array(file, f"{schema.BODY}/{name}", array)


def write_store_manifest(store: Path, body: Mapping[str, Json]) -> None:
    """Write ``store.json``."""
    write_manifest(store / schema.MANIFEST, kind=schema.FORMAT, version_number=schema.VERSION, body=body)


def write_clips_table(
    store: Path,
    rows: Iterable[Sequence[str | int | float]],
    columns: Sequence[str] = schema.CLIPS_COLUMNS,
) -> None:
    """Write ``clips.csv``; rows as `columns`."""
    write_text(store / schema.CLIPS_TABLE, _rows_to_csv(columns, rows))


def write_failures_table(store: Path, rows: Iterable[Sequence[str | int | float]]) -> None:
    """Write ``failures.csv``; rows as `schema.FAILURES_COLUMNS`."""
    write_text(store / schema.FAILURES_TABLE, _rows_to_csv(schema.FAILURES_COLUMNS, rows))


def begin_folder(folder: Path, wanted: Mapping[str, Json], *, manifest: str, kind: str, what: str) -> None:
    """Make the folder of a new store or pack, or check that it can be continued and clear what is unfinished.

    Args:
        folder: The folder.
        wanted: What its manifest will say; dataset, settings and the pack that poses came from must agree.
        manifest: Name of the manifest.
        kind: Its format.
        what: What the folder is, in words.

    Raises:
        StoreError: The folder holds something else, or something of another dataset or other settings.
        ManifestError: It is of another version, or its parent is a file.
    """
    make_folder(folder)
    path = folder / manifest
    if not path.exists():
        foreign = sorted(
            entry.name for entry in folder.iterdir() if not entry.name.startswith(f".{path.name}.")
        )
        if foreign:
            raise StoreError(
                f"{folder}: expected an empty folder or {what}, found {foreign[0]} and no {path.name}; "
                "choose another place"
            )
    else:
        found = _identity(read_manifest(path, kind=kind, version_number=schema.VERSION))
        others = [
            f"{key} {value} (found {found.get(key)})"
            for key, value in _identity(wanted).items()
            if value != found.get(key)
        ]
        if others:
            raise StoreError(
                f"{folder}: expected {what} of {', '.join(others)}; "
                f"choose another place, or delete that {what.rsplit(maxsplit=1)[-1]}"
            )
    delete_parts(folder)


def _identity(manifest: Mapping[str, Json]) -> dict[str, Json]:
    """What two manifests must have in common for one folder to hold the clips of both.

    A setting that is not stated counts as it was before there was one.
    """
    settings = manifest.get("settings")
    facts = {key: manifest.get(key) for key in ("dataset", "synth", schema.POSES_FROM)}
    noise: dict[str, Json] = {f"{schema.CORRUPTION} kind": None, f"{schema.CLEAN} path": None}
    for key in (schema.CORRUPTION, schema.CLEAN):
        stated = manifest.get(key)
        noise |= (
            {f"{key} {name}": fact for name, fact in stated.items()} if isinstance(stated, Mapping) else {}
        )
    stated = settings if isinstance(settings, Mapping) else {}
    return {**facts, **noise, **schema.LATER_SETTINGS, **stated}


def _rows_to_csv(columns: Sequence[str], rows: Iterable[Sequence[str | int | float]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


@contextmanager
def _hdf5_file(part: Path, path: Path) -> Iterator[tuple[h5py.File, DiskFile]]:
    """An HDF5 file at `part`, named `path` in messages.

    Raises:
        StoreError: The disk refused what was written.
    """
    disk = DiskFile(part)
    try:
        with h5py.File(disk, "w", libver="v110") as file:
            yield file, disk
    finally:
        disk.close()
    _check_disk(disk, path)


def _while_room(chunks: Iterable[Chunk], disk: DiskFile, path: Path) -> Iterator[Chunk]:
    """`chunks`, as long as the disk takes them."""
    for chunk in chunks:
        _check_disk(disk, path)
        yield chunk


def _check_disk(disk: DiskFile, path: Path) -> None:
    """Pass on what the disk refused.

    Raises:
        StoreError: The disk refused something.
    """
    if disk.error is not None:
        raise StoreError(
            f"{path}: expected room for a clip file, the disk refused ({disk.error.strerror}); "
            "free some and run the same command again: finished clips are kept"
        )


def _write_attributes(file: h5py.File, parts: ClipParts) -> None:
    known = {**parts.attributes, "format": schema.CLIP_FORMAT, "version": schema.VERSION}
    if parts.frames is None:
        known |= {"format": schema.PACK_CLIP_FORMAT, schema.PACK_SIZE: list(parts.shape[1:])}
    for name, value in sorted(known.items()):
        if name in schema.NOISE_ATTRIBUTES and not value:
            continue
        plain = json_to_text(value) if isinstance(value, Mapping) or value is None else value
        if isinstance(plain, str):  # of fixed length: others lie in a heap that has no checksum
            text = plain.encode()
            file.attrs.create(name, text, dtype=h5py.string_dtype("utf-8", max(1, len(text))))
        else:
            file.attrs[name] = plain


def _write_link(file: h5py.File, name: str, link: Link) -> None:
    """State where a dataset lies, without opening it.

    Raises:
        StoreError: The place is absolute, and would be refused by the reader.
    """
    if PurePath(link.file).is_absolute():
        raise StoreError(f"{name}: expected a link by relative path, got {link.file}; state it relatively")
    file[name] = h5py.ExternalLink(link.file, f"/{name}")
    file.flush()


def _write_rows(
    file: h5py.File,
    name: str,
    shape: tuple[int, ...],
    dtype: np.dtype[np.generic],
    chunks: Iterable[NDArray[np.uint8]] | Iterable[NDArray[np.bool_]] | Iterable[NDArray[np.float32]],
    compression: str,
) -> None:
    """Fill a dataset of `shape`, stored in chunks of one row, from `chunks` of rows.

    Raises:
        StoreError: The chunks do not add up to `shape`.
    """
    dataset = file.create_dataset(name, shape, dtype, chunks=(1, *shape[1:]), **_filters(compression, dtype))
    done = 0
    for rows in chunks:
        if rows.shape[1:] != shape[1:] or rows.dtype != dtype or done + len(rows) > shape[0]:
            raise StoreError(
                f"{name}: expected {dtype} {shape} in all, got {rows.dtype} {rows.shape} after row {done}"
            )
        dataset[done : done + len(rows)] = rows
        done += len(rows)
    if done != shape[0]:
        raise StoreError(f"{name}: expected {shape[0]} rows, got {done}")
    file.flush()


def _write_mesh(file: h5py.File, mesh: Mesh, frames: int, compression: str) -> None:
    shape = (frames, *mesh.vertices.shape[1:])
    rows = (_rounded(mesh.vertices[i : i + 1]) for i in range(frames))
    _write_rows(file, schema.VERTICES, shape, np.dtype(np.float32), rows, compression)
    for name, array in ((schema.FACES, mesh.faces), (schema.JOINT_WEIGHTS, mesh.joint_weights)):
        _write_array(file, name, array, **_filters(compression, array.dtype))


def _write_array(file: h5py.File, name: str, array: NDArray[np.generic], **options: object) -> None:
    """Write a small dataset in one piece with a checksum, so that no damage goes unnoticed.

    It is written at once, so that neither the clock nor the moment of closing moves a byte. Plain
    assignment would date the groups on its way; without the flush, a chunk would be placed when the
    garbage collector closes its dataset.
    """
    file.create_dataset(name, data=array, chunks=array.shape, fletcher32=True, **options)
    file.flush()


def _rounded(vertices: NDArray[np.generic]) -> NDArray[np.float32]:
    steps = np.round(vertices.astype(np.float64) / schema.VERTEX_STEP)
    return (steps * schema.VERTEX_STEP).astype(np.float32)


def _filters(compression: str, dtype: np.dtype[np.generic]) -> dict[str, object]:
    """Keyword arguments of `create_dataset`.

    Raises:
        StoreError: The compression is unknown or not installed.
    """
    shuffle = dtype.itemsize > 1
    if compression == "gzip":
        return {"compression": "gzip", "compression_opts": 1, "shuffle": shuffle}
    if compression == "zstd":
        try:
            import hdf5plugin  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise StoreError(
                "expected hdf5plugin for --compression zstd; pip install 'vptbench[zstd]'"
            ) from error
        return {**hdf5plugin.Zstd(clevel=3), "shuffle": shuffle}
    raise StoreError(f"expected a compression of {', '.join(schema.COMPRESSIONS)}, got {compression!r}")
