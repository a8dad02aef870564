"""A clip store to a noisy store: the same frames, linked, with corrupted poses; one task a clip."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import cast

from vptbench.benchmarks.items import benchmark_items
from vptbench.benchmarks.loader import load_benchmark
from vptbench.benchmarks.protocol import Benchmark
from vptbench.clip import Clip
from vptbench.config import config_to_json, json_to_config
from vptbench.engine import Report, tasks_to_results
from vptbench.errors import UsageError, VptbenchError
from vptbench.manifest import Json, relative_path
from vptbench.prepare.origins import attributes_to_origins
from vptbench.progress import track
from vptbench.registry import check_known
from vptbench.robustness.corruptions import (
    VERSION,
    Corruption,
    Poses,
    corrupt_poses,
    load_kind,
)
from vptbench.robustness.disturbance import NEAR, Disturbance, merge_disturbances, poses_to_disturbance
from vptbench.robustness.noisy_mesh import meshes_to_distance, noisy_to_mesh
from vptbench.store import schema
from vptbench.store.noisy import (
    clip_to_compression,
    clip_to_link_facts,
    clip_to_poses_sha256,
    store_to_sizes,
)
from vptbench.store.reader import Store, open_store, read_clip
from vptbench.store.writer import (
    ClipParts,
    Link,
    begin_folder,
    clip_path,
    clip_to_file,
    write_clips_table,
    write_failures_table,
    write_store_manifest,
)

STAGE = "corrupt"
"""Of clips that failed here, in ``failures.csv``; the clean store's own failures stand there as well."""

NOT_KEPT = {"format", "version", "complete", "clips", "origins", "published"}
"""What the noisy store's manifest does not say as the clean one's does."""


@dataclass(frozen=True)
class NoisyReport(Report):
    """What became of a store's clips; reasons stand in ``failures.csv`` too.

    Attributes:
        disturbance: What was really done to the poses, over all clips that are there; None if none is.
        bytes: Of the noisy clip files.
        clean_bytes: Of the clean clip files that they link to.
    """

    disturbance: Disturbance | None
    bytes: int
    clean_bytes: int


@dataclass(frozen=True)
class _Job:
    """What all clips of a run share.

    Attributes:
        store: The clean store.
        noisy: The noisy one.
        corruption: What is done.
        fixed: Clip to the frames whose poses stay clean; None: the first of each clip.
    """

    store: Path
    noisy: Path
    corruption: Corruption
    fixed: Mapping[str, tuple[int, ...]] | None

    def frames(self, clip: str) -> tuple[int, ...]:
        """Numbers of the frames of a clip whose poses stay clean."""
        return (0,) if self.fixed is None else self.fixed.get(clip, ())


def store_to_noisy_store(  # noqa: PLR0913 - what the command line can say
    store: Path,
    noisy: Path,
    corruption: Corruption,
    *,
    benchmark: str | Path | None = None,
    split: str | None = None,
    corrupt_source: bool = False,
    workers: int = 1,
    scheduler: str | None = None,
) -> NoisyReport:
    """Corrupt the poses of all clips of a store that the noisy store does not hold yet.

    Args:
        store: The clean store's folder.
        noisy: The noisy store's; made anew, or continued if it is of the same store and corruption.
        corruption: What is done.
        benchmark: Id or JSON file of a protocol: the poses of its source frames stay clean. None: those of
            frame 0 of every clip.
        split: "train" or "test", the only one to corrupt; None for both.
        corrupt_source: Corrupt the poses of source frames as well.
        workers: Processes; 1 is this one.
        scheduler: Address of a Dask scheduler to use instead.

    Returns:
        What became of each clip. The store is finished even if clips failed: it then lacks these.

    Raises:
        StoreError: The store is none, unfinished or noisy itself, or the other folder holds something else.
        ManifestError: One of them is of another version, or the noisy one's parent is a file.
        BenchmarkError: The store does not fit the protocol.
        UsageError: The folders lie in each other, or the protocol is of another split.

    Example:
        ``store_to_noisy_store(Path("store"), Path("noisy"), Corruption("jitter", 3))``
    """
    if scheduler is not None:  # its workers may stand in another folder
        store, noisy = store.absolute(), noisy.absolute()
    clean = open_store(store)
    _check_places(clean, noisy)
    protocol = None if benchmark is None else load_benchmark(benchmark)
    _check_split(split, protocol)
    fixed = None if protocol is None else _items_to_fixed(protocol, clean)
    job = _Job(store, noisy, corruption, {} if corrupt_source else fixed)
    facts = {
        **corruption_to_json(corruption),
        "corrupt_source": corrupt_source,
        "benchmark": None if protocol is None else protocol.id,
        "benchmark_sha256": None if protocol is None else protocol.sha256,
    }
    manifest = _to_manifest(clean, noisy, facts, split)
    begin_folder(noisy, manifest, manifest=schema.MANIFEST, kind=schema.FORMAT, what="a clip store")
    ids = clean.ids(split)
    there = {name for name in ids if _is_current(_to_path(job, clean, name), clean, name)}
    todo = [name for name in ids if name not in there]
    if todo:
        write_store_manifest(noisy, {**manifest, "complete": False})
    failures: dict[str, str] = {}
    results = tasks_to_results(partial(_corrupt_clip, job), todo, workers=workers, scheduler=scheduler)
    label = f"{corruption.kind}-{corruption.severity}"
    for name, result in track(results, total=len(todo), label=label):
        if isinstance(result, VptbenchError):
            failures[name] = " ".join(str(result).split())
    disturbance = _finish(job, clean, manifest, failures)
    sizes = store_to_sizes(open_store(noisy))
    return NoisyReport(
        done=tuple(name for name in todo if name not in failures),
        skipped=tuple(name for name in ids if name in there and name not in failures),
        failed={name: failures[name] for name in ids if name in failures},
        disturbance=disturbance,
        bytes=sizes.noisy,
        clean_bytes=sizes.clean,
    )


