"""A store's frames, read as a model's outputs are: by clip and frame number."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Clip, Frames
from vptbench.errors import MetricError, StoreError
from vptbench.store import schema
from vptbench.store.reader import Store


@dataclass(frozen=True)
class Truth:
    """What is known of true frames beside how they look.

    Attributes:
        rows: Masks, bool (T, H, W), or mesh flow from the frame before, computed when indexed.
        sha256: Of all that it is made of.
    """

    rows: "NDArray[np.bool_] | FlowBefore"
    sha256: str


@dataclass(frozen=True)
class FlowBefore:
    """Mesh flow to each of some frames from the one before it among them.

    Attributes:
        clip: The clip.
        numbers: Its frames, in order.
    """

    clip: Clip
    numbers: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, row: int, /) -> NDArray[np.float32]:
        """As `Clip.mesh_flow` of visible points, float32 (H, W, 2); all −2 for the first frame.

        Faces that turn their back are not left out: `flicker-v1` was frozen so.
        """
        if row == 0:
            return np.full((*self.clip.size, 2), -2, np.float32)
        return self.clip.mesh_flow(self.numbers[row - 1], self.numbers[row], visible_only=True, culled=False)


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

    def truth(self, clip: str, numbers: Sequence[int], need: str) -> Truth:
        """What a metric needs beside the frames.

        Args:
            clip: Id of the clip.
            numbers: Frame numbers, in order.
            need: "mask", or "flow": mesh flow from the frame before among `numbers`, where it is seen.

        Raises:
            RegistryError: The clip is unknown.
            MetricError: The clip has no mask, or no mesh.
        """
        found, rows = self.store[clip], np.asarray(numbers)
        whole = slice(0, len(found))
        if need == schema.MASK and found.mask is not None:
            masks = np.asarray(found.mask[whole], np.bool_)[rows]
            return Truth(masks, _sha256(masks))
        if need == "flow" and found.mesh is not None:
            vertices = np.asarray(found.mesh.vertices[whole])[rows]
            return Truth(FlowBefore(found, tuple(numbers)), _sha256(vertices, found.mesh.faces))
        raise MetricError(
            f"expected the {need} of clip {clip}, the store has none; prepare it with --body dataset or fit, "
            "or leave this metric out"
        )


def _sha256(*arrays: NDArray[np.generic]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
