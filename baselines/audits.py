"""Audits: they are shown the answer, and tell what a metric can and cannot see."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from baselines.untrained import Untrained
from vptbench.clip import Clip, Frames, SourceFrame


class Oracle(Untrained):
    """Gives back the true frames: the ceiling; a `vptbench.generate.model.Audit`."""

    name: ClassVar[str] = "oracle"

    def generate(self, source: SourceFrame, clip: Clip, frames: Sequence[int]) -> Frames:  # noqa: ARG002
        """The clip's own frames, uint8 (len(frames), H, W, 3)."""
        return np.stack([np.asarray(clip.frames[number], np.uint8) for number in frames])
