"""FashionVideo (UBC Fashion): catwalk videos of one woman each before a plain background."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from vptbench.errors import DatasetError
from vptbench.prepare.sources import RawClip, check_distinct, make_raw_clip, read_list

log = logging.getLogger(__name__)

LISTS = {"train": "fashion_train.txt", "test": "fashion_test.txt"}
"""Split to the list of video addresses, one a line; a video is called by its base name."""


GFLA_FOLDERS = {"train": "train_256/train_A", "test": "test_256/train_A"}
"""Where GFLA's preparation (``danceFashion``) has a split's frames; the inner folder has one name in both."""

GFLA_CROP = "gfla-squash-v1"
"""What that preparation did to them."""

GFLA_FPS = 30.0
"""Assumed, as the videos have it: the frames carry no rate."""


class FashionVideo:
    """Lists beside ``{train,test}/<id>.mp4`` or ``videos/<id>.mp4``, or GFLA's frames of them.

    Names may begin with digits and a dash and hold "+", which stands for itself. Videos differ in size and
    length.
    """

    name = "fashionvideo"
    title = "FashionVideo (UBC Fashion)"
    citation = (
        "Zablotskaia et al., DwNet: Dense warp-based network for pose-guided video generation, BMVC 2019"
    )
    licence = "not stated; treat as research only, and pass on addresses and hashes, never frames"
    access = (
        "https://vision.cs.ubc.ca/datasets/fashion/ : fashion_train.txt and fashion_test.txt name the "
        "videos, which `vptbench fetch fashionvideo` brings to train/ and test/ (or all lie in videos/)"
    )
    published: Mapping[str, int] = MappingProxyType({"train": 500, "test": 100})

    def list_clips(self, raw: Path) -> list[RawClip]:
        """The videos of both lists; where a list is missing, those of the folder of its split.

        Videos that lie in a split's folder and are not in its list are left out, with a warning: papers count
        339 or 500 videos for training, so that the list that was used is part of the result.

        Raises:
            DatasetError: There is neither list nor folder.
        """
        clips: list[RawClip] = []
        for split, listed in LISTS.items():
            on_disk = sorted(
                {path.name for path in (raw / split).glob("*.mp4")}
                | {f"{path.name}.mp4" for path in (raw / GFLA_FOLDERS[split]).glob("*") if path.is_dir()}
            )
            names = (
                [_base_name(line) for line in read_list(raw / listed)]
                if (raw / listed).is_file()
                else on_disk
            )
            surplus = set(on_disk) - set(names)
            if surplus:
                log.warning("%s: %d videos are not in %s and are left out", raw / split, len(surplus), listed)
            clips += [_to_clip(raw, name, split, listed) for name in names]
        if not clips:
            raise DatasetError(
                f"{raw}: expected {' and '.join(LISTS.values())} beside train/ and test/ or videos/, found "
                "no list that names a video and no video in train/ or test/; check the folder"
            )
        return check_distinct(clips)


def _to_clip(raw: Path, name: str, split: str, listed: str) -> RawClip:
    clip, frames = name.removesuffix(".mp4"), raw / GFLA_FOLDERS[split]
    places = [raw / split / name, raw / "videos" / name, *([frames / clip] if frames.is_dir() else [])]
    made = make_raw_clip(raw, clip, split, places, listed=listed)
    if made.media == frames / clip and made.problem is None:
        made = replace(made, fps=GFLA_FPS, cropped=GFLA_CROP)
    return made


def _base_name(address: str) -> str:
    """The file name in an address. A "+" in it stands for itself."""
    name = address.rstrip("/").rsplit("/", 1)[-1]
    return name if name.endswith(".mp4") else f"{name}.mp4"
