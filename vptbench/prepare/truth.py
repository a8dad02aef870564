"""Exact ground truth beside a clip: ``truth/<clip>.npz``, as `vptbench synth` writes it.

Arrays of a clip, in raw pixels with pixel centres at integers, without pickles:

========================  ==================  ==============================================
``keypoints``             float32 (T, 25, 3)  BODY_25
``vertices``              float32 (T, V, 3)   the surface that is seen: x, y, depth (smaller is nearer)
``faces``                 int32 (F, 3)
``joint_weights``         float32 (V, 25)     rows sum to 1
``mask``                  bool (T, H, W)      the person
``pose``                  float32 (T, 18, 3)  rotation vectors, radians
``shape``                 float32 (S,)        coefficients of the body
``camera``                float32 (T, 3)      pixels a metre, offset x, offset y
``body``                  text                name of the body asset
========================  ==================  ==============================================
"""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Rows
from vptbench.errors import DatasetError, ShapeError
from vptbench.mesh.rasterise import is_inside_out
from vptbench.skeleton import keypoints_to_problems

Float = NDArray[np.float32]

SHAPES: dict[str, tuple[str | int, ...]] = {
    "keypoints": ("float32", "T", 25, 3),
    "vertices": ("float32", "T", "V", 3),
    "faces": ("int32", "F", 3),
    "joint_weights": ("float32", "V", 25),
    "mask": ("bool", "T", "H", "W"),
    "pose": ("float32", "T", 18, 3),
    "shape": ("float32", "S"),
    "camera": ("float32", "T", 3),
}
"""Type and axes of each array."""

DAMAGE = (
    OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What reading a damaged or foreign file raises."""


@dataclass(frozen=True)
class NpzRows:
    """Rows of an array in an ``.npz``, read when indexed; reading them in order needs little memory.

    Attributes:
        path: The file, for messages.
        name: The array's name in it.
        shape: Its shape.
        dtype: Its type.
    """

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    _stream: IO[bytes] = field(repr=False)
    _start: int

    def __getitem__(self, rows: int | slice, /) -> NDArray[np.generic]:
        if isinstance(rows, int):
            row: NDArray[np.generic] = self[rows : rows + 1][0]
            return row
        start, stop, _ = rows.indices(self.shape[0])
        row_bytes = self.dtype.itemsize * int(np.prod(self.shape[1:]))
        try:
            self._stream.seek(self._start + start * row_bytes)
            data = self._stream.read((stop - start) * row_bytes)
            values: NDArray[np.generic] = np.ndarray((stop - start, *self.shape[1:]), self.dtype, data)
        except DAMAGE as error:
            raise DatasetError(_damage(self.path, error)) from error
        return values


@dataclass(frozen=True)
class Truth:
    """One clip's ground truth; see the module's table."""

    keypoints: Float
    vertices: Rows
    mask: Rows
    faces: NDArray[np.int32]
    joint_weights: Float
    pose: Float
    shape: Float
    camera: Float
    body: str


@contextmanager
def opened_truth(path: Path, frames: int, size: tuple[int, int]) -> Iterator[Truth]:
    """The truth of a clip of `frames` frames of `size` (H, W); its rows can be read within the block.

    Raises:
        DatasetError: The file is damaged, lacks an array, or belongs to another clip.
    """
    with ExitStack() as stack:
        try:
            truth = _read_truth(stack.enter_context(zipfile.ZipFile(path)), path, stack)
        except DAMAGE as error:
            raise DatasetError(_damage(path, error)) from error
        problems = _truth_to_problems(truth, {"T": frames, "H": size[0], "W": size[1]})
        if problems:
            raise DatasetError(f"{path}: {'; '.join(problems)}; restore the file or remove it")
        yield truth


def _read_truth(archive: zipfile.ZipFile, path: Path, stack: ExitStack) -> Truth:
    return Truth(
        keypoints=_read_array(archive, "keypoints"),
        vertices=_open_rows(archive, path, "vertices", stack),
        mask=_open_rows(archive, path, "mask", stack),
        faces=_read_array(archive, "faces"),
        joint_weights=_read_array(archive, "joint_weights"),
        pose=_read_array(archive, "pose"),
        shape=_read_array(archive, "shape"),
        camera=_read_array(archive, "camera"),
        body=str(_read_array(archive, "body")),
    )


def _truth_to_problems(truth: Truth, sizes: dict[str, int]) -> list[str]:
    """What does not fit `SHAPES`, in words; a letter not in `sizes` stands for the first size met."""
    problems = []
    for name, (dtype, *axes) in SHAPES.items():
        array: Rows = getattr(truth, name)
        known = dict(zip(axes, array.shape, strict=False)) | sizes
        expected = tuple(known.get(axis, axis) if isinstance(axis, str) else axis for axis in axes)
        if array.shape != expected or array.dtype != dtype:
            problems.append(f"{name}: expected {dtype} {expected}, found {array.dtype} {array.shape}")
        else:
            sizes = {axis: size for axis, size in known.items() if isinstance(axis, str)}
    return problems or [*keypoints_to_problems(truth.keypoints), *_faces_to_problems(truth)]


def _faces_to_problems(truth: Truth) -> list[str]:
    """A mesh that names missing vertices, or turns its faces inward: mesh flow leaves those out."""
    try:
        inside_out = is_inside_out(np.asarray(truth.vertices[0], np.float32), truth.faces)
    except ShapeError as error:
        return [str(error)]
    words = "faces: expected them counter-clockwise seen from outside, found a surface turned inside out; "
    return [words + "exchange two columns of faces"] if inside_out else []


def _open_rows(archive: zipfile.ZipFile, path: Path, name: str, stack: ExitStack) -> NpzRows:
    stream = stack.enter_context(archive.open(f"{name}.npy"))
    shape, fortran, dtype = _read_header(stream)
    if fortran:
        raise ValueError(f"{name} in Fortran order")
    return NpzRows(path=path, name=name, shape=shape, dtype=dtype, _stream=stream, _start=stream.tell())


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    """Shape, order and type of an array in NumPy's own format.

    Raises:
        ValueError: It is of another version than 1.0, which NumPy writes for plain arrays.
    """
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("not NumPy's format 1.0")
    return np.lib.format.read_array_header_1_0(stream)


def _read_array(archive: zipfile.ZipFile, name: str) -> Any:  # of a type that `_truth_to_problems` checks
    with archive.open(f"{name}.npy") as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _damage(path: Path, error: Exception) -> str:
    return (
        f"{path}: expected a clip's ground truth, found a damaged or foreign file ({error}); "
        "restore it or remove it"
    )
