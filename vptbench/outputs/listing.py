"""Which pictures, videos and arrays lie below a folder."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from vptbench.errors import OutputError
from vptbench.image import IMAGE_SUFFIXES
from vptbench.outputs.arrays import ARRAY_SUFFIXES
from vptbench.video import VIDEO_SUFFIXES

GIF = ".gif"

SKIPPED = ("__MACOSX",)
"""Folders that are nobody's data; hidden ones are skipped as well."""

LONGEST = 80
"""Characters of a name that a message shows."""


@dataclass(frozen=True)
class Listing:
    """What media lie below a folder, as relative paths, sorted.

    Attributes:
        path: The folder, or a single file.
        pictures: Files named as pictures.
        videos: Files named as videos.
        arrays: Files named as arrays.
        gifs: Files named as GIF, which counts neither as pictures nor as a video.
    """

    path: Path
    pictures: tuple[Path, ...]
    videos: tuple[Path, ...]
    arrays: tuple[Path, ...] = ()
    gifs: tuple[Path, ...] = ()

    def of_suffix(self, suffix: str) -> tuple[Path, ...]:
        """Files of the kind that a suffix stands for; pictures where it is none of a video or an array."""
        if suffix in VIDEO_SUFFIXES:
            return self.videos
        if suffix in ARRAY_SUFFIXES:
            return self.arrays
        return self.gifs if suffix == GIF else self.pictures


def list_media(path: Path) -> Listing:
    """List a folder; links are followed, but not in circles.

    Raises:
        OutputError: There is neither a folder nor a single video or array.
    """
    if path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES:
        return Listing(path=path, pictures=(), videos=(path,))
    if path.is_file() and path.suffix.lower() in ARRAY_SUFFIXES:
        return Listing(path=path, pictures=(), videos=(), arrays=(path,))
    if not path.is_dir():
        raise OutputError(f"expected a folder of frames or videos at {path}, found none; check the path")
    files, seen = [], set()
    for folder, subfolders, names in os.walk(path, followlinks=True):
        real = Path(folder).resolve()
        if real in seen:  # a link that leads back
            subfolders.clear()
            continue
        seen.add(real)
        subfolders[:] = [name for name in subfolders if not _is_skipped(name)]
        files += [Path(folder, name).relative_to(path) for name in names if not _is_skipped(name)]

    def named(*suffixes: str) -> tuple[Path, ...]:
        return tuple(sorted(file for file in files if file.suffix.lower() in suffixes))

    return Listing(path, named(*IMAGE_SUFFIXES), named(*VIDEO_SUFFIXES), named(*ARRAY_SUFFIXES), named(GIF))


def shown(name: object) -> str:
    """A name as a message can hold it: on one line, without what a terminal would obey, not too long."""
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in str(name))
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"


def is_nested(folders: Collection[Path]) -> bool:
    """Whether some folder lies within another."""
    known = set(folders)
    return any(not known.isdisjoint(folder.parents) for folder in folders)


def describe(listing: Listing) -> str:
    """What was found, for somebody who expected something else."""
    folders = sorted({picture.parent for picture in listing.pictures})
    if not listing.pictures and not listing.videos and not listing.arrays:
        known = ", ".join((*IMAGE_SUFFIXES, *VIDEO_SUFFIXES, *ARRAY_SUFFIXES))
        is_store = (listing.path / "store.json").is_file()
        return "a clip store (give it as --store)" if is_store else f"no file that ends in {known}"
    found = {"pictures": listing.pictures, "videos": listing.videos, "arrays": listing.arrays}
    kinds = [f"{len(files)} {kind} ({shown(files[0])}, …)" for kind, files in found.items() if files]
    if len(kinds) > 1 or not listing.pictures:
        return " beside ".join(kinds)
    places = ", ".join(shown(folder.as_posix()) for folder in folders[:3]) + (
        ", …" if len(folders) > 3 else ""
    )
    text = f"{len(listing.pictures)} pictures in {len(folders)} folders ({places})"
    return f"{text}, some within others" if is_nested(folders) else text


def _is_skipped(name: str) -> bool:
    return name.startswith(".") or name in SKIPPED
