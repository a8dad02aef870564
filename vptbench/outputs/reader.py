"""Reading frames that a model made, by clip and frame number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from vptbench.clip import Frames
from vptbench.errors import OutputError
from vptbench.image import read_image
from vptbench.manifest import Json, check_relative, read_manifest
from vptbench.outputs import schema
from vptbench.registry import check_known


class FrameReader(Protocol):
    """Clips of frames in a folder, whatever its layout."""

    @property
    def path(self) -> Path:
        """The folder."""

    @property
    def layout(self) -> str:
        """How the frames lie there: a key of `layouts.LAYOUTS`, or ``vptbench-outputs``."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Clip ids."""

    def numbers(self, clip: str) -> tuple[int, ...]:
        """Numbers of the frames that a clip has, ascending."""

    def frames(self, clip: str, numbers: Sequence[int]) -> Frames:
        """Some frames of a clip, uint8 (len(numbers), H, W, 3), in the order asked for."""


@dataclass(frozen=True)
class Outputs:
    """Outputs that `vptbench generate` wrote; a `FrameReader`.

    Attributes:
        path: The folder.
        manifest: What ``outputs.json`` says, see `schema`.
        layout: ``vptbench-outputs``.
    """

    path: Path
    manifest: Mapping[str, Json] = field(repr=False)
    layout: str = schema.FORMAT

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the clips that are done, in the manifest's order."""
        return tuple(self._entries)

    def entry(self, clip: str) -> Mapping[str, Json]:
        """What the manifest says of a clip.

        Raises:
            RegistryError: The clip is unknown or not done.
        """
        entries = self._entries
        return entries[check_known(clip, entries, f"clip of {self.path}")]

    def folder(self, clip: str) -> Path:
        """Where a clip's pictures lie.

        Raises:
            RegistryError: The clip is unknown or not done.
            ManifestError: The manifest points out of the folder.
        """
        return self.path / check_relative(str(self.entry(clip)["path"]), "path of an entry")

    def numbers(self, clip: str) -> tuple[int, ...]:
        """Numbers of the frames that a clip has, ascending."""
        entry = self.entry(clip)
        first, count = cast("int", entry["first"]), cast("int", entry["count"])
        return tuple(range(first, first + count))

    def frames(self, clip: str, numbers: Sequence[int]) -> Frames:
        """Some frames of a clip, uint8 (len(numbers), H, W, 3), in the order asked for.

        Raises:
            OutputError: The clip lacks one of them, or they differ in size.
            VideoError: A picture is missing or damaged.
        """
        check_numbers(clip, numbers, self.numbers(clip), self.path)
        folder = self.folder(clip)
        return pictures_to_frames([folder / schema.number_to_name(number) for number in numbers])

    @property
    def _entries(self) -> Mapping[str, Mapping[str, Json]]:
        return cast("Mapping[str, Mapping[str, Json]]", self.manifest["entries"])


def open_outputs(path: Path | str) -> Outputs:
    """Open outputs that `vptbench generate` wrote, finished or not (``manifest["complete"]`` tells).

    Raises:
        ManifestError: The folder holds none, or of an unknown version.
        OutputError: The manifest lacks something.

    Example:
        ``open_outputs("outputs/mesh_warp").frames("001/9/1", range(1, 7))``
    """
    path = Path(path)
    manifest = read_manifest(path / schema.MANIFEST, kind=schema.FORMAT, version_number=schema.VERSION)
    missing = set(schema.IDENTITY) - set(manifest)
    missing |= {name for name, kind in schema.STRUCTURE.items() if not isinstance(manifest.get(name), kind)}
    if missing or not all(isinstance(clip, str) for clip in cast("list[Json]", manifest["clips"])):
        named = ", ".join(sorted(missing)) or "clips"
        raise OutputError(f"{path / schema.MANIFEST}: expected {named}, found none; generate again")
    entries = cast("Mapping[str, Json]", manifest["entries"])
    broken = [clip for clip, entry in entries.items() if not _is_entry(entry)]
    if broken:
        raise OutputError(
            f"{path / schema.MANIFEST}: expected an entry of kind {schema.PNG_FOLDER!r} with path, first, "
            f"count, size and source for {', '.join(broken)}, found another; generate again"
        )
    return Outputs(path=path, manifest=manifest)


def pictures_to_frames(paths: Sequence[Path]) -> Frames:
    """Read pictures of one size, uint8 (len(paths), H, W, 3).

    Raises:
        OutputError: There is none, or they differ in size.
        VideoError: One is missing or damaged.
    """
    pictures = [read_image(path) for path in paths]
    if not pictures:
        raise OutputError("expected at least one frame to be asked for, got none")
    for path, picture in zip(paths, pictures, strict=True):
        if picture.shape != pictures[0].shape:
            (h, w), (first_h, first_w) = picture.shape[:2], pictures[0].shape[:2]
            raise OutputError(
                f"{path}: expected {first_h}×{first_w} as in {paths[0].name}, found {h}×{w}; "
                "give all frames of a clip one size"
            )
    return np.stack(pictures)


def check_numbers(clip: str, wanted: Sequence[int], found: Sequence[int], where: Path) -> None:
    """See that a clip has the frames that are asked for.

    Raises:
        OutputError: It lacks some, which are named.
    """
    missing = sorted(set(wanted) - set(found))
    if missing:
        named = ", ".join(map(str, missing[:8])) + (
            f" and {len(missing) - 8} more" if len(missing) > 8 else ""
        )
        raise OutputError(
            f"{where}: clip {clip}: expected frames {named}, found {len(found)} others; "
            "make the missing ones, or give the folder that has them"
        )


def _is_entry(entry: Json) -> bool:
    if not isinstance(entry, Mapping) or entry.get("kind") != schema.PNG_FOLDER:
        return False
    size = entry.get("size")
    whole = [entry.get("first"), entry.get("count"), *(size if isinstance(size, list) else [])]
    return (
        len(whole) == 4
        and all(type(number) is int and number >= 0 for number in whole)
        and isinstance(entry.get("path"), str)
        and "source" in entry
    )
