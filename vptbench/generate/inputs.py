"""What other people's models read, for each video of a benchmark: the source frame, and poses.

==============================  ==============================================================================
export.json                     The manifest (``vptbench-export`` 1), which comes last: ``benchmark``,
                                ``clip_list_sha256``, ``store`` (where the poses came from) and ``clips`` as
                                in ``outputs.json``; ``formats`` that some item is in; ``entries`` (id to
                                ``files``: a format, or "source", to its ``path`` and ``sha256``, of what is
                                done; ``source``, ``driving``, ``first``, ``count``, ``size``, ``fps``);
                                ``failures``; ``complete``.
items.csv                       A line a video: which source frame drives it along which frames of which clip,
                                and the path of each part, empty where it is missing. Cells that a
                                spreadsheet would run begin with an apostrophe.
source/<item>.png               The one picture of the person.
openpose-json/<item>/           ``<clip>_<frame>_keypoints.json``.
skeleton-png/<item>/            ``<frame>.png``; ``dwpose/<item>/`` likewise.
skeleton-mp4/<item>.mp4         One video.
heatmaps/<item>.npz             ``heatmaps``, float16 (T, 25, H, W).
mesh-flow/<item>.npz            ``flow``, float32 (T, H, W, 2).
==============================  ==============================================================================

``<item>`` is the item's id, the clip's where a clip is driven as a whole, in names that every system takes
(`names.py`). ``<frame>`` is the number in the driving clip.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from vptbench.benchmarks.items import Item
from vptbench.engine import Report, tasks_to_results
from vptbench.errors import ExportError, UsageError, VptbenchError
from vptbench.formulas import neutralise
from vptbench.generate.drive import item_to_given
from vptbench.generate.export import (
    FORMATS,
    INPUT_FORMATS,
    load_format,
    load_input_format,
)
from vptbench.generate.names import ids_to_paths
from vptbench.generate.plan import facts_to_differences, plan_to_facts, resolve_plan
from vptbench.image import image_to_bytes
from vptbench.manifest import (
    Json,
    delete_parts,
    is_part,
    make_folder,
    path_to_sha256,
    read_manifest,
    write_manifest,
    write_text,
    written_beside,
)
from vptbench.progress import track
from vptbench.registry import check_known
from vptbench.store.reader import open_store

MANIFEST, TABLE = "export.json", "items.csv"
FORMAT, VERSION = "vptbench-export", 1

SOURCE = "source"
"""The part of every item that is the picture."""

COLUMNS = (
    "item", "source_clip", "source_frame", "driving_clip", "first", "count", "height", "width", "fps", SOURCE,
)  # fmt: skip
"""Of ``items.csv``; a column for each format follows."""

STRUCTURE = {
    "clips": list,
    "formats": list,
    "entries": dict,
    "failures": dict,
    "store": dict,
    "complete": bool,
}
"""Fields of the manifest that are read by their parts."""

IDENTITY = ("benchmark", "clip_list_sha256")
"""What must be equal for a second start to go on where the first stopped (and ``store`` but for its path)."""

Entry = Mapping[str, Json]


@dataclass(frozen=True)
class _Task:
    """An item and where its parts belong; travels to worker processes."""

    item: Item
    store: Path
    out: Path
    parts: Mapping[str, str]
    earlier: Entry | None

    @property
    def lacking(self) -> list[str]:
        """Parts that an earlier start did not finish, or that are gone."""
        return _lacking(self.parts, self.earlier)


def store_to_exports(
    store: Path,
    out: Path,
    formats: Sequence[str],
    *,
    benchmark: str | Path | None = None,
    workers: int = 1,
    scheduler: str | None = None,
) -> Report:
    """Write a store in one format of `FORMATS`, or what a benchmark makes of it in some of `INPUT_FORMATS`.

    Raises:
        RegistryError: A format is unknown.
        UsageError: Formats do not go together, or a benchmark is missing or of no use.
        VptbenchError: As of the format, or of `store_to_inputs`.

    Example:
        ``store_to_exports(Path("store"), Path("inputs"), ["dwpose"], benchmark="iper-v1")``
    """
    for name in formats:
        check_known(name, (*FORMATS, *INPUT_FORMATS), "format")
    whole = [name for name in formats if name in FORMATS]
    if not whole:
        if benchmark is None:
            raise UsageError(
                f"expected --benchmark for {', '.join(formats)}, got none: it says which source frame drives "
                "which clip; see `vptbench benchmarks list`"
            )
        return store_to_inputs(store, out, formats, benchmark, workers=workers, scheduler=scheduler)
    if len(formats) > 1 or benchmark is not None:
        raise UsageError(
            f"expected {whole[0]} alone, which holds the whole store, got other formats or a benchmark "
            "beside it; export them apart"
        )
    return load_format(whole[0])(store, out, workers=workers, scheduler=scheduler)


def store_to_inputs(
    store: Path,
    out: Path,
    formats: Sequence[str],
    benchmark: str | Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
) -> Report:
    """Write source frames and poses of a benchmark's items. What is there already is kept.

    An item's formats are written one by one: what one of them refuses is told, and the others are done.

    No frame of a store but source frames is written, and nothing that was made of one.

    Args:
        store: Folder of the clip store.
        out: Folder to write; formats are added to those that it has of the same benchmark and store.
        formats: Some of `INPUT_FORMATS`.
        benchmark: Id of a protocol, or its JSON file.
        workers: 1 works in this process; more start a local cluster.
        scheduler: Address of a Dask scheduler to join instead.

    Raises:
        RegistryError: A format, the benchmark or a metric of it is unknown.
        BenchmarkError: The store does not fit the benchmark.
        ExportError: `out` holds something else.
        OutputError: An item's folder would lie within another's.
    """
    for name in formats:
        load_input_format(name)
    plan, out = resolve_plan(store, benchmark), Path(out).resolve()
    facts = plan_to_facts(plan, out)
    earlier = _open_earlier(out, facts)
    done = {} if earlier is None else cast("dict[str, Entry]", earlier["entries"])
    known = {part for entry in done.values() for part in _files(entry)}
    chosen = [name for name in INPUT_FORMATS if name in {*known, *formats}]
    paths = ids_to_paths(item.id for item in plan.items)
    parts = {item.id: _parts(paths[item.id], chosen) for item in plan.items}
    everything = [
        _Task(
            item, Path(store).resolve(), out, parts[item.id], _to_kept(done.get(item.id), parts[item.id], out)
        )
        for item in plan.items
    ]
    entries = {task.item.id: task.earlier for task in everything if task.earlier}
    failures: dict[str, str] = {}

    def written() -> list[str]:
        made = {part for entry in entries.values() for part in _files(entry)}
        return [name for name in chosen if name in known | made]

    def write() -> None:
        complete = not any(_lacking(parts[item.id], entries.get(item.id)) for item in plan.items)
        body: dict[str, Json] = {
            "formats": written(),
            "entries": entries,
            "failures": failures,
            "complete": complete,
        }
        write_manifest(out / MANIFEST, kind=FORMAT, version_number=VERSION, body={**facts, **body})

    tasks = [task for task in everything if task.lacking]
    skipped = tuple(task.item.id for task in everything if not task.lacking)
    write()
    results = tasks_to_results(_task_to_entry, tasks, workers=workers, scheduler=scheduler)
    for task, result in track(results, total=len(tasks), label="export"):
        if isinstance(result, VptbenchError):
            failures[task.item.id] = _to_line(result)
        else:
            entry, problem = result
            entries |= {task.item.id: entry} if _has_format(entry) else {}
            failures |= {task.item.id: problem} if problem else {}
        write()
    write_text(out / TABLE, entries_to_csv({item.id: entries.get(item.id) for item in plan.items}, written()))
    return Report(
        done=tuple(task.item.id for task in tasks if task.item.id not in failures),
        skipped=skipped,
        failed=dict(sorted(failures.items())),
    )


def open_inputs(path: Path) -> Mapping[str, Json]:
    """The manifest of exported inputs, finished or not (``complete`` tells).

    Raises:
        ManifestError: The folder holds none, or of an unknown version.
        ExportError: The manifest lacks something.
    """
    manifest = read_manifest(path / MANIFEST, kind=FORMAT, version_number=VERSION)
    missing = [name for name, kind in STRUCTURE.items() if not isinstance(manifest.get(name), kind)]
    entries = manifest.get("entries")
    if isinstance(entries, dict):
        missing += [f"the entry of {item}" for item, entry in entries.items() if not _is_entry(entry)]
    if missing:
        raise ExportError(f"{path / MANIFEST}: expected {', '.join(missing)}, found none; export again")
    return manifest


def entries_to_csv(entries: Mapping[str, Entry | None], formats: Sequence[str]) -> str:
    """The text of ``items.csv``: a line for each item of which something is done."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow((*COLUMNS, *formats))
    for item, entry in entries.items():
        if entry is None:
            continue
        source, (height, width) = cast("Entry", entry["source"]), cast("list[int]", entry["size"])
        clips = [neutralise(str(name)) for name in (item, source["clip"], entry["driving"])]
        where = (*clips[:2], source["frame"], clips[2], entry["first"], entry["count"])
        files = _files(entry)
        paths = [neutralise(str(files[part]["path"])) if part in files else "" for part in (SOURCE, *formats)]
        writer.writerow((*where, height, width, entry["fps"], *paths))
    return stream.getvalue()


