"""A clip as one looks at it: frames, skeleton, mesh, mesh flow, and the source warped along the flow."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Clip
from vptbench.errors import UsageError
from vptbench.image import Frame, frames_to_sheet, image_to_bytes
from vptbench.manifest import written_beside
from vptbench.mesh.flow import NO_FLOW, flow_to_pixels, warp_frame
from vptbench.mesh.rasterise import vertices_to_face_table
from vptbench.skeleton import JOINT_COLOURS, LIMBS
from vptbench.video import frames_to_video

BACKGROUND = 24
"""Grey level where there is no body."""


def write_view(clip: Clip, out: Path, *, source: int = 0, columns: int = 8) -> None:
    """Write a clip as a video (.mp4) or as one picture (any other suffix); whole or not at all.

    Raises:
        UsageError: The source is not one of the clip's frames.
        VideoError: The suffix is no picture's.
    """
    if not 0 <= source < len(clip):
        raise UsageError(f"{clip.id}: expected a source frame in 0..{len(clip) - 1}, got {source}")
    with written_beside(out) as part:
        if out.suffix == ".mp4":
            frames_to_video(clip_to_movie(clip, source=source), part, fps=clip.fps)
        else:
            sheet = clip_to_sheet(clip, columns=columns, source=source)
            part.write_bytes(image_to_bytes(sheet, out.suffix.lower()))


def clip_to_sheet(clip: Clip, *, columns: int = 8, source: int = 0) -> Frame:
    """One picture of a clip: `columns` frames evenly spread over it, one row for each view.

    Args:
        clip: The clip.
        columns: How many frames to show.
        source: Frame number that the flow leads back to.

    Returns:
        RGB uint8; the rows are frames, skeleton, and with a mesh also mesh, flow and warped source.
    """
    numbers = np.unique(np.linspace(0, len(clip) - 1, columns).round().astype(int))
    views = [clip_to_views(clip, int(number), source=source) for number in numbers]
    return frames_to_sheet([list(row) for row in zip(*views, strict=True)])


def clip_to_movie(clip: Clip, *, source: int = 0) -> Iterator[Frame]:
    """The same views side by side for every frame, with even height and width as videos want it."""
    for number in range(len(clip)):
        sheet = frames_to_sheet([clip_to_views(clip, number, source=source)])
        yield np.ascontiguousarray(sheet[: sheet.shape[0] // 2 * 2, : sheet.shape[1] // 2 * 2])


def clip_to_views(clip: Clip, number: int, *, source: int) -> Sequence[Frame]:
    """The views of one frame, RGB uint8 (H, W, 3) each: frame, skeleton, mesh, flow, warped source."""
    frame = np.asarray(clip.frames[number], np.uint8)
    views = [frame, draw_skeleton(frame, clip.keypoints[number])]
    if clip.mesh is not None:
        flow = clip.mesh_flow(source, number, visible_only=True)
        warped, _ = warp_frame(np.asarray(clip.frames[source], np.uint8), flow, fill=BACKGROUND)
        vertices = np.asarray(clip.mesh.vertices[number], np.float32)
        views += [draw_mesh(vertices, clip.mesh.faces, clip.size), draw_flow(flow), warped]
    return views


def draw_skeleton(frame: Frame, keypoints: NDArray[np.float32]) -> Frame:
    """Draw the limbs and joints that are there over a copy of `frame`.

    Args:
        frame: RGB uint8 (H, W, 3).
        keypoints: float32 (25, 3).
    """
    drawn = frame.copy()
    thickness = max(1, frame.shape[0] // 128)
    shift = 4  # OpenCV takes coordinates in 1/16 pixels
    points = np.round(keypoints[:, :2] * 2**shift)
    for a, b in LIMBS:
        if keypoints[a, 2] > 0 and keypoints[b, 2] > 0:
            ends = [tuple(map(int, points[joint])) for joint in (a, b)]
            cv2.line(drawn, ends[0], ends[1], JOINT_COLOURS[b], thickness, cv2.LINE_AA, shift)
    for joint in np.flatnonzero(keypoints[:, 2] > 0):
        centre = int(points[joint, 0]), int(points[joint, 1])
        cv2.circle(drawn, centre, (thickness + 1) << shift, JOINT_COLOURS[joint], -1, cv2.LINE_AA, shift)
    return drawn


def draw_mesh(vertices: NDArray[np.float32], faces: NDArray[np.int32], size: tuple[int, int]) -> Frame:
    """Shade a projected mesh by the slope of its faces; RGB uint8 (H, W, 3)."""
    corners = vertices[faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing = np.abs(normals[:, 2]) / np.maximum(np.linalg.norm(normals, axis=1), 1e-12)
    table = vertices_to_face_table(vertices, faces, size)
    shade = np.where(table.face >= 0, 60 + 180 * facing[table.face], BACKGROUND)
    return np.repeat(shade.astype(np.uint8)[..., None], 3, 2)


def draw_flow(flow: NDArray[np.float32]) -> Frame:
    """Colour each pixel by where it comes from: hue is the direction of the motion, saturation its length.

    Args:
        flow: float32 (H, W, 2), normalised mesh flow.
    """
    height, width = flow.shape[:2]
    known = (flow != NO_FLOW).any(-1)
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1)
    motion = np.where(known[..., None], grid - flow_to_pixels(flow), 0)
    length = np.linalg.norm(motion, axis=-1)
    hue = (np.degrees(np.arctan2(motion[..., 1], motion[..., 0])) % 360) / 2
    strength = np.clip(length / (0.1 * height), 0, 1)
    hsv = np.stack([hue, 255 * strength, np.full_like(hue, 255)], -1).astype(np.uint8)
    coloured = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB).astype(np.uint8)
    coloured[~known] = BACKGROUND
    return coloured
