"""MediaPipe's pose model, whose weights come with its wheel, in a process of its own.

It follows one person at a time. Version 0.10.21 is the last that carries a model (``pose_landmark_full``); it
needs protobuf 4, so it is installed beside this package, in a folder or in another environment, and
`mediapipe_worker.py` runs there.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames
from vptbench.errors import PoseError
from vptbench.prepare.tracking import Keypoints
from vptbench.skeleton import missing_keypoints, points_to_body_25

PLACE_VARIABLE = "VPTBENCH_MEDIAPIPE_PYTHON"
"""Names an interpreter, a virtual environment, or a folder made by ``pip install --target``."""

PACKAGES = ("mediapipe==0.10.21", "absl-py", "attrs", "flatbuffers", "protobuf>=4.25.3,<5")
"""What is needed beside this package's own NumPy and OpenCV. NumPy 2 is not declared but runs."""

MODEL = "pose_landmark_full"

JOINTS = (0, -1, 12, 14, 16, 11, 13, 15, -1, 24, 26, 28, 23, 25, 27, 5, 2, 8, 7, 31, -1, 29, 32, -1, 30)
"""MediaPipe's landmark for each joint of BODY_25, −1 for none; its foot index is the big toe.

Source: MediaPipe, python/solutions/pose.py, PoseLandmark.
"""

LANDMARKS, COLUMNS = 33, 4
"""What the worker writes of each frame."""

AT_ONCE = 8
"""Frames sent before their landmarks are read; these must fit into a pipe (8 × 528 bytes)."""

PROBE_SECONDS = 120

WORKER = Path(__file__).with_name("mediapipe_worker.py")


@dataclass(frozen=True)
class Place:
    """Where MediaPipe runs.

    Attributes:
        python: The interpreter.
        packages: A folder of packages to put in front of the interpreter's own, or None.
    """

    python: str
    packages: Path | None = None

    def environment(self) -> dict[str, str]:
        """Environment variables of its process, which is kept to one thread of its own libraries."""
        variables = dict(os.environ) | {"GLOG_minloglevel": "2", "TF_CPP_MIN_LOG_LEVEL": "2"}
        variables.pop("PYTHONPATH", None)
        return variables if self.packages is None else variables | {"PYTHONPATH": str(self.packages)}


def default_folder() -> Path:
    """Where MediaPipe is looked for if `PLACE_VARIABLE` is not set, in the user's cache."""
    import pooch  # noqa: PLC0415 - only where no place is named

    return Path(pooch.os_cache("vptbench")) / "mediapipe"


def resolve_place() -> Place:
    """Where MediaPipe runs, by `PLACE_VARIABLE`, or else in `default_folder`."""
    named = os.environ.get(PLACE_VARIABLE)
    path = Path(named) if named else default_folder()
    if not path.is_dir():
        return Place(str(path)) if named else Place(sys.executable, path)
    inside = next(
        (path / name for name in ("bin/python", "Scripts/python.exe") if (path / name).is_file()), None
    )
    return Place(sys.executable, path) if inside is None else Place(str(inside))


@dataclass(frozen=True)
class MediaPipe:
    """MediaPipe 0.10.21, its full model, following the person; unsmoothed."""

    name: str = "mediapipe"

    @property
    def version(self) -> str:
        """Of the package that was found, and the network.

        Raises:
            PoseError: It is not installed.
        """
        found, detail = _probe(resolve_place())
        if not found:
            raise PoseError(
                f"expected MediaPipe, found none ({detail}); run the command that `vptbench doctor` names"
            )
        return f"{detail} {MODEL}"

    @property
    def command(self) -> tuple[str, ...]:
        """Installs it into `default_folder`, where it is looked for."""
        pip = (sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(default_folder()))
        return (*pip, *PACKAGES)

    def missing(self) -> str | None:
        """See `Estimator`."""
        found, detail = _probe(resolve_place())
        return None if found else detail

    def estimate(self, frames: Iterator[Frames], fps: float) -> Keypoints:  # noqa: ARG002 - as all estimators
        """See `Estimator`.

        Raises:
            PoseError: MediaPipe does not start or stops.
        """
        found: list[Keypoints] = []
        with _started(resolve_place()) as worker:
            for chunk in frames:
                size = chunk.shape[1:3]
                if not found:
                    worker.send(json.dumps({"height": size[0], "width": size[1]}).encode() + b"\n")
                for start in range(0, len(chunk), AT_ONCE):
                    some = chunk[start : start + AT_ONCE]
                    worker.send(np.ascontiguousarray(some).tobytes())
                    found.append(landmarks_to_keypoints(worker.receive(len(some)), (size[0], size[1])))
        return np.concatenate(found) if found else missing_keypoints(0)


