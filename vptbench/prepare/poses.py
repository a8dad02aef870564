"""Where a clip's keypoints come from: OpenPose JSON beside the data, or ground truth."""

import json
import re
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vptbench.errors import PoseError
from vptbench.prepare.sources import OPENPOSE_FOLDER, TRUTH_FOLDER, RawClip
from vptbench.prepare.truth import Truth
from vptbench.skeleton import BODY_25

Keypoints = NDArray[np.float32]
"""float32 (T, 25, 3) in raw pixels."""

POSES = ("auto", "openpose", "truth")
"""What may be asked for; "auto" takes OpenPose JSON where it lies beside the clip, else the truth."""

CONFIDENT = 0.3
"""Keypoints below this confidence do not count when people are compared by size."""

FILE_PATTERN = re.compile(r"(?P<before>.*?)(?P<frame>\d+)_keypoints\.json")


def clip_to_keypoints(clip: RawClip, truth: Truth | None, frames: int, poses: str) -> tuple[Keypoints, str]:
    """A clip's keypoints, and the name of where they come from for its provenance.

    Args:
        clip: The clip.
        truth: Its ground truth, or None.
        frames: T, the number of its frames.
        poses: One of `POSES`.

    Raises:
        PoseError: They are missing or malformed.
    """
    if poses in {"auto", "openpose"} and clip.openpose is not None:
        return read_openpose(clip.openpose, frames), "openpose-json"
    if poses in {"auto", "truth"} and truth is not None:
        return truth.keypoints, "ground-truth"
    wanted = {
        "openpose": f"{OPENPOSE_FOLDER}/{clip.id}/",
        "truth": f"{TRUTH_FOLDER}/{clip.id}.npz",
        "auto": f"{OPENPOSE_FOLDER}/{clip.id}/ or {TRUTH_FOLDER}/{clip.id}.npz",
    }[poses]
    raise PoseError(
        f"expected keypoints in {wanted} beside the data, found none; "
        "run OpenPose (BODY_25, --write_json) on the clip and put its files there"
    )


def read_openpose(folder: Path, frames: int) -> Keypoints:
    """One clip's OpenPose BODY_25 JSON: of each frame the person whose confident joints span the largest box.

    Args:
        folder: Holds ``<frame>_keypoints.json``, numbered from 0, one for each frame.
        frames: How many there must be.

    Returns:
        float32 (T, 25, 3). A joint that OpenPose did not find is (NaN, NaN, 0). Confidences above 1, which
        OpenPose gives now and then, count as 1.

    Raises:
        PoseError: Files are missing or surplus, a file is malformed, or a frame has no person.
    """
    files = _list_files(folder, frames)
    return np.stack([_read_frame(path, index, frames) for index, path in enumerate(files)])


def _list_files(folder: Path, frames: int) -> list[Path]:
    """The files of frames 0 to `frames` − 1, in the order of their numbers, which may lack leading zeros.

    Raises:
        PoseError: A number is missing, beyond the last frame or there twice, or a file has none.
    """
    by_number: dict[int, re.Match[str]] = {}
    surplus = []
    names = sorted(path.name for path in folder.glob("*_keypoints.json"))
    for name in names:
        match = FILE_PATTERN.fullmatch(name)
        if match is None or int(match["frame"]) >= frames or int(match["frame"]) in by_number:
            surplus.append(name)
        else:
            by_number[int(match["frame"])] = match
    missing = next((number for number in range(frames) if number not in by_number), None)
    if missing is None and not surplus:
        return [folder / by_number[number].string for number in range(frames)]
    like = next(iter(by_number.values()), None)
    before, digits = (like["before"], len(like["frame"])) if like else ("", 12)
    wrong = (
        f"first surplus: {surplus[0]}"
        if missing is None
        else f"first missing: {before}{missing:0{digits}d}_keypoints.json"
    )
    raise PoseError(
        f"{folder}: expected {frames} JSON files, one for each frame, found {len(names)}; {wrong}; "
        "run OpenPose on the clip again"
    )


def _read_frame(path: Path, index: int, frames: int) -> NDArray[np.float32]:
    """One frame's person, float32 (25, 3).

    Raises:
        PoseError: The file is malformed or holds no person.
    """
    people = [_to_joints(person, path) for person in _read_people(path)]
    found = [joints for joints in people if (joints[:, 2] > 0).any()]
    if not found:
        raise PoseError(
            f"expected a person in every frame, found none in frame {index} of {frames} ({path.name}); "
            "cut that part off the clip, or estimate its poses again"
        )
    joints = max(found, key=_box_area)
    joints[joints[:, 2] <= 0] = (np.nan, np.nan, 0)
    return joints


def _read_people(path: Path) -> list[object]:
    """The ``people`` of an OpenPose JSON file.

    Raises:
        PoseError: The file is no such JSON.
    """
    try:
        document = json.loads(path.read_bytes(), parse_int=float)  # a huge integer is infinite, and refused
    except (ValueError, RecursionError) as error:
        raise PoseError(
            f"{path}: expected JSON, found something else ({error}); run OpenPose again"
        ) from error
    people = document.get("people") if isinstance(document, dict) else None
    if not isinstance(people, list):
        raise PoseError(
            f"{path}: expected OpenPose's list of people, found none; run OpenPose with --write_json"
        )
    return people


def _to_joints(person: object, path: Path) -> NDArray[np.float32]:
    """A person's ``pose_keypoints_2d``, float32 (25, 3) as it stands there.

    Raises:
        PoseError: It does not hold 25 joints of three numbers.
    """
    values = person.get("pose_keypoints_2d") if isinstance(person, dict) else None
    numbers = isinstance(values, list) and all(type(value) is float for value in values)
    if not numbers:
        raise PoseError(
            f"{path}: expected numbers in pose_keypoints_2d, found none; run OpenPose with BODY_25"
        )
    flat = np.array(cast("list[float]", values), np.float32)
    if flat.size != 3 * len(BODY_25):
        raise PoseError(
            f"{path}: expected {len(BODY_25)} joints of x, y, confidence, found {flat.size / 3:g}; "
            "run OpenPose with --model_pose BODY_25"
        )
    joints = flat.reshape(-1, 3)
    if not np.isfinite(joints).all() or (joints[:, 2] < 0).any():
        raise PoseError(
            f"{path}: expected finite numbers and confidences from 0, found others; run OpenPose again"
        )
    joints[:, 2] = np.minimum(joints[:, 2], 1)
    return joints


def _box_area(joints: NDArray[np.float32]) -> float:
    """Area of the box of the confident joints, square pixels."""
    points = joints[joints[:, 2] >= CONFIDENT, :2]
    return float(np.prod(points.max(axis=0) - points.min(axis=0))) if len(points) else -1.0
