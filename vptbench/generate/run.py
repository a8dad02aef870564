"""One model over one benchmark: frames on disk, and what they cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

from vptbench import runfile
from vptbench.benchmarks.items import Item
from vptbench.engine import Report
from vptbench.generate.drive import check_truth, checkpoint_to_sha256, item_to_generated, load_model
from vptbench.generate.model import name_to_model
from vptbench.generate.plan import plan_to_facts, resolve_plan
from vptbench.generate.record import (
    fill_record,
    generated_to_entry,
    missing_items,
    open_record,
)
from vptbench.manifest import Json
from vptbench.store.reader import open_store


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
) -> Report:
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
    found, plan = name_to_model(model), resolve_plan(store, benchmark)
    for item in plan.items:
        check_truth(found, item)
    loaded = resolve_checkpoint(checkpoint)
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
        **plan_to_facts(plan, job.outputs),
        "model": model,
        "kind": found.kind,
        "checkpoint": None
        if loaded.path is None
        else {"name": loaded.path.name, "sha256": job.checkpoint_sha256},
        "seed": seed,
        "trained_on": loaded.trained_on,
    }
    record = open_record(job.outputs, device, facts)
    if missing_items(record, plan.items):  # what cannot be loaded is told once, not clip by clip
        load_model(job.model, job.checkpoint, job.checkpoint_sha256, job.device)
    task = partial(_item_to_entry, job)
    return fill_record(record, plan.items, task, workers=workers, scheduler=scheduler)


def _item_to_entry(job: _Job, item: Item) -> dict[str, Json]:
    """Generate one item and write its pictures; the task of the engine."""
    found, model = load_model(job.model, job.checkpoint, job.checkpoint_sha256, job.device)
    made = item_to_generated(found, model, item, open_store(job.store), seed=job.seed)
    return generated_to_entry(made, item, job.outputs)


@dataclass(frozen=True)
class Checkpoint:
    """What a model loads.

    Attributes:
        path: The file or folder; of a training run its newest checkpoint, which stays what it is when the
            run goes on.
        trained_on: What it learned from, where it is of a training run.
    """

    path: Path | None
    trained_on: str | None = None


def resolve_checkpoint(given: Path | None) -> Checkpoint:
    """What `--checkpoint` names: anything, a training run, or one of a run's checkpoints.

    Raises:
        RunError: The run has no checkpoint, or is damaged.
        ManifestError: The run is of an unknown version.
    """
    if given is None:
        return Checkpoint(None)
    inside = given.parent.name == runfile.CHECKPOINTS_FOLDER and given.is_file()
    folder = given.parent.parent if inside else given
    if not (folder / runfile.MANIFEST).is_file():
        return Checkpoint(given)
    run = runfile.open_run(folder)
    store = cast("Mapping[str, Json]", run.manifest["store"])
    return Checkpoint(
        given if inside else run.newest(), f"{store['dataset'] or 'own clips'}, {store['clips']} clips"
    )
