"""One person followed through a clip in which there may be several, or at times nobody."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from vptbench.skeleton import MIRROR, missing_keypoints

Keypoints = NDArray[np.float32]
"""float32 (T, 25, 3) in raw pixels; of one frame's N people (N, 25, 3); of one person there (25, 3)."""

CONFIDENT = 0.3
"""Keypoints below this confidence do not count when people are compared, unless there are no others."""

REACH, REACH_PER_FRAME, FARTHEST = 0.4, 0.05, 1.0
"""How far a person's joints may have moved on average from one frame to the next, in sizes of the person; how
much more for each frame in which the person was not found; and how far at most."""


@dataclass
class _Track:
    """One person so far: joints by frame, the last of them, and the sum of sizes over the frames."""

    joints: dict[int, Keypoints]
    last: int
    weight: float


def people_to_person(people: Sequence[Keypoints]) -> Keypoints:
    """Follow all people through a clip and return the one who is seen longest and largest.

    People of a frame are matched with those followed so far so that the joints move least in all, whichever
    side was taken for left. Who is lost may come back near the place where they were lost. Of the tracks that
    of the largest sum of sizes over its frames wins, of equal ones the earliest.

    Args:
        people: Of each frame, float32 (N, 25, 3) with N from 0; missing joints are (NaN, NaN, 0).

    Returns:
        float32 (T, 25, 3). In frames without that person all joints are missing.
    """
    tracks: list[_Track] = []
    for frame, joints in enumerate(people):
        there = [person for person in joints if (person[:, 2] > 0).any()]
        taken = _match(tracks, there, frame)
        for number, person in enumerate(there):
            size = _size(person)
            if number in taken:
                track = tracks[taken[number]]
                track.joints[frame], track.last, track.weight = person, frame, track.weight + size
            else:
                tracks.append(_Track({frame: person}, frame, size))
    followed = missing_keypoints(len(people))
    if tracks:
        for frame, person in max(tracks, key=lambda track: track.weight).joints.items():
            followed[frame] = person
    return followed


def _match(tracks: Sequence[_Track], people: Sequence[Keypoints], frame: int) -> dict[int, int]:
    """Which track each of the people continues, as indices; who continues none is left out."""
    if not tracks or not people:
        return {}
    costs = np.array([[_distance(track.joints[track.last], person) for person in people] for track in tracks])
    reach = np.array([min(REACH + REACH_PER_FRAME * (frame - track.last - 1), FARTHEST) for track in tracks])
    within = costs <= reach[:, None]
    rows, columns = linear_sum_assignment(np.where(within, costs, 100.0))
    return {int(c): int(r) for r, c in zip(rows, columns, strict=True) if within[r, c]}


def _distance(before: Keypoints, now: Keypoints) -> float:
    """Mean distance of the joints that both have, in sizes of the person before; infinite without any."""
    size = max(_size(before), 1.0)
    distances = []
    for order in (slice(None), np.array(MIRROR)):
        turned = now[order]
        both = _counting(before) & _counting(turned)
        if both.any():
            moved = (before[both, :2] - turned[both, :2]).astype(np.float64)
            distances.append(float(np.hypot(moved[:, 0], moved[:, 1]).mean()) / size)
    return min(distances, default=np.inf)


def _counting(person: Keypoints) -> NDArray[np.bool_]:
    """The confident joints, (25,); if there is none, all that were found."""
    confident = person[:, 2] >= CONFIDENT
    return confident if confident.any() else person[:, 2] > 0


def _size(person: Keypoints) -> float:
    """Diagonal of the box of the confident joints, pixels; 0 without any."""
    points = person[person[:, 2] >= CONFIDENT, :2].astype(np.float64)
    return float(np.hypot(*np.ptp(points, axis=0))) if len(points) else 0.0
