"""The floor of every metric: the source frame, again and again."""

from typing import ClassVar

import numpy as np

from baselines.untrained import Untrained
from vptbench.clip import Frames, PoseClip, SourceFrame


class CopySource(Untrained):
    """Repeats the source frame; a `vptbench.generate.model.Model`."""

    name: ClassVar[str] = "copy_source"

    def generate(self, source: SourceFrame, driving: PoseClip) -> Frames:
        """As many copies as there are driving poses, uint8 (T, H, W, 3)."""
        return np.repeat(source.frame[None], len(driving), axis=0)
