"""Contract 1: names, types and version of the clip store, of its clip files, and of pose packs."""

from collections.abc import Mapping

from vptbench.manifest import Json

FORMAT = "vptbench-store"
CLIP_FORMAT = "vptbench-clip"
PACK_FORMAT = "vptbench-pose-pack"
PACK_CLIP_FORMAT = "vptbench-pose-clip"
VERSION = 1

MANIFEST = "store.json"
PACK_MANIFEST = "pack.json"
CLIPS_TABLE = "clips.csv"
FAILURES_TABLE = "failures.csv"
CLIPS_FOLDER = "clips"
CLIP_SUFFIX = ".h5"
SPLITS = ("train", "test")

CLIPS_COLUMNS = ("clip", "split", "frames", "height", "width", "fps", "raw_sha256")
FAILURES_COLUMNS = ("clip", "stage", "reason")
PACK_COLUMNS = (*CLIPS_COLUMNS, "raw_name", "file_sha256")
"""Of a pack's ``clips.csv``: ``file_sha256`` is of the pack's own clip file."""

FRAMES = "frames"
KEYPOINTS = "keypoints"
MASK = "mask"
VERTICES = "mesh/vertices"
FACES = "mesh/faces"
JOINT_WEIGHTS = "mesh/joint_weights"
BODY = "body"

VERTEX_STEP = 1 / 256
"""Vertices are rounded to this many pixels: a third of the bytes, and 0.002 px at most."""

ATTRIBUTES = (
    "clip", "split", "dataset", "fps", "raw_name", "raw_sha256", "crop", "crop_box", "scale",
    "pose_source", "mask_source", "mesh_source", "settings",
)  # fmt: skip
"""Attributes of every clip file, beside ``format`` and ``version``.

``crop_box`` is (x0, y0, width, height) in raw pixels, x0 and y0 the centre of its first pixel; ``scale`` is
prepared pixels per raw pixel (x, y): x' = (x − x0 + 0.5)·scale − 0.5. Where the crop moves, both have a row
for each frame, and ``crop_inside`` says which part of the box lies in the raw frame.
These may be missing: ``fps_range`` is the slowest and the fastest rate of a raw video whose rate varies
(``fps`` is then its average); ``raw_frames`` is the number of each frame in the raw clip, where frames were
left out there or by ``--lost drop``, so that it is not its position; ``raw_crop`` is the crop that the raw
frames had already.
``settings`` is a JSON object, and so is ``pose_facts``, which may be missing: an estimator's version, how
many frames lack the person or had sides exchanged, and a filter.
"""

PACK_PARTS = ("mesh", BODY, KEYPOINTS, MASK, VERTICES, FACES, JOINT_WEIGHTS)
"""Whatever may be in a pack's clip file; below ``body`` stand arrays of floats."""

PACK_SIZE = "size"
"""Attribute of a pack's clip files alone: (H, W) of the frames that are not there, pixels."""

POSES_FROM = "poses_from"
"""Attribute of clips whose poses came from a pose pack, and key of their store's manifest: its SHA-256."""

CORRUPTION = "corruption"
"""Attribute of clips with noisy poses, and key of their store's manifest: kind, severity, seed, parameters
and version of the corruption. The attribute also has ``fixed``, the frames whose poses are clean, and
``disturbance``, what it really did; the manifest has the latter under its own key, over all clips."""

FRAMES_FROM = "frames_from"
"""Attribute of clips whose frames and mask are links: ``path`` of the clean clip file as seen from the folder
of this one, ``shape`` (T, H, W), ``frames_sha256`` and ``mask_sha256`` (of the bytes of the arrays, None
where there is no mask), and ``poses_sha256`` of the clean poses, so that it is seen if they change."""

CLEAN = "clean"
"""Key of a noisy store's manifest: ``path`` of the clean store as seen from the noisy one, and ``split``, the
one that was corrupted, None for both."""

DISTURBANCE = "disturbance"

NOISE_ATTRIBUTES = (CORRUPTION, FRAMES_FROM)
"""Attributes of noisy clips alone; empty ones are not written."""

JSON_ATTRIBUTES = ("settings", "pose_facts", *NOISE_ATTRIBUTES)
"""Attributes that hold JSON objects; one that is missing is read as an empty one."""

LATER_SETTINGS: Mapping[str, Json] = {
    "swaps": "estimated", "smoothing": "none", "lost": "mark", "smpl_model": None,
}  # fmt: skip
"""Settings of prepare that the first stores and packs do not state, and what holds for those."""

COMPRESSIONS = ("gzip", "zstd")
"""``gzip`` (level 1) reads everywhere; ``zstd`` (level 3) needs the extra ``vptbench[zstd]`` both ways."""