def landmarks_to_keypoints(landmarks: NDArray[np.float32], size: tuple[int, int]) -> Keypoints:
    """MediaPipe's landmarks as BODY_25.

    Args:
        landmarks: float32 (T, 33, 4): x and y in widths and heights of the frame from its corner, visibility
            in [0, 1], and a number that is not used; NaN where nobody was found.
        size: (H, W) of the frames, pixels.

    Returns:
        float32 (T, 25, 3). MediaPipe guesses on beyond the frame; what lies there is missing here. The small
        toes always are.
    """
    height, width = size
    points = landmarks[..., :3].astype(np.float64)
    points[..., :2] = points[..., :2] * (width, height) - 0.5
    with np.errstate(invalid="ignore"):
        outside = ((points[..., :2] < -0.5) | (points[..., :2] > (width - 0.5, height - 0.5))).any(axis=-1)
    points[outside] = np.nan
    return points_to_body_25(points, JOINTS)


@dataclass(frozen=True)
class _Worker:
    """A running `mediapipe_worker.py`."""

    process: subprocess.Popen[bytes]
    said: IO[bytes]

    def send(self, data: bytes) -> None:
        """Write to its input.

        Raises:
            PoseError: It stopped.
        """
        try:
            stream = cast("IO[bytes]", self.process.stdin)
            stream.write(data)
            stream.flush()
        except OSError as error:
            raise self.failure() from error

    def receive(self, frames: int) -> NDArray[np.float32]:
        """Landmarks of the next frames, float32 (frames, 33, 4).

        Raises:
            PoseError: It stopped.
        """
        data = cast("IO[bytes]", self.process.stdout).read(frames * LANDMARKS * COLUMNS * 4)
        if len(data) != frames * LANDMARKS * COLUMNS * 4:
            raise self.failure()
        return np.frombuffer(data, "<f4").reshape(frames, LANDMARKS, COLUMNS).astype(np.float32)

    def failure(self) -> PoseError:
        """What to raise when it stopped, with its last words."""
        return PoseError(
            f"expected MediaPipe's landmarks of every frame, found an end ({_last_line(self.said)}); "
            "try again, or take --poses openpose"
        )


@contextmanager
def _started(place: Place) -> Iterator[_Worker]:
    """A worker that has imported MediaPipe; it is ended with the block.

    Raises:
        PoseError: It does not start.
    """
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own interpreter
                [place.python, str(WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                env=place.environment(),
            )
        except OSError as error:
            raise PoseError(
                f"expected a Python interpreter at {place.python}, cannot start it ({error.strerror}); "
                f"mend {PLACE_VARIABLE}"
            ) from error
        worker = _Worker(process, said)
        try:
            if not cast("IO[bytes]", process.stdout).readline().startswith(b"{"):
                raise worker.failure()
            yield worker
        finally:
            process.kill()
            process.communicate()


@lru_cache(maxsize=8)
def _probe(place: Place) -> tuple[bool, str]:
    """Whether MediaPipe can be imported there, and its version, or what went wrong."""
    if place.packages is not None and not (place.packages / "mediapipe").is_dir():
        return False, f"no mediapipe in {place.packages}"
    with tempfile.TemporaryFile() as said:
        try:
            answer = subprocess.run(  # noqa: S603 - the user's own interpreter
                [place.python, str(WORKER), "probe"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                env=place.environment(),
                timeout=PROBE_SECONDS,
                check=True,
            )
            return True, str(json.loads(answer.stdout)["version"])
        except OSError as error:
            return False, f"no interpreter at {place.python} ({error.strerror})"
        except (subprocess.SubprocessError, ValueError, KeyError):
            return False, _last_line(said)


def _last_line(said: IO[bytes]) -> str:
    """The end of what a process wrote to its standard error."""
    said.seek(0)
    lines = [line.strip() for line in said.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
