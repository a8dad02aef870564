"""The source frame warped along the mesh flow, hidden parts filled, the background kept in place.

What a model must beat to have learnt anything: it knows geometry, and nothing about how people look.
"""

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from baselines.background import frame_to_background, grown
from baselines.untrained import Untrained
from vptbench.clip import Frames, Mesh, PoseClip, SourceFrame
from vptbench.errors import ModelError
from vptbench.image import Frame
from vptbench.mesh.flow import NO_FLOW, face_table_to_flow, warp_frame
from vptbench.mesh.rasterise import FaceTable, vertices_to_face_table
from vptbench.skeleton import MIRROR

SAME_PART = 0.25
"""Two points of the body are of one part if their joint weights, left and right taken as one, differ less."""

JOINT_REACH = 1.0
"""How far apart two vertices count, in frame heights, whose joint weights differ by 1: enough that an arm
takes its colours from the other arm rather than from the trunk behind it."""

FINE = 2
"""Samples a pixel, in each direction, for how much of an edge pixel the person covers."""


@dataclass(frozen=True)
class _Look:
    """What one source frame tells of a person and a place.

    Attributes:
        person: uint8 (H, W, 3), the source with the person's colours continued over the background.
        background: uint8 (H, W, 3), the source without the person.
        vertices: float32 (V, 3), the source's mesh.
        faces: int32 (F, 3).
        table: The source's face table.
        readable: bool (V,), whether the source shows, at a vertex's place, the same part of the body.
        colours: float32 (V, 3), a colour for each vertex, for where it is not readable.
    """

    person: Frame
    background: Frame
    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    table: FaceTable
    readable: NDArray[np.bool_]
    colours: NDArray[np.float32]


class MeshWarp(Untrained):
    """Carries the source's pixels along with the body; a `vptbench.generate.model.Model`."""

    name: ClassVar[str] = "mesh_warp"

    def generate(self, source: SourceFrame, driving: PoseClip) -> Frames:
        """Warp the source into each driving pose, uint8 (T, H, W, 3).

        Raises:
            ModelError: Source or driving clip has no mesh, or the two differ in topology or size.
        """
        if driving.mesh is None or source.vertices is None or source.faces is None:
            raise ModelError(f"{driving.clip}: mesh_warp expected a mesh, found none; prepare with --body")
        if not np.array_equal(driving.mesh.faces, source.faces) or driving.size != source.frame.shape[:2]:
            raise ModelError(
                f"{driving.clip}: mesh_warp expected the mesh topology and frame size of source clip "
                f"{source.clip}, found others; prepare both with the same settings"
            )
        look = _source_to_look(source, source.vertices, driving.mesh)
        rows = (np.asarray(driving.mesh.vertices[row], np.float32) for row in range(len(driving)))
        return np.stack([_look_to_frame(look, vertices) for vertices in rows])


def _look_to_frame(look: _Look, vertices: NDArray[np.float32]) -> Frame:
    """The person of `look` with the mesh at `vertices`, before the same background.

    What the source does not show is taken from the part of the body in front of it, so that a back continues
    the front's pattern; where that is another part (an arm before the trunk), from vertices alike.
    """
    size = look.table.face.shape
    table = vertices_to_face_table(vertices, look.faces, size)
    frame, body = warp_frame(look.person, face_table_to_flow(table, look.vertices, look.faces))
    seen = face_table_to_flow(table, look.vertices, look.faces, hidden_by=look.table)[..., 0] != NO_FLOW
    guessed = body & ~seen
    guessed[guessed] = ~look.readable[look.faces[table.face[guessed]]].all(-1)
    corners = look.colours[look.faces[table.face[guessed]]]
    frame[guessed] = np.einsum("nk,nkc->nc", table.weights[guessed], corners).round()
    cover = _cover(vertices, look.faces, size)[..., None]
    mixed = _continued(frame, body) * cover + look.background * (1 - cover)
    return mixed.round().astype(np.uint8)


def _source_to_look(source: SourceFrame, vertices: NDArray[np.float32], mesh: Mesh) -> _Look:
    height, width = source.frame.shape[:2]
    table = vertices_to_face_table(vertices, mesh.faces, (height, width))
    body = table.face >= 0
    mask = body if source.mask is None else source.mask
    inside = cv2.erode((body & mask).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.bool_)
    person = _continued(source.frame, inside)
    nature = (mesh.joint_weights + mesh.joint_weights[:, MIRROR]) / 2
    place = np.nan_to_num(vertices[:, :2])
    x, y = np.clip(place.round(), 0, (width - 1, height - 1)).astype(np.intp).T
    pixel = _nearest(body)[y, x]
    corners, weights = mesh.faces[table.face.ravel()[pixel]], table.weights.reshape(-1, 3)[pixel]
    shown = np.einsum("vk,vkj->vj", weights, nature[corners])
    readable = body.any() & (np.linalg.norm(shown - nature, axis=1) < SAME_PART)
    colours = person[y, x].astype(np.float32)
    if readable.any():
        alike = np.hstack([place / height, nature * JOINT_REACH])
        colours[~readable] = colours[readable][KDTree(alike[readable]).query(alike[~readable])[1]]
    return _Look(
        person,
        frame_to_background(source.frame, grown(body | mask)),
        vertices,
        mesh.faces,
        table,
        readable,
        colours,
    )


def _cover(
    vertices: NDArray[np.float32], faces: NDArray[np.int32], size: tuple[int, ...]
) -> NDArray[np.float32]:
    """How much of each pixel a mesh covers, float32 (H, W), 0 to 1."""
    cover = np.zeros(size, np.float32)
    known = vertices[np.isfinite(vertices).all(1), :2]
    limits = (size[1], size[0])
    left, top = np.clip(known.min(0, initial=np.inf), 0, limits).astype(int)
    right, bottom = np.clip(known.max(0, initial=-np.inf) + 2, 0, limits).astype(int)
    if left < right and top < bottom:
        fine = vertices.copy()
        fine[:, :2] = (fine[:, :2] - (left, top) + 0.5) * FINE - 0.5
        table = vertices_to_face_table(fine, faces, ((bottom - top) * FINE, (right - left) * FINE))
        covered = (table.face >= 0).astype(np.float32)
        cover[top:bottom, left:right] = cv2.resize(
            covered, (right - left, bottom - top), interpolation=cv2.INTER_AREA
        )
    return cover


def _continued(frame: Frame, inside: NDArray[np.bool_]) -> Frame:
    """`frame` with each pixel outside `inside` given the colour of the nearest one within."""
    return frame.reshape(-1, 3)[_nearest(inside)]


def _nearest(inside: NDArray[np.bool_]) -> NDArray[np.intp]:
    """For each pixel (H, W) the number of the nearest one within `inside`, row by row; its own if none is."""
    numbers = np.arange(inside.size).reshape(inside.shape)
    if not inside.any():
        return numbers
    outside = (~inside).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    found = np.zeros(labels.max() + 1, np.intp)
    found[labels[inside]] = numbers[inside]
    nearest: NDArray[np.intp] = found[labels]
    return nearest
