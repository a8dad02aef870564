"""One clip, measured: read once for all metrics, with what is costly kept on disk under what it came from.

Values and features are files named by a hash of the very frames, the metric, its network, the device and
torch's version. Those of targets lie in the store's ``cache/`` and serve every model that is scored on it;
the others lie beside the scores until these are finished. So an interrupted run goes on where it stopped,
and nothing stale is ever taken.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames
from vptbench.errors import OutputError, ScoreError, ShapeError
from vptbench.manifest import Json, written_beside
from vptbench.metrics import (
    DistributionMetric,
    FrameMetric,
    Metric,
    is_frame_metric,
    load_metric,
    metric_name,
)
from vptbench.metrics.protocol import FrameValues
from vptbench.outputs.reader import FrameReader
from vptbench.score.pair import Pair, sizes_to_problem
from vptbench.weights import Networks, network_sha256

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What all clips of a run have in common; travels to worker processes.

    Attributes:
        generated: The model's frames.
        targets: The true frames.
        metrics: Ids of the metrics.
        networks: Which weights, and where they run.
        parts: Folder for what is kept until the scores are finished.
        cache: Folder for features of targets.
        paired: Whether distribution metrics compare with the targets of the pairs.
    """

    generated: FrameReader
    targets: FrameReader
    metrics: tuple[str, ...]
    networks: Networks
    parts: Path
    cache: Path
    paired: bool


@dataclass(frozen=True)
class Measured:
    """What is known of a pair.

    Attributes:
        pair: The clip and its frame numbers.
        size: (H, W) of its frames.
        generated_sha256: Of the frames that were compared; empty where only targets were measured.
        target_sha256: Of their targets.
        values: Name of a frame metric to float64 (T,).
        generated: Name of a distribution metric to the file of the features of the model's frames.
        targets: Name of a distribution metric to the file of the features of the true frames.
        refused: Name of a metric that cannot be computed for this clip to the reason.
    """

    pair: Pair
    size: tuple[int, int]
    generated_sha256: str
    target_sha256: str
    values: Mapping[str, FrameValues]
    generated: Mapping[str, Path]
    targets: Mapping[str, Path]
    refused: Mapping[str, str]

    def to_json(self) -> dict[str, Json]:
        """What `scorefile.Scores.clips` says of the clip."""
        return {
            "frames": len(self.pair.numbers),
            "generated_sha256": self.generated_sha256,
            "target_sha256": self.target_sha256,
        }


@lru_cache(maxsize=16)
def cached_metric(metric_id: str, networks: Networks) -> Metric:
    """A metric, with its network where it has one; made once a process."""
    return load_metric(metric_id, networks)


def measure_pair(job: Job, pair: Pair) -> Measured:
    """Measure all metrics of a job on one pair; the task of the engine.

    Raises:
        OutputError: The sizes differ, or the model's frames are damaged.
        ScoreError: A metric gave NaN.
        StoreError: The targets are damaged.
        VideoError: A picture or video is damaged.
    """
    generated, target = _read(job, pair)
    generated_sha256, target_sha256 = frames_to_sha256(generated), frames_to_sha256(target)
    values, made, true, refused = {}, {}, {}, {}
    for metric_id in job.metrics:
        name = metric_name(metric_id, job.networks.mode)
        metric = cached_metric(metric_id, job.networks)
        try:
            if is_frame_metric(metric):
                place = _place(job.parts, job, metric, generated_sha256 + target_sha256)
                values[name] = _frame_values(metric, place, generated, target)
            else:
                made[name] = _features(metric, _place(job.parts, job, metric, generated_sha256), generated)
                if job.paired:
                    true[name] = _features(metric, _place(job.cache, job, metric, target_sha256), target)
        except ShapeError as error:  # too small a frame for this metric
            refused[name] = f"clip {pair.clip}: {error}"
    size = (generated.shape[1], generated.shape[2])
    return Measured(pair, size, generated_sha256, target_sha256, values, made, true, refused)


