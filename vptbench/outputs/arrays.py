"""Arrays of frames in NumPy and HDF5 files, which are read whole only if they can hold what they claim."""

import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import h5py
import numpy as np

from vptbench.clip import Frames
from vptbench.errors import OutputError
from vptbench.outputs.counted import CountedFile

HDF5_SUFFIXES = (".h5", ".hdf5")
ARRAY_SUFFIXES = (".npy", ".npz", *HDF5_SUFFIXES)
"""NumPy's own formats, read without pickle, and HDF5."""

DAMAGE = (
    OSError, ValueError, EOFError, KeyError, TypeError, RuntimeError, MemoryError, OverflowError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What NumPy, h5py and Pillow raise at files that are damaged."""

DENSEST = 1032
"""Bytes that deflate makes of one at most; what claims more holds no frames."""

MOST_FRAMES = 1_000_000
"""More frames than any clip has: eleven hours at 25 a second."""


@dataclass(frozen=True)
class Array(CountedFile):
    """An array uint8 (T, H, W, 3) in a NumPy or HDF5 file.

    Attributes:
        path: The file.
        key: Its name in the file; empty for ``.npy``.
    """

    key: str = ""

    def numbers(self) -> tuple[int, ...]:
        """0 to T − 1.

        Raises:
            OutputError: The array is damaged or holds no frames.
        """
        return tuple(range(self._read(None)[0]))

    def frames(self, numbers: Sequence[int]) -> Frames:
        """Some frames.

        Raises:
            OutputError: None is asked for, or the array is damaged or holds no frames.
        """
        self.check_asked(numbers)
        return self._read(np.asarray(numbers))[1]

    def _read(self, rows: "np.ndarray[tuple[int], np.dtype[np.int64]] | None") -> tuple[int, Frames]:
        """How many frames there are, and those of `rows`.

        Raises:
            OutputError: The array is damaged or holds no frames.
        """
        try:
            if self.path.suffix.lower() in HDF5_SUFFIXES:
                with h5py.File(self.path) as file:
                    array = file[self.key]
                    if isinstance(array, h5py.Dataset):
                        _check_claim(array.size or 0, array.dtype, array.id.get_storage_size())
                    return self._take(array, rows)
            if self.path.suffix.lower() == ".npz":
                with _opened_archive(self.path) as members:
                    _check_member(self.path, self.key)
                    return self._take(members[self.key], rows)
            return self._take(np.load(self.path, mmap_mode="r", allow_pickle=False), rows)
        except DAMAGE as error:
            raise OutputError(_damage(self.path, error)) from error

    def _take(
        self, array: object, rows: "np.ndarray[tuple[int], np.dtype[np.int64]] | None"
    ) -> tuple[int, Frames]:
        """Check an array, and take some rows of it.

        Raises:
            OutputError: It holds no frames.
        """
        shape: tuple[int, ...] = getattr(array, "shape", ())
        dtype = getattr(array, "dtype", np.dtype(object))
        data = cast("Frames", array)
        if dtype != np.uint8 or len(shape) != 4 or shape[3] != 3 or 0 in shape or shape[0] > MOST_FRAMES:
            some = dtype.kind == "f" and shape and shape[0]
            bad = " with NaN" if some and np.isnan(data[:1]).any() else ""
            key = f" ({self.key})" if self.key else ""
            raise OutputError(
                f"{self.path}{key}: expected frames uint8 (T, H, W, 3), found {dtype} {shape}{bad}; "
                f"write 8-bit RGB, at most {MOST_FRAMES} frames"
            )
        if rows is None:
            return shape[0], np.empty((0, *shape[1:]), np.uint8)
        first = int(rows.min())
        return shape[0], np.array(data[first : int(rows.max()) + 1])[rows - first]


def array_keys(path: Path) -> tuple[str, ...]:
    """Names of the arrays in a file, sorted; one empty name for ``.npy``.

    Raises:
        OutputError: The file is damaged.
    """
    suffix = path.suffix.lower()
    keys: list[str] = [""]
    try:
        if suffix in HDF5_SUFFIXES:
            with h5py.File(path) as file:
                keys = []
                file.visititems(lambda key, thing: _note(keys, key, thing))
        elif suffix == ".npz":
            with _opened_archive(path) as members:
                keys = list(members.files)
    except DAMAGE as error:
        raise OutputError(_damage(path, error)) from error
    return tuple(sorted(keys))


def _note(keys: list[str], key: str, thing: object) -> None:
    if isinstance(thing, h5py.Dataset):
        keys.append(key)


@contextmanager
def _opened_archive(path: Path) -> Iterator["np.lib.npyio.NpzFile"]:
    """The arrays of an ``.npz``; nothing is read for anything else, and no file stays open at damage."""
    with path.open("rb") as stream, np.load(stream, mmap_mode="r", allow_pickle=False) as members:
        yield members


def _check_member(path: Path, key: str) -> None:
    """See that an array of an ``.npz`` is as large as it claims.

    Raises:
        ValueError: It is not.
        KeyError: There is none.
    """
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        name = f"{key}.npy" if f"{key}.npy" in names else key
        stored = archive.getinfo(name).compress_size
        with archive.open(name) as member:
            version = np.lib.format.read_magic(member)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read(member)
    _check_claim(math.prod(shape), dtype, min(stored, path.stat().st_size))


def _check_claim(count: int, dtype: "np.dtype[np.generic]", stored: int) -> None:
    """See that so many values can lie in so many bytes.

    Raises:
        ValueError: They cannot.
    """
    if count * dtype.itemsize > stored * DENSEST:
        raise ValueError(f"{count} values of {dtype} are claimed, {stored} bytes are there")


def _damage(path: Path, error: Exception) -> str:
    """What a file that cannot be read was expected to be, in words."""
    kind = "an HDF5 file" if path.suffix.lower() in HDF5_SUFFIXES else "a NumPy array"
    reason = " ".join(str(error).split()) or type(error).__name__
    return f"{path}: expected {kind}, found damage ({reason:.200}); write it again"
