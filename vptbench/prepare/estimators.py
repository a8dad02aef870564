"""Estimators of poses: what each must do, which there are, and which are installed.

An estimator is one file with one class that fits `Estimator`, and one line in `ESTIMATORS`. All are extras:
none is needed to install or test this package.
"""

import shlex
from collections.abc import Iterator
from typing import Protocol, cast

from vptbench.clip import Frames
from vptbench.errors import PoseError
from vptbench.prepare.tracking import Keypoints
from vptbench.registry import id_to_object

ESTIMATORS = {
    "rtmlib": "vptbench.prepare.rtmlib:Rtmlib",
    "mediapipe": "vptbench.prepare.mediapipe:MediaPipe",
}
"""Estimators by name, in the order in which ``--poses auto`` tries them."""

EASIEST = "mediapipe"
"""The estimator to recommend where none is installed: one command brings code and network."""


class Estimator(Protocol):
    """Finds a clip's person in its frames."""

    @property
    def name(self) -> str:
        """As in `ESTIMATORS`."""

    @property
    def version(self) -> str:
        """Program and network, for provenance; only asked where `missing` gives None."""

    @property
    def command(self) -> tuple[str, ...]:
        """The command that installs it, word by word."""

    def missing(self) -> str | None:
        """Why it cannot run here, in words without a remedy, or None if it can. Runs nothing heavy twice."""

    def estimate(self, frames: Iterator[Frames], fps: float) -> Keypoints:
        """The keypoints of one person through all frames.

        Args:
            frames: The clip in order, uint8 (n, H, W, 3) RGB at a time, all of one size.
            fps: Frames a second, for estimators that follow a person through time.

        Returns:
            float32 (T, 25, 3) in pixels of the frames, pixel centres at integers. A frame in which nobody is
            found has all joints missing.

        Raises:
            PoseError: It is not installed, or fails.
        """


def load_estimator(name: str) -> Estimator:
    """The estimator of that name, installed or not.

    Raises:
        RegistryError: The name is unknown.
    """
    return cast("type[Estimator]", id_to_object(name, ESTIMATORS, "estimator of poses"))()


def resolve_estimator(name: str) -> Estimator:
    """The estimator of that name, which can run.

    Args:
        name: One of `ESTIMATORS`, or "auto" for the first that is installed.

    Raises:
        RegistryError: The name is unknown.
        PoseError: It is not installed; of "auto", none is. The text names the command that helps.
    """
    candidates = [load_estimator(each) for each in (ESTIMATORS if name == "auto" else (name,))]
    reasons = {}
    for estimator in candidates:
        reason = estimator.missing()
        if reason is None:
            return estimator
        reasons[estimator.name] = reason
    helped = load_estimator(EASIEST if name == "auto" else name)
    raise PoseError(
        f"expected {'an estimator of poses' if name == 'auto' else f'the estimator {name}'} here, found none "
        f"({'; '.join(f'{each}: {reason}' for each, reason in reasons.items())}); "
        f"run: {shlex.join(helped.command)}"
    )
