"""LAYOUTS: how other models' folders of frames are made; data where it can be, code where it must.

A new layout is one line of the table. What cannot be said by a pattern and a panel names a function that
turns a `Listing` into media (`Code`), in a file of its own; with a pattern, it is given what that matches.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from vptbench.outputs.listing import Listing
from vptbench.outputs.media import Media
from vptbench.outputs.names import Wanted

AUTO = "auto"
"""Take the one layout that fits."""

CUSTOM = "pattern"
"""The layout that somebody spells out by a pattern."""

FILMSTRIP = "filmstrip"
"""A panel rule of its own: all frames of a clip side by side in one picture."""


class Code(Protocol):
    """A layout that needs code."""

    def __call__(self, listing: Listing, wanted: Wanted | None) -> Mapping[str, Media] | None:
        """Names of clips to media; None where the layout does not fit.

        Raises:
            OutputError: It fits, but something is wrong.
        """


@dataclass(frozen=True)
class Layout:
    """One row.

    Attributes:
        model: Whose outputs these are; empty for what anybody may write.
        pattern: Of the files that hold frames, see `pattern`; the suffix says what kind of files, and where
            it varies they are pictures. Empty where `code` looks for itself.
        panel: Which part of each is the frame, see `panels`, or `FILMSTRIP`.
        names: How names are matched to clips: a key of `names.RULES`.
        beside: Patterns of media that lie there too and are not read.
        rooted: Whether the folders of the pattern must be seen, if only in the path that was given.
        code: "module:object" of a `Code`; empty where pattern and panel say all.
        refusal: Why it is not scored, and what is to be scored instead; empty where it is fit for it.
        note: What somebody who has such a folder should know.
        source: Where this was read.
    """

    model: str
    pattern: str = ""
    panel: str = ""
    names: str = "clip"
    beside: tuple[str, ...] = ()
    rooted: bool = False
    code: str = ""
    refusal: str = ""
    note: str = ""
    source: str = ""

    @property
    def generic(self) -> bool:
        """Whether anybody may write so."""
        return not self.model


GIF_REFUSAL = "a GIF has 256 colours; score {what} instead"

LAYOUTS: Mapping[str, Layout] = {
    "bdmm-strips": Layout(
        "BDMM", "{clip}.mp4/frames/frame_{frame:05d}.png", "5/5:square", "source",
        note="Reference, its mesh, ground truth, driving mesh, generated. Folders are named after the "
        "reference video, so cross-driving runs overwrite each other: score what names one item alone.",
        source="rocketappslab/BDMM",
    ),
    "bdmm-frames": Layout(
        "BDMM", "{clip}.mp4/frame_{frame:05d}.png", names="source", note="The copies made for FVD.",
        source="rocketappslab/BDMM",
    ),
    "gfla": Layout(
        "GFLA", "{clip}/{frame}_vis.png",
        beside=tuple(f"{{clip}}/{{any}}_{name}.png" for name in ("ref", "gt", "skeleton_in", "skeleton_out")),
        source="RenYurui/Global-Flow-Local-Attention",
    ),
    "gfla-strips": Layout(
        "GFLA", "{clip}_gt_vis_skeleton_in_skeleton_out_.mp4", "2/4:square",
        note="Lossy: the pictures of `gfla` are better.",
        source="RenYurui/Global-Flow-Local-Attention",
    ),
    "fomm-reconstruction": Layout(
        "FOMM, MRAA, TPSMM", "**/reconstruction/png/{clip}.png", FILMSTRIP,
        beside=("**/reconstruction/{any}.mp4", "**/reconstruction/{any}.gif"),
        note="Frame 0 is the source's own reconstruction.",
        source="AliaksandrSiarohin/first-order-model, reconstruction.py",
    ),
    "fomm-animation": Layout(
        "FOMM, MRAA, TPSMM", "**/animation/png/{clip}.png", FILMSTRIP, "driving-source",
        beside=("**/animation/{any}.mp4", "**/animation/{any}.gif"), note="`<driving>-<source>.png`.",
        source="AliaksandrSiarohin/first-order-model, animate.py",
    ),
    "fomm-visualisation": Layout(
        "FOMM, MRAA, TPSMM", "**/reconstruction/{clip}.mp4", rooted=True,
        refusal="these videos show keypoints, and are lossy; score reconstruction/png instead",
        source="AliaksandrSiarohin/first-order-model, reconstruction.py",
    ),
    "his-self": Layout(
        "Impersonator, his_evaluators", "self_imitation/pred_{frame:08d}.jpg",
        beside=("cross_imitation/pred_{any}.jpg",), code="vptbench.outputs.counter:listing_to_counted",
        note="One counter over all videos in protocol order: needs a benchmark made by `vptbench benchmarks "
        "import`. The README's example swaps its two counters, so that later videos overwrite earlier "
        "files: their number is checked.",
        source="svip-lab/impersonator, thirdparty/his_evaluators",
    ),
    "his-cross": Layout(
        "Impersonator, his_evaluators", "cross_imitation/pred_{frame:08d}.jpg",
        beside=("self_imitation/pred_{any}.jpg",), code="vptbench.outputs.counter:listing_to_counted",
        note="As `his-self`.", source="svip-lab/impersonator, thirdparty/his_evaluators",
    ),
    "dreampose": Layout(
        "DreamPose", "{clip}/pred_#{frame}.png",
        note="Each frame was stretched to its own full range, which alone changes PSNR.",
        source="johannakarras/DreamPose",
    ),
    "impersonator": Layout(
        "Impersonator", "{clip}/pred_{any}{frame}.{suffix}", beside=("{clip}/gt_{any}",),
        source="svip-lab/impersonator",
    ),
    "moore": Layout(
        "Moore-AnimateAnyone", "**/{clip}_{height:d}x{width:d}_{any}_{time:04d}.mp4", "3/3+2",
        "source_driving", note="24 frames unless told otherwise: then --count 24 scores these, unofficially.",
        source="MooreThreads/Moore-AnimateAnyone",
    ),
    "magicanimate": Layout(
        "MagicAnimate", "**/videos/{clip}.mp4", names="source_driving",
        beside=("**/videos/{any}/grid.mp4",), source="magic-research/magic-animate",
    ),
    "magicanimate-grid": Layout(
        "MagicAnimate", "**/videos/{clip}/grid.mp4", "3/3+2", "source_driving", rooted=True,
        source="magic-research/magic-animate",
    ),
    "champ": Layout(
        "Champ", "{clip}/animation.mp4", names="driving-source",
        beside=("{clip}/grid.mp4", "{clip}/grid_wguidance.mp4"),
        note="One folder a clip, named by it, with or without `-<time>`.",
        source="fudan-generative-vision/champ",
    ),
    "champ-grid": Layout(
        "Champ", "{clip}/grid{any}.mp4", rooted=True,
        refusal="grids are padded and encoded again; score animation.mp4 of the same folder instead",
        source="fudan-generative-vision/champ",
    ),
    "unianimate": Layout(
        "UniAnimate",
        "rank_{world:d}_{rank:d}_{item:d}_seed_{seed:d}_{clip}_{height:d}x{width:d}.mp4",
        "right", "source_driving",
        note="Where the configuration has a frame_interval, give it as --stride.",
        source="ali-vilab/UniAnimate",
    ),
    "mimicmotion": Layout(
        "MimicMotion", "{clip}_{time:014d}.mp4",
        note="The sample configuration takes every second driving frame: --stride 2.",
        source="Tencent/MimicMotion",
    ),
    "stableanimator": Layout(
        "StableAnimator", "{clip}/animated_images/frame_{frame}.png",
        beside=("{clip}/animation_video.gif", "{clip}/animation_video.mp4"),
        source="Francis-Rings/StableAnimator",
    ),
    "stableanimator-gif": Layout(
        "StableAnimator", "{clip}/animation_video.gif",
        refusal=GIF_REFUSAL.format(what="animated_images beside it"),
        source="Francis-Rings/StableAnimator",
    ),
    "magicpose": Layout(
        "MagicPose (MagicDance)", "{clip}/{step:d}/gen_images/{frame}.jpg",
        beside=(
            "{clip}/{any}/gt_images/{any}", "{clip}/{any}/pose_maps/{any}", "{clip}/{any}/condition.jpg",
            "{clip}/condition.jpg",
        ),
        source="Boese0601/MagicDance",
    ),
    "disco": Layout(
        "DisCo", "pred_gs{any}/TiktokDance_{clip}_{frame}.{suffix}",
        beside=("gt/{any}", "cond/{any}", "ref/{any}"), source="Wangt-CN/DisCo",
    ),
    "disco-tagged": Layout(
        "DisCo", "pred_gs{any}/TiktokDance_{clip}_{frame}_{any}.{suffix}",
        beside=("gt/{any}", "cond/{any}", "ref/{any}"), source="Wangt-CN/DisCo",
    ),
    "clip-folders": Layout(
        "", code="vptbench.outputs.plain:listing_to_clip_folders",
        note="A folder of pictures for each clip; a frame's number is the last integer in the name.",
    ),
    "flat-folder": Layout(
        "", code="vptbench.outputs.plain:listing_to_flat_folder", note="The pictures of one clip.",
    ),
    "clip-videos": Layout(
        "", code="vptbench.outputs.plain:listing_to_clip_videos",
        note="A video for each clip, named by it; frames are counted from 0.",
    ),
    "clip-arrays": Layout(
        "", code="vptbench.outputs.plain:listing_to_clip_arrays",
        note="A `.npy`, `.npz` or HDF5 file for each clip, or one file with an array for each clip: uint8 "
        "(T, H, W, 3), frames counted from 0. Beside pictures or videos they are taken for something else.",
    ),
    "gifs": Layout(
        "", "{clip}.gif", refusal=GIF_REFUSAL.format(what="PNG, or a lossless or H.264 video"),
    ),
}  # fmt: skip
"""Layouts by name; where two read a folder alike, the first one names it."""
