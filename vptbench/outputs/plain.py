"""What anybody may write: folders of pictures, videos, arrays."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from vptbench.errors import OutputError
from vptbench.outputs.arrays import Array, array_keys
from vptbench.outputs.listing import Listing, is_nested, shown
from vptbench.outputs.media import Media, Pictures, Video
from vptbench.outputs.names import ONLY_CLIP, Wanted


def listing_to_clip_folders(listing: Listing, wanted: Wanted | None) -> Mapping[str, Media] | None:
    """A folder of pictures for each clip, at any depth but not one within another.

    Raises:
        OutputError: A name holds no frame number, or two the same.
    """
    del wanted
    folders = {picture.parent for picture in listing.pictures}
    if listing.videos or not folders or is_nested(folders):
        return None
    grouped: dict[str, list[Path]] = {folder.as_posix(): [] for folder in folders}
    for picture in listing.pictures:
        grouped[picture.parent.as_posix()].append(listing.path / picture)
    return {clip: _number(pictures) for clip, pictures in grouped.items()} if "." not in grouped else None


def listing_to_flat_folder(listing: Listing, wanted: Wanted | None) -> Mapping[str, Media] | None:
    """The pictures of one clip.

    Raises:
        OutputError: A name holds no frame number, or two the same.
    """
    del wanted
    if listing.videos or {picture.parent for picture in listing.pictures} != {Path()}:
        return None
    return {ONLY_CLIP: _number([listing.path / picture for picture in listing.pictures])}


def listing_to_clip_videos(listing: Listing, wanted: Wanted | None) -> Mapping[str, Media] | None:
    """A video for each clip, or one video alone.

    Raises:
        OutputError: Two videos differ in nothing but their suffix.
    """
    del wanted
    if listing.pictures or not listing.videos:
        return None
    if listing.path.is_file():
        return {ONLY_CLIP: Video(listing.path)}
    return {clip: Video(path) for clip, path in _files_to_clips(listing.path, listing.videos).items()}


def listing_to_clip_arrays(listing: Listing, wanted: Wanted | None) -> Mapping[str, Media] | None:
    """A NumPy or HDF5 file for each clip, or one file with an array for each clip.

    Raises:
        OutputError: Two files differ in nothing but their suffix, a file holds several arrays beside other
            files, or one is damaged.
    """
    if listing.pictures or listing.videos or not listing.arrays or (listing.path / "store.json").is_file():
        return None
    single = listing.path.is_file()
    files = {ONLY_CLIP: listing.path} if single else _files_to_clips(listing.path, listing.arrays)
    keys = {clip: array_keys(path) for clip, path in files.items()}
    if len(files) == 1:
        ((clip, path),) = files.items()
        named = wanted is not None and any(each.id in keys[clip] for each in wanted.clips)
        if named or len(keys[clip]) > 1:
            return {key: Array(path, key) for key in keys[clip]}
    crowded = [f"{shown(files[clip].name)} ({len(found)})" for clip, found in keys.items() if len(found) != 1]
    if crowded:
        raise OutputError(
            f"{listing.path}: expected one array in each file, or one file with an array for each clip, "
            f"found {', '.join(crowded[:4])}; write one array a file, named after the clip"
        )
    return {clip: Array(path, keys[clip][0]) for clip, path in files.items()}


def _files_to_clips(folder: Path, files: Sequence[Path]) -> dict[str, Path]:
    """A file for each clip, whose id is its path without suffix.

    Raises:
        OutputError: Two files differ in nothing but their suffix.
    """
    clips: dict[str, Path] = {}
    for file in files:
        clip = file.with_suffix("").as_posix()
        if clip in clips:
            raise OutputError(
                f"{folder}: expected one file for clip {shown(clip)}, found {shown(clips[clip].name)} "
                f"and {shown(file.name)}; delete one"
            )
        clips[clip] = folder / file
    return clips


def _number(pictures: Sequence[Path]) -> Pictures:
    """Pictures of a clip by frame number, ascending: the last integer in each name.

    Raises:
        OutputError: A name holds no integer, or two hold the same.
    """
    numbered: list[tuple[int, Path]] = []
    for picture in pictures:
        integers = re.findall(r"[0-9]+", picture.stem)
        if not integers:
            raise OutputError(
                f"{picture.parent}/{shown(picture.name)}: expected a frame number in the name, such as "
                "frame_00012.png, found none; rename it, or move it elsewhere"
            )
        numbered.append((int(integers[-1]), picture))
    return number_pictures(numbered)


def number_pictures(numbered: Sequence[tuple[int, Path]]) -> Pictures:
    """Pictures in the order of their numbers.

    Raises:
        OutputError: Two have the same.
    """
    pictures: dict[int, Path] = {}
    for number, picture in numbered:
        if number in pictures:
            first, second = sorted((pictures[number], picture))
            raise OutputError(
                f"{picture.parent}: expected one picture for frame {number}, found "
                f"{_apart(first, second)}; delete one, or give each clip a folder"
            )
        pictures[number] = picture
    return Pictures(dict(sorted(pictures.items())))


def _apart(first: Path, second: Path) -> str:
    """Two files by name, with their folders where these differ."""
    if first.parent == second.parent:
        return f"{shown(first.name)} and {shown(second.name)}"
    return f"{shown(first)} and {shown(second)}"
