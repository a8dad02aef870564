"""COCO, Halpe and COCO-WholeBody keypoints in one JSON file a clip, as many estimators write them.

Three forms are read: a list of annotations (COCO results; AlphaPose), an object with ``annotations`` and
``images`` (COCO), and frames with their ``instances`` (MMPose). The number of points says
which skeleton it is.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vptbench.errors import PoseError
from vptbench.prepare.tracking import Keypoints, people_to_person
from vptbench.skeleton import BODY_25, CONVENTIONS, points_to_body_25

Json = object

NUMBER = re.compile(r"(\d+)(?=\D*$)")
"""The last number in a picture's name."""

LABELLED = 0.5
"""Confidence of a joint that an annotator marked as hidden (flag 1 beside 2 for a visible one)."""


def read_coco(path: Path, frames: int) -> Keypoints:
    """One clip's keypoints in a COCO-like file: the person who is seen longest and largest.

    Pictures are counted from 0, or from 1 if there is one with the number of frames and none with 0.

    Args:
        path: The JSON file.
        frames: T, how many frames the clip has.

    Returns:
        float32 (T, 25, 3), pixels as in the file; neck and middle of the hips between the two sides. Frames
        without an annotation have all joints missing.

    Raises:
        PoseError: The file is no such JSON, is of another skeleton, or names pictures that the clip has not.
    """
    people: dict[int, list[Keypoints]] = defaultdict(list)
    for number, points in _to_people(_read(path), path):
        people[number].append(points)
    first = _first_number(people, frames, path)
    nobody = np.zeros((0, len(BODY_25), 3), np.float32)
    return people_to_person(
        [np.stack(people[t + first]) if people.get(t + first) else nobody for t in range(frames)]
    )


def _read(path: Path) -> Json:
    """The document.

    Raises:
        PoseError: It is no JSON.
    """
    try:
        document: Json = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise PoseError(
            f"{path}: expected JSON, found something else ({error}); write the keypoints again"
        ) from error
    return document


def _to_people(document: Json, path: Path) -> list[tuple[int, Keypoints]]:
    """Frame number and joints of every annotation, in order.

    Raises:
        PoseError: The document is in none of the forms, or an annotation is malformed.
    """
    names: dict[str, str] = {}
    if isinstance(document, Mapping) and isinstance(document.get("annotations"), list):
        images = document.get("images")
        for image in images if isinstance(images, list) else []:
            if isinstance(image, Mapping) and "file_name" in image:
                names[str(image.get("id"))] = str(image["file_name"])
        rows = document["annotations"]
    elif isinstance(document, Mapping):
        rows = document.get("instance_info")
    else:
        rows = document
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise PoseError(
            f"{path}: expected COCO's annotations or MMPose's frames, found neither; "
            "write COCO results, a list of image_id and keypoints"
        )
    if rows and all("instances" in row for row in rows):
        return [
            (_number(row.get("frame_id"), path), _to_joints(person, path))
            for row in rows
            for person in (_instances(row, path) or [{"keypoints": [0.0] * 51}])
        ]
    flagged = _are_flags(rows)
    return [
        (
            _number(names.get(str(row.get("image_id")), row.get("image_id")), path),
            _to_joints(row, path, flagged=flagged),
        )
        for row in rows
    ]


def _instances(row: Mapping[str, Json], path: Path) -> Sequence[Mapping[str, Json]]:
    """The people of one of MMPose's frames.

    Raises:
        PoseError: They are no list of objects.
    """
    people = row["instances"]
    if not isinstance(people, list) or not all(isinstance(person, Mapping) for person in people):
        raise PoseError(
            f"{path}: expected a list of instances in each frame, found something else; write it again"
        )
    return people


def _number(image: Json, path: Path) -> int:
    """The number of a picture, which may stand in its name.

    Raises:
        PoseError: There is none.
    """
    found = NUMBER.search(Path(str(image)).stem)
    if found is None or isinstance(image, float | bool):
        raise PoseError(
            f"{path}: expected a frame number in each image_id, found {image!r}; number the pictures"
        )
    return int(found[1])


def _to_joints(row: Mapping[str, Json], path: Path, *, flagged: bool = False) -> Keypoints:
    """One annotation as BODY_25, float32 (25, 3).

    Raises:
        PoseError: It does not hold a known number of points with a confidence each.
    """
    try:
        points = np.array(row.get("keypoints"), np.float64)
        if points.ndim == 2 and points.shape[1] == 2:
            points = np.column_stack([points, np.array(row.get("keypoint_scores"), np.float64)])
        points = points.reshape(-1, 3)
    except (TypeError, ValueError) as error:
        raise PoseError(
            f"{path}: expected x, y and a confidence of each keypoint, found something else; write it again"
        ) from error
    if len(points) not in CONVENTIONS:
        raise PoseError(
            f"{path}: expected {', '.join(map(str, CONVENTIONS))} keypoints a person, found {len(points)}; "
            "write COCO or COCO-WholeBody, or OpenPose's BODY_25 in its own format"
        )
    if not np.isfinite(points).all():
        raise PoseError(f"{path}: expected finite keypoints, found others; estimate the poses again")
    if flagged:
        points[:, 2] = np.select([points[:, 2] == 2, points[:, 2] == 1], [1.0, LABELLED], 0.0)
    return points_to_body_25(points, CONVENTIONS[len(points)])


def _are_flags(rows: Sequence[Mapping[str, Json]]) -> bool:
    """Whether the third number of each keypoint is an annotator's flag 0, 1 or 2, not a confidence."""
    third = {
        value
        for row in rows
        if isinstance(keys := row.get("keypoints"), list)
        for value in map(str, keys[2::3])
    }
    return {"2", "2.0"} & third != set() and third <= {"0", "1", "2", "0.0", "1.0", "2.0"}


def _first_number(people: Mapping[int, object], frames: int, path: Path) -> int:
    """The number of the clip's first picture, 0 or 1.

    Raises:
        PoseError: Neither fits, or both do.
    """
    low, high = min(people, default=0), max(people, default=0)
    if low == 0 and high < frames:
        return 0
    if low >= 1 and high == frames:
        return 1
    raise PoseError(
        f"{path}: expected pictures 0 to {frames - 1} or 1 to {frames}, with an entry for 0 or {frames} at "
        f"least, found {low} to {high}; mend the image_ids, or add an entry of zeros for the first frame"
    )
