"""A store's frames, read as a model's outputs are: by clip and frame number."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vptbench.clip import Frames
from vptbench.errors import StoreError
from vptbench.store import schema
from vptbench.store.reader import Store


@dataclass(frozen=True)
class StoreFrames:
    """The true frames of a store; an `outputs.reader.FrameReader`.

    Attributes:
        store: The store.
        layout: ``vptbench-store``.
    """

    store: Store
    layout: str = schema.FORMAT

    @property
    def path(self) -> Path:
        """The store's folder."""
        return self.store.path

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all clips, in the order of the store."""
        return self.store.ids()

    def numbers(self, clip: str) -> tuple[int, ...]:
        """Numbers of the frames that a clip has: 0 to T − 1.

        Raises:
            RegistryError: The clip is unknown.
        """
        return tuple(range(len(self.store[clip])))

    def frames(self, clip: str, numbers: Sequence[int]) -> Frames:
        """Some frames of a clip, uint8 (len(numbers), H, W, 3), in the order asked for.

        Raises:
            RegistryError: The clip is unknown.
            StoreError: No frame is asked for, or the clip lacks one of them.
        """
        found = self.store[clip]
        if not numbers or min(numbers) < 0 or max(numbers) >= len(found):
            raise StoreError(
                f"{self.path}: clip {clip}: expected frame numbers in 0..{len(found) - 1}, got {[*numbers]}"
            )
        first = min(numbers)
        span = np.asarray(found.frames[first : max(numbers) + 1], np.uint8)
        together = list(numbers) == list(range(first, first + len(span)))
        return span if together else span[np.asarray(numbers) - first]
