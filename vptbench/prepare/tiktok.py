"""TikTok: short dance videos of many people, as folders of frames."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from vptbench.errors import DatasetError
from vptbench.image import IMAGE_SUFFIXES
from vptbench.prepare.sources import (
    OPENPOSE_FOLDER,
    TRUTH_FOLDER,
    RawClip,
    check_distinct,
    make_raw_clip,
)
from vptbench.prepare.splits import clips_to_splits

FRAMES = "images"
"""Folder of a clip's frames, where they do not lie in the clip's folder itself."""

FPS = 30.0
"""Assumed: the pictures carry no frame rate."""


class TikTok:
    """``<clip>/images/0001.png`` …, or ``<clip>/0001.png`` …; numbers from any first one, without a gap.

    No split was published with the data, and papers use their own (the ten test videos of DisCo's protocol
    cannot be rebuilt; HumanVid takes the last 40 of 340). So ``train.txt`` and ``test.txt`` say it, or the
    rule of `splits.py`, in which every clip counts as a person of its own: the data do not say who is who.
    """

    name = "tiktok"
    title = "TikTok dataset"
    citation = (
        "Jafarian and Park, Learning high fidelity depths of dressed humans by watching social media dance "
        "videos, CVPR 2021"
    )
    licence = "not checked; people's own videos: research only, and frames must not be passed on"
    access = (
        "https://www.yasamin.page/hdnet_tiktok : one folder a clip, the frames in it or in its images/; "
        "train.txt and test.txt, one clip a line, may say the splits"
    )
    published: Mapping[str, int] = MappingProxyType({})

    def list_clips(self, raw: Path) -> list[RawClip]:
        """The folders that hold frames.

        Raises:
            DatasetError: There is none, or a list is malformed.
        """
        folders = sorted(
            path
            for path in raw.iterdir()
            if path.is_dir()
            and not path.name.startswith(".")
            and path.name not in {OPENPOSE_FOLDER, TRUTH_FOLDER}
        )
        found = {folder.name for folder in folders if (folder / FRAMES).is_dir() or _has_pictures(folder)}
        if not found:
            raise DatasetError(
                f"{raw}: expected folders of frames, one a clip (00001/images/0001.png …), found no frames; "
                "check the folder"
            )
        splits = clips_to_splits(raw, found, lambda clip: clip)
        clips = [
            make_raw_clip(raw, clip, split, [raw / clip / FRAMES, raw / clip], listed=f"{split}.txt", fps=FPS)
            for clip, split in sorted(splits.items())
        ]
        return check_distinct([replace(clip, numbering="run") for clip in clips])


def _has_pictures(folder: Path) -> bool:
    return any(path.suffix.lower() in IMAGE_SUFFIXES for path in folder.iterdir())
