"""Contract 2: names and version of a model's outputs.

``outputs.json`` holds, beside ``format`` and ``version``:

=====================  =================================================================================
model, kind            Name in the entry points; "model" or "audit" (shown on boards, never ranked).
checkpoint             ``{"name", "sha256"}`` of what the model loaded, or null.
benchmark              ``{"id", "sha256"}`` of the protocol.
clip_list_sha256       See `benchmarks.items.clip_list_sha256`.
store                  ``{"path", "dataset", "synth", "pose_source", "mesh_source", "mask_source",
                       "poses_sha256"}``: the clips that were driven; ``path`` is relative to the outputs,
                       each source a sorted list of all that occur, the hash is of all driving keypoints.
seed                   Of the whole run; each clip's own follows from it and from the clip's id.
trained_on             What it learned from, where the checkpoint is of a training run, or null.
clips                  Ids of all that the protocol asks for: of clips, or of its items.
entries                Such an id to an entry, see below; what is not done yet has none.
failures               Such an id to the reason why it could not be done.
cost                   ``{"seconds_per_frame", "peak_memory_bytes", "parameters", "device"}``: seconds of
                       generating alone, without loading, reading and writing; the largest peak of a whole
                       process, or on a GPU of what was allocated there; null where not known.
command                Only of somebody else's program: ``{"line", "format", "measured"}``, the command
                       line, the format of its poses, and what of its cost is known, in words.
libraries              Versions of the packages that can move a number.
complete               Whether every clip has its entry.
=====================  =================================================================================

An entry: ``kind`` ("png-folder"), ``path`` (relative to the outputs), ``first`` and ``count`` (frame numbers
first … first + count − 1 of the driving clip, one picture ``00000.png`` each), ``size`` ([H, W]), ``source``
(``{"clip", "frame"}``), ``driving`` (the clip whose poses were followed), ``seconds``, ``peak_memory_bytes``
and ``parameters``.
"""

FORMAT = "vptbench-outputs"
VERSION = 1

MANIFEST = "outputs.json"
FRAMES_FOLDER = "frames"
PNG_FOLDER = "png-folder"

IDENTITY = ("model", "kind", "checkpoint", "benchmark", "clip_list_sha256", "seed")
"""What must be equal for a second start to go on where the first stopped (and ``store`` but for its path,
and ``device`` under ``cost``)."""

STRUCTURE = {
    "store": dict, "clips": list, "entries": dict, "failures": dict, "cost": dict, "complete": bool,
}  # fmt: skip
"""Fields that are read by their parts, and what JSON makes of them."""


def number_to_name(number: int) -> str:
    """File name of the picture of a frame: five digits or more, so that names sort as numbers do."""
    return f"{number:05d}.png"
