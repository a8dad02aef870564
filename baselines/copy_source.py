"""The floor of every metric: the source frame, again and again."""

from pathlib import Path
from typing import Self

import numpy as np

from vptbench.clip import Frames, PoseClip, SourceFrame
from vptbench.errors import ModelError


class CopySource:
    """Repeats the source frame; a `vptbench.generate.model.Model`."""

    parameters = 0

    @classmethod
    def load(cls, checkpoint: Path | None, device: str) -> Self:  # noqa: ARG003 - the protocol's signature
        """Nothing to load.

        Raises:
            ModelError: A checkpoint is given.
        """
        if checkpoint is not None:
            raise ModelError(f"copy_source: expected no checkpoint, got {checkpoint}; leave it out")
        return cls()

    def generate(self, source: SourceFrame, driving: PoseClip) -> Frames:
        """As many copies as there are driving poses, uint8 (T, H, W, 3)."""
        return np.repeat(source.frame[None], len(driving), axis=0)
