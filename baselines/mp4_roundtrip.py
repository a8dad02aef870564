"""The true frames through a lossy video file: the ceiling of every model that hands in MP4."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from baselines.untrained import Untrained, true_frames
from vptbench.clip import Clip, Frames, SourceFrame
from vptbench.video import frames_to_video, video_to_frames


class _Mp4Roundtrip(Untrained):
    """Gives back the true frames as a video keeps them; a `vptbench.generate.model.Audit`.

    Attributes:
        crf: x264's constant rate factor: higher is smaller and worse.
    """

    crf: ClassVar[int]

    def generate(self, source: SourceFrame, clip: Clip, frames: Sequence[int]) -> Frames:  # noqa: ARG002
        """`frames` written as H.264 (yuv420p) and read again, uint8 (len(frames), H, W, 3).

        A frame of odd height or width is written with its last row or column twice, and cut again.
        """
        true = true_frames(clip, frames)
        height, width = clip.size
        even = np.pad(true, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "clip.mp4"
            frames_to_video(even, path, fps=clip.fps, crf=self.crf)
            return np.concatenate(list(video_to_frames(path)))[:, :height, :width]


class Mp4Roundtrip23(_Mp4Roundtrip):
    """At x264's own default."""

    name: ClassVar[str] = "mp4_roundtrip_23"
    crf: ClassVar[int] = 23


class Mp4Roundtrip35(_Mp4Roundtrip):
    """At a quality where blocks can be seen."""

    name: ClassVar[str] = "mp4_roundtrip_35"
    crf: ClassVar[int] = 35
