"""Anybody's own videos: any folder of video files and folders of frames, nested as they like."""

import os
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from types import MappingProxyType

from vptbench.errors import DatasetError
from vptbench.image import IMAGE_SUFFIXES
from vptbench.manifest import is_relative
from vptbench.prepare.sources import (
    OPENPOSE_FOLDER,
    TRUTH_FOLDER,
    RawClip,
    check_distinct,
    make_raw_clip,
)
from vptbench.prepare.splits import clips_to_splits
from vptbench.video import VIDEO_SUFFIXES

FPS = 30.0
"""Assumed of folders of frames, which carry no rate."""

PERSON_ENDS = re.compile(r"[_\-. ]")
"""What ends a person's name in the name of a file or folder."""


class Videos:
    """A clip is a video file, or a folder of pictures; its id is its path in the folder, without suffix.

    Who is seen in a clip (`clip_to_person`) is told from the outermost part of its id, below the folders that
    all clips share. The name of a folder counts up to its first "_", "-", "." or blank; the name of a file as
    well, and without the digits at its end, which number takes; large and small letters are the same. So
    ``anna/park.mp4``, ``Anna/home/2.mp4``, ``anna_3.mp4`` and ``anna4.mp4`` are of one person, and so are all
    files whose names are mere numbers. No person stands on both sides, then, unless one person's names begin
    in two ways. That several people are taken for one costs nothing but a coarser split; ``train.txt`` and
    ``test.txt`` say it better. See `splits.py`.
    """

    name = "videos"
    title = "own videos"
    citation = "none: whoever made the videos"
    licence = "not known here: see to the consent of those who are seen, and to the terms of the source"
    access = (
        "any folder of video files, or of folders of numbered pictures (30 frames a second); train.txt and "
        "test.txt, one clip a line, may say the splits"
    )
    published: Mapping[str, int] = MappingProxyType({})

    def list_clips(self, raw: Path) -> list[RawClip]:
        """All clips below the folder; what is hidden, and the folders of poses and truth, are passed over.

        Raises:
            DatasetError: There is no clip, or a list is malformed.
        """
        found = _find_media(raw)
        if not found:
            raise DatasetError(
                f"{raw}: expected video files ({' '.join(VIDEO_SUFFIXES)}) or folders of numbered pictures, "
                "found none; check the folder"
            )
        shared = _shared_folders(list(found))
        splits = clips_to_splits(raw, found, lambda clip: clip_to_person(clip, shared))
        clips = []
        for clip, split in sorted(splits.items()):
            media = found.get(clip, [raw / clip])
            if clip in found and not is_relative(clip):
                clips.append(_to_unnameable(clip, split, media[0]))
                continue
            made = make_raw_clip(raw, clip, split, media, listed=f"{split}.txt")
            if len(media) > 1:
                names = " and ".join(path.name for path in media)
                made = replace(made, problem=f"expected one clip of that name, found {names}; rename one")
            if made.media.is_dir():
                made = replace(made, fps=FPS, numbering="run")
            clips.append(made)
        return check_distinct(clips)


def _to_unnameable(clip: str, split: str, media: Path) -> RawClip:
    """A file whose name cannot be a clip's, under one that can be listed."""
    problem = f"expected a name without '\\', '//' or a dot before it, found {media.name!r}; rename it"
    return RawClip(id=re.sub(r"[^\w/+-]+", "_", clip), split=split, media=media, problem=problem)


def clip_to_person(clip: str, shared: int = 0) -> str:
    """Who is seen in a clip, by its id, in small letters; "" where the name does not say it. See `Videos`.

    Args:
        clip: The id.
        shared: How many outermost folders all clips have in common.
    """
    parts = clip.split("/")[shared:] or [clip]
    name = PERSON_ENDS.split(parts[0].lstrip("_-. "), maxsplit=1)[0].casefold()
    return name if len(parts) > 1 else name.rstrip("0123456789")


def _shared_folders(clips: list[str]) -> int:
    """How many outermost folders are the same for all clips."""
    folders = [clip.split("/")[:-1] for clip in clips]
    return sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, zip(*folders, strict=False)))


def _find_media(raw: Path) -> dict[str, list[Path]]:
    """Ids to what lies there under that name, in order of names."""
    found = defaultdict(list)
    for name, folders, files in os.walk(raw):
        folder = Path(name)
        top = folder == raw
        folders[:] = sorted(
            sub
            for sub in folders
            if not sub.startswith(".") and not (top and sub in {OPENPOSE_FOLDER, TRUTH_FOLDER})
        )
        paths = [folder / file for file in sorted(files) if not file.startswith(".")]
        for path in paths:
            if path.suffix.lower() in VIDEO_SUFFIXES:
                found[path.relative_to(raw).with_suffix("").as_posix()].append(path)
        if not top and any(path.suffix.lower() in IMAGE_SUFFIXES for path in paths):
            found[folder.relative_to(raw).as_posix()].append(folder)
    return dict(found)
