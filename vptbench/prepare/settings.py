"""How clips are prepared; what a store's manifest says of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vptbench.body.smpl import SmplBody, load_smpl
from vptbench.config import config_to_json
from vptbench.errors import BodyError, UsageError
from vptbench.manifest import Json
from vptbench.mesh.rasterise import is_inside_out
from vptbench.prepare.bodies import BODIES
from vptbench.prepare.crop import CROPS, DEFAULT_CROP
from vptbench.prepare.lost import LOST
from vptbench.prepare.poses import PoseSettings
from vptbench.prepare.smpl import has_parameters
from vptbench.prepare.sources import RawClip
from vptbench.registry import check_known
from vptbench.store import schema

SMALLEST = 16
"""Fewest pixels of a prepared frame's side."""


@dataclass(frozen=True)
class PrepareSettings:
    """How clips are prepared; the same for all clips of a store.

    Attributes:
        size: Width and height of the frames, pixels.
        crop: Crop id (`crop.CROPS`).
        poses: Where keypoints come from (`poses.POSES`).
        swaps: Whose left–right swaps are put right (`poses.SWAPS`).
        smoothing: A filter of keypoints over time (`smoothing.SMOOTHINGS`).
        lost: What becomes of frames in which nobody was found (`lost.LOST`).
        body: Where mask and mesh come from (`bodies.BODIES`).
        compression: Of the clip files (`schema.COMPRESSIONS`).
        smpl_model: The user's SMPL file, for bodies "smpl" and "auto" and poses "smpl", or None. Stores keep
            its SHA-256.

    Raises:
        UsageError: The size is too small, or the body needs a model file.
        RegistryError: Another value is unknown.
    """

    size: int = 256
    crop: str = DEFAULT_CROP
    poses: str = "auto"
    swaps: str = "estimated"
    smoothing: str = "none"
    lost: str = "mark"
    body: str = "auto"
    compression: str = "gzip"
    smpl_model: Path | None = None

    def __post_init__(self) -> None:
        if self.size < SMALLEST:
            raise UsageError(f"expected a size of at least {SMALLEST} pixels, got {self.size}")
        if "smpl" in {self.body, self.poses} and self.smpl_model is None:
            raise UsageError(
                "expected an SMPL model file for --body smpl or --poses smpl, found none; give --smpl-model "
                "FILE, or set VPTBENCH_SMPL"
            )
        for value, known, area in (
            (self.crop, CROPS, "crop"),
            (self.lost, LOST, "way with frames without a person"),
            (self.body, BODIES, "source of bodies"),
            (self.compression, schema.COMPRESSIONS, "compression"),
        ):
            check_known(value, known, area)
        PoseSettings(self.poses, self.swaps, self.smoothing)

    def load_smpl(self) -> SmplBody | None:
        """The body of the user's SMPL file, where it can be needed.

        Raises:
            BodyError: The file is missing, not of SMPL's kind, or inside out.
            PickleError: It is no pickle of arrays.
        """
        if self.smpl_model is None or not (self.body in {"smpl", "auto"} or self.poses == "smpl"):
            return None
        body = load_smpl(self.smpl_model)
        if is_inside_out(body.model.rest.numpy(), body.faces):
            raise BodyError(
                f"{self.smpl_model}: expected faces counter-clockwise seen from outside, found a surface "
                "turned inside out; get the file anew"
            )
        return body

    def for_clips(self, clips: Sequence[RawClip]) -> "PrepareSettings":
        """These settings without an SMPL file that no clip has use for.

        A file is often named once for all, in the environment; data without SMPL parameters do not ask.
        """
        asked = "smpl" in {self.body, self.poses} or any(has_parameters(clip) for clip in clips)
        return self if asked else replace(self, smpl_model=None)

    def to_json(self) -> dict[str, Json]:
        """As stores keep them: the SMPL file by its hash, None where it is not needed."""
        smpl = self.load_smpl()
        kept = None if smpl is None else smpl.sha256
        return {**config_to_json(self), "smpl_model": kept}
