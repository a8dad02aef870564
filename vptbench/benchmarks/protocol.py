"""One frozen protocol: its fields, and what is wrong with them.

A protocol is a JSON file ``{"format": "vptbench-benchmark", "version": 1, …}`` with the fields of `Benchmark`
but for `source_frames` and `sha256`. These may be left out:

===========  ===============================================================================================
``source``   Only beside ``items``, each of which names its own.
``stride``   1.
``driving``  "self": every clip is driven by its own poses, so that its frames are the ground truth.
``items``    Every clip of the split is driven as a whole.
===========  ===============================================================================================

The protocol's hash is that of the file; where ``source`` is a list, the list's hash stands beside its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vptbench.benchmarks.naming import named
from vptbench.benchmarks.source import (
    clip_to_source_frame,
    is_number,
    read_source_list,
    source_to_problem,
)
from vptbench.benchmarks.span import ItemSpan, json_to_items
from vptbench.config import json_to_config
from vptbench.errors import BenchmarkError, ConfigError, RegistryError
from vptbench.manifest import Json, json_to_sha256
from vptbench.registry import check_id

FORMAT = "vptbench-benchmark"
VERSION = 1

DEFAULTS: Mapping[str, Json] = {"source": {}, "stride": 1, "driving": "self", "items": []}
"""Fields that a file may leave out, and what they are then; an absent source is checked against the items."""

COMPUTED = ("source_frames", "sha256")
"""Fields that no file holds."""

CHOICES = {
    "split": ("train", "test"),
    "targets": ("all", "all-but-source"),
    "driving": ("self", "cross"),
    "pooling": ("clip", "frame"),
    "reference": ("train", "test"),
}
"""Fields with few values, and those."""


@dataclass(frozen=True)
class Benchmark:
    """One protocol.

    Attributes:
        id: Versioned id, such as ``iper-v1``.
        dataset: As in the store's manifest; `items.SYNTHETIC` takes any store of synthetic clips, others
            none.
        split: "train" or "test": the split whose clips are generated and scored.
        crop: Crop id that the store must have been prepared with.
        size: (H, W) of its frames, or None for any.
        source: Which frame of a clip the model sees: a rule of `source`; empty where there are `items`.
        targets: "all" frames are scored, or "all-but-source".
        stride: Every stride-th frame is scored, counted from a clip's frame 0, or from the first of an item.
        driving: "self": by the person's own poses, whose frames are the ground truth; "cross": there is none.
        items: What is made, spelled out; empty where every clip of the split is driven as a whole.
        pooling: "clip": mean over a clip's frames, then over clips; "frame": mean over all frames.
        reference: The split that distribution metrics compare with.
        metrics: Metric ids.
        source_frames: What the list says where `source` is one: clip id to frame number; else empty.
        sha256: Of the protocol's file in the form of `manifest.json_to_text`, in hex.
    """

    id: str
    dataset: str
    split: str
    crop: str
    size: tuple[int, int] | None
    source: Mapping[str, Json]
    targets: str
    stride: int
    driving: str
    items: tuple[ItemSpan, ...]
    pooling: str
    reference: str
    metrics: tuple[str, ...]
    source_frames: Mapping[str, int]
    sha256: str

    def source_frame(self, clip: str, frames: int) -> int | None:
        """Number of the frame that the model sees of a clip that is driven as a whole.

        Args:
            clip: Clip id.
            frames: How many frames the clip has.

        Returns:
            It may lie beyond the clip; None where a list does not name the clip.
        """
        return clip_to_source_frame(self.source, self.source_frames, clip, frames)


def document_to_benchmark(document: Mapping[str, Json], path: Path) -> Benchmark:
    """Check a protocol's file, strictly.

    Args:
        document: What it says.
        path: Where it lies; a list of source frames lies beside it.

    Raises:
        BenchmarkError: It is malformed; every problem is named.
    """
    fields = {key: value for key, value in document.items() if key not in {"format", "version"}}
    try:
        given = {name: value for name, value in fields.items() if name in COMPUTED}
        if given:
            raise BenchmarkError(f"expected no {' and no '.join(given)}, which are computed; leave them out")
        items = json_to_items(fields["items"]) if "items" in fields else ()
        computed: dict[str, Json] = {"source_frames": {}, "sha256": json_to_sha256(dict(document))}
        source = fields.get("source")
        if isinstance(source, Mapping) and "list" in source and not source_to_problem(source):
            listed, sha256 = read_source_list(path.parent, source)
            hashed = json_to_sha256({**document, "source": {**source, "sha256": sha256}})
            computed = {"source_frames": listed, "sha256": hashed}
        found = json_to_config({**DEFAULTS, **fields, "items": [], **computed}, Benchmark)
        return _checked(found, items)
    except (BenchmarkError, ConfigError) as error:
        raise BenchmarkError(f"{path}: {error}") from error


def record_to_benchmark(record: Mapping[str, Json]) -> Benchmark:
    """The protocol that scores were made under, from what they say of it.

    Args:
        record: `Scores.benchmark`: all fields of `Benchmark`, `source_frames` and `sha256` as they were.

    Raises:
        BenchmarkError: It is malformed; every problem is named.
    """
    try:
        items = json_to_items(record["items"]) if record.get("items") else ()
        return _checked(json_to_config({**record, "items": []}, Benchmark), items)
    except (BenchmarkError, ConfigError) as error:
        raise BenchmarkError(f"benchmark of the scores: {error}; score again") from error


def _checked(found: Benchmark, items: tuple[ItemSpan, ...]) -> Benchmark:
    """A protocol with its items.

    Raises:
        BenchmarkError: Its values are wrong; every problem is named.
    """
    benchmark = Benchmark(**{**vars(found), "items": items})
    problems = benchmark_to_problems(benchmark)
    if problems:
        raise BenchmarkError(named(problems, "; "))
    return benchmark


def benchmark_to_problems(benchmark: Benchmark) -> list[str]:
    """What is wrong with the values, in words."""
    problems = [
        f"{field}: expected {' or '.join(map(repr, allowed))}, found {getattr(benchmark, field)!r}"
        for field, allowed in CHOICES.items()
        if getattr(benchmark, field) not in allowed
    ]
    problems += [
        f"{field}: expected a name, found {getattr(benchmark, field)!r}"
        for field in ("dataset", "crop")
        if not isinstance(getattr(benchmark, field), str)
    ]
    if not _is_size(benchmark.size):
        problems.append(f"size: expected [height, width] or null, found {benchmark.size!r}")
    stride: object = benchmark.stride
    if not is_number(stride) or stride == 0:
        problems.append(f"stride: expected an integer from 1 to below 2**31, found {stride!r}")
    problems += _source_to_problems(benchmark) + _items_to_problems(benchmark)
    metrics: object = benchmark.metrics
    if not (isinstance(metrics, tuple) and metrics):
        return [*problems, f"metrics: expected a list of metric ids, found {metrics!r}"]
    return problems + [text for name in (benchmark.id, *benchmark.metrics) if (text := id_to_problem(name))]


def id_to_problem(name: object) -> str:
    """What is wrong with an id, in words; empty if nothing is."""
    try:
        check_id(str(name))
    except RegistryError as error:
        return str(error)
    return ""


def _source_to_problems(benchmark: Benchmark) -> list[str]:
    if not benchmark.items:
        problem = source_to_problem(benchmark.source)
        return [problem] if problem else []
    if benchmark.source != {}:
        return [f"source: expected none beside items, which name their own, found {benchmark.source!r}"]
    return []


def _items_to_problems(benchmark: Benchmark) -> list[str]:
    """What does not fit the kind of driving."""
    if benchmark.driving == "cross" and not benchmark.items:
        return ["items: expected a list of them for driving 'cross', found none"]
    if benchmark.driving != "self":
        return []
    problems = []
    for item in benchmark.items:
        clips = {item.source.clip, item.driving.clip, item.real.clip}
        if len(clips) > 1 or item.driving != item.real:
            problems.append(
                f"items: {item.id}: expected for driving 'self' one clip and driving equal to real, found "
                f"source {item.source}, driving {item.driving} and real {item.real}"
            )
    return problems


def _is_size(size: object) -> bool:
    return size is None or (
        isinstance(size, tuple) and len(size) == 2 and all(is_number(side) and side > 0 for side in size)
    )
