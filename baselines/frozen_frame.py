"""A true picture that never moves: the middle frame, again and again.

What a metric makes of no motion at all: one that judges pictures alone sees a perfect one.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from baselines.untrained import Untrained, true_frames
from vptbench.clip import Clip, Frames, SourceFrame


class FrozenFrame(Untrained):
    """Repeats the true frame in the middle; a `vptbench.generate.model.Audit`."""

    name: ClassVar[str] = "frozen_frame"

    def generate(self, source: SourceFrame, clip: Clip, frames: Sequence[int]) -> Frames:  # noqa: ARG002
        """The middle one of `frames`, the later of two, uint8 (len(frames), H, W, 3)."""
        return np.repeat(true_frames(clip, [frames[len(frames) // 2]]), len(frames), axis=0)
