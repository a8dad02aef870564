"""Which face of a projected mesh is seen at every pixel, and where in it.

Pixel centres are at integers; depth is in pixels, smaller is nearer.

With `culled` this is the table of BDMM's published code (arXiv 2307.07754; the rasteriser is
neural_renderer), but for one thing: published, faces are ordered by 1/Σ(w_k/z_k), z being metres from a
camera 2.732 m before the body's origin, as if the picture had perspective, which it has not. That needs the
pixels of a metre, and a mesh need not come with any; here faces are ordered by their true depth Σ w_k z_k.
The two differ by the variance of z within the face over z, 0.04 mm at most in a face 2 cm deep, so that
only where two surfaces meet can faces change places (figures in ``docs/decisions.md``). The weights are the
same: inside a face, clipping them to [0, 1] changes nothing, and for a person 2.7 m away neither do the
published near and far plane (0.1 and 100 m).
"""

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from vptbench.errors import ShapeError

MIN_DOUBLE_AREA = 1e-6
"""Faces whose doubled projected area (square pixels) is smaller are skipped: weights there would be noise."""


@dataclass(frozen=True)
class FaceTable:
    """The nearest face at every pixel.

    Attributes:
        face: int32 (H, W), face number, −1 where there is none.
        weights: float32 (H, W, 3), barycentric weights of the face's three vertices, 0 where there is none.
        depth: float32 (H, W), pixels, infinite where there is no face.
    """

    face: NDArray[np.int32]
    weights: NDArray[np.float32]
    depth: NDArray[np.float32]


def vertices_to_face_table(
    vertices: NDArray[np.float32], faces: NDArray[np.int32], size: tuple[int, int], *, culled: bool = False
) -> FaceTable:
    """Rasterises one frame's mesh, without perspective or anti-aliasing.

    A pixel belongs to a face if its centre lies in it or on its edge. The smallest depth wins, and
    among equal depths the lower face number. Faces with a vertex that is not finite are left out.

    Args:
        vertices: float32 (V, 3), x, y and depth in pixels.
        faces: int32 (F, 3), vertex numbers.
        size: (H, W) of the table.
        culled: Leave out faces that turn their back, as published: those whose vertices go round clockwise on
            the screen. On a closed surface that faces outward (counter-clockwise seen from outside) the
            covered pixels stay the same; on a sheet, the back vanishes.

    Raises:
        ShapeError: The arrays are not as stated, or a face names a vertex that is not there.
    """
    check_mesh(vertices, faces)
    table = FaceTable(
        face=np.full(size, -1, np.int32),
        weights=np.zeros((*size, 3), np.float32),
        depth=np.full(size, np.inf, np.float32),
    )
    _rasterise(vertices.astype(np.float64), faces, culled, table.face, table.weights, table.depth)
    return table


def check_mesh(vertices: NDArray[np.float32], faces: NDArray[np.int32]) -> None:
    """Refuses what compiled code would read out of bounds.

    Args:
        vertices: Expected float32 (V, 3).
        faces: Expected int32 (F, 3), vertex numbers.

    Raises:
        ShapeError: The arrays are not so.
    """
    if vertices.ndim != 2 or vertices.shape[1] != 3 or vertices.dtype != np.float32:
        raise ShapeError(f"vertices: expected float32 (V, 3), found {vertices.dtype} {vertices.shape}")
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype != np.int32:
        raise ShapeError(f"faces: expected int32 (F, 3), found {faces.dtype} {faces.shape}")
    if faces.size and not (faces.min() >= 0 and faces.max() < len(vertices)):
        found = f"{faces.min()}..{faces.max()}"
        raise ShapeError(f"faces: expected vertex numbers in 0..{len(vertices) - 1}, found {found}")


def is_inside_out(vertices: NDArray[np.float32], faces: NDArray[np.int32]) -> bool:
    """Whether a closed surface's faces turn inward, so that culling would leave the far side only.

    Args:
        vertices: float32 (V, 3), x, y and depth in pixels.
        faces: int32 (F, 3), vertex numbers.

    Returns:
        True if every edge is met by a second one in the other direction and the surface's signed volume is
        negative; False also for open surfaces, which have no inside, and with vertices that are not finite.

    Raises:
        ShapeError: The arrays are not as stated, or a face names a vertex that is not there.

    Source:
        Six times the volume is Σ a · (b × c) over faces (a, b, c). x right, y down and depth away make a
        right-handed frame, as x, y and z of a body do, in which an outward surface has a positive volume.
    """
    check_mesh(vertices, faces)
    begin, end = faces.astype(np.int64), np.roll(faces, -1, axis=1).astype(np.int64)
    there, back = (np.sort(a * len(vertices) + b, axis=None) for a, b in ((begin, end), (end, begin)))
    if not np.array_equal(there, back) or (np.diff(there) == 0).any() or not np.isfinite(vertices).all():
        return False
    a, b, c = vertices.astype(np.float64)[faces.T]
    return bool((a * np.cross(b, c)).sum() < 0)


@numba.njit(cache=True, nogil=True)
def _rasterise(vertices: Any, faces: Any, culled: Any, face: Any, weights: Any, depth: Any) -> None:
    """Fills an empty table; all arithmetic is float64 but for the depth, which is compared as stored.

    Source:
        Edge functions: e_a is twice the signed area of (pixel, b, c), and so on; inside all three have one
        sign, and they sum to the face's own doubled area. Their value on an edge shared by two
        faces differs in sign only, so that no pixel falls between.
    """
    height, width = face.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, az = vertices[a, 0], vertices[a, 1], vertices[a, 2]
        bx, by, bz = vertices[b, 0], vertices[b, 1], vertices[b, 2]
        cx, cy, cz = vertices[c, 0], vertices[c, 1], vertices[c, 2]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if not (np.isfinite(area) and np.isfinite(az + bz + cz) and abs(area) >= MIN_DOUBLE_AREA):
            continue
        # Seen from outside, an outward face goes round counter-clockwise. With y up, (0, 0), (1, 0) and
        # (0, 1) do, and the area is 1·1 − 0·0 > 0; with y down the last is (0, −1), and 1·(−1) − 0·0 < 0 is
        # the front. x right, y down and depth away are right-handed as body models are, so that no mirror
        # turns this round: the faces of SMPL and of the shipped body are outward here too.
        if culled and area > 0:
            continue
        left, right = max(np.ceil(min(ax, bx, cx)), 0.0), min(np.floor(max(ax, bx, cx)), width - 1.0)
        top, bottom = max(np.ceil(min(ay, by, cy)), 0.0), min(np.floor(max(ay, by, cy)), height - 1.0)
        if left > right or top > bottom:  # also keeps places too far away for an integer out of the loop
            continue
        for y in range(int(top), int(bottom) + 1):
            for x in range(int(left), int(right) + 1):
                ea = (bx - x) * (cy - y) - (cx - x) * (by - y)
                eb = (cx - x) * (ay - y) - (ax - x) * (cy - y)
                ec = (ax - x) * (by - y) - (bx - x) * (ay - y)
                if not ((ea >= 0 and eb >= 0 and ec >= 0) or (ea <= 0 and eb <= 0 and ec <= 0)):
                    continue
                total = ea + eb + ec
                wa, wb, wc = ea / total, eb / total, ec / total
                z = np.float32(wa * az + wb * bz + wc * cz)
                if z < depth[y, x]:
                    depth[y, x], face[y, x] = z, f
                    weights[y, x, 0], weights[y, x, 1], weights[y, x, 2] = wa, wb, wc
