"""BDMM's prepared FashionVideo, ``UBC_fashion_smpl``: cut frames, JSON with poses and SMPL, a test list."""

import ast
import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vptbench.errors import DatasetError, PoseError
from vptbench.prepare.fashionvideo import FashionVideo
from vptbench.prepare.sources import RawClip, check_distinct, make_raw_clip
from vptbench.skeleton import BODY_25
from vptbench.store.schema import SPLITS

log = logging.getLogger(__name__)

CROP = "bdmm-crop-v1"
"""What the published preparation did to the frames."""

FPS = 30.0
"""Assumed, as the videos have it; the frames carry no rate, and dropped ones leave no trace in time."""

TEST_LIST = "test_list.csv"
FRAMES, POSES = "frames", "kptsmpls"

SMPL_KEYS = {"cam": 3, "pose_theta": 72, "shape_beta": 10}
"""Keys of the SMPL numbers in a frame's JSON, in the order in which they are joined; numbers in each."""

FRAME_PATH = re.compile(
    r"(?:.*/)?(?:train|test)/(?P<video>[^/]+)/(?:frames|kptsmpls)/frame_(?P<frame>[0-9]+)\.(?:png|json)"
)
"""A path in the test list; whatever stands before the split's folder is the root of somebody else's disk."""


@dataclass(frozen=True)
class ListedClip:
    """One row of the test list.

    Attributes:
        id: The clip, without ``.mp4``.
        source: Numbers of the frames that may be the source, as in the frames' names; published: one.
        frames: Numbers of the frames that are scored, in order.
    """

    id: str
    source: tuple[int, ...]
    frames: tuple[int, ...]


@dataclass(frozen=True)
class KptSmpls:
    """What the JSON of one clip's frames holds.

    Attributes:
        keypoints: float32 (T, 25, 3) in pixels of the cut frames.
        smpl: float32 (T, 85): camera (s, x, y), 72 numbers of pose (axis-angle, radians), 10 of shape.
    """

    keypoints: NDArray[np.float32]
    smpl: NDArray[np.float32]


class BdmmPreprocessed:
    """``{train,test}/<id>.mp4/frames/frame_00000.png`` beside ``kptsmpls/frame_00000.json``.

    What is called ``<id>.mp4`` is a folder. Frames are cut already (`RawClip.cropped`), so that
    ``--crop bdmm-crop-v1`` leaves them alone. Those in which no person was found are missing, so that a
    frame's number is not its position. Clips have FashionVideo's ids.
    """

    name = "bdmm-preprocessed"
    title = "FashionVideo as prepared by BDMM (UBC_fashion_smpl)"
    citation = (
        "Yu et al., Bidirectionally deformable motion modulation for video-based human pose transfer, ICCV "
        "2023; videos: Zablotskaia et al., DwNet, BMVC 2019"
    )
    licence = (
        "not stated for the data (the code is Apache-2.0; what comes from SMPL has terms of its own); "
        "treat as research only, and pass on no frames"
    )
    access = (
        "https://github.com/rocketappslab/bdmm links a cloud drive: UBC_fashion_smpl/ with train/, test/ and "
        "test_list.csv"
    )
    published: Mapping[str, int] = FashionVideo.published

    def list_clips(self, raw: Path) -> list[RawClip]:
        """The folders of both splits, and the clips of the test list that have none.

        Raises:
            DatasetError: There is no such folder, or the test list is malformed.
        """
        folders = {split: _find_folders(raw / split) for split in SPLITS}
        if not any(folders.values()):
            raise DatasetError(
                f"{raw}: expected train/<id>.mp4/{FRAMES}/ and test/<id>.mp4/{FRAMES}/, found no folder in "
                "train/ or test/; give the folder UBC_fashion_smpl"
            )
        listed = read_test_list(raw / TEST_LIST) if (raw / TEST_LIST).is_file() else []
        _warn_of_missing_frames(raw, listed, folders["test"])
        missing = {row.id: raw / "test" / f"{row.id}.mp4" for row in listed if row.id not in folders["test"]}
        clips = [
            _to_clip(raw, clip, split, folder, "the layout")
            for split in SPLITS
            for clip, folder in folders[split].items()
        ]
        clips += [_to_clip(raw, clip, "test", folder, TEST_LIST) for clip, folder in missing.items()]
        return check_distinct(clips)


