"""The true frames in a wrong order: every picture is perfect, the motion is not.

A metric over pictures as a set cannot see it. One that compares frame with frame sees wrong poses, one that
looks at clips sees wrong motion.
"""

import random
from collections.abc import Sequence
from typing import ClassVar

from baselines.untrained import Untrained, true_frames
from vptbench.clip import Clip, Frames, SourceFrame


class ShuffledFrames(Untrained):
    """Gives back the true frames in a random order; a `vptbench.generate.model.Audit`."""

    name: ClassVar[str] = "shuffled_frames"

    def generate(self, source: SourceFrame, clip: Clip, frames: Sequence[int]) -> Frames:
        """Each of `frames` once, uint8 (len(frames), H, W, 3), in an order drawn from the run's seed.

        The source frame keeps its place: most protocols do not score it, and what they do score is then the
        same set of pictures.
        """
        order = list(frames)
        moved = [row for row, number in enumerate(order) if (clip.id, number) != (source.clip, source.index)]
        drawn = random.sample(moved, len(moved))  # the run seeds Python's generator
        for row, other in zip(moved, drawn, strict=True):
            order[row] = frames[other]
        return true_frames(clip, order)
