"""What models and audits without weights have in common."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from vptbench.clip import Clip, Frames
from vptbench.errors import ModelError


class Untrained:
    """Loads nothing, and says so.

    Attributes:
        name: In the entry points.
        parameters: Number of weights.
    """

    name: ClassVar[str]
    parameters: ClassVar[int] = 0

    @classmethod
    def load(cls, checkpoint: Path | None, device: str) -> Self:  # noqa: ARG003 - the protocol's signature
        """Nothing to load.

        Raises:
            ModelError: A checkpoint is given.
        """
        if checkpoint is not None:
            raise ModelError(f"{cls.name}: expected no checkpoint, got {checkpoint}; leave it out")
        return cls()


def true_frames(clip: Clip, frames: Sequence[int]) -> Frames:
    """What an audit starts from: frames `frames` of a clip, uint8 (len(frames), H, W, 3)."""
    return np.stack([np.asarray(clip.frames[number], np.uint8) for number in frames])
