"""A clip store to a pose pack (`store/pack.py`): one task a clip, resumed where it stopped."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from vptbench.clip import Clip
from vptbench.engine import Report, tasks_to_results
from vptbench.errors import StoreError, VptbenchError
from vptbench.manifest import Json, file_to_sha256
from vptbench.progress import track
from vptbench.store import schema
from vptbench.store.pack import clip_to_pack_file, write_pack_manifest
from vptbench.store.reader import Store, open_store, read_pack_clip
from vptbench.store.writer import begin_folder, clip_path, write_clips_table

COPIED = (
    "dataset", "title", "citation", "licence", "body_licence", "synth", "settings", schema.POSES_FROM,
    schema.CORRUPTION,
)  # fmt: skip
"""What a pack's manifest says as its store's does, where that says it."""

Row = tuple[str | int | float, ...]


@dataclass(frozen=True)
class _Job:
    """What all clips of an export share."""

    store: Path
    pack: Path


def store_to_pack(store: Path, out: Path, *, workers: int = 1, scheduler: str | None = None) -> Report:
    """Write a clip store without its frames.

    Args:
        store: The store's folder.
        out: The pack's folder; made anew, or continued if it is of the same dataset and settings.
        workers: Processes; 1 is this one.
        scheduler: Address of a Dask scheduler to use instead.

    Returns:
        What became of each clip. The pack is finished even if clips failed: it then lacks these.

    Raises:
        ManifestError: The store is none, or one of them is of another version.
        StoreError: The store is unfinished, or the folder holds something else.

    Example:
        ``store_to_pack(Path("store"), Path("pack"))``
    """
    if scheduler is not None:  # its workers may stand in another folder
        store, out = store.absolute(), out.absolute()
    opened, job = open_store(store), _Job(store, out)
    manifest = _to_manifest(opened)
    begin_folder(out, manifest, manifest=schema.PACK_MANIFEST, kind=schema.PACK_FORMAT, what="a pose pack")
    there = {clip for clip in opened if _to_path(opened, out, clip).exists()}
    todo = [clip for clip in opened if clip not in there]
    if todo:
        write_pack_manifest(out, {**manifest, "complete": False})
    failures: dict[str, str] = {}
    results = tasks_to_results(partial(_export_clip, job), todo, workers=workers, scheduler=scheduler)
    for clip, result in track(results, total=len(todo), label="export"):
        if isinstance(result, VptbenchError):
            failures[clip] = " ".join(str(result).split())
    _finish(opened, out, manifest, failures)
    return Report(
        done=tuple(clip for clip in todo if clip not in failures),
        skipped=tuple(clip for clip in opened if clip in there and clip not in failures),
        failed={clip: failures[clip] for clip in opened if clip in failures},
    )


def _export_clip(job: _Job, clip: str) -> None:
    """One task: read a clip, write all but its frames."""
    clip_to_pack_file(open_store(job.store)[clip], job.pack)


def _to_path(store: Store, pack: Path, clip: str) -> Path:
    return clip_path(pack, str(store.table.at[clip, "split"]), clip)


def _to_manifest(store: Store) -> dict[str, Json]:
    """What ``pack.json`` says from the beginning: a function of the store, so that packs repeat."""
    copied = {key: store.manifest[key] for key in COPIED if key in store.manifest}
    origin: dict[str, Json] = {key: store.manifest.get(key) for key in ("clips", "libraries")}
    return {**copied, "origin": {"format": schema.FORMAT, **origin}}


def _finish(store: Store, pack: Path, manifest: Mapping[str, Json], failures: dict[str, str]) -> None:
    """Write the table from the files that are there (damaged and stale ones fail), then the manifest."""
    rows: list[Row] = []
    for clip in track(store, total=len(store), label="hash"):
        if clip in failures:
            continue
        try:
            rows.append(_to_row(store[clip], _to_path(store, pack, clip)))
        except VptbenchError as error:
            failures[clip] = " ".join(str(error).split())
    write_clips_table(pack, rows, schema.PACK_COLUMNS)
    splits: dict[str, Json] = {split: sum(row[1] == split for row in rows) for split in schema.SPLITS}
    write_pack_manifest(
        pack,
        {
            **manifest,
            "clips": splits,
            "split_list": schema.CLIPS_TABLE,
            "clips_sha256": file_to_sha256(pack / schema.CLIPS_TABLE),
            "complete": True,
        },
    )


def _to_row(clip: Clip, path: Path) -> Row:
    """A clip's line of ``clips.csv``.

    Raises:
        StoreError: The pack's file is damaged, or of another state of the store.
    """
    made = read_pack_clip(path)
    kind = {"format", "version", schema.PACK_SIZE, schema.FRAMES_FROM}
    one, other = ({k: v for k, v in c.attributes.items() if k not in kind} for c in (made, clip))
    if one != other or not np.array_equal(made.keypoints, clip.keypoints, equal_nan=True):
        raise StoreError(
            f"{path}: expected the poses that the store has now, found others; delete that file and "
            "export again"
        )
    raw = str(clip.attributes["raw_sha256"]), str(clip.attributes["raw_name"])
    return clip.id, clip.split, len(clip), *clip.size, clip.fps, *raw, file_to_sha256(path)
