"""The ceiling of every metric: the true frames."""

from collections.abc import Sequence
from typing import ClassVar

from baselines.untrained import Untrained, true_frames
from vptbench.clip import Clip, Frames, SourceFrame


class Oracle(Untrained):
    """Gives back the true frames; a `vptbench.generate.model.Audit`."""

    name: ClassVar[str] = "oracle"

    def generate(self, source: SourceFrame, clip: Clip, frames: Sequence[int]) -> Frames:  # noqa: ARG002
        """The clip's own frames, uint8 (len(frames), H, W, 3)."""
        return true_frames(clip, frames)
