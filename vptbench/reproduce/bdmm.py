"""BDMM: what was published on FashionVideo and iPER, and what its code and its protocol leave different.

Source: rocketappslab/bdmm, commit 96181b0, and its issue 1; arXiv 2307.07754.
"""

from vptbench.reproduce import known
from vptbench.reproduce.known import Note
from vptbench.reproduce.recipe import Part, Recipe

CROP = (
    "the published box grows with the frames seen so far, is 1.3 times as high as the person and square, is "
    "filled by repeating the edge, and is resized by OpenCV's linear rule"
)
POSES = "OpenPose BODY_25 of the largest person, smoothed over time (One-Euro filter)"
MESH = "SMPL by SPIN, refined by SMPLify with a temporal term"
DROPPED = (
    "every frame is kept here; published clips lack those in which no person was found, or whose head box "
    "was 100 square pixels or less"
)
MISSING = (
    "nothing is drawn for them; the published code draws a dot where its mark −1 lands after the crop, "
    "sometimes in the frame"
)
ROUNDED = (
    "8-bit frames are rounded here; the published code cuts decimals off: half a level "
    "darker on average, some 0.004 of L1 at most"
)
SSIM = (
    "by the published definition, whose range is max − min of the generated frame: it compares with no SSIM "
    "of range 255"
)
PSNR = "of each frame in floating point, then the mean: the 34 to 38 dB of other tables are of wrapping 8-bit"
L1 = "on [−1, 1], as published: twice `l1-v1`"
LPIPS = "AlexNet, version 0.1, as published: no difference of definition is known"
FID = (
    "against training frames, by torchvision's network and the published scaling of its input: it compares "
    "with no other FID; the published reference (fid_stat.npz) was not at hand, and the code that makes it "
    "also takes in uncropped frames"
)
FVD = (
    "the published code prints six FVDs (16 or 128 frames, or 16 at stride 8; against training or test "
    "videos), the paper one, and nobody says which"
)
DRAWN = (
    "windows of real videos are drawn by a fixed seed here, by none there: published runs cannot be repeated"
)
IPER = (
    "neither weights nor preparation for iPER were published: whose weights gave these figures is not known"
)

AGAINST_TRAINING = (
    "fid-bdmm-v1", "fvd-bdmm-train-16f-v1", "fvd-bdmm-train-128f-v1", "fvd-bdmm-train-128f-s8-v1",
)  # fmt: skip
"""Metrics that compare with the training split."""

BDMM = Recipe(
    title="BDMM",
    model="dmm",
    source="arXiv 2307.07754",
    methods=("BDMM", "BDMM (as quoted)"),
    parts={
        "fashionvideo": Part(
            "bdmm-fashion",
            (Note(known.clips_differ(100)), Note(known.reference_differs(500), AGAINST_TRAINING)),
        ),
        "iper": Part(
            "bdmm-iper",
            (
                Note(known.clips_differ(42)),
                Note(known.reference_differs(164), AGAINST_TRAINING),
                Note(known.always(IPER)),
            ),
        ),
    },
    notes=(
        Note(known.crop_differs(CROP)),
        Note(known.synthetic),
        Note(known.size_differs),
        Note(known.poses_from(POSES)),
        Note(known.missing_joints(MISSING)),
        Note(known.mesh_from(MESH)),
        Note(known.always(DROPPED)),
        Note(known.source_frames("fixed by a test list that is not at hand")),
        Note(known.always(ROUNDED)),
        Note(known.checkpoint_origin),
        Note(known.always(SSIM), ("SSIM",)),
        Note(known.always(PSNR), ("PSNR",)),
        Note(known.equal_frames("psnr-cap100-v1", 100), ("PSNR",)),
        Note(known.always(L1), ("L1",)),
        Note(known.always(LPIPS), ("LPIPS",)),
        Note(known.always(FID), ("FID",)),
        Note(known.published_stops("fid-bdmm-v1", 64), ("FID",)),
        Note(known.always(FVD), ("FVD",)),
        Note(known.few_videos, ("FVD",)),
        Note(known.always(DRAWN), ("FVD",)),
    ),
)
"""Yu and others 2023: bidirectionally deformable motion modulation."""
