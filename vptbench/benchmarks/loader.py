"""Protocols as they stand in JSON files, checked strictly, and what they pick from a store.

A protocol that ships with vptbench is frozen: its hash is pinned by a test, and a change is a new id.
`load_benchmark` also reads a file of the user's own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from vptbench.clip import Clip
from vptbench.config import json_to_config
from vptbench.errors import BenchmarkError, ConfigError, RegistryError
from vptbench.manifest import Json, json_to_sha256, read_manifest
from vptbench.registry import check_id, check_known

FORMAT = "vptbench-benchmark"
VERSION = 1

BENCHMARKS = ("synthetic-v1", "fashionvideo-v1", "iper-v1")
"""Ids of the protocols that ship with vptbench; each is a file of its name beside this one."""

SYNTHETIC = "synthetic"
"""The dataset of protocols that take any store of synthetic clips, in whichever layout."""

CHOICES = {
    "split": ("train", "test"),
    "targets": ("all", "all-but-source"),
    "pooling": ("clip", "frame"),
    "reference": ("train", "test"),
}
"""Fields with few values, and those."""


class ClipStore(Protocol):
    """What a protocol needs of a clip store."""

    @property
    def manifest(self) -> Mapping[str, Json]:
        """What ``store.json`` says: ``dataset``, and ``synth``, the arguments of `vptbench synth` or None."""

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Clip ids of one split."""

    def __getitem__(self, clip: str, /) -> Clip:
        """One clip, lazily."""


@dataclass(frozen=True)
class Benchmark:
    """One protocol.

    Attributes:
        id: Versioned id, such as ``iper-v1``.
        dataset: As in the store's manifest; `SYNTHETIC` takes any store of synthetic clips, others none.
        split: "train" or "test": the split whose clips are generated and scored.
        crop: Crop id that the store must have been prepared with.
        size: (H, W) of its frames, or None for any.
        source: ``{"index": N}``: frame N of a clip is the one that the model sees.
        targets: "all" frames of a clip are scored, or "all-but-source".
        pooling: "clip": mean over a clip's frames, then over clips; "frame": mean over all frames.
        reference: The split that distribution metrics compare with.
        metrics: Metric ids.
        sha256: Of the protocol's file in the form of `manifest.json_to_text`, in hex.
    """

    id: str
    dataset: str
    split: str
    crop: str
    size: tuple[int, int] | None
    source: Mapping[str, int]
    targets: str
    pooling: str
    reference: str
    metrics: tuple[str, ...]
    sha256: str

    @property
    def source_index(self) -> int:
        """Number of the frame that the model sees, in every clip."""
        return self.source["index"]


def benchmark_ids() -> tuple[str, ...]:
    """Ids of the protocols that ship with vptbench."""
    return BENCHMARKS


def load_benchmark(id_or_path: str | Path) -> Benchmark:
    """Load a protocol by its id, or from a JSON file of the user's own (anything that ends in ``.json``).

    Raises:
        RegistryError: The id is unknown.
        ManifestError: The file is no protocol of a version we know.
        BenchmarkError: It is missing or malformed, or takes the id of another that ships with vptbench.

    Example:
        ``load_benchmark("fashionvideo-v1").metrics``
    """
    if str(id_or_path).endswith(".json"):
        benchmark = _read(Path(id_or_path))
        if benchmark.id in BENCHMARKS and benchmark.sha256 != load_benchmark(benchmark.id).sha256:
            raise BenchmarkError(
                f"{id_or_path}: expected an id of its own, found {benchmark.id!r} with other contents than "
                "the frozen protocol of that name; give it another id"
            )
        return benchmark
    name = check_known(str(id_or_path), BENCHMARKS, "benchmark (or a FILE.json)")
    return _read(Path(str(files("vptbench.benchmarks") / f"{name}.json")))


def benchmark_clips(benchmark: Benchmark, store: ClipStore) -> tuple[str, ...]:
    """The clips that a protocol generates and scores, in the order of the store.

    Raises:
        BenchmarkError: The store is of another dataset, lacks the split, or holds clips of another crop or
            size, or too short ones; every problem is named.
    """
    problems = _dataset_to_problems(benchmark, store.manifest)
    clips = store.ids(benchmark.split)
    if not clips:
        problems.append(f"expected clips of the {benchmark.split} split, found none")
    problems += [problem for name in clips for problem in _clip_to_problems(benchmark, store[name])]
    if problems:
        shown = "; ".join(problems[:4]) + (f"; and {len(problems) - 4} more" if len(problems) > 4 else "")
        raise BenchmarkError(
            f"the store does not fit {benchmark.id}: {shown}; give another store or benchmark"
        )
    return clips


