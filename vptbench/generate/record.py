"""Items to a model's outputs: the manifest while it grows, and going on where an earlier start stopped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from vptbench.benchmarks.items import Item
from vptbench.engine import Report, tasks_to_results
from vptbench.errors import OutputError, VptbenchError
from vptbench.generate.drive import Generated
from vptbench.generate.plan import facts_to_differences
from vptbench.manifest import Json, delete_parts, is_part, make_folder
from vptbench.outputs import schema
from vptbench.outputs.reader import open_outputs
from vptbench.outputs.writer import frames_to_output, output_path, write_outputs_manifest
from vptbench.progress import track


@dataclass(frozen=True)
class Record:
    """The manifest of a run while it grows.

    Attributes:
        outputs: The folder.
        device: Where the model runs; "unknown" for somebody else's program.
        facts: What the manifest says from the beginning.
        entries: Items that are done.
        failures: Items that failed now.
    """

    outputs: Path
    device: str
    facts: Mapping[str, Json]
    entries: dict[str, Mapping[str, Json]]
    failures: dict[str, str] = field(default_factory=dict)

    def write(self) -> None:
        """Write ``outputs.json`` as it stands."""
        complete = len(self.entries) == len(cast("Sequence[str]", self.facts["clips"]))
        cost = _entries_to_cost(list(self.entries.values()), self.device)
        body: dict[str, Json] = {
            "entries": self.entries,
            "failures": self.failures,
            "complete": complete,
            "cost": cost,
        }
        write_outputs_manifest(self.outputs, {**self.facts, **body})


def open_record(outputs: Path, device: str, facts: Mapping[str, Json]) -> Record:
    """The record of a run: a new one, or what an earlier start of the same run left.

    Raises:
        OutputError: The folder holds something other than an earlier start of the same run.
        ManifestError: It is no place for a folder, or its outputs are of another version.
    """
    record = Record(outputs, device, facts, _finished_entries(outputs, device, facts))
    record.write()
    return record


def fill_record(
    record: Record,
    items: Sequence[Item],
    item_to_entry: Callable[[Item], Mapping[str, Json]],
    *,
    workers: int = 1,
    scheduler: str | None = None,
) -> Report:
    """Do the items that a record lacks; what fails is noted in it, and the others are done.

    Args:
        record: See `open_record`.
        items: All that the protocol asks for.
        item_to_entry: Makes and writes an item, and gives its entry; a task of the engine.
        workers: 1 works in this process; more start a local cluster.
        scheduler: Address of a Dask scheduler to join instead.
    """
    skipped = tuple(record.entries)
    tasks = missing_items(record, items)
    results = tasks_to_results(item_to_entry, tasks, workers=workers, scheduler=scheduler)
    for item, result in track(results, total=len(tasks), label=f"generate {record.facts['model']}"):
        if isinstance(result, VptbenchError):
            record.failures[item.id] = str(result)
        else:
            record.entries[item.id] = result
        record.write()
    done = tuple(item.id for item in items if item.id in record.entries and item.id not in skipped)
    return Report(done=done, skipped=skipped, failed=dict(sorted(record.failures.items())))


def missing_items(record: Record, items: Sequence[Item]) -> list[Item]:
    """Items that are not done yet."""
    return [item for item in items if item.id not in record.entries]


def generated_to_entry(made: Generated, item: Item, outputs: Path) -> dict[str, Json]:
    """Write an item's pictures; what the manifest says of them."""
    folder = output_path(outputs, item.id)
    frames_to_output(made.frames, folder, first=item.first)
    return {
        "kind": schema.PNG_FOLDER,
        "path": folder.relative_to(outputs).as_posix(),
        "first": item.first,
        "count": len(made.frames),
        "size": list(made.frames.shape[1:3]),
        "source": {"clip": item.source_clip, "frame": item.source_frame},
        "driving": item.driving_clip,
        "seconds": made.seconds,
        "peak_memory_bytes": made.peak_memory_bytes,
        "parameters": made.parameters,
    }


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
    """Whether an entry says what its clip cost, as `generated_to_entry` wrote it."""
    known = {"seconds", "peak_memory_bytes", "parameters"} <= set(entry)
    return known and type(entry["seconds"]) in {int, float}


def _differences(earlier: Mapping[str, Json], facts: Mapping[str, Json], device: str) -> list[str]:
    """What tells two runs apart, in words."""
    found = facts_to_differences(earlier, facts, (*schema.IDENTITY, "command"))
    before = cast("Mapping[str, Json]", earlier["cost"]).get("device")
    return [*found, f"device: {before!r}, now {device!r}"] if before != device else found


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
