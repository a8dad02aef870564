"""Where a clip's keypoints come from: JSON beside the data, ground truth, or an installed estimator."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from vptbench.errors import PoseError
from vptbench.manifest import Json
from vptbench.prepare.bdmm import read_kptsmpls
from vptbench.prepare.coco import read_coco
from vptbench.prepare.estimators import ESTIMATORS, resolve_estimator
from vptbench.prepare.media import clip_to_pictures, media_to_frames
from vptbench.prepare.openpose import read_openpose
from vptbench.prepare.smoothing import SMOOTHINGS, smooth_keypoints
from vptbench.prepare.smpl import SmplClip, smpl_to_keypoints
from vptbench.prepare.sources import COCO_FOLDER, OPENPOSE_FOLDER, TRUTH_FOLDER, RawClip
from vptbench.prepare.swaps import unswap_keypoints
from vptbench.prepare.tracking import Keypoints
from vptbench.prepare.truth import Truth
from vptbench.registry import check_known
from vptbench.video import VideoInfo

POSES = ("auto", "kptsmpls", "openpose", "coco", "truth", "smpl", *ESTIMATORS)
"""What may be asked for. "auto": BDMM's kptsmpls of the dataset itself, else OpenPose JSON beside the
clip, else COCO JSON, else the truth, else the first estimator that is installed. "smpl": the joints of the
posed SMPL body, which needs a model file (`build.PrepareSettings`)."""

SWAPS = ("estimated", "all", "none")
"""Whose left–right swaps are put right: an estimator's, also those of JSON beside the data, or nobody's.
Ground truth is never changed."""


@dataclass(frozen=True)
class PoseSettings:
    """How a clip's keypoints are obtained.

    Attributes:
        poses: Where from (`POSES`).
        swaps: Whose left–right swaps are put right (`SWAPS`).
        smoothing: A filter over time (`SMOOTHINGS`); ground truth is never filtered.

    Raises:
        RegistryError: A value is unknown.
    """

    poses: str = "auto"
    swaps: str = "estimated"
    smoothing: str = "none"

    def __post_init__(self) -> None:
        for value, known, area in (
            (self.poses, POSES, "source of poses"),
            (self.swaps, SWAPS, "kind of poses to mend swaps of"),
            (self.smoothing, SMOOTHINGS, "smoothing"),
        ):
            check_known(value, known, area)


@dataclass(frozen=True)
class Poses:
    """A clip's keypoints and where they come from.

    Attributes:
        keypoints: float32 (T, 25, 3) in raw pixels; frames without the person have all joints missing.
        source: "kptsmpls-json", "openpose-json", "coco-json", "ground-truth", "smpl-import" or an estimator's
            name.
        facts: For provenance: ``version`` of an estimator, ``lost_frames`` and ``swapped_frames`` (numbers of
            frames without the person, and of frames in which sides were exchanged), ``smoothing`` and its
            parameters.
    """

    keypoints: Keypoints
    source: str
    facts: Mapping[str, Json] = field(default_factory=dict)


def clip_to_poses(clip: RawClip, truth: Truth | None, info: VideoInfo, settings: PoseSettings) -> Poses:
    """A clip's keypoints by the settings.

    Args:
        clip: The clip.
        truth: Its ground truth, or None.
        info: Number, size and rate of its frames.
        settings: How.

    Raises:
        PoseError: They are missing or malformed, no frame has a person, or no estimator is there or it fails.
        VideoError: An estimator is to run, and the frames cannot be read.
    """
    found = _read_brought(clip, truth, info.frames, settings.poses) or _estimate(clip, info, settings.poses)
    lost = int((found.keypoints[..., 2] == 0).all(axis=1).sum())
    if lost == info.frames:
        raise PoseError(
            f"expected a person in at least one frame, found none in {info.frames} ({found.source}); "
            "remove the clip, or estimate its poses by other means"
        )
    facts: dict[str, Json] = {**found.facts, "lost_frames": lost}
    if found.source == "ground-truth":
        return Poses(found.keypoints, found.source, facts)
    keypoints = found.keypoints
    if settings.swaps == "all" or (settings.swaps == "estimated" and found.source in ESTIMATORS):
        keypoints, swapped = unswap_keypoints(keypoints, fps=info.fps)
        facts["swapped_frames"] = int(swapped.any(axis=1).sum())
    filtering = SMOOTHINGS[settings.smoothing]
    if filtering is not None:
        keypoints = smooth_keypoints(keypoints, filtering)
        facts["smoothing"] = {"name": settings.smoothing, **asdict(filtering)}
    return Poses(keypoints, found.source, facts)


def smpl_to_poses(clip: SmplClip) -> Poses:
    """The joints of a clip's posed SMPL body, as they are: never filtered, sides never exchanged."""
    return Poses(smpl_to_keypoints(clip), "smpl-import", {"body_model": clip.body.name, "lost_frames": 0})


def _read_brought(clip: RawClip, truth: Truth | None, frames: int, poses: str) -> Poses | None:
    """What lies beside the clip; None if it is to be estimated, or may be and nothing is there.

    Raises:
        PoseError: What was asked for by name is not there, or something is malformed.
    """
    if poses in {"auto", "kptsmpls"} and clip.kptsmpls is not None:
        return Poses(read_kptsmpls(clip.kptsmpls, clip_to_pictures(clip)).keypoints, "kptsmpls-json")
    if poses in {"auto", "openpose"} and clip.openpose is not None:
        return Poses(read_openpose(clip.openpose, frames), "openpose-json")
    if poses in {"auto", "coco"} and clip.coco is not None:
        return Poses(read_coco(clip.coco, frames), "coco-json")
    if poses in {"auto", "truth"} and truth is not None:
        return Poses(truth.keypoints, "ground-truth")
    wanted = {
        "kptsmpls": "a folder kptsmpls",
        "openpose": f"{OPENPOSE_FOLDER}/{clip.id}/",
        "coco": f"{COCO_FOLDER}/{clip.id}.json",
        "truth": f"{TRUTH_FOLDER}/{clip.id}.npz",
    }.get(poses)
    if wanted is None:
        return None
    raise PoseError(
        f"expected keypoints in {wanted} beside the data, found none; put them there, or take --poses auto"
    )


def _estimate(clip: RawClip, info: VideoInfo, poses: str) -> Poses:
    """What an estimator finds.

    Raises:
        PoseError: None is installed, or it fails or gives another number of frames.
    """
    try:
        estimator = resolve_estimator(poses)
    except PoseError as error:
        if poses != "auto":
            raise
        raise PoseError(
            f"expected keypoints in {OPENPOSE_FOLDER}/{clip.id}/ or {COCO_FOLDER}/{clip.id}.json beside the "
            f"data, found none; {error}"
        ) from error
    keypoints = estimator.estimate(media_to_frames(clip, info), info.fps)
    if keypoints.shape != (info.frames, 25, 3) or keypoints.dtype != np.float32:
        raise PoseError(
            f"expected float32 keypoints of shape ({info.frames}, 25, 3) from {estimator.name}, "
            f"found {keypoints.dtype} {keypoints.shape}; report this to its authors"
        )
    return Poses(keypoints, estimator.name, {"version": estimator.version})
