"""Where a clip's mask, mesh and body come from: ground truth, SMPL parameters, or a fit to the keypoints."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vptbench.body.smpl import SmplBody
from vptbench.clip import Mesh
from vptbench.errors import DatasetError
from vptbench.manifest import Json, number_to_json
from vptbench.prepare.crop import Crop
from vptbench.prepare.fit import BodyFit, fit_to_mesh, keypoints_to_body, vertices_to_mask
from vptbench.prepare.rows import MadeRows
from vptbench.prepare.smpl import SmplClip, check_parameters, clip_to_smpl, has_parameters, smpl_to_mesh
from vptbench.prepare.sources import TRUTH_FOLDER, RawClip
from vptbench.prepare.truth import Truth
from vptbench.video import VideoInfo

BODIES = ("auto", "dataset", "smpl", "fit", "none")
"""Where the body may come from: "dataset" needs every clip's truth, "smpl" every clip's SMPL parameters and a
model file, "fit" fits the shipped body to the keypoints, "auto" takes the truth where it lies, else SMPL
parameters if a model file was given, and fits elsewhere; "none" leaves mesh and mask out."""

LICENCE = (
    "meshes and bodies of clips whose mesh_source is smpl-import were made with a licensed body model (SMPL, "
    "https://smpl.is.tue.mpg.de); its terms apply to them"
)
"""What the manifest of a store says that may hold such clips."""


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
        DatasetError: Ground truth or SMPL parameters are asked for, and the clip has none.
    """
    if body == "dataset" and clip.truth is None:
        raise DatasetError(
            f"expected a body in {TRUTH_FOLDER}/{clip.id}.npz as --body dataset asks, found none; "
            "use --body fit, or auto"
        )
    if body == "smpl":
        check_parameters(clip)


def clip_to_brought(
    clip: RawClip, truth: Truth | None, info: VideoInfo, *, body: str, smpl: SmplBody | None
) -> Truth | SmplClip | None:
    """The body that the dataset brings and that is asked for.

    Args:
        clip: The clip.
        truth: Its ground truth, or None.
        info: Number and size of its frames.
        body: One of `BODIES`.
        smpl: From the user's SMPL file, or None.

    Raises:
        DatasetError: SMPL parameters are damaged, or of another clip.
        PoseError: As before.
        PickleError: As before.
    """
    if truth is not None and body in {"auto", "dataset"}:
        return truth
    if smpl is not None and body in {"auto", "smpl"} and has_parameters(clip):
        return clip_to_smpl(clip, smpl, info.frames, (info.height, info.width))
    return None


def keypoints_to_parts(
    keypoints: NDArray[np.float32],
    brought: Truth | SmplClip | None,
    crop: Crop,
    *,
    body: str,
    fps: float,
    size: int,
) -> BodyParts:
    """Mask, mesh and body of a clip.

    Args:
        keypoints: float32 (T, 25, 3), raw pixels.
        brought: What the dataset brings (`clip_to_brought`), or None.
        crop: How frames are cut.
        body: One of `BODIES`.
        fps: Frames a second.
        size: Width and height of prepared frames, pixels.

    Raises:
        PoseError: The body cannot be fitted to the keypoints.
    """
    if isinstance(brought, Truth):
        return _truth_to_parts(brought, crop)
    if isinstance(brought, SmplClip):
        return _smpl_to_parts(brought, crop, size)
    if body in {"auto", "fit"}:
        return _fit_to_parts(keypoints_to_body(keypoints, fps=fps), crop, size)
    return BodyParts(None, None, attributes={"mask_source": "none", "mesh_source": "none"})


def _truth_to_parts(truth: Truth, crop: Crop) -> BodyParts:
    raw = Mesh(vertices=truth.vertices, faces=truth.faces, joint_weights=truth.joint_weights)
    masks = (
        crop.at(row).move_masks(cast("NDArray[np.bool_]", truth.mask[row : row + 1]))
        for row in range(truth.mask.shape[0])
    )
    return BodyParts(
        mask=masks,
        mesh=_moved(raw, crop),
        body={"pose": truth.pose, "shape": truth.shape, "camera": crop.move_camera(truth.camera)},
        attributes={
            "mask_source": "ground-truth",
            "mesh_source": "ground-truth",
            "body_model": truth.body,
        },
    )


def _smpl_to_parts(clip: SmplClip, crop: Crop, size: int) -> BodyParts:
    mesh = _moved(smpl_to_mesh(clip), crop)
    return BodyParts(
        mask=_mesh_to_masks(mesh, size),
        mesh=mesh,
        body={"pose": clip.pose, "shape": clip.shape, "camera": crop.move_camera(clip.camera)},
        attributes={
            "mask_source": "smpl-import",
            "mesh_source": "smpl-import",
            "body_model": clip.body.name,
        },
    )


def _fit_to_parts(fit: BodyFit, crop: Crop, size: int) -> BodyParts:
    """The fitted body; none in frames without a person, whose fitted pose is a mere bridge."""
    mesh = _without_frames(_moved(fit_to_mesh(fit), crop), fit.confidence == 0)
    return BodyParts(
        mask=_mesh_to_masks(mesh, size, closed=True),
        mesh=mesh,
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


def _moved(mesh: Mesh, crop: Crop) -> Mesh:
    """A mesh of the raw frames, its vertices moved into the crop when read."""
    vertices = mesh.vertices

    def make(rows: slice) -> NDArray[np.float32]:
        start = rows.indices(vertices.shape[0])[0]
        return crop.at(start).move_vertices(cast("NDArray[np.float32]", vertices[rows]))

    return replace(mesh, vertices=MadeRows(vertices.shape, make))


def _without_frames(mesh: Mesh, left_out: NDArray[np.bool_]) -> Mesh:
    """A mesh that is not there, NaN, in the frames `left_out`, bool (T,): no mask and no flow comes of it."""
    vertices = mesh.vertices

    def make(rows: slice) -> NDArray[np.float32]:
        made = np.array(vertices[rows], np.float32)
        made[left_out[rows]] = np.nan
        return made

    return replace(mesh, vertices=MadeRows(vertices.shape, make)) if left_out.any() else mesh


def _mesh_to_masks(mesh: Mesh, size: int, *, closed: bool = False) -> Iterator[NDArray[np.bool_]]:
    """Pixels that the mesh covers, bool (1, size, size) frame by frame."""
    for row in range(mesh.vertices.shape[0]):
        vertices = cast("NDArray[np.float32]", mesh.vertices[row])
        yield vertices_to_mask(vertices, mesh.faces, (size, size), closed=closed)[None]
