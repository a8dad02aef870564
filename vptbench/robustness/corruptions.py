"""Corruptions of poses: a table of kinds, each with five severities, and how one is applied to a clip.

A corruption is a function of the clean poses, of a level and of random draws. The draws follow from kind,
clip and seed alone, never from severity or parameters: severities are nested, the same draws scaled. They
are made frame by frame, so that a longer clip begins as a shorter one does. Levels in pixels are of frames
256 high, and grow with the frames' height. Severity 0 changes nothing.

Points outside the frame stay outside, missing joints stay missing, and confidence is left alone, but where a
kind says otherwise. ``docs/robustness.md`` argues the levels.
"""

import hashlib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vptbench.benchmarks.noisy import SEVERITIES
from vptbench.errors import UsageError
from vptbench.registry import check_known, id_to_object

REFERENCE_HEIGHT = 256
"""Height of the frames, pixels, that levels in pixels are stated for."""

VERSION = 1
"""Enters the draws: a corruption that changes gets another one."""

CORRUPTIONS = {
    "jitter": "vptbench.robustness.noise:JITTER",
    "drift": "vptbench.robustness.noise:DRIFT",
    "dropout": "vptbench.robustness.bursts:DROPOUT",
    "swap": "vptbench.robustness.bursts:SWAP",
    "outlier": "vptbench.robustness.bursts:OUTLIER",
    "lag": "vptbench.robustness.timing:LAG",
    "other-body": "vptbench.robustness.proportions:OTHER_BODY",
    "estimator": "vptbench.robustness.estimator:ESTIMATOR",
}
"""Kinds of corruption to `CorruptionKind`."""


@dataclass(frozen=True)
class Poses:
    """What a corruption is given of a clip.

    Attributes:
        keypoints: float32 (T, 25, 3), clean; see `skeleton`.
        size: (H, W) of the frames.
    """

    keypoints: NDArray[np.float32]
    size: tuple[int, int]

    @property
    def scale(self) -> float:
        """Pixels of these frames a pixel of frames `REFERENCE_HEIGHT` high."""
        return self.size[0] / REFERENCE_HEIGHT

    def moved(self, shifts: NDArray[np.float64]) -> "NoisyPoses":
        """Each joint moved; a missing one stays missing.

        Args:
            shifts: float64 (T, 25, 2), pixels of the frames.
        """
        keypoints = self.keypoints.copy()
        keypoints[..., :2] += shifts.astype(np.float32)
        return NoisyPoses(keypoints, np.arange(len(keypoints)))


@dataclass(frozen=True)
class NoisyPoses:
    """What a corruption makes of a clip's poses.

    Attributes:
        keypoints: float32 (T, 25, 3).
        rows: intp (T,), the clean frame whose mesh each frame's mesh starts from: its own, but for a lag.
    """

    keypoints: NDArray[np.float32]
    rows: NDArray[np.intp]


@dataclass(frozen=True)
class CorruptionKind:
    """One kind of corruption.

    Attributes:
        levels: What severities 1 to 5 stand for, ascending.
        unit: Of the levels: "px" (of frames 256 high), "frames", or "share".
        meaning: What is done, in a sentence.
        corrupt: Poses, a level, draws and parameters to noisy poses.
        parameters: What may be changed beside the severity, and its default.
        drawn: Whether it draws anything: if not, all seeds give the same.
        ranges: Of parameters that have one: the least value, and the one that all stay below.
    """

    levels: tuple[float, float, float, float, float]
    unit: str
    meaning: str
    corrupt: Callable[[Poses, float, np.random.Generator, Mapping[str, float]], NoisyPoses]
    parameters: Mapping[str, float] = field(default_factory=dict)
    drawn: bool = True
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Corruption:
    """A kind at a severity, with its draws.

    Attributes:
        kind: A key of `CORRUPTIONS`.
        severity: 0 (nothing) to 5.
        seed: From 0.
        parameters: Those of the kind that are not as by default.

    Raises:
        RegistryError: The kind is unknown.
        UsageError: Severity, seed or a parameter's value is none of the kind's.
    """

    kind: str
    severity: int
    seed: int = 0
    parameters: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kind = load_kind(self.kind)
        if self.severity not in {0, *SEVERITIES}:
            raise UsageError(f"expected a severity from 0 to {SEVERITIES[-1]}, got {self.severity}")
        if self.seed < 0:
            raise UsageError(f"expected a seed from 0, got {self.seed}")
        for name, value in self.parameters.items():
            check_known(name, kind.parameters, f"parameter of {self.kind}")
            low, high = kind.ranges.get(name, (-math.inf, math.inf))
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise UsageError(f"{self.kind}: expected a number as {name}, got {value!r}")
            if not (math.isfinite(value) and low <= value < high):
                raise UsageError(
                    f"{self.kind}: expected {_range_to_text(low, high)} as {name}, got {value:g}; "
                    f"the default is {kind.parameters[name]:g}"
                )


def load_kind(name: str) -> CorruptionKind:
    """The kind of that name.

    Raises:
        RegistryError: The name is unknown.

    Example:
        ``load_kind("jitter").levels``
    """
    return cast("CorruptionKind", id_to_object(name, CORRUPTIONS, "corruption"))


def texts_to_parameters(texts: Sequence[str]) -> dict[str, float]:
    """``NAME=VALUE``, as often as it was given.

    Raises:
        UsageError: One has no name, or its value is no number.
    """
    found: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not name.strip() or not math.isfinite(number) or name.strip() in found:
            raise UsageError(f"expected a parameter such as NAME=0.5, each once, got {text!r}; mend it")
        found[name.strip()] = number
    return found


def corrupt_poses(corruption: Corruption, clip: str, poses: Poses, fixed: Collection[int] = ()) -> NoisyPoses:
    """Corrupt a clip's poses.

    Args:
        corruption: What is done.
        clip: Id of the clip; its draws follow from it.
        poses: The clean poses.
        fixed: Numbers of frames whose poses stay as they are, such as the source frame's.

    Returns:
        Arrays of their own; the same for the same arguments on every machine.
    """
    clean = NoisyPoses(poses.keypoints.copy(), np.arange(len(poses.keypoints)))
    if corruption.severity == 0:
        return clean
    kind = load_kind(corruption.kind)
    noisy = kind.corrupt(
        poses, kind.levels[corruption.severity - 1], _draws(corruption, clip),
        {**kind.parameters, **corruption.parameters},
    )  # fmt: skip
    for row in fixed:
        noisy.keypoints[row], noisy.rows[row] = clean.keypoints[row], row
    return noisy


def _range_to_text(low: float, high: float) -> str:
    least = f" from {low:g}" if math.isfinite(low) else ""
    below = f" below {high:g}" if math.isfinite(high) else ""
    return f"a finite number{least}{' and' if least and below else ''}{below}"


def _draws(corruption: Corruption, clip: str) -> np.random.Generator:
    """A counter-based generator that follows from version, kind, clip and seed."""
    text = "\n".join((f"corruption v{VERSION}", corruption.kind, clip, f"{corruption.seed:d}"))
    key = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(key=key))
