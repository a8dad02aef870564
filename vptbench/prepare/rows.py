"""Vertices that are made when they are read, so that long clips need little memory."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MadeRows:
    """Rows as of an array float32 (T, V, 3) that nobody holds: `clip.Rows`.

    Attributes:
        shape: (T, V, 3).
        make: Makes those of a range of frames, float32 (n, V, 3).
    """

    shape: tuple[int, ...]
    make: Callable[[slice], NDArray[np.float32]]

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """float32."""
        return np.dtype(np.float32)

    def __getitem__(self, rows: int | slice, /) -> NDArray[np.generic]:
        if isinstance(rows, slice):
            return self.make(rows)
        row: NDArray[np.generic] = self.make(slice(rows, rows + 1 or None))[0]
        return row
