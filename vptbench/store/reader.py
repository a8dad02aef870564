"""Reading a clip store, lazily: nothing is read before it is indexed."""

import json
import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import h5py
import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Clip, Mesh
from vptbench.errors import StoreError
from vptbench.manifest import Json, read_manifest
from vptbench.store import schema
from vptbench.store.folder import ClipFolder, read_clips_table
from vptbench.store.members import check_members, check_pack_members, link_to_path, linked_to_text

DAMAGE = (OSError, KeyError, RuntimeError, TypeError, ValueError)
"""What h5py raises on damaged files, by what was hit."""


@dataclass
class ClipFile:
    """An HDF5 file that is opened when first read, in each process by itself."""

    path: Path
    _open: tuple[int, h5py.File] | None = field(default=None, repr=False, compare=False)
    _datasets: dict[str, h5py.Dataset] = field(default_factory=dict, repr=False, compare=False)

    def file(self) -> h5py.File:
        """The open file of this process.

        Raises:
            StoreError: It is missing or no HDF5 file.
        """
        if self._open is None or self._open[0] != os.getpid():
            self._open = os.getpid(), _open_file(self.path)
            self._datasets = {}
        return self._open[1]

    def dataset(self, name: str) -> h5py.Dataset:
        """A dataset of it, kept open: to open one costs as much as to read a small frame.

        Raises:
            StoreError: As `file`.
            KeyError: There is none.
        """
        file = self.file()
        if name not in self._datasets:
            self._datasets[name] = file[name]
        return self._datasets[name]

    def __getstate__(self) -> dict[str, object]:
        return {"path": self.path, "_open": None, "_datasets": {}}


@dataclass(frozen=True)
class FileRows:
    """Rows of a dataset in a clip file, read when indexed."""

    source: ClipFile
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    def __getitem__(self, rows: int | slice, /) -> NDArray[np.generic]:
        try:
            values: NDArray[np.generic] = self.source.dataset(self.name)[rows]
        except (OSError, KeyError, RuntimeError) as error:
            raise StoreError(
                f"{self.source.path}: expected {self.name} to be readable, found damage ({error}); "
                "delete the file and prepare again"
            ) from error
        return values

    def __len__(self) -> int:
        return self.shape[0]


@dataclass(frozen=True)
class NoFrames:
    """In place of the frames of a pose pack's clip: their shape, and nothing to read.

    Attributes:
        path: The clip file.
        shape: (T, H, W, 3) of the frames that the poses belong to.
    """

    path: Path
    shape: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """As of frames."""
        return np.dtype(np.uint8)

    def __getitem__(self, rows: int | slice, /) -> NDArray[np.generic]:
        raise StoreError(
            f"{self.path}: expected a clip with frames, found one of a pose pack, which has none; join the "
            "pack to your copy of the videos by `vptbench prepare DATASET RAW STORE --poses-from PACK`"
        )


@dataclass(frozen=True, eq=False)
class Store(ClipFolder):
    """A clip store; ``store.json`` is its manifest."""

    def __getitem__(self, clip: str) -> Clip:
        return read_clip(self.file(clip))

    def listed(self, split: str) -> int | None:
        """How many videos of a split there are, those that could not be prepared included.

        As many as the dataset lists, or as its authors published, if that is more; None where ``store.json``
        does not say.
        """
        clips = self.manifest.get("clips")
        counts = clips.get(split) if isinstance(clips, Mapping) else None
        listed = counts.get("listed") if isinstance(counts, Mapping) else None
        published = self.manifest.get("published")
        most = published.get(split) if isinstance(published, Mapping) else None
        known = [number for number in (listed, most) if isinstance(number, int)]
        return max(known) if known else None

    def missing(self, split: str) -> int:
        """How many of these videos the store lacks; 0 where it does not say, or has more than it says."""
        listed = self.listed(split)
        return 0 if listed is None else max(0, listed - len(self.ids(split)))


