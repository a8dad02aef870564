"""What other people read, written from a clip store: one table line a format.

A format of `FORMATS` is of a whole store; one of `INPUT_FORMATS` says how the poses of one video look to a
model, and is written for each video of a benchmark (`inputs.py`) or handed to a program (`command.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from vptbench.clip import PoseClip, SourceFrame
from vptbench.engine import Report
from vptbench.registry import id_to_object

FORMATS = {
    "pose-pack": "vptbench.generate.pose_pack:store_to_pack",
}
"""Names of formats to functions, each a `Format`."""

INPUT_FORMATS = {
    "openpose-json": "vptbench.generate.openpose:OPENPOSE_JSON",
    "skeleton-png": "vptbench.generate.drawn:SKELETON_PNG",
    "skeleton-mp4": "vptbench.generate.drawn:SKELETON_MP4",
    "dwpose": "vptbench.generate.drawn:DWPOSE",
    "heatmaps": "vptbench.generate.arrays:HEATMAPS",
    "mesh-flow": "vptbench.generate.arrays:MESH_FLOW",
}
"""Names of formats to `InputFormat`."""


class Format(Protocol):
    """Writes a store to a folder; done again, it does what is missing and nothing else."""

    def __call__(self, store: Path, out: Path, *, workers: int = 1, scheduler: str | None = None) -> Report:
        """Export the store at `store` to the folder `out`.

        Raises:
            VptbenchError: The store cannot be opened, or the folder holds something else.
        """


@dataclass(frozen=True)
class InputFormat:
    """How the poses of one video look to a model.

    Attributes:
        suffix: Of the file that holds a video's poses; empty where they are a folder.
        write: Writes them to a path, which may bear another name for the time being: everything that a model
            is shown, and nothing else, is in the first two arguments.
    """

    suffix: str
    write: Callable[[SourceFrame, PoseClip, Path], None]


def load_format(name: str) -> Format:
    """The format of that name.

    Raises:
        RegistryError: The name is unknown.

    Example:
        ``load_format("pose-pack")(Path("store"), Path("pack"))``
    """
    return cast("Format", id_to_object(name, FORMATS, "format"))


def load_input_format(name: str) -> InputFormat:
    """The format of that name.

    Raises:
        RegistryError: The name is unknown.

    Example:
        ``load_input_format("dwpose").write(clip.source(0), clip.poses(), Path("poses"))``
    """
    return cast("InputFormat", id_to_object(name, INPUT_FORMATS, "format of a model's input"))
