"""The ceiling of every metric."""

from pathlib import Path

import numpy as np
import pytest

from baselines.oracle import Oracle
from vptbench.errors import ModelError
from vptbench.testing.models import example_clip


def test_the_oracle_gives_the_true_frames():
    clip = example_clip()
    frames = Oracle.load(None, "cpu").generate(clip.source(0), clip, [1, 4, 2])
    np.testing.assert_array_equal(frames, clip.frames[[1, 4, 2]])


def test_a_checkpoint_is_refused():
    with pytest.raises(ModelError, match="oracle: expected no checkpoint"):
        Oracle.load(Path("x.pt"), "cpu")
