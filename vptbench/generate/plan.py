"""What a protocol makes of a store: the items, and the facts that stand in every manifest made of them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from vptbench.benchmarks.items import Item, benchmark_items, items_to_clip_list_sha256
from vptbench.benchmarks.loader import load_benchmark
from vptbench.benchmarks.protocol import Benchmark
from vptbench.errors import OutputError
from vptbench.manifest import Json, library_versions, relative_path
from vptbench.metrics import METRICS
from vptbench.registry import check_known
from vptbench.store.reader import Store, open_store

POSE_PROVENANCE = ("pose_source", "mesh_source", "mask_source")
"""Attributes of clips that say where what a model is given came from."""

MESHES = "meshes_sha256"
"""Of the store's facts: the hash of all vertices, None where no clip has a mesh. Manifests that were written
before there was one lack it, and tell nothing apart by it."""

ROWS = 64
"""Of vertices that are read at once."""


@dataclass(frozen=True)
class Plan:
    """Videos to make.

    Attributes:
        protocol: The benchmark.
        store: Where its clips are.
        items: One for each video.
    """

    protocol: Benchmark
    store: Store
    items: tuple[Item, ...]


def resolve_plan(store: Path, benchmark: str | Path) -> Plan:
    """What a protocol makes of a store.

    Raises:
        RegistryError: The benchmark or a metric of it is unknown.
        ManifestError: There is no store.
        BenchmarkError: The store does not fit the benchmark.
        OutputError: The frames of one video would lie within another's folder.
    """
    protocol, opened = load_benchmark(benchmark), open_store(store)
    for metric in protocol.metrics:
        check_known(metric, METRICS, "metric")
    items = benchmark_items(protocol, opened)
    _check_ids([item.id for item in items])
    return Plan(protocol, opened, items)


def plan_to_facts(plan: Plan, folder: Path) -> dict[str, Json]:
    """What a manifest in `folder` says of a plan; paths are relative to it."""
    return {
        "benchmark": {"id": plan.protocol.id, "sha256": plan.protocol.sha256},
        "clip_list_sha256": items_to_clip_list_sha256(plan.items, plan.store),
        "store": _store_to_json(plan.store, plan.items, folder),
        "clips": [item.id for item in plan.items],
        "libraries": library_versions(),
    }


def facts_to_differences(
    earlier: Mapping[str, Json], now: Mapping[str, Json], names: Sequence[str]
) -> list[str]:
    """What tells two plans apart, in words: fields of `names`, and of the store all but its path."""
    pairs = [(name, earlier.get(name), now.get(name)) for name in names]
    before, after = (cast("Mapping[str, Json]", facts["store"]) for facts in (earlier, now))
    pairs += [(f"store.{name}", before.get(name), after[name]) for name in after if name != "path"]
    if MESHES not in before:
        pairs = [pair for pair in pairs if pair[0] != f"store.{MESHES}"]
    return [f"{name}: {old!r}, now {new!r}" for name, old, new in pairs if old != new]


def _check_ids(clips: Sequence[str]) -> None:
    """See that no clip's folder would lie within another's.

    Raises:
        OutputError: One would.
    """
    known = set(clips)
    for clip in clips:
        parts = clip.split("/")
        outer = next((name for n in range(1, len(parts)) if (name := "/".join(parts[:n])) in known), None)
        if outer is not None:
            raise OutputError(
                f"expected clip ids of which none is the folder of another, found {outer} and {clip}; "
                "rename one of the videos and prepare again"
            )


def _store_to_json(store: Store, items: Sequence[Item], folder: Path) -> dict[str, Json]:
    """Where the poses came from, those of the source frames included."""
    clips = {clip for item in items for clip in (item.source_clip, item.driving_clip)}
    sources: dict[str, set[str]] = {name: set() for name in POSE_PROVENANCE}
    digest, meshes = hashlib.sha256(), hashlib.sha256()
    bodies = False
    for clip in map(store.__getitem__, sorted(clips)):
        digest.update(clip.keypoints.astype("<f4").tobytes())
        if clip.mesh is not None:
            bodies = True
            meshes.update(clip.id.encode())
            for first in range(0, clip.mesh.vertices.shape[0], ROWS):
                meshes.update(clip.mesh.vertices[first : first + ROWS].astype("<f4").tobytes())
        for name, values in sources.items():
            values.add(str(clip.attributes[name]))
    return {
        "path": relative_path(store.path, folder),
        "dataset": store.manifest.get("dataset"),
        "synth": store.manifest.get("synth"),
        **{name: sorted(values) for name, values in sources.items()},
        "poses_sha256": digest.hexdigest(),
        MESHES: meshes.hexdigest() if bodies else None,
    }
