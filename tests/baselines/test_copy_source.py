"""The floor of every metric."""

from pathlib import Path

import numpy as np
import pytest

from baselines.copy_source import CopySource
from vptbench.errors import ModelError
from vptbench.testing.models import example_clip


def test_every_frame_is_the_source():
    clip = example_clip()
    frames = CopySource.load(None, "cpu").generate(clip.source(2), clip.poses(1, 4))
    np.testing.assert_array_equal(frames, [clip.frames[2]] * 3)


def test_a_checkpoint_is_refused():
    with pytest.raises(ModelError, match=r"copy_source: expected no checkpoint, got x\.pt"):
        CopySource.load(Path("x.pt"), "cpu")
