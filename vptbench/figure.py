"""One metric's result, as scores hold it: the number with all that a reader must know beside it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from vptbench.errors import ScoreError
from vptbench.manifest import Json

POOLINGS = ("clip", "frame")
"""How frames are averaged: over a clip's frames and then over clips, or over all frames."""

NUMBER_OR_NONE = (int, float, type(None))


@dataclass(frozen=True)
class Figure:
    """One metric's result.

    Attributes:
        label: The metric's name in tables, such as "SSIM".
        unit: Of the value, such as "dB"; empty for plain numbers.
        higher_is_better: Direction.
        value: The figure, or None where there is none.
        low: Lower end of its 95 % interval over clips, or None where there are too few clips.
        high: Upper end, or None.
        floor: What the true frames themselves score, for metrics that have such a floor, or None.
        pooling: How frames were averaged, one of `POOLINGS`; empty for distances between distributions.
        clips: Clips that were scored.
        frames: Frames that were scored.
        samples: What the figure is made of: frames that have a finite value, or rows of features.
        infinite_frames: Frames that were left out because their value is infinite.
        settings: What a reader must know beside the id: window, stride, seed, samples of the other side.
        reason: Why there is no value; empty where there is one.

    Raises:
        ScoreError: The fields are of other types, or contradict each other; every problem is named.
    """

    label: str
    unit: str
    higher_is_better: bool
    value: float | None
    low: float | None
    high: float | None
    floor: float | None
    pooling: str
    clips: int
    frames: int
    samples: int
    infinite_frames: int
    settings: Mapping[str, Json]
    reason: str

    def __post_init__(self) -> None:
        problems = _figure_to_problems(self)
        if problems:
            raise ScoreError(f"{self.label}: " + "; ".join(problems))


def _figure_to_problems(figure: Figure) -> list[str]:
    """What is wrong with the types and values of a figure, in words."""
    problems = []
    kinds: dict[type | tuple[type, ...], tuple[str, ...]] = {
        str: ("label", "unit", "pooling", "reason"),
        bool: ("higher_is_better",),
        int: ("clips", "frames", "samples", "infinite_frames"),
        NUMBER_OR_NONE: ("value", "low", "high", "floor"),
        Mapping: ("settings",),
    }
    for kind, names in kinds.items():
        for name in names:
            value = getattr(figure, name)
            if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
                problems.append(f"{name}: found {value!r}, which is of another type than expected")
    if problems:
        return problems
    ends = (figure.value, figure.low, figure.high, figure.floor)
    numbers = [value for value in ends if value is not None]
    if not all(map(math.isfinite, numbers)):
        problems.append(f"expected finite numbers or null, found {numbers}")
    if (figure.value is None) != bool(figure.reason):
        problems.append("expected either a value or a reason why there is none")
    if (figure.low is None) != (figure.high is None) or (figure.value is None and figure.low is not None):
        problems.append("expected both ends of an interval, beside a value, or neither")
    if figure.pooling not in {"", *POOLINGS}:
        problems.append(f"pooling: expected {' or '.join(POOLINGS)} or nothing, found {figure.pooling!r}")
    if min(figure.clips, figure.frames, figure.samples, figure.infinite_frames) < 0:
        problems.append("expected counts from 0, found a negative one")
    return problems
