"""Pose packs: a clip store without frames, which may be published where the videos may not.

A pack is a folder with ``pack.json`` (``vptbench-pose-pack``, version 1), ``clips.csv`` (the store's table,
which is also the list of splits, with the name of each raw file and the SHA-256 of the pack's own clip file)
and ``clips/<split>/<clip>.h5``: the store's clip files without ``frames``, gzipped, with all attributes.
Beside keypoints, mesh and body there is the person's mask: a silhouette, no picture, which scores of the
person need. All of it is in the clip file itself: one with links, or with values from other files, is
refused (`store/members.py`), so that a pack brings nothing of its reader's own disk into a store.

``pack.json`` names the SHA-256 of ``clips.csv``, so that its own, which ``sha256sum pack.json`` prints,
stands for every byte of the pack; a store that is prepared from a pack writes it down (``poses_from``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vptbench.clip import Clip, Frames
from vptbench.errors import StoreError
from vptbench.manifest import Json, file_to_sha256, read_manifest, write_manifest
from vptbench.store import schema
from vptbench.store.folder import ClipFolder, read_clips_table
from vptbench.store.reader import read_pack_clip
from vptbench.store.writer import ClipParts, Link, clip_path, clip_to_file


@dataclass(frozen=True, eq=False)
class PosePack(ClipFolder):
    """A pose pack; ``pack.json`` is its manifest, and frames of its clips refuse to be read.

    Attributes:
        sha256: Of ``pack.json``, in hex.
    """

    sha256: str

    def __getitem__(self, clip: str) -> Clip:
        """A clip, whose file is the one that the table names.

        Raises:
            RegistryError: The pack has no such clip.
            StoreError: The file is another one, damaged, no pack's, or says other than its row of the table.
            ShapeError: Its parts do not fit together.
        """
        path = self.file(clip)
        _check_sha256(path, str(self.table.at[clip, "file_sha256"]))
        found = read_pack_clip(path)
        problems = self.row_to_problems(clip, found)
        if problems:
            raise StoreError(f"{path}: {'; '.join(problems)}; fetch the pack again, or export it again")
        return found

    @property
    def settings(self) -> Mapping[str, Json]:
        """How the store was prepared; ``size`` and ``crop`` among others."""
        found = self.manifest["settings"]
        return found if isinstance(found, Mapping) else {}


def open_pack(path: Path) -> PosePack:
    """Open a pose pack.

    Raises:
        ManifestError: The folder is no pack, or of an unknown version.
        StoreError: It is a clip store, exporting it was interrupted, or the pack is damaged.

    Example:
        ``open_pack(Path("pack"))["001/9/1"].keypoints``
    """
    manifest_path, table_path = path / schema.PACK_MANIFEST, path / schema.CLIPS_TABLE
    if (path / schema.MANIFEST).exists() and not manifest_path.exists():
        raise StoreError(
            f"{path}: expected a pose pack, found a clip store; make a pack of it by "
            f"`vptbench export {path} PACK --format pose-pack`"
        )
    manifest = read_manifest(manifest_path, kind=schema.PACK_FORMAT, version_number=schema.VERSION)
    if manifest.get("complete") is not True:
        raise StoreError(
            f"{path}: expected a finished pose pack, found an interrupted one; run the same export again"
        )
    _check_sha256(table_path, str(manifest.get("clips_sha256")))
    settings = manifest.get("settings")
    if not isinstance(settings, Mapping) or not {"size", "crop"} <= set(settings):
        raise StoreError(
            f"{manifest_path}: expected settings with size and crop, found others; fetch the pack again"
        )
    table = read_clips_table(path, schema.PACK_COLUMNS)
    return PosePack(path=path, manifest=manifest, table=table, sha256=file_to_sha256(manifest_path))


def clip_to_parts(
    clip: Clip, attributes: Mapping[str, Json], frames: Iterable[Frames] | Link | None
) -> ClipParts:
    """What a clip file is made of: all of `clip`, bit for bit, but for other attributes and frames.

    Args:
        clip: A store's or a pack's.
        attributes: What the file is to say; what belongs to the kind of file is left out.
        frames: Chunks of frames, or None for a pack; or a link, which the mask, where there is one, is too.
    """
    mask = clip.mask
    left_out = {"format", "version", schema.PACK_SIZE}
    if not isinstance(frames, Link):
        left_out.add(schema.FRAMES_FROM)
    return ClipParts(
        attributes={name: value for name, value in attributes.items() if name not in left_out},
        shape=(len(clip), *clip.size),
        frames=frames,
        keypoints=clip.keypoints,
        mask=None
        if mask is None
        else frames
        if isinstance(frames, Link)
        else (np.asarray(mask[row : row + 1], np.bool_) for row in range(len(clip))),
        mesh=clip.mesh,
        body=clip.body,
    )


def clip_to_pack_file(clip: Clip, pack: Path) -> None:
    """Write a clip of a store to its place in a pack.

    Raises:
        StoreError: The clip is damaged, or the disk is full.
    """
    clip_to_file(clip_to_parts(clip, clip.attributes, None), clip_path(pack, clip.split, clip.id))


def write_pack_manifest(pack: Path, body: Mapping[str, Json]) -> None:
    """Write ``pack.json``."""
    write_manifest(
        pack / schema.PACK_MANIFEST, kind=schema.PACK_FORMAT, version_number=schema.VERSION, body=body
    )


def _check_sha256(path: Path, expected: str) -> None:
    """See that a file of a pack is what the pack says.

    Raises:
        StoreError: It is missing, or another.
    """
    found = file_to_sha256(path) if path.is_file() else "no file"
    if found != expected:
        raise StoreError(
            f"{path}: expected SHA-256 {expected} as the pack has it, found {found}; "
            "fetch the pack again, or export it again"
        )
