"""Makes the shipped bank of a pose estimator's errors, `vptbench/robustness/mediapipe_errors.npz`.

Never needed at run time; needs the estimator that `vptbench doctor` names. Some ten minutes of one core:

    .venv/bin/python tools/make_estimator_errors.py vptbench/robustness/mediapipe_errors.npz

Synthetic videos in two layouts are written, read, and their poses estimated, all as `vptbench prepare` does.
An error is estimate − truth, in heights of the person (`skeleton.keypoints_to_height` of the truth), so that
it includes what the estimator means by a joint. Poses are taken before left–right swaps are put right
(``--swaps none``): the bank is of what the estimator errs, not of what a repair leaves. An error is NaN where
the truth has the joint and the estimator does not; 0 where the truth lacks it; and of a joint that the
estimator never gives 0 too, but NaN in frames in which it found nobody.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vptbench.manifest import library_versions, written_beside
from vptbench.prepare.estimators import load_estimator
from vptbench.prepare.media import read_media_info
from vptbench.prepare.poses import PoseSettings, clip_to_poses
from vptbench.prepare.sources import load_dataset
from vptbench.prepare.truth import opened_truth
from vptbench.skeleton import BODY_25, keypoints_to_height
from vptbench.synth.build import seed_to_raw

NAME = "mediapipe-synthetic-v1"
ESTIMATOR = "mediapipe"
LAYOUTS = ("fashionvideo", "iper")
CLIPS, FRAMES, SIZE, SEED = 20, 90, 256, 2024  # of each layout; people come out some 200 pixels tall
FPS = 30.0


def clips_to_poses(raw: Path, layout: str) -> Iterator[tuple[str, NDArray[np.float32], NDArray[np.float32]]]:
    """Id, estimate and truth, float32 (T, 25, 3), of every clip in a folder of synthetic raw data."""
    settings = PoseSettings(poses=ESTIMATOR, swaps="none", smoothing="none")
    for clip in load_dataset(layout).list_clips(raw):
        info = read_media_info(clip)
        with opened_truth(clip.truth, info.frames, (info.height, info.width)) as truth:
            alone = replace(clip, openpose=None, truth=None)
            yield clip.id, clip_to_poses(alone, None, info, settings).keypoints, truth.keypoints
            print(layout, clip.id, flush=True)


def poses_to_errors(found: NDArray[np.float32], true: NDArray[np.float32]) -> NDArray[np.float64]:
    """Errors (T, 25, 2) of the joints that the estimator gives, in heights of the person."""
    errors = (found[..., :2].astype(np.float64) - true[..., :2]) / keypoints_to_height(true)
    return np.where(np.isfinite(true[..., :2]), errors, 0)


def fill_never_given(errors: NDArray[np.float64]) -> tuple[NDArray[np.float64], list[int]]:
    """Errors (N, T, 25, 2) with those of joints that are nowhere filled in as stated above; and which."""
    never = np.flatnonzero(np.isnan(errors[..., 0]).all(axis=(0, 1)))
    given = np.setdiff1d(np.arange(errors.shape[2]), never)
    nobody = np.isnan(errors[:, :, given]).all(axis=(2, 3))
    filled = errors.copy()
    filled[:, :, never] = np.where(nobody, np.nan, 0)[..., None, None]
    return filled, never.tolist()


def main(path: Path) -> None:
    """Writes the bank."""
    clips, errors = [], []
    for layout in LAYOUTS:
        with tempfile.TemporaryDirectory() as folder:
            raw = Path(folder) / layout
            seed_to_raw(raw, layout=layout, clips=CLIPS, frames=FRAMES, size=SIZE, seed=SEED)
            for clip, found, true in clips_to_poses(raw, layout):
                clips.append(f"{layout}/{clip}")
                errors.append(poses_to_errors(found, true))
    bank, never = fill_never_given(np.stack(errors))
    about = {
        "name": NAME,
        "made_by": "tools/make_estimator_errors.py",
        "made_on": datetime.now(UTC).date().isoformat(),
        "estimator": {"name": ESTIMATOR, "version": load_estimator(ESTIMATOR).version, "swaps": "none"},
        "synth": {"layouts": LAYOUTS, "clips": CLIPS, "frames": FRAMES, "size": SIZE, "seed": SEED},
        "fps": FPS,
        "unit": "heights of the person",
        "never_given": [BODY_25[joint] for joint in never],
        "libraries": library_versions(),
    }
    with written_beside(path) as part, part.open("wb") as stream:
        np.savez_compressed(
            stream,
            attributes=np.array(json.dumps(about, sort_keys=True)),
            clips=np.array(clips),
            errors=bank.astype(np.float16),
        )
    print(f"{path}: {len(clips)} clips, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