def open_store(path: Path | str) -> Store:
    """Open a clip store.

    Raises:
        ManifestError: The folder is no clip store, or of an unknown version.
        StoreError: Preparing it was interrupted.

    Example:
        ``clip = open_store("store")["001/9/1"]; clip.frames[0:6]``
    """
    path = Path(path)
    if (path / schema.PACK_MANIFEST).exists() and not (path / schema.MANIFEST).exists():
        raise StoreError(
            f"{path}: expected a clip store, found a pose pack, which has no frames; join it to your copy of "
            f"the videos by `vptbench prepare DATASET RAW STORE --poses-from {path}`, and give that store"
        )
    manifest = read_manifest(path / schema.MANIFEST, kind=schema.FORMAT, version_number=schema.VERSION)
    table_path = path / schema.CLIPS_TABLE
    if manifest.get("complete") is not True or not table_path.exists():
        raise StoreError(
            f"{path}: expected a finished clip store, found an interrupted one; "
            f"run the same {manifest_to_command(manifest)} again"
        )
    return Store(path=path, manifest=manifest, table=read_clips_table(path, schema.CLIPS_COLUMNS))


def manifest_to_command(manifest: Mapping[str, Json]) -> str:
    """The command that writes a store, by what its manifest says."""
    return "corrupt" if schema.CLEAN in manifest else "prepare"


def read_clip(path: Path) -> Clip:
    """Open one clip file, lazily.

    Raises:
        StoreError: It is missing, damaged, no clip file, of an unknown version, or parts of it lie elsewhere.
        ShapeError: Its parts do not fit together.
    """
    return _read_file(path, schema.CLIP_FORMAT)


def read_noisy_clip(path: Path, clean: Clip) -> Clip:
    """Open one clip file of a noisy store, lazily, with frames and mask of `clean`, wherever it links to.

    Raises:
        StoreError: As `read_clip`.
        ShapeError: Its parts do not fit together, or not to the clean clip's.
    """
    return _read_file(path, schema.CLIP_FORMAT, clean)


def read_pack_clip(path: Path) -> Clip:
    """Open one clip file of a pose pack, lazily; its frames have a shape, and refuse to be read.

    Raises:
        StoreError: As `read_clip`; or it holds something other than poses, mesh, mask and body, or not all of
            it is in the file.
        ShapeError: Its parts do not fit together.
    """
    return _read_file(path, schema.PACK_CLIP_FORMAT)


def _read_file(path: Path, kind: str, clean: Clip | None = None) -> Clip:
    """A clip file of either kind; frames and mask of `clean`, where that is given.

    Raises:
        StoreError: It is missing, damaged, of another kind, or of an unknown version.
    """
    source = ClipFile(path)
    source.file()
    try:
        return _file_to_clip(source, kind, clean)
    except DAMAGE as error:
        raise StoreError(
            f"{path}: expected a whole clip file, found damage ({error}); delete it and prepare again"
        ) from error


