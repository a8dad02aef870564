"""How hard each frame of a clip is to make: its pose, what the source hides, its motion, its background.

All four are figures of the clean data alone, whatever the size of the frames. A figure that there is none of
is NaN: the clip has no mesh, the frame no person or no predecessor.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vptbench.benchmarks.items import ClipStore, Item
from vptbench.clip import Clip
from vptbench.errors import BenchmarkError
from vptbench.image import Frame
from vptbench.mesh.flow import NO_FLOW
from vptbench.progress import track
from vptbench.skeleton import keypoints_to_height

MEASURES = ("pose_distance", "hidden", "speed", "background")
DIFFICULTY_COLUMNS = ("clip", "frame", *MEASURES)

LEAST_JOINTS = 8
"""Joints that two frames must share before their poses are compared, a third of BODY_25: among a few of one
limb, moved to their common middle, little distance is left."""

BACKGROUND_SIDE = 64
"""Height, pixels, to which a frame is brought before its background is measured, so that the same picture
has the same figure at any size of frames; smaller ones stay as they are."""

BOX_MARGIN = 0.1
"""Heights of the person by which the box round the joints is widened where no mask is known: hair, hands and
a skirt reach over the joints."""


def items_to_difficulty(items: Sequence[Item], store: ClipStore) -> pd.DataFrame:
    """Measure every frame that a protocol scores.

    Args:
        items: What a protocol makes of the store.
        store: The clean clips.

    Returns:
        `DIFFICULTY_COLUMNS`, sorted by clip (the item's id) and frame.

    Raises:
        BenchmarkError: An item has no true frames.
        VptbenchError: A clip is damaged.

    Example:
        ``items_to_difficulty(benchmark_items(load_benchmark("iper-v1"), store), store)``
    """
    ordered = sorted(items, key=lambda item: item.id)
    found = track(ordered, total=len(ordered), label="difficulty")
    return pd.concat(
        [item_to_difficulty(item, store[item.driving_clip]) for item in found], ignore_index=True
    )


def item_to_difficulty(item: Item, clip: Clip) -> pd.DataFrame:
    """Measure the scored frames of one item; see `items_to_difficulty`.

    Args:
        item: One whose clip is driven by its own poses.
        clip: That clip.

    Returns:
        `DIFFICULTY_COLUMNS`: pose_distance in heights, hidden in [0, 1], speed in heights a second,
        background in levels (of 255).

    Raises:
        BenchmarkError: The item has no true frames.
    """
    if not item.truth:
        raise BenchmarkError(
            f"item {item.id}: expected one with true frames, found a person who takes another's poses; "
            "give scores of a protocol with driving 'self'"
        )
    numbers, source = list(item.driving_numbers), item.source_frame
    height = keypoints_to_height(clip.keypoints)
    values = {
        "pose_distance": poses_to_distances(clip.keypoints[source], clip.keypoints[numbers], height),
        "hidden": [clip_to_hidden_share(clip, source, number) for number in numbers],
        "speed": clip_to_speeds(clip)[numbers],
        "background": clip_to_background(clip, source),
    }
    return pd.DataFrame({"clip": item.id, "frame": numbers, **values}, columns=list(DIFFICULTY_COLUMNS))


def poses_to_distances(
    source: NDArray[np.float32], targets: NDArray[np.float32], height: float
) -> NDArray[np.float64]:
    """How far poses are from the source's: mean distance of joints that both have, in heights.

    Both poses are moved so that the mean of these joints lies in one place; nothing is turned or scaled, so
    that a person who comes nearer is farther from the source.

    Args:
        source: float32 (25, 3), keypoints of the source frame.
        targets: float32 (T, 25, 3), those of the frames to measure.
        height: Of the person, pixels.

    Returns:
        float64 (T,); NaN where fewer than `LEAST_JOINTS` joints are in both.

    Source:
        Ours: (1/K) Σ_k |d_k − mean d| / height with d_k = target_k − source_k, over the K joints of both.
    """
    moved = targets[..., :2].astype(np.float64) - source[:, :2]
    both = np.isfinite(moved).all(axis=-1, keepdims=True)
    moved = np.where(both, moved - _mean_known(moved)[:, None], np.nan)
    distances = _mean_known(np.linalg.norm(moved, axis=-1)) / height
    return np.where(both.sum(axis=(1, 2)) >= LEAST_JOINTS, distances, np.nan)


def clip_to_speeds(clip: Clip) -> NDArray[np.float64]:
    """Mean way of the joints from the previous frame, in heights a second.

    Returns:
        float64 (T,), over the joints that both frames have; NaN in the first frame, and where there is no
        such joint. Where frames of the raw clip were left out, the way is shared by the time between.

    Source:
        Ours. White noise of σ in x and y adds up to √π·σ: of a pixel on a person of 200 at 30 frames a
        second, 0.27 heights a second.
    """
    ways = np.linalg.norm(np.diff(clip.keypoints[..., :2].astype(np.float64), axis=0), axis=-1)
    raw = clip.raw_frames
    seconds = np.diff(np.arange(len(clip)) if raw is None else np.asarray(raw)) / clip.fps
    return np.concatenate([[np.nan], _mean_known(ways) / seconds / keypoints_to_height(clip.keypoints)])


def clip_to_regions(clip: Clip, source: int, number: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where the mesh lies in a frame, and where that part of it is hidden in the source frame.

    Args:
        clip: With a mesh.
        source: Number of the source frame.
        number: Of the frame to look at.

    Returns:
        Two masks, bool (H, W); the second is part of the first.

    Raises:
        ShapeError: The clip has no mesh.
    """
    body, shown = (
        clip.mesh_flow(source, number, visible_only=only)[..., 0] != NO_FLOW for only in (False, True)
    )
    return body, body & ~shown


def clip_to_hidden_share(clip: Clip, source: int, number: int) -> float:
    """Share of a frame's body pixels whose surface point is hidden in the source, in [0, 1].

    NaN where the clip has no mesh, or none of it lies in the frame.
    """
    if clip.mesh is None:
        return np.nan
    body, hidden = clip_to_regions(clip, source, number)
    return float(hidden.sum() / body.sum()) if body.any() else np.nan


def clip_to_background(clip: Clip, source: int) -> float:
    """How textured the background of the source frame is; see `frame_to_background`.

    The person is where the mask says so, or within the box round the joints, widened by `BOX_MARGIN`, where
    there is no mask; NaN where there is neither.
    """
    person = None if clip.mask is None else np.asarray(clip.mask[source], np.bool_)
    if person is None or not person.any():
        person = _joints_to_box(clip.keypoints[source], keypoints_to_height(clip.keypoints), clip.size)
    return frame_to_background(np.asarray(clip.frames[source], np.uint8), person) if person.any() else np.nan


def frame_to_background(frame: Frame, person: NDArray[np.bool_]) -> float:
    """Mean length of the gradient of grey levels outside the person, in levels a pixel.

    Args:
        frame: RGB uint8 (H, W, 3).
        person: bool (H, W).

    Returns:
        In levels (of 255) a pixel of the frame brought to `BACKGROUND_SIDE` by the mean over areas; NaN
        where no three pixels in a corner are wholly outside the person.

    Source:
        Ours: |(I(x + 1, y) − I(x, y), I(x, y + 1) − I(x, y))|, I by OpenCV's RGB2GRAY. The gradient instead
        of the standard deviation, so that a plain wall that is darker at one end counts as plain.
    """
    height, width = person.shape
    scale = min(1.0, BACKGROUND_SIDE / height)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    grey, covered = (
        cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        for part in (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float64), person.astype(np.float64))
    )
    free = covered < 0.5 / (person.size / covered.size)  # less than half a pixel of the person: rounding
    corners = free[:-1, :-1] & free[:-1, 1:] & free[1:, :-1]
    lengths = np.hypot(np.diff(grey, axis=1)[:-1], np.diff(grey, axis=0)[:, :-1])
    return float(lengths[corners].mean()) if corners.any() else np.nan


def _joints_to_box(joints: NDArray[np.float32], height: float, size: tuple[int, int]) -> NDArray[np.bool_]:
    """The box round a frame's joints, widened; empty where there is none."""
    points = joints[np.isfinite(joints[:, :2]).all(axis=1), :2]
    if not len(points):
        return np.zeros(size, np.bool_)
    rows, columns = np.mgrid[: size[0], : size[1]]
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    margin = BOX_MARGIN * height
    inside = (columns >= left - margin) & (columns <= right + margin)
    return np.asarray(inside & (rows >= top - margin) & (rows <= bottom + margin), np.bool_)


def _mean_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over axis 1 of what is no NaN; NaN where all is."""
    known = np.isfinite(values)
    counts = known.sum(axis=1)
    sums = np.where(known, values, 0).sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
