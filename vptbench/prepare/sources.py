"""Datasets: what each is called, who made it, how to get it, and which clips lie in its folder.

A dataset is one file with one class that fits `Dataset`, and one line in `DATASETS`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from vptbench.errors import DatasetError, ManifestError
from vptbench.manifest import check_relative
from vptbench.registry import id_to_object

DATASETS = {
    "fashionvideo": "vptbench.prepare.fashionvideo:FashionVideo",
    "iper": "vptbench.prepare.iper:Iper",
    "tiktok": "vptbench.prepare.tiktok:TikTok",
    "bdmm-preprocessed": "vptbench.prepare.bdmm:BdmmPreprocessed",
    "videos": "vptbench.prepare.videos:Videos",
}
"""Dataset names to classes."""

OPENPOSE_FOLDER = "openpose"
COCO_FOLDER = "coco"
TRUTH_FOLDER = "truth"
"""Folders beside any dataset's own files: ``openpose/<clip>/*_keypoints.json``, ``coco/<clip>.json`` and
``truth/<clip>.npz``."""


@dataclass(frozen=True)
class RawClip:
    """A clip as it lies in a dataset's folder.

    Attributes:
        id: Name of the clip; may hold "/".
        split: "train" or "test".
        media: A video file, or a folder of numbered pictures.
        fps: Frames a second where the dataset says it and the files do not; None: as the video says.
        openpose: Folder of OpenPose JSON, one file a frame, or None where there is none.
        truth: Exact ground truth (`truth.py`), or None where there is none.
        problem: Why it cannot be prepared, or None.
        numbering: What the numbers in the pictures' names must be (`media.NUMBERINGS`).
        coco: COCO's JSON beside the clip, ``coco/<clip>.json``, or None.
        kptsmpls: Folder of BDMM's JSON, one file for each picture (`bdmm.read_kptsmpls`), or None.
        smpl: Folder of iPER's SMPL parameters, with ``pose_shape.pkl`` and ``kps.pkl``, or None.
        cropped: Id of the crop that its pictures have been given already, or None.
    """

    id: str
    split: str
    media: Path
    fps: float | None = None
    openpose: Path | None = None
    truth: Path | None = None
    problem: str | None = None
    numbering: str = "zero"
    coco: Path | None = None
    kptsmpls: Path | None = None
    smpl: Path | None = None
    cropped: str | None = None


class Dataset(Protocol):
    """One dataset's layout on disk. The texts are for people."""

    @property
    def name(self) -> str:
        """As in `DATASETS`."""

    @property
    def title(self) -> str:
        """What its authors call it."""

    @property
    def citation(self) -> str:
        """The publication to cite."""

    @property
    def licence(self) -> str:
        """What is known of its terms."""

    @property
    def access(self) -> str:
        """Where it comes from and how it must lie."""

    @property
    def published(self) -> Mapping[str, int]:
        """Split to how many clips its authors published; empty where nobody knows."""

    def list_clips(self, raw: Path) -> list[RawClip]:
        """The clips that the folder should hold; those that are not there carry a `problem`.

        Raises:
            DatasetError: The folder is not in the dataset's layout.
        """


def load_dataset(name: str) -> Dataset:
    """The dataset of that name.

    Raises:
        RegistryError: The name is unknown.
    """
    kind = cast("type[Dataset]", id_to_object(name, DATASETS, "dataset"))
    return kind()


def read_list(path: Path) -> list[str]:
    """The lines of a text file, without surrounding blanks and empty ones.

    Raises:
        DatasetError: It cannot be read, or names something twice.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"{path}: expected a list of clips, one a line; cannot read it ({error})"
        ) from error
    names = [line for line in lines if line]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DatasetError(f"{path}: expected each clip once, found {twice[0]} more than once; mend the list")
    return names


def make_raw_clip(
    raw: Path, clip: str, split: str, media: Iterable[Path], *, listed: str, fps: float | None = None
) -> RawClip:
    """A clip with what lies beside it.

    Args:
        raw: The dataset's folder.
        clip: Its id.
        split: "train" or "test".
        media: Where its frames may lie; the first that exists is taken.
        listed: The list that names it.
        fps: See `RawClip`.

    Raises:
        DatasetError: The id is no plain relative name.
    """
    try:
        check_relative(clip, "clip name")
    except ManifestError as error:
        raise DatasetError(f"{raw / listed}: {error}; mend the list") from error
    places = list(media)
    found = next((place for place in places if place.exists()), None)
    openpose, truth = raw / OPENPOSE_FOLDER / clip, raw / TRUTH_FOLDER / f"{clip}.npz"
    coco = raw / COCO_FOLDER / f"{clip}.json"
    wanted = " or ".join(place.relative_to(raw).as_posix() for place in places)
    return RawClip(
        id=clip,
        split=split,
        media=found or places[0],
        fps=fps,
        openpose=openpose if openpose.is_dir() else None,
        coco=coco if coco.is_file() else None,
        truth=truth if truth.is_file() else None,
        problem=None
        if found
        else f"expected {wanted} as {listed} says, found none; bring it (see `vptbench fetch`) or take it "
        "off the list",
    )


def check_distinct(clips: list[RawClip]) -> list[RawClip]:
    """Return `clips` if no id comes twice and there is at least one.

    Raises:
        DatasetError: An id stands in both splits, or there are no clips at all.
    """
    twice = [name for name, count in Counter(clip.id for clip in clips).items() if count > 1]
    if twice:
        raise DatasetError(f"expected each clip in one split, found {twice[0]} in both; mend the lists")
    if not clips:
        raise DatasetError("expected at least one clip in the dataset's lists, found none; check the folder")
    return clips
