"""The true frames, a little brighter: what a metric makes of an error that nobody minds."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from baselines.untrained import Untrained, true_frames
from vptbench.clip import Clip, Frames, SourceFrame

LEVELS = 8
"""How much is added to every channel, of 255."""


class BrightnessShift(Untrained):
    """Gives back the true frames brightened; a `vptbench.generate.model.Audit`."""

    name: ClassVar[str] = "brightness_shift"

    def generate(self, source: SourceFrame, clip: Clip, frames: Sequence[int]) -> Frames:  # noqa: ARG002
        """`frames` with `LEVELS` added and clipped at 255, uint8 (len(frames), H, W, 3)."""
        true = true_frames(clip, frames)
        return np.where(true > 255 - LEVELS, np.uint8(255), true + np.uint8(LEVELS))
