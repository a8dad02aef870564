"""Stores with noisy poses: clip files whose frames and masks are links into the clean store."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vptbench.clip import Clip, Rows
from vptbench.errors import StoreError, VptbenchError
from vptbench.manifest import Json, relative_path
from vptbench.progress import track
from vptbench.store import schema
from vptbench.store.pack import clip_to_parts
from vptbench.store.reader import FileRows, Store, open_store, read_noisy_clip
from vptbench.store.writer import Link, clip_to_file, write_store_manifest

MEGABYTE = 1e6


@dataclass(frozen=True)
class Sizes:
    """Bytes of clip files.

    Attributes:
        noisy: Of those with links.
        clean: Of those that they link to.
    """

    noisy: int
    clean: int

    def __str__(self) -> str:
        return f"{self.noisy / MEGABYTE:.1f} MB against {self.clean / MEGABYTE:.1f} MB"


def rows_to_sha256(rows: Rows) -> str:
    """SHA-256, in hex, of the bytes of an array that may lie on disk: frames (T, H, W, 3), mask (T, H, W)."""
    digest = hashlib.sha256()
    for row in range(rows.shape[0]):
        digest.update(np.ascontiguousarray(rows[row]).data)
    return digest.hexdigest()


def clip_to_link_facts(clip: Clip) -> dict[str, Json]:
    """What `schema.FRAMES_FROM` says of a clean clip, but for its path; reads all its frames."""
    return {
        "shape": [len(clip), *clip.size],
        "frames_sha256": rows_to_sha256(clip.frames),
        "mask_sha256": None if clip.mask is None else rows_to_sha256(clip.mask),
        "poses_sha256": clip_to_poses_sha256(clip),
    }


def clip_to_poses_sha256(clip: Clip) -> str:
    """SHA-256, in hex, of a clean clip's keypoints and of where its mesh came from: what was corrupted."""
    digest = hashlib.sha256(np.ascontiguousarray(clip.keypoints).data)
    digest.update(str(clip.attributes["mesh_source"]).encode())
    return digest.hexdigest()


def clip_to_link_problems(clip: Clip) -> list[str]:
    """Where the frames or the mask that a clip links to are others than it says; reads them all."""
    stated = clip.attributes.get(schema.FRAMES_FROM)
    if not isinstance(stated, Mapping) or not stated:
        return []
    found = clip_to_link_facts(clip)
    return [
        f"{clip.id}: expected {name} {stated.get(name)} as the clip says, found {found[name]} in "
        f"{stated.get('path')}; put the clean store back, or corrupt that one anew"
        for name in ("shape", "frames_sha256", "mask_sha256")
        if stated.get(name) != found[name]
    ]


def is_noisy(store: Store) -> bool:
    """Whether a store links to a clean one."""
    return isinstance(store.manifest.get(schema.CLEAN), Mapping)


def store_to_sizes(store: Store) -> Sizes:
    """How large a noisy store's clip files are, beside those that they link to.

    Raises:
        StoreError: A clip cannot be read, or what it links to is missing.
    """
    noisy = sum(store.file(name).stat().st_size for name in store)
    clean = 0
    for clip in store.values():
        if isinstance(clip.frames, FileRows):
            clean += clip.frames.source.path.stat().st_size
    return Sizes(noisy, clean)


def store_to_notes(path: Path) -> list[str]:
    """What else is worth knowing of a store: of a noisy one, what it links to, and its size against that.

    Raises:
        VptbenchError: It is no store at all, of an unknown version, or was interrupted.
    """
    store = open_store(path)
    clean = store.manifest.get(schema.CLEAN)
    if not isinstance(clean, Mapping):
        return []
    try:
        sizes = f"; {store_to_sizes(store)}"
    except VptbenchError:  # `check.store_to_problems` names it
        sizes = ""
    return [f"links to frames of {clean.get('path')}{sizes}"]


def link_again(noisy: Path, clean: Path) -> list[str]:
    """Make all links of a noisy store lead to a clean store that was moved. Done again, it changes nothing.

    Args:
        noisy: The noisy store's folder.
        clean: The clean store's.

    Returns:
        A line for each clip that has no equal frames there and keeps its old links.

    Raises:
        VptbenchError: One of them is no store, of an unknown version, or was interrupted.
        StoreError: The store is not noisy, or the other one is.

    Example:
        ``link_again(Path("noisy"), Path("moved/clean"))``
    """
    store, target = open_store(noisy), open_store(clean)
    if not is_noisy(store):
        raise StoreError(
            f"{noisy}: expected a noisy store for --frames-from, found one with frames of its own; "
            "leave that out"
        )
    if is_noisy(target):
        raise StoreError(
            f"{clean}: expected the clean store, found a noisy one, which has no frames; give that"
        )
    problems = []
    for name in track(store, total=len(store), label="link"):
        try:
            _link_clip(store, target, name)
        except VptbenchError as error:
            problems.append(" ".join(str(error).split()))
    if not problems:
        kept = {key: fact for key, fact in store.manifest.items() if key not in {"format", "version"}}
        stated = kept[schema.CLEAN]
        place = {"path": relative_path(clean, noisy)}
        write_store_manifest(
            noisy, {**kept, schema.CLEAN: {**(stated if isinstance(stated, Mapping) else {}), **place}}
        )
    return problems


def _link_clip(store: Store, target: Store, name: str) -> None:
    """Write a clip file anew with links to the clean clip, if that has the frames that the file tells.

    Raises:
        StoreError: It has not.
        VptbenchError: One of the two cannot be read.
    """
    path, clean = store.file(name), target[name]
    noisy = read_noisy_clip(path, clean)
    problems = clip_to_link_problems(noisy)
    if problems:
        raise StoreError(
            f"{target.file(name)}: expected the frames and mask that {path} was made with, found others; "
            "give the store that was corrupted"
        )
    file = relative_path(target.file(name), path.parent)
    stated = noisy.attributes[schema.FRAMES_FROM]
    place = {**(stated if isinstance(stated, Mapping) else {}), "path": file}
    parts = clip_to_parts(noisy, {**noisy.attributes, schema.FRAMES_FROM: place}, Link(file))
    clip_to_file(parts, path, compression=clip_to_compression(noisy))


def clip_to_compression(clip: Clip) -> str:
    """How a clip's file was compressed when it was prepared."""
    settings = clip.attributes["settings"]
    return str(settings.get("compression", "gzip")) if isinstance(settings, Mapping) else "gzip"
