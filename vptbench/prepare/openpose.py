"""OpenPose's BODY_25 JSON: one file a frame, anybody in it, one person followed."""

import json
import re
from pathlib import Path
from typing import cast

import numpy as np

from vptbench.errors import PoseError
from vptbench.prepare.tracking import Keypoints, people_to_person
from vptbench.skeleton import BODY_25, points_to_body_25

FILE_PATTERN = re.compile(r"(?P<before>.*?)(?P<frame>\d+)_keypoints\.json")


def read_openpose(folder: Path, frames: int) -> Keypoints:
    """One clip's OpenPose BODY_25 JSON: the person who is seen longest and largest (`people_to_person`).

    Args:
        folder: Holds ``<frame>_keypoints.json``, numbered from 0, one for each frame.
        frames: How many there must be.

    Returns:
        float32 (T, 25, 3). A joint that OpenPose did not find is (NaN, NaN, 0), and so are all of a frame in
        which the person is not. Confidences above 1, which OpenPose gives now and then, count as 1.

    Raises:
        PoseError: Files are missing or surplus, or a file is malformed.
    """
    return people_to_person([_read_frame(path) for path in _list_files(folder, frames)])


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


def _read_frame(path: Path) -> Keypoints:
    """Everybody in a frame, float32 (N, 25, 3).

    Raises:
        PoseError: The file is malformed.
    """
    people = [_to_joints(person, path) for person in _read_people(path)]
    return np.stack(people) if people else np.zeros((0, len(BODY_25), 3), np.float32)


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


def _to_joints(person: object, path: Path) -> Keypoints:
    """A person's ``pose_keypoints_2d``, float32 (25, 3).

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
    return points_to_body_25(joints, range(len(BODY_25)))
