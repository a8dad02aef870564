"""One clip, measured: read once for all metrics, with what is costly kept on disk under what it came from.

Values and features are files named by a hash of the very frames, the windows, the metric (or what makes its
features, so that FID and KID share theirs), its network, the device and torch's version. Those of true
frames lie in the store's ``cache/`` and serve every model that is scored on it; the others lie beside the
scores until these are finished. So an interrupted run goes on where it stopped, and nothing stale is ever
taken.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames
from vptbench.errors import MetricError, OutputError, ScoreError, ShapeError, VptbenchError
from vptbench.manifest import Json, written_beside
from vptbench.metrics import (
    DistributionMetric,
    FrameMetric,
    Metric,
    is_frame_metric,
    load,
    metric_facts,
    metric_name,
)
from vptbench.metrics.protocol import FrameValues
from vptbench.outputs.reader import FrameReader
from vptbench.score.pair import Pair, sizes_to_problem
from vptbench.store.frames import StoreFrames, Truth
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
        cache: Folder for features of true frames.
        unpaired: Metrics that compare with the reference clips, not with the targets of the pairs.
        lengths: Scored frames by clip id, of the pairs' two sides and of the reference clips.
    """

    generated: FrameReader
    targets: FrameReader
    metrics: tuple[str, ...]
    networks: Networks
    parts: Path
    cache: Path
    unpaired: frozenset[str]
    lengths: "Lengths"


@dataclass(frozen=True)
class Lengths:
    """Scored frames of every clip, by id; which windows a metric takes may depend on all of them."""

    generated: Mapping[str, int]
    targets: Mapping[str, int]
    reference: Mapping[str, int]


@dataclass(frozen=True)
class Measured:
    """What is known of a pair.

    Attributes:
        pair: The clip and its frame numbers.
        size: (H, W) of its frames.
        generated_sha256: Of the frames that were compared; empty where only true frames were measured.
        target_sha256: Of the true frames.
        truth_sha256: Of what else of the ground truth the job's metrics need; empty where they need nothing.
        values: Name of a frame metric to float64 (T,).
        floors: The same of the true frames against themselves, for metrics that have such a floor.
        generated: Name of a distribution metric to the file of the features of the model's frames.
        targets: Name of a distribution metric to the file of the features of the true frames.
        refused: Name of a metric that cannot be computed for this clip to the reason.
    """

    pair: Pair
    size: tuple[int, int]
    generated_sha256: str
    target_sha256: str
    truth_sha256: str = ""
    values: dict[str, FrameValues] = field(default_factory=dict)
    floors: dict[str, FrameValues] = field(default_factory=dict)
    generated: dict[str, Path] = field(default_factory=dict)
    targets: dict[str, Path] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """What `scorefile.Scores.clips` says of the clip."""
        return {
            "frames": len(self.pair.numbers),
            "size": list(self.size),
            "generated_sha256": self.generated_sha256,
            "target_sha256": self.target_sha256,
            "truth_sha256": self.truth_sha256,
        }


@dataclass(frozen=True)
class _Side:
    """Frames of a clip, and where what is made of them is kept."""

    clip: str
    frames: Frames
    sha256: str
    folder: Path
    lengths: Mapping[str, int]
    generated: bool = False


@lru_cache(maxsize=64)
def cached_metric(metric_id: str, networks: Networks) -> Metric:
    """A metric, with its network where it has one; made once a process."""
    return load(metric_id, networks)


def measure_pair(job: Job, pair: Pair) -> Measured:
    """Measure all metrics of a job on one pair; the task of the engine.

    Raises:
        OutputError: The sizes differ, or the model's frames are damaged.
        ScoreError: A metric gave NaN.
        StoreError: The targets are damaged.
        VideoError: A picture or video is damaged.
    """
    generated, target = _read(job, pair)
    made = _Side(
        pair.clip, generated, frames_to_sha256(generated), job.parts, job.lengths.generated, generated=True
    )
    true = _Side(pair.clip, target, frames_to_sha256(target), job.cache, job.lengths.targets)
    size = (generated.shape[1], generated.shape[2])
    measured = Measured(pair, size, made.sha256, true.sha256, _truth_sha256(job, pair))
    for metric_id in job.metrics:
        name = metric_name(metric_id, job.networks.mode)
        metric = cached_metric(metric_id, job.networks)
        try:
            if is_frame_metric(metric):
                _measure_frames(job, metric, name, (made, true), measured)
            else:
                measured.generated[name] = _features(job, metric, made)
                if metric_id not in job.unpaired:
                    measured.targets[name] = _features(job, metric, true)
        except (ShapeError, MetricError) as error:  # this metric has no value for these frames
            measured.refused[name] = _refusal("clip", pair.clip, error)
    return measured


def measure_reference(job: Job, pair: Pair) -> Measured:
    """Features of true frames that no output is paired with (train clips); the task of the engine.

    Raises:
        StoreError: They are damaged.
    """
    frames = job.targets.frames(pair.clip, pair.numbers)
    true = _Side(pair.clip, frames, frames_to_sha256(frames), job.cache, job.lengths.reference)
    measured = Measured(pair, (frames.shape[1], frames.shape[2]), "", true.sha256)
    for metric_id in sorted(job.unpaired):
        name = metric_name(metric_id, job.networks.mode)
        metric = cached_metric(metric_id, job.networks)
        if is_frame_metric(metric):
            continue
        try:
            measured.targets[name] = _features(job, metric, true)
        except (ShapeError, MetricError) as error:
            measured.refused[name] = _refusal("reference clip", pair.clip, error)
    return measured


