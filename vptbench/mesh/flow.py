"""Mesh flow: for each pixel of a target frame, the place of the same surface point in a source frame.

The target's face table says which surface point a pixel shows; the source's vertices say where that
point lies there. Source and target may be frames of one clip or of two, as long as the topology is one.
"""

from typing import Any

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from vptbench.errors import ShapeError
from vptbench.mesh.rasterise import FaceTable

NO_FLOW = -2.0
"""Both coordinates where there is no body. Source: BDMM's published generator."""

DEPTH_TOLERANCE = 2.0
"""Pixels by which a point may lie behind what the source's pixel shows and still count as seen: that pixel's
centre is up to half a pixel off the point in x and y, on a surface that may be steep."""


def face_table_to_flow(
    table: FaceTable,
    source_vertices: NDArray[np.float32],
    faces: NDArray[np.int32],
    *,
    hidden_by: FaceTable | None = None,
) -> NDArray[np.float32]:
    """Where in the source each pixel of the target comes from.

    Args:
        table: The target's face table, (H, W).
        source_vertices: float32 (V, 3), the source's vertices in pixels.
        faces: int32 (F, 3), vertex numbers.
        hidden_by: The source's own face table, of the same size: what cannot be seen in the source gets no
            flow either. A point is seen if the source pixel nearest to it shows the same face, or no other
            that is nearer by more than `DEPTH_TOLERANCE`; it is not seen where that pixel shows no body or
            lies outside the frame.

    Returns:
        float32 (H, W, 2), x and y in the source, normalised as `grid_sample` without aligned corners has it,
        x = (2·px + 1)/W − 1; −2 where there is no body.

    Raises:
        ShapeError: The two tables differ in size, or the target's names a face that is not there.

    Source:
        BDMM (arXiv 2307.07754), published code: Σ_k w_k · (x, y) of the face's vertex k in the source.
    """
    height, width = table.face.shape
    if hidden_by is not None and hidden_by.face.shape != (height, width):
        raise ShapeError(
            f"hidden_by: expected the target's size {height, width}, found {hidden_by.face.shape}"
        )
    if table.face.size and table.face.max() >= len(faces):
        raise ShapeError(
            f"table: expected faces below {len(faces)} of the same mesh, found {table.face.max()}"
        )
    place = np.full((height, width, 3), np.nan)
    _follow(table.face, table.weights, source_vertices.astype(np.float64), faces, place)
    if hidden_by is not None:
        _hide(place, table.face, hidden_by.face, hidden_by.depth)
    flow = (2 * place[..., :2] + 1) / (width, height) - 1
    return np.where(np.isnan(flow), NO_FLOW, flow).astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _follow(face: Any, weights: Any, vertices: Any, faces: Any, place: Any) -> None:
    """Writes x, y and depth of each pixel's surface point in the source into `place`."""
    for row in range(face.shape[0]):
        for column in range(face.shape[1]):
            if face[row, column] < 0:
                continue
            corners = faces[face[row, column]]
            for axis in range(3):
                total = 0.0
                for k in range(3):
                    total += weights[row, column, k] * vertices[corners[k], axis]
                place[row, column, axis] = total


@numba.njit(cache=True, nogil=True)
def _hide(place: Any, face: Any, source_face: Any, source_depth: Any) -> None:
    """Turns places that cannot be seen in the source into NaN."""
    height, width = source_face.shape
    for row in range(face.shape[0]):
        for column in range(face.shape[1]):
            x, y = np.floor(place[row, column, 0] + 0.5), np.floor(place[row, column, 1] + 0.5)
            seen = False
            if 0 <= x < width and 0 <= y < height:
                shown, depth = source_face[int(y), int(x)], source_depth[int(y), int(x)]
                near = place[row, column, 2] <= depth + DEPTH_TOLERANCE
                seen = shown >= 0 and (shown == face[row, column] or near)
            if not seen:
                place[row, column] = np.nan


def flow_to_pixels(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Normalised flow (H, W, 2) to pixels, centres at integers; NaN where there is none."""
    height, width = flow.shape[:2]
    pixels = ((flow.astype(np.float64) + 1) * (width, height) - 1) / 2
    pixels[(flow == NO_FLOW).all(-1)] = np.nan
    return pixels.astype(np.float32)


def warp_frame(
    frame: NDArray[np.uint8], flow: NDArray[np.float32], *, fill: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Samples a source frame along a flow, bilinearly; beyond its edge the frame's own edge repeats.

    Args:
        frame: uint8 (H', W', 3), the source frame.
        flow: float32 (H, W, 2), normalised, as `face_table_to_flow` gives it.
        fill: Value where there is no flow.

    Returns:
        The warped frame, uint8 (H, W, 3), and where there was a flow, bool (H, W).
    """
    known = (flow != NO_FLOW).any(-1)
    height, width = frame.shape[:2]
    place = ((np.where(known[..., None], flow, 0) + 1) * (width, height) - 1) / 2
    x, y = np.moveaxis(place.astype(np.float32), -1, 0)
    warped = np.asarray(cv2.remap(frame, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    warped[~known] = fill
    return warped, known
