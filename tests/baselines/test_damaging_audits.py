"""Audits damage the true frames in just one way."""

import random

import numpy as np
import pytest

from baselines.brightness_shift import BrightnessShift
from baselines.frozen_frame import FrozenFrame
from baselines.mp4_roundtrip import Mp4Roundtrip23, Mp4Roundtrip35
from baselines.shuffled_frames import ShuffledFrames
from vptbench.generate.model import name_to_model
from vptbench.metrics.l1 import L1
from vptbench.testing.models import example_clip

AUDITS = (BrightnessShift, FrozenFrame, Mp4Roundtrip23, Mp4Roundtrip35, ShuffledFrames)


def damage(audit, clip, frames=None, source=0):
    return audit.load(None, "cpu").generate(clip.source(source), clip, frames or range(len(clip)))


@pytest.mark.parametrize("audit", AUDITS)
def test_they_are_shown_and_never_ranked(audit):
    found = name_to_model(audit.name)
    assert (found.kind, found.factory) == ("audit", audit)


def test_a_better_video_is_nearer_and_neither_is_the_truth():
    clip = example_clip()
    fine, coarse = (
        L1.per_frame(generated=damage(audit, clip), target=clip.frames).mean()
        for audit in (Mp4Roundtrip23, Mp4Roundtrip35)
    )
    assert 0 < fine < coarse < 0.1


def test_a_video_of_odd_frames_keeps_their_size_and_place():
    clip = example_clip(size=(63, 65))
    made = damage(Mp4Roundtrip23, clip, [1, 3])
    assert made.shape == (2, 63, 65, 3)
    assert np.abs(made.astype(float) - clip.frames[[1, 3]]).mean() < 6
    moved = np.roll(clip.frames[[1, 3]], 1, axis=2)
    assert np.abs(made.astype(float) - moved).mean() > np.abs(made.astype(float) - clip.frames[[1, 3]]).mean()


def test_shuffled_are_the_same_frames_in_an_order_that_follows_the_seed():
    clip = example_clip(frames=9)
    random.seed(0)
    first = damage(ShuffledFrames, clip, source=4)
    random.seed(0)
    np.testing.assert_array_equal(damage(ShuffledFrames, clip, source=4), first)
    random.seed(1)
    assert not np.array_equal(damage(ShuffledFrames, clip, source=4), first)
    key = [frame.tobytes() for frame in clip.frames]
    assert sorted(frame.tobytes() for frame in first) == sorted(key)
    assert [frame.tobytes() for frame in first] != key
    np.testing.assert_array_equal(first[4], clip.frames[4])  # the source frame stays


def test_only_the_frames_that_were_asked_for_are_shuffled():
    clip = example_clip(frames=9)
    made = damage(ShuffledFrames, clip, [2, 3, 4, 5, 6])
    assert sorted(frame.tobytes() for frame in made) == sorted(frame.tobytes() for frame in clip.frames[2:7])


def test_the_frame_in_the_middle_is_frozen():
    clip = example_clip(frames=9)
    np.testing.assert_array_equal(damage(FrozenFrame, clip), [clip.frames[4]] * 9)
    np.testing.assert_array_equal(damage(FrozenFrame, clip, [1, 5, 6, 8]), [clip.frames[6]] * 4)


def test_brighter_by_eight_levels_and_clipped_at_white():
    clip = example_clip()
    clip.frames[0, 0, 0], clip.frames[0, 0, 1], clip.frames[0, 0, 2] = (0, 247, 248), 255, 10
    made = damage(BrightnessShift, clip, [0])
    np.testing.assert_array_equal(made[0, 0, :3], [(8, 255, 255), (255,) * 3, (18,) * 3])


def test_brightness_costs_exactly_eight_levels_where_nothing_clips():
    clip = example_clip()
    dark = np.minimum(np.asarray(clip.frames), 247)
    clip.frames[:] = dark
    found = L1.per_frame(generated=damage(BrightnessShift, clip), target=dark)
    np.testing.assert_allclose(found, 8 / 255, rtol=1e-12)
