"""Where a clip's mask, mesh and body come from: the dataset's ground truth, or a fit to the keypoints."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Mesh, Rows
from vptbench.errors import DatasetError
from vptbench.manifest import Json, number_to_json
from vptbench.prepare.crop import Crop
from vptbench.prepare.fit import BodyFit, FittedVertices, fit_to_mesh, keypoints_to_body, vertices_to_mask
from vptbench.prepare.sources import TRUTH_FOLDER, RawClip
from vptbench.prepare.truth import Truth

BODIES = ("auto", "dataset", "fit", "none")
"""Where the body may come from: "dataset" needs every clip's truth, "fit" fits the shipped body to the
keypoints, "auto" takes the truth where it lies and fits elsewhere, "none" leaves mesh and mask out."""


@dataclass(frozen=True)
class BodyParts:
    """What a clip file holds of the person's body.

    Attributes:
        mask: bool (1, size, size), frame by frame, or None.
        mesh: In prepared pixels, or None.
        body: Arrays by name (``body/…``).
        attributes: Where mask and mesh came from, and how good the fit is.
    """

    mask: Iterator[NDArray[np.bool_]] | None
    mesh: Mesh | None
    body: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    attributes: Mapping[str, Json] = field(default_factory=dict)


def check_body(clip: RawClip, body: str) -> None:
    """See that the body that is asked for can be had.

    Raises:
        DatasetError: Ground truth is asked for, and the clip has none.
    """
    if body == "dataset" and clip.truth is None:
        raise DatasetError(
            f"expected a body in {TRUTH_FOLDER}/{clip.id}.npz as --body dataset asks, found none; "
            "use --body fit, or auto"
        )


def keypoints_to_parts(
    keypoints: NDArray[np.float32], truth: Truth | None, crop: Crop, *, body: str, fps: float, size: int
) -> BodyParts:
    """Mask, mesh and body of a clip.

    Args:
        keypoints: float32 (T, 25, 3), raw pixels.
        truth: The clip's ground truth, or None.
        crop: How frames are cut.
        body: One of `BODIES`.
        fps: Frames a second.
        size: Width and height of prepared frames, pixels.

    Raises:
        PoseError: The body cannot be fitted to the keypoints.
    """
    if body == "none" or (truth is None and body == "dataset"):
        return BodyParts(None, None, attributes={"mask_source": "none", "mesh_source": "none"})
    if truth is not None and body != "fit":
        return _truth_to_parts(truth, crop)
    return _fit_to_parts(keypoints_to_body(keypoints, fps=fps), crop, size)


def _truth_to_parts(truth: Truth, crop: Crop) -> BodyParts:
    mesh = Mesh(
        vertices=_MovedVertices(truth.vertices, crop), faces=truth.faces, joint_weights=truth.joint_weights
    )
    masks = (
        crop.at(row).move_masks(cast("NDArray[np.bool_]", truth.mask[row : row + 1]))
        for row in range(truth.mask.shape[0])
    )
    return BodyParts(
        mask=masks,
        mesh=mesh,
        body={"pose": truth.pose, "shape": truth.shape, "camera": crop.move_camera(truth.camera)},
        attributes={
            "mask_source": "ground-truth",
            "mesh_source": "ground-truth",
            "body_model": truth.body,
        },
    )


def _fit_to_parts(fit: BodyFit, crop: Crop, size: int) -> BodyParts:
    raw, vertices = fit_to_mesh(fit), _MovedVertices(FittedVertices(fit), crop)
    masks = (
        vertices_to_mask(cast("NDArray[np.float32]", vertices[row : row + 1])[0], (size, size))[None]
        for row in range(len(fit.pose))
    )
    return BodyParts(
        mask=masks,
        mesh=Mesh(vertices=vertices, faces=raw.faces, joint_weights=raw.joint_weights),
        body={
            "pose": fit.pose,
            "shape": fit.shape,
            "camera": crop.move_camera(fit.camera),
            "residual": fit.residual,
        },
        attributes={
            "mask_source": "body-fit",
            "mesh_source": "body-fit",
            "body_model": fit.body,
            "fit_residual": number_to_json(float(np.nanmean(fit.residual))),
        },
    )


@dataclass(frozen=True)
class _MovedVertices:
    """Vertices of the raw frames, moved into the crop when read."""

    vertices: Rows
    crop: Crop

    @property
    def shape(self) -> tuple[int, ...]:
        return self.vertices.shape

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self.vertices.dtype

    def __getitem__(self, rows: int | slice, /) -> NDArray[np.generic]:
        if isinstance(rows, int):
            row: NDArray[np.generic] = self[rows : rows + 1][0]
            return row
        start = rows.indices(self.shape[0])[0]
        return self.crop.at(start).move_vertices(cast("NDArray[np.float32]", self.vertices[rows]))
