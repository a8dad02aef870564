"""iPER: people in varied clothes; clip 1 of an outfit turns in A-pose, clip 2 moves freely."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from vptbench.errors import DatasetError
from vptbench.prepare.sources import RawClip, check_distinct, make_raw_clip, read_list

LISTS = {"train": "train.txt", "test": "val.txt"}
"""Split to the list of clip names ``PPP/outfit/clip``."""

FOLDERS = ("images_HD", "images")

SMPL_FOLDER = "smpls"
"""Beside the pictures: ``smpls/PPP/outfit/clip/pose_shape.pkl``."""

FPS = 30.0
"""Assumed: the pictures carry no frame rate."""


class Iper:
    """``train.txt`` and ``val.txt`` beside ``images_HD/PPP/outfit/clip/*.jpg`` (or ``images/…``).

    Names have three to five digits, of one width in a clip, from 0 without a gap: a frame is its position,
    and a protocol's name (``0253.jpg``) stands for one (253), whatever the width.
    """

    name = "iper"
    title = "iPER (Impersonator)"
    citation = "Liu et al., Liquid Warping GAN, ICCV 2019"
    licence = "not stated for the data; frames must not be passed on"
    access = (
        "https://svip-lab.github.io/dataset/iPER_dataset.html : train.txt, val.txt and the parts of its "
        "archive, which go to the folder; `vptbench fetch iper` unpacks them to images_HD/ (or images/)"
    )
    published: Mapping[str, int] = MappingProxyType({"train": 164, "test": 42})

    def list_clips(self, raw: Path) -> list[RawClip]:
        """The clips of both lists; ``val.txt`` is the test split.

        Raises:
            DatasetError: There is no list, or no folder of pictures.
        """
        lists = {split: listed for split, listed in LISTS.items() if (raw / listed).is_file()}
        folders = [raw / folder for folder in FOLDERS if (raw / folder).is_dir()]
        if not lists or not folders:
            raise DatasetError(
                f"{raw}: expected {' or '.join(LISTS.values())}, and {' or '.join(FOLDERS)} beside them; "
                f"found {', '.join(lists.values()) or 'no list'} and "
                f"{'pictures' if folders else 'no pictures'}; check the folder"
            )
        return check_distinct(
            [
                _with_smpl(
                    raw,
                    make_raw_clip(
                        raw, name, split, [folder / name for folder in folders], listed=listed, fps=FPS
                    ),
                )
                for split, listed in lists.items()
                for name in read_list(raw / listed)
            ]
        )


def _with_smpl(raw: Path, clip: RawClip) -> RawClip:
    folder = raw / SMPL_FOLDER / clip.id
    return replace(clip, smpl=folder) if folder.is_dir() else clip
