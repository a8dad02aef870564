"""What is wrong with a clip store or a pose pack, read to the last byte, and which clips are doubtful."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from vptbench.clip import Clip, Rows
from vptbench.errors import VptbenchError
from vptbench.progress import track
from vptbench.store import schema
from vptbench.store.noisy import clip_to_link_problems
from vptbench.store.pack import PosePack, open_pack
from vptbench.store.quality import Quality, quality_to_lines, store_to_qualities
from vptbench.store.reader import NoFrames, Store, manifest_to_command, open_store
from vptbench.store.videos import videos_to_text

MOST_DOUBTFUL = 20
"""Doubtful clips that are named before the others are counted."""

REMEDIES = {
    "confidence": "try another source of poses (prepare --poses …) into another store",
    "lost_frames": "try another source of poses (prepare --poses …) into another store",
    "jitter": "prepare into another store with --smoothing, or other --poses",
    "residual": "if mask and mesh are off where the skeleton is right, leave out metrics that need them",
    "swapped_frames": "where the person turns, left and right must change sides; if they do not, prepare "
    "into another store with --swaps none",
}
"""For each figure of a clip that may be doubtful, what to do where the picture agrees."""


def store_to_problems(path: Path) -> list[str]:
    """Read the whole store; each problem in a line, empty if nothing is wrong.

    Raises:
        VptbenchError: It is no store at all, of an unknown version, or was interrupted.
    """
    store = open_store(path)
    lost = _clean_to_problem(store)
    if lost:
        return [lost]
    command = manifest_to_command(store.manifest)
    problems = _folder_to_problems(store)
    if not len(store):
        problems.append(
            f"{path}: expected clips, found none: the reasons stand in {path / schema.FAILURES_TABLE}; mend "
            f"them and run the same {command} again"
        )
    for split in schema.SPLITS:
        listed, there = store.listed(split), len(store.ids(split))
        if listed is not None and there > listed:
            problems.append(
                f"{path}: expected at most {listed} clips of the {split} split as {schema.MANIFEST} lists, "
                f"found {there} in {schema.CLIPS_TABLE}; run the same {command} again"
            )
    return problems


def _clean_to_problem(store: Store) -> str:
    """What is wrong with the place of the clean store that a noisy one links to: once, not clip by clip."""
    stated = store.manifest.get(schema.CLEAN)
    if not isinstance(stated, Mapping) or (store.path / str(stated.get("path"))).is_dir():
        return ""
    place = (store.path / str(stated.get("path"))).resolve()
    return (
        f"{store.path}: expected the clean store with its frames at {place}, found none; put it back, or run "
        f"`vptbench check {shlex.quote(str(store.path))} --frames-from CLEAN`"
    )


def store_to_warnings(path: Path) -> list[str]:
    """What is no damage and yet worth a look: missing videos and doubtful clips, worst first, a line each.

    Clips that cannot be read are left out; `store_to_problems` names them. So are clips whose poses are noisy
    by intent.

    Raises:
        VptbenchError: It is no store at all, of an unknown version, or was interrupted.
    """
    store = open_store(path)
    warnings = [
        f"{videos_to_text(missing, store.listed(split), split)} are missing: the reasons stand in "
        f"{path / schema.FAILURES_TABLE}, unless your lists do not name them; mend what can be mended and "
        f"run the same {manifest_to_command(store.manifest)} again"
        for split in schema.SPLITS
        if (missing := store.missing(split))
    ]
    if schema.CORRUPTION in store.manifest:
        return warnings
    doubtful = [quality for quality in store_to_qualities(store, {}) if quality.doubtful]
    warnings += [_quality_to_warning(path, quality) for quality in doubtful[:MOST_DOUBTFUL]]
    if len(doubtful) > MOST_DOUBTFUL:
        warnings.append(
            f"{len(doubtful) - MOST_DOUBTFUL} more clips are doubtful; `vptbench show {path}` draws all, "
            "worst first"
        )
    return warnings


def _quality_to_warning(path: Path, quality: Quality) -> str:
    lines = quality_to_lines(quality)
    remedies = dict.fromkeys(REMEDIES[name] for name in quality.doubtful)
    return (
        f"{quality.clip}: {', '.join(lines[name] for name in quality.doubtful)}; look at it with "
        f"`{shlex.join(['vptbench', 'show', str(path), quality.clip])}`; {'; or '.join(remedies)}"
    )


def pack_to_problems(path: Path) -> list[str]:
    """Read the whole pose pack; each problem in a line, empty if nothing is wrong.

    Raises:
        VptbenchError: It is no pack at all, of an unknown version, was interrupted, or its table is damaged.
    """
    return _folder_to_problems(open_pack(path))


def _folder_to_problems(folder: Store | PosePack) -> list[str]:
    """Read all clips; each problem in a line, and each file that the table does not list.

    In a store, files that are no clips are left alone; in a pack, which others have made, none is.
    """
    problems = []
    for name in track(folder, total=len(folder), label="check"):
        try:
            clip = folder[name]
            problems += [
                f"{name}: {problem}; prepare again" for problem in folder.row_to_problems(name, clip)
            ]
            problems += _read_through(clip)
        except VptbenchError as error:
            problems.append(str(error))
    pattern = "*" if isinstance(folder, PosePack) else f"*{schema.CLIP_SUFFIX}"
    on_disk = {file for file in (folder.path / schema.CLIPS_FOLDER).rglob(pattern) if not file.is_dir()}
    extra = on_disk - {folder.file(name) for name in folder}
    return problems + [f"{file}: not listed in {schema.CLIPS_TABLE}; delete it" for file in sorted(extra)]


def _read_through(clip: Clip) -> list[str]:
    """Read every row, so that a damaged chunk raises `StoreError`, and malformed numbers of frames.

    Returns:
        Where what a clip links to is not what it was made with.
    """
    _ = clip.raw_frames
    linked = bool(clip.attributes.get(schema.FRAMES_FROM))  # then read below
    parts: list[Rows | None] = [clip.mask, clip.mesh.vertices if clip.mesh else None]
    for rows in parts if linked or isinstance(clip.frames, NoFrames) else [clip.frames, *parts]:
        for index in range(rows.shape[0] if rows is not None else 0):
            _ = rows[index] if rows is not None else None
    return clip_to_link_problems(clip)