def _file_to_clip(source: ClipFile, kind: str, clean: Clip | None) -> Clip:
    file, path = source.file(), source.path
    attributes = _read_attributes(file, path, kind)
    packed = kind == schema.PACK_CLIP_FORMAT
    (check_pack_members if packed else check_members)(file, path)
    needed = (schema.KEYPOINTS,) if packed else (schema.FRAMES, schema.KEYPOINTS)
    stated = (*schema.ATTRIBUTES, schema.PACK_SIZE) if packed else schema.ATTRIBUTES
    names = {*file}  # links that lead nowhere included
    missing = [name for name in needed if name not in names]
    missing += [f"attribute {name}" for name in stated if name not in attributes]
    if missing:
        raise StoreError(
            f"{path}: expected {', '.join(missing)}, found none; delete the file and prepare it again"
        )
    if clean is not None:
        frames, mask = clean.frames, clean.mask
    else:
        frames = _no_frames(source, attributes) if packed else _linked_rows(source, schema.FRAMES, attributes)
        mask = _linked_rows(source, schema.MASK, attributes) if schema.MASK in names else None
    return Clip(
        id=str(attributes["clip"]),
        split=str(attributes["split"]),
        frames=frames,
        keypoints=file[schema.KEYPOINTS][:],
        fps=float(str(attributes["fps"])),
        mask=mask,
        mesh=_read_mesh(source) if schema.VERTICES in file else None,
        body={name: array[:] for name, array in file.get(schema.BODY, {}).items()},
        attributes=attributes,
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


def _no_frames(source: ClipFile, attributes: Mapping[str, Json]) -> NoFrames:
    """What stands for a pack's frames."""
    height, width = (int(str(side)) for side in cast("list[Json]", attributes[schema.PACK_SIZE]))
    return NoFrames(source.path, (len(source.file()[schema.KEYPOINTS]), height, width, 3))


def _read_attributes(file: h5py.File, path: Path, kind: str) -> dict[str, Json]:
    attributes = {name: _plain(value) for name, value in file.attrs.items()}
    if attributes.get("format") != kind:
        raise StoreError(f"{path}: expected format {kind!r}, found {attributes.get('format')!r}")
    if attributes.get("version") != schema.VERSION:
        raise StoreError(
            f"{path}: expected version {schema.VERSION} of {kind}, "
            f"found {attributes.get('version')!r}; install the vptbench that wrote it, or prepare again"
        )
    for name in schema.JSON_ATTRIBUTES:
        attributes[name] = json.loads(str(attributes.get(name, "{}")))
    return attributes


def _plain(value: object) -> Json:
    plain: Json = value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
    return plain.decode(errors="replace") if isinstance(plain, bytes) else plain


def _rows(source: ClipFile, name: str) -> FileRows:
    """A dataset, lazily."""
    dataset = source.file()[name]
    return FileRows(source, name, tuple(dataset.shape), dataset.dtype)


def _linked_rows(source: ClipFile, name: str, attributes: Mapping[str, Json]) -> FileRows:
    """Frames or mask, lazily: those of the file itself, or of the clip file that it links to.

    What is read is exactly the file that the link names: HDF5 by itself would look elsewhere as well.

    Raises:
        StoreError: That file is missing, none, or has no such rows; or they lie in a third file.
    """
    target = link_to_path(source.path, source.file().get(name, getlink=True))
    if target is None:
        return _rows(source, name)
    clean, expected = ClipFile(target), f"{source.path}: expected {name} to link to a clip file"
    remedy = (
        f"put the clean store back, or run `vptbench check {_store_to_text(source.path)} --frames-from CLEAN`"
    )
    if not target.is_file():
        raise StoreError(f"{expected}, found no file at {target}; {remedy}")
    try:
        found = linked_to_text(clean.file(), name)
    except StoreError:
        found = "no HDF5 file, or a damaged one,"
    if found:
        raise StoreError(f"{expected}, found {found} there ({target}); {remedy}")
    rows, stated = _rows(clean, name), attributes[schema.FRAMES_FROM]
    shape = stated.get("shape") if isinstance(stated, Mapping) else None
    if shape is not None and list(rows.shape[:3]) != shape:
        raise StoreError(
            f"{source.path}: expected {name} of shape {shape} in {target}, found {list(rows.shape[:3])}; "
            f"{remedy}"
        )
    return rows


def _store_to_text(path: Path) -> str:
    """The store that a clip file lies in, as a command takes it."""
    stores = [folder for folder in path.parents if (folder / schema.MANIFEST).is_file()]
    return shlex.quote(str(stores[0])) if stores else "NOISY"


def _read_mesh(source: ClipFile) -> Mesh:
    file = source.file()
    return Mesh(
        vertices=_rows(source, schema.VERTICES),
        faces=file[schema.FACES][:],
        joint_weights=file[schema.JOINT_WEIGHTS][:],
    )
