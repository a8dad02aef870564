"""What is wrong with a clip store or a pose pack, read to the last byte."""

from pathlib import Path

from vptbench.clip import Clip, Rows
from vptbench.errors import VptbenchError
from vptbench.progress import track
from vptbench.store import schema
from vptbench.store.pack import PosePack, open_pack
from vptbench.store.reader import NoFrames, Store, open_store
from vptbench.store.writer import clip_path


def store_to_problems(path: Path) -> list[str]:
    """Read the whole store; each problem in a line, empty if nothing is wrong.

    Raises:
        VptbenchError: It is no store at all, of an unknown version, or was interrupted.
    """
    store = open_store(path)
    problems = []
    for clip in track(store, total=len(store), label="check"):
        try:
            problems += _clip_to_problems(store, clip)
        except VptbenchError as error:
            problems.append(str(error))
    listed = {clip_path(path, str(store.table.at[clip, "split"]), clip) for clip in store}
    on_disk = set((path / schema.CLIPS_FOLDER).rglob(f"*{schema.CLIP_SUFFIX}"))
    problems += [
        f"{extra}: not listed in {schema.CLIPS_TABLE}; delete it" for extra in sorted(on_disk - listed)
    ]
    return problems


def pack_to_problems(path: Path) -> list[str]:
    """Read the whole pose pack; each problem in a line, empty if nothing is wrong.

    Raises:
        VptbenchError: It is no pack at all, of an unknown version, was interrupted, or its table is damaged.
    """
    pack = open_pack(path)
    problems = []
    for clip in track(pack, total=len(pack), label="check"):
        try:
            problems += _clip_to_problems(pack, clip)
        except VptbenchError as error:
            problems.append(str(error))
    listed = {clip_path(path, str(pack.table.at[clip, "split"]), clip) for clip in pack}
    on_disk = {file for file in (path / schema.CLIPS_FOLDER).rglob("*") if not file.is_dir()}
    problems += [
        f"{extra}: not listed in {schema.CLIPS_TABLE}; delete it" for extra in sorted(on_disk - listed)
    ]
    return problems


def _clip_to_problems(store: Store | PosePack, name: str) -> list[str]:
    clip = store[name]
    row = store.table.loc[name].to_dict()
    facts = {
        "clip": (clip.id, name),
        "split": (clip.split, row["split"]),
        "frames": (len(clip), int(row["frames"])),
        "size": (clip.size, (int(row["height"]), int(row["width"]))),
        "raw_sha256": (clip.attributes["raw_sha256"], row["raw_sha256"]),
    }
    problems = [
        f"{name}: expected {fact} {listed!r} as in {schema.CLIPS_TABLE}, found {found!r}; prepare again"
        for fact, (found, listed) in facts.items()
        if found != listed
    ]
    _read_through(clip)
    return problems


def _read_through(clip: Clip) -> None:
    """Read every row, so that a damaged chunk raises `StoreError`."""
    parts: list[Rows | None] = [clip.frames, clip.mask, clip.mesh.vertices if clip.mesh else None]
    for rows in parts[1:] if isinstance(clip.frames, NoFrames) else parts:
        for index in range(rows.shape[0] if rows is not None else 0):
            _ = rows[index] if rows is not None else None
