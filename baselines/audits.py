"""Audits: they are shown the answer, and tell what a metric can and cannot see."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from vptbench.clip import Clip, Frames, SourceFrame
from vptbench.errors import ModelError


class Oracle:
    """Gives back the true frames: the ceiling; a `vptbench.generate.model.Audit`."""

    parameters = 0

    @classmethod
    def load(cls, checkpoint: Path | None, device: str) -> Self:  # noqa: ARG003 - the protocol's signature
        """Nothing to load.

        Raises:
            ModelError: A checkpoint is given.
        """
        if checkpoint is not None:
            raise ModelError(f"oracle: expected no checkpoint, got {checkpoint}; leave it out")
        return cls()

    def generate(self, source: SourceFrame, clip: Clip, frames: Sequence[int]) -> Frames:  # noqa: ARG002
        """The clip's own frames, uint8 (len(frames), H, W, 3)."""
        return np.stack([np.asarray(clip.frames[number], np.uint8) for number in frames])
