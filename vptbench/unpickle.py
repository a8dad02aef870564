"""Pickles read as data: arrays of numbers by name. Whatever a pickle asks to be called, nothing is.

Every name that the published files hold stands for a class here that keeps what it is given and does nothing;
other names are refused. Arrays are then made from the bytes that were kept, by numbers that are checked.
numpy's own classes are not used on the way: a pickle can tell them that bytes are pointers.
"""

import pickle
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from vptbench.errors import PickleError

Array = NDArray[np.generic]

NUMBERS = re.compile(r"b1|[iu][1248]|f[248]")
"""Types of array elements: bool, integers and floats by their bytes."""

DAMAGE = (
    pickle.UnpicklingError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OSError,
    ImportError, ArithmeticError, MemoryError, RecursionError,
)  # fmt: skip
"""What reading a damaged or foreign file raises."""


class _Inert:
    """Keeps what it is called with and what its state is said to be.

    A pickle can set attributes of whatever has no ``__setstate__``, classes included: this one has it.
    """

    __slots__ = ("arguments", "state")

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Array(_Inert):
    __slots__ = ()


class _Buffer(_Inert):
    __slots__ = ()


class _Dtype(_Inert):
    __slots__ = ()


class _Bytes(_Inert):
    __slots__ = ()


class _Rebuilt(_Inert):
    """An object of a class that is its first argument, as protocols 0 and 1 have it."""

    __slots__ = ()


class _Columns(_Inert):
    """A sparse matrix, column by column."""

    __slots__ = ()


class _Rows(_Inert):
    """A sparse matrix, row by row."""

    __slots__ = ()


class _Chumpy(_Inert):
    """An array that chumpy differentiates."""

    __slots__ = ()


KNOWN: Mapping[tuple[str, str], type[_Inert]] = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Array for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _Inert for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _Buffer for core in ("core", "_core")},
    ("numpy", "ndarray"): _Inert,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _Bytes,
    **{(builtins, "bytes"): _Bytes for builtins in ("builtins", "__builtin__")},
    **{(builtins, name): _Inert for builtins in ("builtins", "__builtin__") for name in ("object", "set")},
    **{(module, "_reconstructor"): _Rebuilt for module in ("copyreg", "copy_reg")},
    **{(f"scipy.sparse.{module}", "csc_matrix"): _Columns for module in ("csc", "_csc")},
    **{(f"scipy.sparse.{module}", "csr_matrix"): _Rows for module in ("csr", "_csr")},
    ("chumpy.ch", "Ch"): _Chumpy,
}
"""Module and name to what stands for it."""