def benchmark_targets(benchmark: Benchmark, frames: int) -> tuple[int, ...]:
    """Numbers of the frames that are scored in a clip of `frames` frames, ascending."""
    left_out = benchmark.source_index if benchmark.targets == "all-but-source" else None
    return tuple(number for number in range(frames) if number != left_out)


def clip_list_sha256(clips: Iterable[Clip]) -> str:
    """Hash of what is scored: each clip's id, frame count, raw file, crop and size, sorted by id.

    Poses and the bytes of clip files do not enter, so that a noisy store has its clean store's hash.

    Args:
        clips: The clips that a protocol scores, in any order.

    Returns:
        SHA-256, in hex, of the JSON list of ``[clip, frames, raw_sha256, crop, [H, W]]``.
    """
    rows = sorted((clip.id, len(clip), *_facts(clip), list(clip.size)) for clip in clips)
    return json_to_sha256(rows)


def _facts(clip: Clip) -> tuple[str, str]:
    return str(clip.attributes["raw_sha256"]), str(clip.attributes["crop"])


def _read(path: Path) -> Benchmark:
    if not path.is_file():
        raise BenchmarkError(f"expected a benchmark's JSON file at {path}, found none; check the path")
    document = read_manifest(path, kind=FORMAT, version_number=VERSION)
    fields = {key: value for key, value in document.items() if key not in {"format", "version"}}
    try:
        benchmark = json_to_config({**fields, "sha256": json_to_sha256(document)}, Benchmark)
    except ConfigError as error:
        raise BenchmarkError(f"{path}: {error}") from error
    problems = _to_problems(benchmark)
    if problems:
        raise BenchmarkError(f"{path}: " + "; ".join(problems))
    return benchmark


def _to_problems(benchmark: Benchmark) -> list[str]:
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
    if not _is_source(benchmark.source):
        problems.append(f'source: expected {{"index": N}} with N from 0, found {benchmark.source!r}')
    metrics: object = benchmark.metrics
    if not (isinstance(metrics, tuple) and metrics):
        return [*problems, f"metrics: expected a list of metric ids, found {metrics!r}"]
    return problems + [text for name in (benchmark.id, *benchmark.metrics) if (text := _id_to_problem(name))]


def _is_size(size: object) -> bool:
    return size is None or (
        isinstance(size, tuple) and len(size) == 2 and all(type(side) is int and side > 0 for side in size)
    )


def _is_source(source: object) -> bool:
    if not isinstance(source, dict) or set(source) != {"index"}:
        return False
    return type(source["index"]) is int and source["index"] >= 0


def _id_to_problem(name: object) -> str:
    try:
        check_id(str(name))
    except RegistryError as error:
        return str(error)
    return ""


def _dataset_to_problems(benchmark: Benchmark, manifest: Mapping[str, Json]) -> list[str]:
    synthetic = manifest.get("synth") is not None
    if benchmark.dataset == SYNTHETIC:
        return [] if synthetic else ["expected synthetic clips (made by `vptbench synth`), found real ones"]
    problems = []
    if manifest.get("dataset") != benchmark.dataset:
        problems.append(f"expected dataset {benchmark.dataset!r}, found {manifest.get('dataset')!r}")
    if synthetic:
        problems.append("expected real clips, found synthetic ones (use synthetic-v1)")
    return problems


def _clip_to_problems(benchmark: Benchmark, clip: Clip) -> list[str]:
    _, crop = _facts(clip)
    problems = []
    if crop != benchmark.crop:
        problems.append(f"{clip.id}: expected crop {benchmark.crop!r}, found {crop!r}")
    if benchmark.size is not None and clip.size != benchmark.size:
        problems.append(f"{clip.id}: expected size {benchmark.size}, found {clip.size}")
    if not benchmark_targets(benchmark, len(clip)) or benchmark.source_index >= len(clip):
        problems.append(
            f"{clip.id}: expected more than {len(clip)} frames, with source {benchmark.source_index}"
        )
    return problems
