"""One model over one benchmark: frames on disk, and what they cost."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

from vptbench import runfile
from vptbench.benchmarks.items import Item, benchmark_items, items_to_clip_list_sha256
from vptbench.benchmarks.loader import load_benchmark
from vptbench.engine import tasks_to_results
from vptbench.errors import OutputError, VptbenchError
from vptbench.generate.drive import check_truth, checkpoint_to_sha256, item_to_generated, load_model
from vptbench.generate.model import name_to_model
from vptbench.manifest import Json, delete_parts, is_part, library_versions, make_folder, relative_path
from vptbench.metrics import METRICS
from vptbench.outputs import schema
from vptbench.outputs.reader import open_outputs
from vptbench.outputs.writer import frames_to_output, output_path, write_outputs_manifest
from vptbench.progress import track
from vptbench.registry import check_known
from vptbench.store.reader import Store, open_store

POSE_PROVENANCE = ("pose_source", "mesh_source", "mask_source")
"""Attributes of clips that say where what a model is given came from."""


@dataclass(frozen=True)
class GenerateReport:
    """What a run did.

    Attributes:
        done: Ids of the items generated now; where clips are driven as a whole, the clips' own.
        skipped: Items that were there already.
        failed: Item id to reason.
    """

    done: tuple[str, ...]
    skipped: tuple[str, ...]
    failed: dict[str, str]


@dataclass(frozen=True)
class _Job:
    """What all items of a run have in common; travels to worker processes."""

    model: str
    checkpoint: Path | None
    checkpoint_sha256: str | None
    device: str
    seed: int
    store: Path
    outputs: Path


def store_to_outputs(  # noqa: PLR0913 - what the command line can say
    model: str,
    store: Path,
    outputs: Path,
    benchmark: str | Path,
    *,
    checkpoint: Path | None = None,
    device: str = "cpu",
    seed: int = 0,
    workers: int = 1,
    scheduler: str | None = None,
) -> GenerateReport:
    """Drive a model over the items of a benchmark, all frames of each. What is there already is kept.

    Where a protocol spells out no items, every clip of its split is one, driven as a whole by its own poses.

    Args:
        model: Name of a model or an audit in the entry points.
        store: Folder of the clip store.
        outputs: Folder to write; one that an earlier, interrupted start of the same run left is completed.
        benchmark: Id of a protocol, or its JSON file.
        checkpoint: What the model loads; of a training run, its newest checkpoint.
        device: "cpu" or "cuda".
        seed: Each item's randomness follows from it and from the item's id.
        workers: 1 works in this process; more start a local cluster.
        scheduler: Address of a Dask scheduler to join instead.

    Raises:
        RegistryError: The model, the benchmark or a metric of it is unknown.
        ModelError: The model cannot be imported, there is no such checkpoint, or an audit was asked for
            frames of which no true ones exist.
        BenchmarkError: The store does not fit the benchmark.
        OutputError: `outputs` holds something else.

    Example:
        ``store_to_outputs("mesh_warp", Path("store"), Path("outputs/mesh_warp"), "iper-v1")``
    """
    found, protocol, opened = name_to_model(model), load_benchmark(benchmark), open_store(store)
    for metric in protocol.metrics:
        check_known(metric, METRICS, "metric")
    items = benchmark_items(protocol, opened)
    for item in items:
        check_truth(found, item)
    clips = tuple(item.id for item in items)
    _check_ids(clips)
    loaded = _resolve_checkpoint(checkpoint)
    job = _Job(
        model=model,
        checkpoint=loaded.path,
        checkpoint_sha256=checkpoint_to_sha256(loaded.path),
        device=device,
        seed=seed,
        store=Path(store).resolve(),  # workers may stand elsewhere
        outputs=Path(outputs).resolve(),
    )
    facts: dict[str, Json] = {
        "model": model,
        "kind": found.kind,
        "checkpoint": None
        if loaded.path is None
        else {"name": loaded.path.name, "sha256": job.checkpoint_sha256},
        "benchmark": {"id": protocol.id, "sha256": protocol.sha256},
        "clip_list_sha256": items_to_clip_list_sha256(items, opened),
        "store": _store_to_json(opened, items, job.outputs),
        "seed": seed,
        "trained_on": loaded.trained_on,
        "clips": list(clips),
        "libraries": library_versions(),
    }
    record = _Record(job.outputs, device, facts, _finished_entries(job.outputs, device, facts))
    skipped = tuple(record.entries)
    record.write()
    tasks = [item for item in items if item.id not in record.entries]
    if tasks:  # what cannot be loaded is told once, not clip by clip
        load_model(job.model, job.checkpoint, job.checkpoint_sha256, job.device)
    results = tasks_to_results(partial(_item_to_entry, job), tasks, workers=workers, scheduler=scheduler)
    for item, result in track(results, total=len(tasks), label=f"generate {model}"):
        if isinstance(result, VptbenchError):
            record.failures[item.id] = str(result)
        else:
            record.entries[item.id] = result
        record.write()
    done = tuple(clip for clip in clips if clip in record.entries and clip not in skipped)
    return GenerateReport(done=done, skipped=skipped, failed=dict(sorted(record.failures.items())))


@dataclass(frozen=True)
class _Record:
    """The manifest while it grows."""

    outputs: Path
    device: str
    facts: Mapping[str, Json]
    entries: dict[str, Mapping[str, Json]]
    failures: dict[str, str] = field(default_factory=dict)

    def write(self) -> None:
        complete = len(self.entries) == len(cast("Sequence[str]", self.facts["clips"]))
        cost = _entries_to_cost(list(self.entries.values()), self.device)
        body: dict[str, Json] = {
            "entries": self.entries,
            "failures": self.failures,
            "complete": complete,
            "cost": cost,
        }
        write_outputs_manifest(self.outputs, {**self.facts, **body})


def _item_to_entry(job: _Job, item: Item) -> dict[str, Json]:
    """Generate one item and write its pictures; the task of the engine."""
    found, model = load_model(job.model, job.checkpoint, job.checkpoint_sha256, job.device)
    made = item_to_generated(found, model, item, open_store(job.store), seed=job.seed)
    folder = output_path(job.outputs, item.id)
    frames_to_output(made.frames, folder, first=item.first)
    return {
        "kind": schema.PNG_FOLDER,
        "path": folder.relative_to(job.outputs).as_posix(),
        "first": item.first,
        "count": len(made.frames),
        "size": list(made.frames.shape[1:3]),
        "source": {"clip": item.source_clip, "frame": item.source_frame},
        "driving": item.driving_clip,
        "seconds": made.seconds,
        "peak_memory_bytes": made.peak_memory_bytes,
        "parameters": made.parameters,
    }


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


def _store_to_json(store: Store, items: Sequence[Item], outputs: Path) -> dict[str, Json]:
    """Where the poses came from, those of the source frames included."""
    clips = {clip for item in items for clip in (item.source_clip, item.driving_clip)}
    sources: dict[str, set[str]] = {name: set() for name in POSE_PROVENANCE}
    digest = hashlib.sha256()
    for clip in map(store.__getitem__, sorted(clips)):
        digest.update(clip.keypoints.astype("<f4").tobytes())
        for name, values in sources.items():
            values.add(str(clip.attributes[name]))
    return {
        "path": relative_path(store.path, outputs),
        "dataset": store.manifest.get("dataset"),
        "synth": store.manifest.get("synth"),
        **{name: sorted(values) for name, values in sources.items()},
        "poses_sha256": digest.hexdigest(),
    }


@dataclass(frozen=True)
class _Checkpoint:
    """What a model loads.

    Attributes:
        path: The file or folder; of a training run its newest checkpoint, which stays what it is when the
            run goes on.
        trained_on: What it learned from, where it is of a training run.
    """

    path: Path | None
    trained_on: str | None = None


def _resolve_checkpoint(given: Path | None) -> _Checkpoint:
    """What `--checkpoint` names: anything, a training run, or one of a run's checkpoints.

    Raises:
        RunError: The run has no checkpoint, or is damaged.
        ManifestError: The run is of an unknown version.
    """
    if given is None:
        return _Checkpoint(None)
    inside = given.parent.name == runfile.CHECKPOINTS_FOLDER and given.is_file()
    folder = given.parent.parent if inside else given
    if not (folder / runfile.MANIFEST).is_file():
        return _Checkpoint(given)
    run = runfile.open_run(folder)
    store = cast("Mapping[str, Json]", run.manifest["store"])
    return _Checkpoint(
        given if inside else run.newest(), f"{store['dataset'] or 'own clips'}, {store['clips']} clips"
    )


def _finished_entries(outputs: Path, device: str, facts: Mapping[str, Json]) -> dict[str, Mapping[str, Json]]:
    """Entries of an earlier start whose pictures are all there.

    Raises:
        OutputError: The folder holds something other than an earlier start of the same run.
    """
    make_folder(outputs)
    if not (outputs / schema.MANIFEST).exists():
        if any(not is_part(path) for path in outputs.iterdir()):
            raise OutputError(
                f"{outputs}: expected an empty folder or outputs of the same run, found other files; "
                "give another folder"
            )
        return {}
    earlier = open_outputs(outputs)
    differences = _differences(earlier.manifest, facts, device)
    if differences:
        raise OutputError(
            f"{outputs}: expected outputs of the same run, found others ({'; '.join(differences)}); "
            "give another folder, or delete this one"
        )
    delete_parts(outputs)
    kept = {}
    for clip in earlier.ids:
        pictures = {schema.number_to_name(number) for number in earlier.numbers(clip)}
        folder = earlier.folder(clip)
        whole = folder.is_dir() and pictures <= {file.name for file in folder.iterdir()}
        if whole and _has_cost(earlier.entry(clip)):
            kept[clip] = earlier.entry(clip)
    return kept


def _has_cost(entry: Mapping[str, Json]) -> bool:
    """Whether an entry says what its clip cost, as `_item_to_entry` wrote it."""
    known = {"seconds", "peak_memory_bytes", "parameters"} <= set(entry)
    return known and type(entry["seconds"]) in {int, float}


def _differences(earlier: Mapping[str, Json], facts: Mapping[str, Json], device: str) -> list[str]:
    """What tells two runs apart, in words."""
    pairs = [(name, earlier[name], facts[name]) for name in schema.IDENTITY]
    before, now = (cast("Mapping[str, Json]", document["store"]) for document in (earlier, facts))
    pairs += [(f"store.{name}", before.get(name), now[name]) for name in now if name != "path"]
    pairs.append(("device", cast("Mapping[str, Json]", earlier["cost"]).get("device"), device))
    return [f"{name}: {old!r}, now {new!r}" for name, old, new in pairs if old != new]


def _entries_to_cost(entries: Sequence[Mapping[str, Json]], device: str) -> dict[str, Json]:
    """Cost over all clips that are done; None where nothing is known."""
    seconds = sum(cast("float", entry["seconds"]) for entry in entries)
    frames = sum(cast("int", entry["count"]) for entry in entries)
    peaks = [peak for entry in entries if isinstance(peak := entry["peak_memory_bytes"], int)]
    return {
        "seconds_per_frame": seconds / frames if frames else None,
        "peak_memory_bytes": max(peaks, default=None),
        "parameters": entries[0]["parameters"] if entries else None,
        "device": device,
    }