def _task_to_entry(task: _Task) -> tuple[dict[str, Json], str]:
    """Write what an item lacks; what the manifest says of it, and why parts failed. A task of the engine."""
    item, files = task.item, dict(_files(task.earlier))
    source, poses = item_to_given(item, open_store(task.store))
    problems = []
    for part in task.lacking:
        path = task.out / task.parts[part]
        try:
            with written_beside(path) as beside:
                if part == SOURCE:
                    beside.write_bytes(image_to_bytes(source.frame, ".png"))
                else:
                    load_input_format(part).write(source, poses, beside)
        except VptbenchError as error:
            problems.append(_to_line(error))
            continue
        files[part] = {"path": task.parts[part], "sha256": path_to_sha256(path)}
    entry: dict[str, Json] = {
        "files": {part: files[part] for part in task.parts if part in files},
        "source": {"clip": item.source_clip, "frame": item.source_frame},
        "driving": item.driving_clip,
        "first": item.first,
        "count": item.count,
        "size": list(poses.size),
        "fps": poses.fps,
    }
    return entry, "; ".join(dict.fromkeys(problems))


def _parts(path: str, formats: Sequence[str]) -> dict[str, str]:
    """An item's parts, each with its path within the export."""
    suffixes = {SOURCE: ".png"} | {name: load_input_format(name).suffix for name in formats}
    return {part: f"{part}/{path}{suffix}" for part, suffix in suffixes.items()}


