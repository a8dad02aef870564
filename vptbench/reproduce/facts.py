"""What was done in a reproduction, read from what lies on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from vptbench.benchmarks.protocol import Benchmark
from vptbench.figure import Figure
from vptbench.manifest import Json
from vptbench.runfile import MANIFEST as RUN_MANIFEST
from vptbench.scorefile import Scores
from vptbench.store.reader import Store

REPLACEABLE = ("dataset", "crop", "size")
"""Fields of a frozen protocol that a run may have replaced."""


@dataclass(frozen=True)
class RunFacts:
    """What explanations follow from.

    Attributes:
        frozen: The protocol of the published figures.
        used: What was scored under: the same, or a variant of it.
        synthetic: Whether the clips are synthetic.
        listed: Clips of the scored split in the raw data.
        frames: Scored clip to its number of frames.
        reference: Clips and frames of the other split, which some metrics compare with.
        pose_sources: Where keypoints came from, all that occur.
        mesh_sources: Where meshes came from, all that occur.
        bodies: Names of the body models of the meshes, as far as the clips say.
        joints: Joints in all frames of the scored clips.
        missing_joints: How many of them were not found.
        checkpoint: Name of the checkpoint.
        checkpoint_sha256: Its hash.
        own_run: Whether it lies in a run of `vptbench train`.
        figures: Name of a metric to its figure.
        per_frame: Values of frame metrics, with `scorefile.PER_FRAME_COLUMNS`.
    """

    frozen: Benchmark
    used: Benchmark
    synthetic: bool
    listed: int
    frames: Mapping[str, int]
    reference: tuple[int, int]
    pose_sources: tuple[str, ...]
    mesh_sources: tuple[str, ...]
    bodies: tuple[str, ...]
    joints: int
    missing_joints: int
    checkpoint: str
    checkpoint_sha256: str
    own_run: bool
    figures: Mapping[str, Figure]
    per_frame: pd.DataFrame

    @property
    def replaced(self) -> dict[str, tuple[object, object]]:
        """Field of the frozen protocol to what it says there and what was used instead."""
        pairs = {name: (getattr(self.frozen, name), getattr(self.used, name)) for name in REPLACEABLE}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def scores_to_facts(
    scores: Scores, store: Store, frozen: Benchmark, used: Benchmark, checkpoint: Path
) -> RunFacts:
    """Gather the facts of a run.

    Args:
        scores: Of outputs that `vptbench generate` wrote.
        store: The clips that were scored.
        frozen: The protocol of the published figures.
        used: The protocol of the scores.
        checkpoint: What the model loaded.

    Raises:
        StoreError: A clip has been damaged.
    """
    made = cast("Mapping[str, Json]", scores.outputs)
    poses = cast("Mapping[str, Sequence[str]]", made["store"])
    loaded = cast("Mapping[str, str]", made["checkpoint"])
    counts = cast("Mapping[str, Mapping[str, int]]", store.manifest["clips"])
    reference = cast("Mapping[str, int]", scores.reference or {"clips": 0, "frames": 0})
    clips = [store[clip] for clip in scores.clips]
    confidences = [clip.keypoints[..., 2] for clip in clips]
    return RunFacts(
        frozen=frozen,
        used=used,
        synthetic=scores.data.get("synth") is not None,
        listed=counts[used.split]["listed"],
        frames={clip: cast("int", record["frames"]) for clip, record in scores.clips.items()},
        reference=(reference["clips"], reference["frames"]),
        pose_sources=tuple(poses["pose_source"]),
        mesh_sources=tuple(poses["mesh_source"]),
        bodies=tuple(
            sorted({str(body) for clip in clips if (body := clip.attributes.get("body_model")) is not None})
        ),
        joints=sum(confidence.size for confidence in confidences),
        missing_joints=sum(int(np.count_nonzero(confidence <= 0)) for confidence in confidences),
        checkpoint=loaded["name"],
        checkpoint_sha256=loaded["sha256"],
        own_run=_is_own_run(checkpoint),
        figures=scores.metrics,
        per_frame=scores.per_frame,
    )


def _is_own_run(checkpoint: Path) -> bool:
    """Whether a checkpoint is a folder of `vptbench train`, or a file in the folder of such a run."""
    places = [checkpoint] if checkpoint.is_dir() else [checkpoint.parent, checkpoint.parent.parent]
    return any((place / RUN_MANIFEST).is_file() for place in places)