def corruption_to_json(corruption: Corruption) -> dict[str, Json]:
    """A corruption as manifests and clips tell it: with all parameters of its kind, and the version."""
    return {
        "kind": corruption.kind,
        "severity": corruption.severity,
        "seed": corruption.seed,
        "parameters": {**load_kind(corruption.kind).parameters, **corruption.parameters},
        "version": VERSION,
    }


def disturbance_to_text(disturbance: Disturbance) -> str:
    """What was really done to the poses, in a line."""
    mesh = "" if disturbance.mesh_px is None else f"; mesh {disturbance.mesh_px:.2f} px away"
    return (
        f"joints {disturbance.mean_px:.2f} px away on average, PCK@{NEAR} {100 * disturbance.pck:.1f} %, "
        f"{100 * disturbance.missing:.1f} % missing{mesh}"
    )


def _check_places(clean: Store, noisy: Path) -> None:
    """See that a store is clean, and that the noisy one would not lie in it.

    Raises:
        UsageError: They lie in each other.
        StoreError: It is noisy.
    """
    outer, inner = clean.path.resolve(), noisy.resolve()
    if outer == inner or outer in inner.parents:
        raise UsageError(
            f"expected a folder outside the clean store {clean.path}, got {noisy}; choose another place"
        )
    if schema.CORRUPTION in clean.manifest:
        told = clean.manifest.get(schema.CLEAN)
        place = told.get("path") if isinstance(told, Mapping) else "the one its poses came from"
        raise UsageError(
            f"{clean.path}: expected a clean store, found one with noisy poses; corrupt the clean store "
            f"instead ({place})"
        )


def _check_split(split: str | None, protocol: Benchmark | None) -> None:
    """See that a split is one, and that of the protocol.

    Raises:
        UsageError: It is another.
    """
    if split is None:
        return
    check_known(split, schema.SPLITS, "split")
    if protocol is not None and protocol.split != split:
        raise UsageError(
            f"expected the {protocol.split} split, whose source frames {protocol.id} names, got {split}; "
            "leave one of them out"
        )


def _items_to_fixed(protocol: Benchmark, store: Store) -> dict[str, tuple[int, ...]]:
    """Clip to its frames that are the source of an item."""
    pairs = {(item.source_clip, item.source_frame) for item in benchmark_items(protocol, store)}
    found: dict[str, tuple[int, ...]] = {}
    for clip, frame in sorted(pairs):
        found[clip] = (*found.get(clip, ()), frame)
    return found


def _to_manifest(clean: Store, noisy: Path, facts: Mapping[str, Json], split: str | None) -> dict[str, Json]:
    """What ``store.json`` says from the beginning."""
    kept = {key: value for key, value in clean.manifest.items() if key not in NOT_KEPT}
    published = clean.manifest.get("published")
    if isinstance(published, Mapping):
        kept["published"] = {name: count for name, count in published.items() if split in {None, name}}
    return {
        **kept,
        schema.CORRUPTION: facts,
        schema.CLEAN: {"path": relative_path(clean.path, noisy), "split": split},
    }


def _to_path(job: _Job, clean: Store, name: str) -> Path:
    return clip_path(job.noisy, str(clean.table.at[name, "split"]), name)


def _is_current(path: Path, clean: Store, name: str) -> bool:
    """Whether a clip was corrupted already, and the clean one still has the poses that it had then."""
    if not path.exists():
        return False
    try:
        made = read_clip(path)
    except VptbenchError:  # told when the tables are written, where it counts as failed
        return True
    stated = made.attributes[schema.FRAMES_FROM]
    return isinstance(stated, Mapping) and stated.get("poses_sha256") == clip_to_poses_sha256(clean[name])


