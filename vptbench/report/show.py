"""A clip as one looks at it: frames, skeleton, mask, mesh, mesh flow, and the source warped along it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Clip
from vptbench.drawing import draw_skeleton
from vptbench.errors import UsageError
from vptbench.image import Frame, frames_to_sheet, image_to_bytes
from vptbench.leaderboard.text import printable
from vptbench.manifest import written_beside
from vptbench.mesh.flow import NO_FLOW, flow_to_pixels, warp_frame
from vptbench.mesh.rasterise import vertices_to_face_table
from vptbench.progress import track
from vptbench.registry import check_known
from vptbench.report.lettering import label_sheet
from vptbench.video import frames_to_video

BACKGROUND = 24
"""Grey level where there is no body."""


VIEWS = ("frame", "skeleton", "mask", "mesh", "flow", "warped")
"""What can be drawn of a clip; the last three need a mesh."""

MESH_VIEWS = ("mesh", "flow", "warped")

OUTSIDE = 0.35
"""Brightness of what lies outside the mask."""

OUTLINE = (255, 230, 0)
"""RGB of the mask's outline."""


@dataclass(frozen=True)
class ViewSettings:
    """How a clip is drawn.

    Attributes:
        views: Some of `VIEWS`, in this order; none stands for all that the clip has.
        span: First frame, and the one behind the last; None where the clip begins or ends.
        source: Frame number that the flow leads back to.
        columns: How many frames a picture shows; a video shows all.
    """

    views: tuple[str, ...] = ()
    span: tuple[int | None, int | None] = (None, None)
    source: int = 0
    columns: int = 8


def write_view(clip: Clip, out: Path, settings: ViewSettings | None = None) -> None:
    """Write a clip as a video (.mp4) or as one picture (any other suffix); whole or not at all.

    Raises:
        UsageError: The source is not one of the clip's frames, the span holds none, or the clip lacks what a
            view needs.
        RegistryError: A view is unknown.
        VideoError: The suffix is no picture's.

    Example:
        ``write_view(open_store("store")["a"], Path("a.mp4"), ViewSettings(views=("frame", "mask")))``
    """
    settings = ViewSettings() if settings is None else settings
    with written_beside(out) as part:
        if out.suffix.lower() == ".mp4":
            frames_to_video(clip_to_movie(clip, settings), part, fps=clip.fps)
        else:
            part.write_bytes(image_to_bytes(_clip_to_picture(clip, settings), out.suffix.lower()))


def clip_to_sheet(clip: Clip, settings: ViewSettings) -> Frame:
    """One picture of a clip: some frames evenly spread over the span, one row for each view.

    Raises:
        UsageError: As `write_view`.
        RegistryError: A view is unknown.
    """
    frames, views = _resolve(clip, settings)
    numbers = _spread(frames, settings.columns)
    columns = [clip_to_views(clip, number, views, settings.source) for number in numbers]
    return frames_to_sheet([list(row) for row in zip(*columns, strict=True)])


def _clip_to_picture(clip: Clip, settings: ViewSettings) -> Frame:
    """`clip_to_sheet` with words: what is shown, in which rows, and the numbers of the frames."""
    frames, views = _resolve(clip, settings)
    numbers = _spread(frames, settings.columns)
    words = [f"{clip.id}: {len(numbers)} of {len(clip)} frames"]
    if {"flow", "warped"} & set(views):
        words.append(f"flow and warp from frame {settings.source}")
    sources = ((kind, clip.attributes.get(f"{kind}_source")) for kind in ("pose", "mesh"))
    words += [f"{kind} from {source}" for kind, source in sources if source is not None]
    return label_sheet(
        clip_to_sheet(clip, settings), head=printable(", ".join(words)), left=views,
        top=[(str(number), _is_lost(clip, number)) for number in numbers],
    )  # fmt: skip


def _spread(frames: range, columns: int) -> list[int]:
    spread = np.linspace(frames.start, frames.stop - 1, columns)
    return [int(number) for number in np.unique(spread.round().astype(int))]


