"""The source frame warped along the mesh flow, hidden parts filled, the background kept in place.

What a model must beat to have learnt anything: it knows geometry, and nothing about how people look.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from vptbench.clip import Frames, Mesh, PoseClip, SourceFrame
from vptbench.errors import ModelError
from vptbench.image import Frame
from vptbench.mesh.flow import face_table_to_flow, warp_frame
from vptbench.mesh.rasterise import FaceTable, vertices_to_face_table
from vptbench.skeleton import MIRROR

JOINT_REACH = 0.5
"""How far apart two vertices count, in frame heights, whose joint weights differ by 1: enough that an arm
takes its colours from the other arm rather than from the trunk behind it."""

HOLE_MARGIN = 0.02
"""The background is filled this far around the person as well (share of the frame's height): shadows, hair,
cloth that stands off the body."""

INPAINT_RADIUS = 3
"""Pixels around a hole's pixel from which Telea's method takes its colour."""


@dataclass(frozen=True)
class _Look:
    """What one source frame tells of a person and a place.

    Attributes:
        person: uint8 (H, W, 3), the source with the person's colours continued over the background.
        background: uint8 (H, W, 3), the source without the person.
        colours: float32 (V, 3), a colour for each vertex, guessed where it is hidden.
        vertices: float32 (V, 3), the source's mesh.
        faces: int32 (F, 3).
        table: The source's face table.
    """

    person: Frame
    background: Frame
    colours: NDArray[np.float32]
    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    table: FaceTable


class MeshWarp:
    """Carries the source's pixels along with the body; a `vptbench.generate.model.Model`."""

    parameters = 0

    @classmethod
    def load(cls, checkpoint: Path | None, device: str) -> Self:  # noqa: ARG003 - the protocol's signature
        """Nothing to load.

        Raises:
            ModelError: A checkpoint is given.
        """
        if checkpoint is not None:
            raise ModelError(f"mesh_warp: expected no checkpoint, got {checkpoint}; leave it out")
        return cls()

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
    """The person of `look` with the mesh at `vertices`, before the same background."""
    table = vertices_to_face_table(vertices, look.faces, look.table.face.shape)
    flow = face_table_to_flow(table, look.vertices, look.faces, hidden_by=look.table)
    frame, seen = warp_frame(look.person, flow)
    hidden = (table.face >= 0) & ~seen
    corners = look.colours[look.faces[table.face[hidden]]]
    frame[hidden] = np.einsum("nk,nkc->nc", table.weights[hidden], corners).round()
    return np.where((table.face >= 0)[..., None], frame, look.background)


def _source_to_look(source: SourceFrame, vertices: NDArray[np.float32], mesh: Mesh) -> _Look:
    height, width = source.frame.shape[:2]
    table = vertices_to_face_table(vertices, mesh.faces, (height, width))
    body = table.face >= 0
    outline = body if source.mask is None else body & source.mask
    person = _continued(source.frame, outline if outline.any() else body)
    everything = body if source.mask is None else body | source.mask
    seen = np.zeros(len(vertices), np.bool_)
    seen[mesh.faces[table.face[body]]] = True
    return _Look(
        person=person,
        background=_without(source.frame, everything),
        colours=_vertex_colours(person, vertices, seen, mesh.joint_weights),
        vertices=vertices,
        faces=mesh.faces,
        table=table,
    )


def _vertex_colours(
    person: Frame, vertices: NDArray[np.float32], seen: NDArray[np.bool_], joint_weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """A colour for each vertex: its own where it is seen, else that of a seen one like it.

    Alike are vertices that follow the same joints of either side of the body, and lie near each other in
    the picture: a back takes its colours from the front at the same height, a hidden arm from the other.

    Returns:
        float32 (V, 3), 0 to 255.
    """
    if not seen.any():
        return np.full((len(vertices), 3), person.mean((0, 1)), np.float32)
    height, width = person.shape[:2]
    x, y = np.clip(vertices[:, :2].round(), 0, (width - 1, height - 1)).astype(np.intp).T
    colours: NDArray[np.float32] = person[y, x].astype(np.float32)
    either_side = (joint_weights + joint_weights[:, MIRROR]) / 2
    nature = np.hstack([vertices[:, :2] / height, either_side * JOINT_REACH])
    _, alike = KDTree(nature[seen]).query(nature[~seen])
    colours[~seen] = colours[seen][alike]
    return colours


def _continued(frame: Frame, inside: NDArray[np.bool_]) -> Frame:
    """`frame` with each pixel outside `inside` given the colour of the nearest one within."""
    if not inside.any():
        return frame
    outside = (~inside).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    colours = np.zeros((labels.max() + 1, 3), np.uint8)
    colours[labels[inside]] = frame[inside]
    return np.where(inside[..., None], frame, colours[labels])


def _without(frame: Frame, person: NDArray[np.bool_]) -> Frame:
    """`frame` with the person painted over from around (Telea 2004, as in OpenCV)."""
    margin = round(HOLE_MARGIN * frame.shape[0])
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
    hole = cv2.dilate(person.astype(np.uint8), kernel)
    return np.asarray(cv2.inpaint(frame, hole, INPAINT_RADIUS, cv2.INPAINT_TELEA), np.uint8)