def _corrupt_clip(job: _Job, name: str) -> None:
    """One task: corrupt a clip's poses, let its mesh follow, and write both beside links to its frames."""
    store, fixed = open_store(job.store), job.frames(name)
    clean, path = store[name], _to_path(job, store, name)
    noisy = corrupt_poses(job.corruption, name, Poses(clean.keypoints, clean.size), fixed)
    mesh = None if clean.mesh is None else noisy_to_mesh(clean.mesh, clean.keypoints, noisy, fixed)
    moved = None if clean.mesh is None or mesh is None else meshes_to_distance(clean.mesh, mesh, fixed)
    disturbance = poses_to_disturbance(clean.keypoints, noisy.keypoints, left_out=fixed, mesh=moved)
    file = relative_path(store.file(name), path.parent)
    parts = ClipParts(
        attributes={
            **_to_attributes(clean, job.corruption),
            schema.CORRUPTION: {
                **corruption_to_json(job.corruption),
                "fixed": list(fixed),
                schema.DISTURBANCE: config_to_json(disturbance),
            },
            schema.FRAMES_FROM: {**_to_link_facts(store, name), "path": file},
        },
        shape=(len(clean), *clean.size),
        frames=Link(file),
        keypoints=noisy.keypoints,
        mask=None if clean.mask is None else Link(file),
        mesh=mesh,
        body={},  # of the clean pose, which whoever reads it would see
    )
    clip_to_file(parts, path, compression=clip_to_compression(clean))


def _to_link_facts(store: Store, name: str) -> dict[str, Json]:
    """`clip_to_link_facts`; a process that corrupts a clip again and again reads its frames once."""
    file = store.file(name).resolve()
    return _file_to_link_facts(file, file.stat().st_size, file.stat().st_mtime_ns)


@cache
def _file_to_link_facts(file: Path, _size: int, _mtime_ns: int) -> dict[str, Json]:
    """Size and time are there to tell a file that was written anew."""
    return clip_to_link_facts(read_clip(file))


def _to_attributes(clean: Clip, corruption: Corruption) -> dict[str, Json]:
    """A clean clip's, with the corruption added to where its poses and its mesh came from."""
    added = f"+{corruption.kind}-{corruption.severity}"
    kept = {name: value for name, value in clean.attributes.items() if name not in {"format", "version"}}
    kept["pose_source"] = f"{kept['pose_source']}{added}"
    if clean.mesh is not None:
        kept["mesh_source"] = f"{kept['mesh_source']}{added}"
    return kept


def _finish(
    job: _Job, clean: Store, manifest: Mapping[str, Json], failures: dict[str, str]
) -> Disturbance | None:
    """Write the tables from the files that are there (damaged ones are failures), and the manifest last."""
    told = cast("Mapping[str, Json]", manifest[schema.CLEAN])["split"]
    split = None if told is None else str(told)
    rows, attributes, disturbances = [], [], []
    for name in clean.ids(split):
        if name in failures:
            continue
        try:
            made = read_clip(_to_path(job, clean, name))
        except VptbenchError as error:
            failures[name] = " ".join(str(error).split())
            continue
        rows.append(
            (made.id, made.split, len(made), *made.size, made.fps, str(made.attributes["raw_sha256"]))
        )
        attributes.append(made.attributes)
        noise = cast("Mapping[str, Mapping[str, Json]]", made.attributes[schema.CORRUPTION])
        disturbances.append(json_to_config(noise[schema.DISTURBANCE], Disturbance))
    write_clips_table(job.noisy, rows)
    write_failures_table(
        job.noisy, [*_read_failures(clean.path), *((name, STAGE, failures[name]) for name in failures)]
    )
    merged = merge_disturbances(disturbances) if disturbances else None
    splits = schema.SPLITS if split is None else (split,)
    write_store_manifest(
        job.noisy,
        {
            **manifest,
            "clips": {
                each: {"listed": _listed(clean, each), "prepared": sum(row[1] == each for row in rows)}
                for each in splits
            },
            "origins": config_to_json(attributes_to_origins(attributes)),
            schema.DISTURBANCE: None if merged is None else config_to_json(merged),
            "complete": True,
        },
    )
    return merged


def _listed(clean: Store, split: str) -> int:
    """How many videos of a split the clean store was to hold; at least those that it holds."""
    counts = clean.manifest.get("clips")
    told = counts.get(split) if isinstance(counts, Mapping) else None
    listed = told.get("listed") if isinstance(told, Mapping) else None
    return listed if isinstance(listed, int) else len(clean.ids(split))


def _read_failures(store: Path) -> list[list[str]]:
    """Rows of the clean store's ``failures.csv``: clips that no other store can have either."""
    path = store / schema.FAILURES_TABLE
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))[1:]