def read_pickle(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Arrays of a pickled dict, of any protocol, from Python 2 or 3.

    Sparse matrices of SciPy become dense, chumpy's arrays plain; neither package is asked. What the
    dict holds under other names must be made of known things as well, but is not looked at.

    Args:
        path: The file.
        names: Which arrays; each must be there.

    Returns:
        Name to array of bool, integers or floats, in the machine's byte order.

    Raises:
        PickleError: The file cannot be read, names something that is not known here, lacks an array, or
            holds something else in its place.
    """
    try:
        with path.open("rb") as stream:
            found = _Unpickler(stream, path).load()
    except DAMAGE as error:
        raise PickleError(_foreign(path, error)) from error
    if type(found) is not dict:
        raise PickleError(f"{path}: expected a dict of arrays, found another pickle; get the file anew")
    lacking = [name for name in names if name not in found]
    if lacking:
        raise PickleError(
            f"{path}: expected arrays {', '.join(names)}, found no {' and no '.join(lacking)}; get the file "
            "anew"
        )
    arrays = {}
    for name in names:
        try:
            arrays[name] = _to_array(found[name])
        except DAMAGE as error:
            raise PickleError(_foreign(path, error, f" in {name}")) from error
    return arrays


class _Unpickler(pickle._Unpickler):  # noqa: SLF001 - see below; `find_class` gives nothing that could run
    """Gives stand-ins from `KNOWN`, and so has nothing else to call.

    The one that is written in Python: the other makes room for as many things as nine bytes may say.
    """

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        super().__init__(stream, encoding="latin1")
        self.path = path

    def find_class(self, module_name: str, global_name: str, /) -> type[_Inert]:
        known = KNOWN.get((module_name, global_name))
        if known is None:
            name = f"{module_name}.{global_name}"
            raise PickleError(
                f"{self.path}: expected a pickle of arrays alone, found one that asks for {name!r}, which "
                "was not run; get the file from its authors"
            )
        return known


def _foreign(path: Path, error: Exception, where: str = "") -> str:
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return (
        f"{path}: expected a pickle with arrays of numbers, found something else{where} ({reason}); get the "
        "file anew"
    )


def _to_array(value: object) -> Array:
    """The array that a value stands for.

    Raises:
        ValueError: It stands for none.
        TypeError: As before.
        KeyError: As before.
    """
    kind = type(value)
    if isinstance(value, _Rebuilt) and value.arguments and isinstance(value.arguments[0], type):
        kind = value.arguments[0]
    if isinstance(value, _Array):
        _, shape, dtype, fortran, data = _members(value.state, 5)
        return _bytes_to_array(data, dtype, shape, "F" if fortran else "C")
    if isinstance(value, _Buffer):
        data, dtype, shape, order = _members(value.arguments, 4)
        return _bytes_to_array(data, dtype, shape, "F" if order == "F" else "C")
    if isinstance(value, _Inert) and isinstance(value.state, dict):
        if issubclass(kind, _Chumpy):
            return _to_array(_plain_array(value.state["x"]))
        if issubclass(kind, _Columns | _Rows):
            return _sparse_to_array(value.state, by_columns=issubclass(kind, _Columns))
    raise ValueError(f"no array but {kind.__name__.strip('_').lower()}")


def _plain_array(value: object) -> object:
    """The value, if it is an array itself and no wrapper of one: wrappers could be nested without end.

    Raises:
        ValueError: It is not.
    """
    if not isinstance(value, _Array | _Buffer):
        raise ValueError("an array of chumpy that holds no array")
    return value


def _bytes_to_array(data: object, dtype: object, shape: object, order: str) -> Array:
    """The array of these bytes.

    Raises:
        ValueError: They are no numbers, or of another number than the shape says.
    """
    kind = _to_dtype(dtype)
    sizes = [size for size in _members(shape) if type(size) is int and size >= 0]
    if len(sizes) != len(_members(shape)):
        raise ValueError(f"an array of shape {shape!r}")
    flat = np.frombuffer(_to_bytes(data), kind)
    array = flat.reshape(sizes, order="F" if order == "F" else "C")
    return array.astype(kind.newbyteorder("="))


def _to_dtype(value: object) -> np.dtype[np.generic]:
    """The type of elements; whatever else a pickled type says (fields, flags) is refused or ignored.

    Raises:
        ValueError: It is no plain number.
    """
    code = value.arguments[0] if isinstance(value, _Dtype) and value.arguments else None
    if not (isinstance(code, str) and NUMBERS.fullmatch(code)):
        raise ValueError(f"elements of type {code!r}, not numbers")
    state = () if not isinstance(value, _Dtype) or value.state is None else _members(value.state)
    byte_order = state[1] if len(state) > 1 else "="
    if byte_order not in ("<", ">", "=", "|") or any(part is not None for part in state[2:5]):
        raise ValueError(f"elements of a compound type {code!r}, not numbers")
    return np.dtype(f"{byte_order}{code}")


def _to_bytes(value: object) -> bytes:
    """Bytes, as they stand, as Python 2 wrote them, or as Python 3 writes them for Python 2.

    Raises:
        ValueError: They are something else.
    """
    if isinstance(value, _Bytes):
        value = value.arguments[0] if value.arguments else b""
    if isinstance(value, str):
        return value.encode("latin1")
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    raise ValueError(f"an array made of {type(value).__name__}, not of bytes")


def _members(value: object, number: int | None = None) -> tuple[object, ...]:
    if not isinstance(value, tuple) or number not in {None, len(value)}:
        raise ValueError(f"{type(value).__name__} where a tuple was due")
    return value


def _sparse_to_array(state: dict[str, object], *, by_columns: bool) -> Array:
    """A sparse matrix in full.

    Raises:
        ValueError: Its parts do not fit each other.
        KeyError: It lacks one.

    Source:
        scipy.sparse.csc_matrix: column j has data[k] in rows indices[k], indptr[j] ≤ k < indptr[j + 1]; what
        lands in one place is added.
    """
    data, indices, starts = (_to_array(_plain_array(state[key])) for key in ("data", "indices", "indptr"))
    shape = _members(state.get("_shape", state.get("shape")), 2)
    if not all(type(size) is int and 0 <= size < 2**31 for size in shape):
        raise ValueError(f"a sparse matrix of shape {shape!r}")
    height, width = (int(str(size)) for size in shape)
    lines, across = (width, height) if by_columns else (height, width)
    fits = (
        data.ndim == indices.ndim == starts.ndim == 1
        and all(part.dtype.kind in "iu" for part in (indices, starts))
        and len(starts) == lines + 1
        and len(data) == len(indices) == int(starts[-1])
        and int(starts[0]) == 0
        and bool((np.diff(starts.astype(np.int64)) >= 0).all())
        and (not len(indices) or 0 <= int(indices.min()) <= int(indices.max()) < across)
    )
    if not fits:
        raise ValueError("a sparse matrix whose parts do not fit each other")
    full = np.zeros((lines, across), data.dtype)
    for line, (start, stop) in enumerate(pairwise(starts.tolist())):
        np.add.at(full[line], indices[start:stop].astype(np.int64), data[start:stop])
    return full.T if by_columns else full