def measure_reference(job: Job, pair: Pair) -> Measured:
    """Features of true frames that no output is paired with (train clips); the task of the engine.

    Raises:
        StoreError: They are damaged.
    """
    frames = job.targets.frames(pair.clip, pair.numbers)
    sha256 = frames_to_sha256(frames)
    features, refused = {}, {}
    for metric_id in job.metrics:
        name = metric_name(metric_id, job.networks.mode)
        metric = cached_metric(metric_id, job.networks)
        if is_frame_metric(metric):
            continue
        try:
            features[name] = _features(metric, _place(job.cache, job, metric, sha256), frames)
        except ShapeError as error:  # too small a frame for this metric
            refused[name] = f"reference clip {pair.clip}: {error}"
    return Measured(pair, (frames.shape[1], frames.shape[2]), "", sha256, {}, {}, features, refused)


def hash_pair(job: Job, pair: Pair) -> dict[str, Json]:
    """What `Measured.to_json` would say, without measuring; the task of the engine.

    Raises:
        OutputError: The sizes differ, or the model's frames are damaged.
        StoreError: The targets are damaged.
        VideoError: A picture or video is damaged.
    """
    generated, target = _read(job, pair)
    return {
        "frames": len(pair.numbers),
        "generated_sha256": frames_to_sha256(generated),
        "target_sha256": frames_to_sha256(target),
    }


def frames_to_sha256(frames: Frames) -> str:
    """SHA-256 of the shape (as text) and the bytes of frames, in hex."""
    digest = hashlib.sha256(str(frames.shape).encode())
    digest.update(np.ascontiguousarray(frames).data)
    return digest.hexdigest()


def _read(job: Job, pair: Pair) -> tuple[Frames, Frames]:
    generated = job.generated.frames(pair.clip, pair.numbers)
    target = job.targets.frames(pair.clip, pair.numbers)
    if generated.shape != target.shape:
        raise OutputError(sizes_to_problem(pair.clip, generated.shape[1:], target.shape[1:]))
    return generated, target


def _place(folder: Path, job: Job, metric: Metric, content: str) -> Path:
    """Where what `metric` makes of frames with hash `content` is kept."""
    name = metric_name(metric.id, job.networks.mode)
    network = network_sha256(metric.network, job.networks.mode) if metric.network else ""
    key = "\n".join([name, content, network, job.networks.device, version("torch")])
    return folder / name / f"{hashlib.sha256(key.encode()).hexdigest()}.npy"


def _frame_values(metric: FrameMetric, place: Path, generated: Frames, target: Frames) -> FrameValues:
    values = _kept(place, lambda: metric.per_frame(generated=generated, target=target)).astype(np.float64)
    if values.shape != (len(generated),) or np.isnan(values).any():
        raise ScoreError(
            f"{metric.id}: expected {len(generated)} numbers, one a frame, got shape {values.shape} with "
            f"{int(np.isnan(values).sum())} NaN; this is a fault of the metric: report it"
        )
    return values


def _features(metric: DistributionMetric, place: Path, frames: Frames) -> Path:
    """The file of the features of `frames`, made where there is none."""
    _kept(place, lambda: metric.features(frames))
    return place


def _kept(place: Path, compute: Callable[[], NDArray[np.floating]]) -> NDArray[np.floating]:
    """The array at `place`; computed and put there if it is missing or damaged."""
    try:
        return load_array(place)
    except FileNotFoundError:
        pass
    except (ValueError, EOFError) as error:
        log.warning("%s: expected an array, found damage (%s); it is computed again", place, error)
    array = compute()
    with written_beside(place) as part, part.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)
    return array


def load_array(place: Path) -> NDArray[np.floating]:
    """Read what `_kept` keeps.

    Raises:
        FileNotFoundError: There is nothing.
        ValueError: It is damaged.
        EOFError: It is empty.
    """
    array: NDArray[np.floating] = np.load(place, allow_pickle=False)
    return array