def _is_lost(clip: Clip, number: int) -> bool:
    return not (clip.keypoints[number, :, 2] > 0).any()


def clip_to_movie(clip: Clip, settings: ViewSettings) -> Iterator[Frame]:
    """The same views side by side for every frame of the span, padded to even height and width.

    Raises:
        UsageError: As `write_view`.
        RegistryError: A view is unknown.
    """
    frames, views = _resolve(clip, settings)
    for number in track(frames, total=len(frames), label=f"show {clip.id}", unit="frame"):
        sheet = frames_to_sheet([clip_to_views(clip, number, views, settings.source)])
        top = [(f"{number} {view}" if view == views[0] else view, _is_lost(clip, number)) for view in views]
        sheet = label_sheet(sheet, head="", left=(), top=top)
        height, width = sheet.shape[:2]
        yield np.pad(sheet, ((0, height % 2), (0, width % 2), (0, 0)), "edge")


def _resolve(clip: Clip, settings: ViewSettings) -> tuple[range, tuple[str, ...]]:
    """The frames and views that settings ask for.

    Raises:
        UsageError: As `write_view`.
        RegistryError: A view is unknown.
    """
    if not 0 <= settings.source < len(clip):
        raise UsageError(f"{clip.id}: expected a source frame in 0..{len(clip) - 1}, got {settings.source}")
    frames = range(len(clip))[slice(*settings.span)]
    if not frames:
        first, stop = ("" if end is None else str(end) for end in settings.span)
        raise UsageError(f"{clip.id}: expected frames in 0..{len(clip) - 1}, got the span {first}:{stop}")
    lacking = {"mask": clip.mask is None, **dict.fromkeys(MESH_VIEWS, clip.mesh is None)}
    for view in settings.views:
        check_known(view, VIEWS, "view")
        if lacking.get(view):
            what = "mesh" if view in MESH_VIEWS else view
            raise UsageError(
                f"{clip.id}: expected a {what} for the view {view}, the clip has none; "
                "prepare it with --body fit or dataset, or leave the view out"
            )
    return frames, settings.views or tuple(view for view in VIEWS if not lacking.get(view))


def clip_to_views(clip: Clip, number: int, views: Sequence[str], source: int) -> Sequence[Frame]:
    """Views of one frame, RGB uint8 (H, W, 3) each.

    Args:
        clip: The clip; it has what the views need.
        number: Of the frame.
        views: Some of `VIEWS`.
        source: Frame number that the flow leads back to.
    """
    frame = np.asarray(clip.frames[number], np.uint8)
    drawn = {"frame": frame}
    if "skeleton" in views:
        drawn["skeleton"] = draw_skeleton(frame, clip.keypoints[number])
    if "mask" in views and clip.mask is not None:
        drawn["mask"] = draw_mask(frame, np.asarray(clip.mask[number], np.bool_))
    if "mesh" in views and clip.mesh is not None:
        vertices = np.asarray(clip.mesh.vertices[number], np.float32)
        drawn["mesh"] = draw_mesh(vertices, clip.mesh.faces, clip.size)
    if {"flow", "warped"} & set(views):
        flow = clip.mesh_flow(source, number, visible_only=True)
        drawn["flow"] = draw_flow(flow)
        drawn["warped"], _ = warp_frame(np.asarray(clip.frames[source], np.uint8), flow, fill=BACKGROUND)
    return [drawn[view] for view in views]


def draw_mask(frame: Frame, mask: NDArray[np.bool_]) -> Frame:
    """Darken what lies outside a mask, and draw its outline on its own pixels along the border.

    Args:
        frame: RGB uint8 (H, W, 3).
        mask: bool (H, W).
    """
    drawn = np.where(mask[..., None], frame, (frame * OUTSIDE).astype(np.uint8))
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1).astype(bool)
    drawn[mask & ~inner] = OUTLINE
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
