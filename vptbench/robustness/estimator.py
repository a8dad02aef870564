"""A real estimator's errors, drawn from a shipped bank of errors measured where the truth is known.

The bank (`tools/make_estimator_errors.py`) is of MediaPipe on 40 synthetic clips of 90 frames: estimate −
truth, in heights of the person. It holds what MediaPipe means by a joint, and its left–right swaps, which
`vptbench prepare` would put right. MediaPipe missed no joint of these clips but the small toes, which it
never gives and which stay as they are here. Distances in % of the person's height (twice that in pixels of a
person 200 high), and autocorrelation from one frame to the next:

=========  ======  ==========  ===============  ====================
joints     median  90th perc.  99th percentile  autocorrelation
=========  ======  ==========  ===============  ====================
face         1.16        2.45             4.6   0.94
shoulders    0.79        1.99            19.5   0.82
elbows       1.04        3.26            27.5   0.76
wrists       1.08        3.13            32.8   0.70
hips         1.52        2.79             8.8   0.91
knees        1.28        3.03            13.0   0.84
ankles       1.33        3.01            17.7   0.76
feet         1.88        4.45            16.4   0.80
all          1.26        3.09            15.4   0.78
=========  ======  ==========  ===============  ====================

Neck and middle of the hips count as shoulders and hips. Frames are of 30 a second, whatever the clip's rate.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from vptbench.manifest import Json
from vptbench.robustness.corruptions import CorruptionKind, NoisyPoses, Poses
from vptbench.skeleton import keypoints_to_height

BANK = "mediapipe_errors.npz"


@dataclass(frozen=True)
class ErrorBank:
    """An estimator's errors on clips of which the truth is known.

    Attributes:
        about: Name, estimator, version, how the clips were made, when, and joints that it never gives.
        errors: float32 (N, T, 25, 2), estimate − truth, x and y in heights of the person; NaN where the
            estimator missed the joint.
    """

    about: Mapping[str, Json]
    errors: NDArray[np.float32]


@lru_cache(maxsize=1)
def load_errors() -> ErrorBank:
    """The shipped bank. Its array is shared by all callers and cannot be written to."""
    with as_file(files("vptbench.robustness") / BANK) as path, np.load(path, allow_pickle=False) as arrays:
        errors = arrays["errors"].astype(np.float32)
        about = json.loads(str(arrays["attributes"]))
    errors.setflags(write=False)
    return ErrorBank(about, errors)


def add_errors(
    poses: Poses, level: float, draws: np.random.Generator, parameters: Mapping[str, float]
) -> NoisyPoses:
    """Adds the bank's errors, all joints together, `level` times as large as measured.

    Joints that the estimator missed are missing from level 1 on, and as they were below.
    """
    del parameters
    errors = draw_errors(load_errors().errors, len(poses.keypoints), draws)
    missed = np.isnan(errors.sum(axis=-1))
    keypoints = poses.keypoints.copy()
    added = np.where(missed[..., None], 0, errors * level * keypoints_to_height(poses.keypoints))
    keypoints[..., :2] += added.astype(np.float32)  # a missing joint is NaN and stays so
    if level >= 1:
        keypoints[missed] = (np.nan, np.nan, 0)
    return NoisyPoses(keypoints, np.arange(len(keypoints)))


def draw_errors(bank: NDArray[np.float32], frames: int, draws: np.random.Generator) -> NDArray[np.float32]:
    """Stretches of a bank's clips, joined: the first from any frame to its clip's end, then whole clips.

    So each frame drawn is any frame of the bank with the same chance, and more frames begin with the same.

    Args:
        bank: (N, T, …), N clips.
        frames: How many to draw.
        draws: Where from.

    Returns:
        (frames, …).
    """
    clips, length = bank.shape[:2]
    first = int(draws.integers(length))
    stretches = [bank[draws.integers(clips), first:]]
    while sum(map(len, stretches)) < frames:
        stretches.append(bank[draws.integers(clips)])
    return np.concatenate(stretches)[:frames]


ESTIMATOR = CorruptionKind(
    levels=(0.5, 1, 2, 4, 8),
    unit="times the measured error",
    meaning="MediaPipe's errors on synthetic videos, in stretches of time and all joints together, in "
    "proportion to the person's height; joints that it missed are missing from severity 2 on",
    corrupt=add_errors,
)
"""`estimator`: severity 2 is as measured, in the median 2.5 px of a person 200 high. At severity 5 that is
20 px, and where MediaPipe took one side for the other a limb lies far out of the frame."""
