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
from vptbench.mesh.rasterise import FaceTable, check_mesh

NO_FLOW = -2.0
"""Both coordinates where there is no body. Source: BDMM's published generator."""

DEPTH_TOLERANCE = 1.0
"""Pixels by which a point may lie behind what a source pixel shows and still count as seen there: the pixel's
centre is up to a pixel off, and the surface may be steep."""

MARGIN = 1e-3
"""A point this close (pixels) to a row or column of pixel centres lies on it: rounding must not decide."""


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
        source_vertices: float32 (V, 3), the source's vertices in pixels of a frame of the target's size.
        faces: int32 (F, 3), vertex numbers.
        hidden_by: The source's own face table, of the same size: what cannot be seen in the source gets no
            flow either. A point is seen if, of the up to four source pixels that bilinear sampling reads
            there, one shows the same face, or another that is not nearer by more than `DEPTH_TOLERANCE`.

    Returns:
        float32 (H, W, 2), x and y in the source, normalised as `grid_sample` without aligned corners has it,
        x = (2·px + 1)/W − 1; −2 where there is no body (or a vertex that is not finite).

    Raises:
        ShapeError: The arrays are not as stated, the two tables differ in size, or the target's names a face
            that is not there.

    Source:
        BDMM (arXiv 2307.07754), published code: Σ_k w_k · (x, y) of the face's vertex k in the source.
    """
    check_mesh(source_vertices, faces)
    height, width = table.face.shape
    if hidden_by is not None and hidden_by.face.shape != (height, width):
        raise ShapeError(
            f"hidden_by: expected the target's size {height, width}, found {hidden_by.face.shape}"
        )
    if table.face.size and table.face.max() >= len(faces):
        raise ShapeError(
            f"table: expected faces below {len(faces)} of the same mesh, found {table.face.max()}"
        )
    flow = np.full((height, width, 2), NO_FLOW, np.float32)
    depth = np.empty((height, width), np.float32)
    _follow(table.face, table.weights, source_vertices.astype(np.float64), faces, flow, depth)
    if hidden_by is not None:
        _hide(flow, depth, table.face, hidden_by.face, hidden_by.depth)
    return flow


@numba.njit(cache=True, nogil=True)
def _follow(face: Any, weights: Any, vertices: Any, faces: Any, flow: Any, depth: Any) -> None:
    """Writes where each covered pixel's surface point lies in the source, and how deep."""
    height, width = face.shape
    for row in range(height):
        for column in range(width):
            if face[row, column] < 0:
                continue
            x = y = z = 0.0
            for k in range(3):
                weight, vertex = weights[row, column, k], faces[face[row, column], k]
                x += weight * vertices[vertex, 0]
                y += weight * vertices[vertex, 1]
                z += weight * vertices[vertex, 2]
            if not np.isfinite(x + y + z):
                continue
            flow[row, column, 0] = (2 * x + 1) / width - 1
            flow[row, column, 1] = (2 * y + 1) / height - 1
            depth[row, column] = z


@numba.njit(cache=True, nogil=True)
def _hide(flow: Any, depth: Any, face: Any, source_face: Any, source_depth: Any) -> None:
    """Takes the flow away where its point cannot be seen in the source."""
    height, width = face.shape
    for row in range(height):
        for column in range(width):
            f, deepest = face[row, column], depth[row, column] - DEPTH_TOLERANCE
            if f < 0:
                continue
            x = ((flow[row, column, 0] + 1.0) * width - 1) / 2
            y = ((flow[row, column, 1] + 1.0) * height - 1) / 2
            top, bottom = max(np.floor(y + MARGIN), 0.0), min(np.ceil(y - MARGIN), height - 1.0)
            left, right = max(np.floor(x + MARGIN), 0.0), min(np.ceil(x - MARGIN), width - 1.0)
            if top > bottom or left > right:  # outside; also keeps out places too far away for an integer
                flow[row, column, 0] = flow[row, column, 1] = NO_FLOW
                continue
            seen = False
            for i in range(int(top), int(bottom) + 1):
                for j in range(int(left), int(right) + 1):
                    shown = source_face[i, j]
                    seen |= shown == f or (shown >= 0 and deepest <= source_depth[i, j])
            if not seen:
                flow[row, column, 0] = flow[row, column, 1] = NO_FLOW


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

    OpenCV rounds places to 1/32 pixel.

    Args:
        frame: uint8 (H', W', 3), the source frame.
        flow: float32 (H, W, 2), normalised, as `face_table_to_flow` gives it.
        fill: Value where there is no flow.

    Returns:
        The warped frame, uint8 (H, W, 3), and where there was a flow, bool (H, W).
    """
    known = (flow[..., 0] != NO_FLOW) | (flow[..., 1] != NO_FLOW)
    height, width = frame.shape[:2]
    x, y = ((flow[..., 0] + 1) * width - 1) / 2, ((flow[..., 1] + 1) * height - 1) / 2
    warped = np.asarray(cv2.remap(frame, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    warped[~known] = fill
    return warped, known