def hash_pair(job: Job, pair: Pair) -> dict[str, Json]:
    """What `Measured.to_json` would say, without measuring; the task of the engine.

    Raises:
        OutputError: The sizes differ, or the model's frames are damaged.
        StoreError: The targets are damaged.
        VideoError: A picture or video is damaged.
    """
    generated, target = _read(job, pair)
    hashes = frames_to_sha256(generated), frames_to_sha256(target), _truth_sha256(job, pair)
    return Measured(pair, (target.shape[1], target.shape[2]), *hashes).to_json()


def hash_reference(job: Job, pair: Pair) -> dict[str, Json]:
    """The same of a reference clip.

    Raises:
        StoreError: The frames are damaged.
    """
    frames = job.targets.frames(pair.clip, pair.numbers)
    return Measured(pair, (frames.shape[1], frames.shape[2]), "", frames_to_sha256(frames)).to_json()


def frames_to_sha256(frames: Frames) -> str:
    """SHA-256 of the shape (as text) and the bytes of frames, in hex."""
    digest = hashlib.sha256(str(frames.shape).encode())
    digest.update(np.ascontiguousarray(frames).data)
    return digest.hexdigest()


def _read(job: Job, pair: Pair) -> tuple[Frames, Frames]:
    generated = job.generated.frames(pair.clip, pair.numbers)
    target = job.targets.frames(pair.target_clip, pair.target_numbers)
    if generated.shape[1:] != target.shape[1:]:
        raise OutputError(sizes_to_problem(pair.clip, generated.shape[1:], target.shape[1:]))
    return generated, target


def _place(job: Job, folder: Path, metric: Metric, kind: str, content: Sequence[str]) -> Path:
    """Where what `metric` makes of `content` (hashes) is kept: below a folder named `kind`."""
    network = network_sha256(metric.network, job.networks) if metric.network else ""
    key = "\n".join([kind, *content, network, job.networks.device, version("torch")])
    return folder / kind / f"{hashlib.sha256(key.encode()).hexdigest()}.npy"


def _measure_frames(
    job: Job, metric: FrameMetric, name: str, sides: tuple[_Side, _Side], measured: Measured
) -> None:
    """Put a frame metric's values, and its floor where it has one, into `measured`.

    Raises:
        MetricError: There is no ground truth, or not all that the metric needs of it.
    """
    pair, (made, true) = measured.pair, sides
    if not pair.truth:
        raise MetricError("cross-driving has no ground truth to compare frames with; leave this metric out")
    needed = {need: _needed(job, pair, need) for need in metric.needs}
    extra = [truth.sha256 for truth in needed.values()]
    keywords = {need: truth.rows for need, truth in needed.items()}
    pairs = {"values": (made, measured.values)}
    if metric.floored:
        pairs["floors"] = (true, measured.floors)
    for side, values in pairs.values():
        place = _place(job, job.parts, metric, name, [side.sha256, true.sha256, *extra])
        values[name] = _kept(
            place, partial(_frame_values, metric, generated=side.frames, target=true.frames, **keywords)
        ).astype(np.float64)


def _truth_sha256(job: Job, pair: Pair) -> str:
    """Hash of all that the job's metrics need of a clip's ground truth and that there is."""
    facts = (metric_facts(metric_id) for metric_id in job.metrics)
    needs = sorted({need for each in facts for need in getattr(each, "needs", ())}) if pair.truth else []
    found = []
    for need in needs:
        with suppress(MetricError):  # then the metrics that need it say so
            found.append(f"{need} {_needed(job, pair, need).sha256}")
    return hashlib.sha256("\n".join(found).encode()).hexdigest() if found else ""


def _refusal(what: str, clip: str, error: VptbenchError) -> str:
    """Why a metric has no value for a clip, which is named once."""
    text = str(error)
    return text if text.startswith(f"clip {clip}: ") else f"{what} {clip}: {text}"


def _needed(job: Job, pair: Pair, need: str) -> Truth:
    """What a metric needs of the ground truth beside the frames.

    Raises:
        MetricError: The true frames come without it.
    """
    if not isinstance(job.targets, StoreFrames):
        raise MetricError(f"expected the {need} of the true frames, plain folders have none; give a --store")
    return job.targets.truth(pair.target_clip, pair.target_numbers, need)


def _frame_values(metric: FrameMetric, **given: object) -> FrameValues:
    """Values of the frames, checked.

    Raises:
        ScoreError: They are not one number a frame.
    """
    values = metric.per_frame(**given)
    count = len(cast("Frames", given["target"]))
    if values.shape != (count,) or np.isnan(values).any():
        raise ScoreError(
            f"{metric.id}: expected {count} numbers, one a frame, got shape {values.shape} with "
            f"{int(np.isnan(values).sum())} NaN; this is a fault of the metric: report it"
        )
    return values


def _features(job: Job, metric: DistributionMetric, side: _Side) -> Path:
    """The file of the features of the windows that a metric takes of `side`, made where there is none."""
    windows = metric.windows(side.clip, side.lengths, generated=side.generated)
    spans = hashlib.sha256(str([(w.start, w.stop, w.step) for w in windows]).encode()).hexdigest()
    kind = metric.extractor + ("@random" if job.networks.mode == "random" and metric.network else "")
    place = _place(job, side.folder, metric, kind, [side.sha256, spans])
    _kept(place, partial(metric.features, side.frames, windows))
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