def _to_kept(entry: Entry | None, parts: Mapping[str, str], out: Path) -> Entry | None:
    """What an earlier start says of an item, cut down to what is still there; None if no format is."""
    files = {
        part: file for part, file in _files(entry).items() if part in parts and (out / parts[part]).exists()
    }
    kept = {**(entry or {}), "files": files}
    return kept if _has_format(kept) else None


def _lacking(parts: Mapping[str, str], entry: Entry | None) -> list[str]:
    """Those of an item's parts that its entry has not."""
    files = _files(entry)
    return [part for part in parts if part not in files]


def _files(entry: Entry | None) -> Mapping[str, Mapping[str, Json]]:
    """An entry's parts, each with its path and hash."""
    return cast("Mapping[str, Mapping[str, Json]]", (entry or {}).get("files", {}))


def _has_format(entry: Entry) -> bool:
    """Whether there is more of an item than its picture."""
    return bool(set(_files(entry)) - {SOURCE})


def _to_line(error: VptbenchError) -> str:
    return " ".join(str(error).split())


def _open_earlier(out: Path, facts: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """What an earlier start left; None if there was none.

    Raises:
        ExportError: The folder holds something other than an earlier start of the same export.
    """
    make_folder(out)
    if not (out / MANIFEST).exists():
        if any(not is_part(path) for path in out.iterdir()):
            raise ExportError(
                f"{out}: expected an empty folder or an export of the same benchmark, found other files; "
                "give another folder"
            )
        return None
    earlier = open_inputs(out)
    differences = facts_to_differences(earlier, facts, IDENTITY)
    if differences:
        raise ExportError(
            f"{out}: expected an export of the same benchmark and store, found another "
            f"({'; '.join(differences)}); give another folder, or delete this one"
        )
    delete_parts(out)
    return earlier


def _is_entry(entry: Json) -> bool:
    """Whether an entry has all that is read of it."""
    if not isinstance(entry, Mapping) or not {"source", "driving", "first", "count", "size", "fps"} <= set(
        entry
    ):
        return False
    files, size = entry.get("files"), entry["size"]
    return (
        isinstance(files, Mapping)
        and all(isinstance(file, Mapping) and {"path", "sha256"} <= set(file) for file in files.values())
        and isinstance(entry["source"], Mapping)
        and {"clip", "frame"} <= set(entry["source"])
        and isinstance(size, list)
        and len(size) == 2
    )
