"""RTMPose and DWPose through rtmlib and ONNX Runtime: 133 points of every person, then the one followed.

rtmlib downloads its two networks at first use into its own cache. Without a network connection, put them
there by hand (``~/.cache/rtmlib/hub/checkpoints``).
"""

import contextlib
import importlib
import importlib.util
import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames
from vptbench.errors import PoseError
from vptbench.prepare.tracking import Keypoints, people_to_person
from vptbench.skeleton import CONVENTIONS, points_to_body_25

NEEDED = ("rtmlib", "onnxruntime")

MODE = "balanced"
"""rtmlib's choice of networks: YOLOX-m finds people, RTMW-x (cocktail14, 256 × 192) their points."""


class _Wholebody(Protocol):
    """rtmlib's two networks; pictures are uint8 (H, W, 3) BGR."""

    det_model: Callable[[Frames], NDArray[np.float64]]
    pose_model: Callable[..., tuple[NDArray[np.float64], NDArray[np.float64]]]


@dataclass(frozen=True)
class Rtmlib:
    """rtmlib's whole-body model, every frame by itself."""

    name: str = "rtmlib"

    @property
    def version(self) -> str:
        """Of rtmlib, and its networks.

        Raises:
            PoseError: It is not installed.
        """
        try:
            return f"{version('rtmlib')} wholebody-{MODE}"
        except PackageNotFoundError as error:
            raise PoseError(
                "expected rtmlib, found none; run the command that `vptbench doctor` names"
            ) from error

    @property
    def command(self) -> tuple[str, ...]:
        """Installs it without its own OpenCV, which would lie over this package's."""
        pip = (sys.executable, "-m", "pip", "install", "--no-deps")
        return (*pip, *NEEDED, "flatbuffers", "packaging", "protobuf")

    def missing(self) -> str | None:
        """See `Estimator`."""
        lacking = [name for name in NEEDED if importlib.util.find_spec(name) is None]
        return f"no package {' and no '.join(lacking)}" if lacking else None

    def estimate(self, frames: Iterator[Frames], fps: float) -> Keypoints:  # noqa: ARG002 - as all estimators
        """See `Estimator`.

        Raises:
            PoseError: It is not installed, or its networks cannot be brought or run.
        """
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # rtmlib prints what it loads
                model = _load()
            return people_to_person([_find_people(model, frame) for chunk in frames for frame in chunk])
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise PoseError(
                f"expected rtmlib to find people, it failed ({type(error).__name__}: {reason}); connect once "
                "to the network so that it fetches its networks, or take --poses mediapipe"
            ) from error


def _load() -> _Wholebody:
    runtime, library = importlib.import_module("onnxruntime"), importlib.import_module("rtmlib")
    device = "cuda" if "CUDAExecutionProvider" in runtime.get_available_providers() else "cpu"
    return cast("_Wholebody", library.Wholebody(mode=MODE, backend="onnxruntime", device=device))


def _find_people(model: _Wholebody, frame: Frames) -> Keypoints:
    """Everybody in a frame, float32 (N, 25, 3).

    Where rtmlib's detector finds nobody, its own whole takes the frame for a person; here nobody is there.
    """
    picture = np.ascontiguousarray(frame[..., ::-1])
    boxes = model.det_model(picture)
    if len(boxes) == 0:
        return np.zeros((0, 25, 3), np.float32)
    points, scores = model.pose_model(picture, bboxes=boxes)
    return points_to_body_25(np.concatenate([points, scores[..., None]], axis=-1), CONVENTIONS[133])
