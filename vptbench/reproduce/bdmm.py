"""BDMM: what was published on FashionVideo and iPER, and what its code and its protocol leave different.

Source: rocketappslab/bdmm, commit 96181b0, and its issue 1; arXiv 2307.07754.
"""

from collections.abc import Mapping
from typing import cast

import numpy as np

from vptbench.benchmarks.source import source_to_text
from vptbench.manifest import Json
from vptbench.reproduce.recipe import Facts, Recipe

SPLITS = {"fashionvideo": {"test": 100, "train": 500}, "iper": {"test": 42, "train": 164}}
"""Clips of the published splits."""

FID_BATCH = 64
"""The published FID stops at multiples of so many frames, and at so many or fewer."""

ORIGINS = {
    "ground-truth": "the exact truth beside the videos",
    "openpose-json": "OpenPose's JSON beside the videos, as it stands there",
}
"""Where poses and meshes come from, as clips name it, in words; others are called by their names."""


def crop(facts: Facts) -> str:
    """Another cut than the published one."""
    wanted, used = facts.frozen.crop, facts.used.crop
    if used == wanted:
        return ""
    return (
        f"crop {used} instead of {wanted}: the published box grows with the frames seen so far, is 1.3 "
        "times as high as the person and square, is filled by repeating the edge, and is resized by OpenCV's "
        "linear rule; people have another size and place in the frame, which moves every figure"
    )


def poses(facts: Facts) -> str:
    """Where keypoints came from."""
    return (
        f"keypoints: {_origins(facts, 'pose_source')}; published: OpenPose BODY_25 of the largest person, "
        "smoothed over time (One-Euro filter)"
    )


def mesh(facts: Facts) -> str:
    """Where the mesh came from."""
    return (
        f"mesh: {_origins(facts, 'mesh_source')} (body model {_origins(facts, 'body_model')}); published: "
        "SMPL by SPIN, refined by SMPLify with a temporal term"
    )


def missing_joints(facts: Facts) -> str:
    """Joints that were not found."""
    found = np.concatenate([facts.store[clip].keypoints[..., 2].ravel() > 0 for clip in facts.scores.clips])
    if found.all():
        return ""
    return (
        f"{np.count_nonzero(~found)} of {len(found)} joints were not found: nothing is drawn for them; the "
        "published code draws a dot where its mark −1 lands after the crop, sometimes in the frame"
    )


def source_frames(facts: Facts) -> str:
    """Which frame shows the person."""
    return (
        f"source frame of a clip: {source_to_text(facts.used.source)}; published: fixed by a test list that "
        "is not at hand"
    )


def checkpoint(facts: Facts) -> str:
    """Whose weights these are."""
    made = cast("Mapping[str, Json]", facts.scores.outputs)
    if made.get("trained_on") is not None:
        return f"the checkpoint is one of `vptbench train` ({made['trained_on']}), not the published one"
    name = cast("Mapping[str, str]", made["checkpoint"])["name"]
    return f"`{name}` is taken on trust as the published checkpoint, of which its authors state no hash"


def scored_clips(facts: Facts) -> str:
    """Other clips than the published ones, as far as numbers tell."""
    return _split_to_text(facts, "test")


def training_clips(facts: Facts) -> str:
    """Other clips to compare with than the published ones, as far as numbers tell."""
    return _split_to_text(facts, "train")


def iper_unknown(facts: Facts) -> str:
    """What nobody published on iPER."""
    text = (
        "neither weights nor preparation for iPER were published: whose weights gave these figures is unknown"
    )
    return text if facts.frozen.dataset == "iper" else ""


def equal_frames(facts: Facts) -> str:
    """Frames without an error, whose PSNR would be infinite."""
    table = facts.scores.per_frame
    values = table.loc[table["metric"] == "psnr-cap100-v1", "value"]
    count = int((values == 100).sum())
    return f"PSNR: {count} of {len(values)} frames equal their targets and count 100" if count else ""


def fid_stops(facts: Facts) -> str:
    """Numbers of frames for which the published program gives no FID."""
    counts = {"generated": facts.frames, "training": facts.reference["frames"]}
    stopped = [
        f"{count} {side}"
        for side, count in counts.items()
        if count and (count < FID_BATCH or count % FID_BATCH == 0)
    ]
    if not stopped:
        return ""
    return (
        f"FID: for {' and '.join(stopped)} frames the published program stops: it fails at multiples of "
        f"{FID_BATCH}, and at {FID_BATCH} or fewer"
    )


def _origins(facts: Facts, attribute: str) -> str:
    """What the scored clips say of where something came from, in words."""
    found = {str(facts.store[clip].attributes.get(attribute, "unknown")) for clip in facts.scores.clips}
    return " and ".join(ORIGINS.get(name, name) for name in sorted(found))


def _split_to_text(facts: Facts, split: str) -> str:
    count = cast("Mapping[str, Mapping[str, int]]", facts.store.manifest["clips"])[split]
    prepared, listed, published = count["prepared"], count["listed"], SPLITS[facts.frozen.dataset][split]
    if prepared == listed == published:
        return ""
    return f"{split} clips: {prepared} prepared of {listed} listed; the published split has {published}"


DROPPED = (
    "every frame is kept here; published clips lack those in which no person was found, or whose head box "
    "was 100 square pixels or less"
)
ROUNDED = (
    "8-bit frames are rounded here; the published code cuts decimals off: half a level darker on average, "
    "some 0.004 of L1 at most"
)
SSIM = (
    "SSIM by the published definition, whose range is max − min of the generated frame: it compares with no "
    "SSIM of range 255"
)
PSNR = (
    "PSNR of each frame in floating point, then the mean: the 34 to 38 dB of other tables are of wrapping "
    "8-bit"
)
FID = (
    "FID against training frames, by torchvision's network and the published scaling of its input: it "
    "compares with no other FID; the published reference (fid_stat.npz) was not at hand, and the code that "
    "makes it also takes in uncropped frames"
)
FVD = (
    "the published code prints six FVDs (16 or 128 frames, or 16 at stride 8; against training or test "
    "videos), the paper one, and nobody says which"
)
DRAWN = (
    "FVD: windows of real videos are drawn by a fixed seed here, by none there: published runs cannot be "
    "repeated"
)

BDMM = Recipe(
    title="BDMM",
    model="dmm",
    source="arXiv 2307.07754",
    methods=("BDMM", "BDMM (as quoted)"),
    groups=("bdmm-fashion", "bdmm-iper"),
    notes={
        "": (
            crop,
            poses,
            missing_joints,
            mesh,
            DROPPED,
            source_frames,
            ROUNDED,
            checkpoint,
            iper_unknown,
            scored_clips,
        ),
        "ssim": (SSIM,),
        "psnr": (PSNR, equal_frames),
        "l1": ("L1 on [−1, 1], as published: twice `l1-v1`",),
        "lpips": ("LPIPS by AlexNet, version 0.1, as published: no difference of definition is known",),
        "fid": (FID, fid_stops, training_clips),
        "fvd": (FVD, "FVD of so few videos is mostly bias: it compares only with FVD of as many", DRAWN),
        "fvd-bdmm-train": (training_clips,),
    },
)
"""Yu and others 2023: bidirectionally deformable motion modulation."""