def read_test_list(path: Path) -> list[ListedClip]:
    """Read ``test_list.csv``: source and frames of each test clip.

    Its cells are Python literals, ``{'ref': [path], 'gen': [path, …]}``: parsed as such and never run. Of
    each path the end counts alone, wherever the list was written.

    Raises:
        DatasetError: It cannot be read, a cell is something else, or images and poses name other frames.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise DatasetError(
            f"{path}: expected a table of clips, cannot read it ({error}); restore it"
        ) from error
    lacking = [column for column in ("A_paths", "B_paths_clean") if column not in table]
    if lacking:
        raise DatasetError(
            f"{path}: expected the columns A_paths and B_paths_clean, found no "
            f"{' and no '.join(lacking)}; restore it"
        )
    rows = []
    for number, (images, poses) in enumerate(zip(table["A_paths"], table["B_paths_clean"], strict=True), 1):
        where = f"{path}, row {number}"
        row = _cell_to_clip(images, where)
        if _cell_to_clip(poses, where) != row:
            raise DatasetError(
                f"{where}: expected the same frames in A_paths and B_paths_clean, found others; "
                "restore the list"
            )
        rows.append(row)
    return rows


def read_kptsmpls(folder: Path, pictures: Sequence[Path]) -> KptSmpls:
    """Read the JSON of a clip's frames.

    A joint of score 0 was not found, and becomes (NaN, NaN, 0): the file has the mark (−1, −1) moved with the
    crop, somewhere in the picture or beside it. Scores above 1 count as 1. Coordinates are taken as they
    stand; the preparation put them (1 − s)/2 pixels to the right of and below their place in the picture, s
    being its scale, which the files do not say (`crop_bdmm.growing_box`).

    Args:
        folder: ``kptsmpls``.
        pictures: The clip's frames (`media.clip_to_pictures`); the JSON of each is called like it.

    Raises:
        PoseError: A file is missing, surplus or malformed.
    """
    stems = {picture.stem for picture in pictures}
    there = {path.stem for path in folder.glob("*.json")}
    if stems != there:
        wrong = min(stems ^ there)
        what = "missing" if wrong in stems else "surplus"
        raise PoseError(
            f"{folder}: expected a JSON file for each of {len(stems)} frames, found {len(there)}; first "
            f"{what}: {wrong}.json; restore the clip or remove it"
        )
    frames = [_read_frame(folder / f"{picture.stem}.json") for picture in pictures]
    return KptSmpls(
        keypoints=np.stack([keypoints for keypoints, _ in frames]),
        smpl=np.stack([smpl for _, smpl in frames]),
    )


def _find_folders(folder: Path) -> dict[str, Path]:
    """Ids to the folders of a split's clips, in order."""
    there = [path for path in folder.glob("*") if path.is_dir() and not path.name.startswith(".")]
    return {path.name.removesuffix(".mp4"): path for path in sorted(there)}


def _to_clip(raw: Path, clip: str, split: str, folder: Path, listed: str) -> RawClip:
    made = make_raw_clip(raw, clip, split, [folder / FRAMES], listed=listed, fps=FPS)
    poses = folder / POSES
    return replace(made, numbering="gaps", kptsmpls=poses if poses.is_dir() else None, cropped=CROP)


def _warn_of_missing_frames(raw: Path, listed: list[ListedClip], folders: dict[str, Path]) -> None:
    """The published list was rewritten from another preparation's, without a look at the files."""
    lost = {}
    for row in listed:
        if row.id in folders:
            there = {path.stem for path in (folders[row.id] / FRAMES).glob("frame_*.png")}
            lost[row.id] = sum(f"frame_{n:05d}" not in there for n in {*row.source, *row.frames})
    clips = sorted(clip for clip in lost if lost[clip])
    if clips:
        log.warning(
            "%s: %d frames of %d clips that %s names are not there, the first clip being %s",
            raw, sum(lost.values()), len(clips), TEST_LIST, clips[0],
        )  # fmt: skip


def _cell_to_clip(cell: str, where: str) -> ListedClip:
    """One cell, of images or of poses.

    Raises:
        DatasetError: It is no such literal, or names frames of several videos, or none.
    """
    videos: set[str] = set()
    numbers: list[tuple[int, ...]] = []
    for paths in _cell_to_paths(cell, where):
        matches = [(path, FRAME_PATH.fullmatch(str(path))) for path in paths]
        for path, match in matches:
            if match is None:
                raise DatasetError(
                    f"{where}: expected paths such as test/<id>.mp4/{FRAMES}/frame_00000.png, found "
                    f"{path!r}; restore the list"
                )
            videos.add(match["video"])
        numbers.append(tuple(int(match["frame"]) for _, match in matches if match))
    if len(videos) > 1:
        raise DatasetError(
            f"{where}: expected frames of one video, found those of {' and '.join(sorted(videos))}; "
            "restore the list"
        )
    source, frames = numbers
    return ListedClip(id=videos.pop().removesuffix(".mp4"), source=source, frames=frames)


def _cell_to_paths(cell: str, where: str) -> tuple[list[object], list[object]]:
    """What stands under 'ref' and under 'gen'.

    Raises:
        DatasetError: The cell is no literal, or has no such lists.
    """
    try:
        value = ast.literal_eval(cell)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise DatasetError(
            f"{where}: expected {{'ref': [path], 'gen': [path, …]}}, found something else "
            f"({type(error).__name__}); restore the list"
        ) from error
    source, frames = (value.get("ref"), value.get("gen")) if isinstance(value, dict) else (None, None)
    if not (isinstance(source, list) and isinstance(frames, list) and source and frames):
        raise DatasetError(f"{where}: expected paths in 'ref' and in 'gen', found none; restore the list")
    return source, frames


def _read_frame(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Keypoints (25, 3) and the 85 SMPL numbers of one frame.

    Raises:
        PoseError: The file is malformed.
    """
    try:
        document = json.loads(path.read_bytes())
        shapes = {"pose_keypoints_2d": (len(BODY_25), 3)} | {key: (size,) for key, size in SMPL_KEYS.items()}
        arrays = {key: np.array(document[key], np.float64) for key in shapes}
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise PoseError(
            f"{path}: expected JSON with pose_keypoints_2d, {', '.join(SMPL_KEYS)}, found something else "
            f"({type(error).__name__}: {error}); restore the clip or remove it"
        ) from error
    for key, shape in shapes.items():
        if arrays[key].shape != shape or not np.isfinite(arrays[key]).all():
            raise PoseError(
                f"{path}: expected finite numbers of shape {shape} in {key}, found {arrays[key].shape}; "
                "restore the clip or remove it"
            )
    keypoints = arrays["pose_keypoints_2d"].astype(np.float32)
    if (keypoints[:, 2] < 0).any():
        raise PoseError(f"{path}: expected scores from 0, found {keypoints[:, 2].min():g}; restore the clip")
    keypoints[:, 2] = np.minimum(keypoints[:, 2], 1)
    keypoints[keypoints[:, 2] == 0] = (np.nan, np.nan, 0)
    return keypoints, np.concatenate([arrays[key] for key in SMPL_KEYS]).astype(np.float32)
