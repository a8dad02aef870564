"""Does a metric keep its contract? To be called in the tests of any package that brings one."""

import inspect
import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames
from vptbench.errors import MetricError, VptbenchError
from vptbench.mesh.flow import NO_FLOW
from vptbench.metrics.protocol import (
    FLOW,
    MASK,
    DistributionMetric,
    Features,
    FrameMetric,
    Metric,
    is_frame_metric,
)
from vptbench.metrics.table import MetricClass, metric_facts
from vptbench.registry import ID_PATTERN
from vptbench.testing.models import example_clip
from vptbench.weights import Networks

RANDOM = Networks("random")
"""Networks with weights drawn from names: a contract can be checked without the published ones."""

NEAR = 1e-3
"""Part of the distance to their negatives by which equal samples may lie apart."""

FEATURE_TOLERANCE = 1e-4
"""Part of the largest feature by which rows may differ when other windows are computed beside them."""

Given = dict[str, NDArray[np.generic]]
"""What ``per_frame`` is called with, by keyword; every array has T rows."""


def check_metric(
    metric: str | MetricClass | Metric,
    *,
    networks: Networks = RANDOM,
    frames: int = 16,
    size: tuple[int, int] = (64, 64),
) -> None:
    """Run a metric on small videos.

    Its facts must be there, with their types. A frame metric must take keywords alone; give float64 (T,)
    without NaN, the same again, for some of the frames and (unless it needs flow) in another order; leave
    what it is given as it was; take no frames at all; and refuse other types and unequal shapes with a
    `VptbenchError`. A distribution metric must name windows inside the video and give float32 (N, D) for
    them, whatever their order, also for none; refuse other types; and find equal samples as good as equal.

    Args:
        metric: An id of the table, an object as the table holds them, or a metric that is ready to run.
        networks: Weights for what has a ``load``.
        frames: Of each video, for metrics that need longer ones.
        size: (H, W) of the frames, for metrics that cannot take small ones.

    Raises:
        MetricError: It breaks its contract; every breach is named.

    Example:
        ``check_metric("ssim-v1")``
    """
    definition = metric_facts(metric) if isinstance(metric, str) else metric
    problems = list(_facts_to_problems(definition))
    if not problems:
        load: Callable[[Networks], Metric] | None = getattr(definition, "load", None)
        ready = load(networks) if load else cast("Metric", definition)
        if is_frame_metric(ready):
            problems = list(_frame_metric_to_problems(ready, frames, size))
        else:
            problems = list(_distribution_metric_to_problems(ready, frames, size))
    if problems:
        name = getattr(definition, "id", type(definition).__name__)
        raise MetricError(f"{name}: " + "; ".join(problems))


FACTS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "id": (
        "a versioned id such as 'ssim-v1'",
        lambda x: isinstance(x, str) and bool(ID_PATTERN.fullmatch(x)),
    ),
    "label": ("a name", lambda x: isinstance(x, str) and bool(x.strip())),
    "unit": ("a str", lambda x: isinstance(x, str)),
    "higher_is_better": ("a bool", lambda x: isinstance(x, bool)),
    "tolerance": ("a number above 0", lambda x: isinstance(x, float | int) and 0 < x < math.inf),
    "network": ("a str or None", lambda x: x is None or isinstance(x, str)),
    "settings": ("a mapping that JSON can hold", lambda x: isinstance(x, Mapping) and _fits_json(x)),
}
"""What every metric says of itself, in words and as a test."""

FRAME_FACTS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "needs": (f"a tuple of {MASK!r} and {FLOW!r}", lambda x: isinstance(x, tuple) and {*x} <= {MASK, FLOW}),
    "floored": ("a bool", lambda x: isinstance(x, bool)),
}
"""What a frame metric says besides."""

DISTRIBUTION_FACTS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "sample": ("a str such as 'frame'", lambda x: isinstance(x, str) and bool(x)),
    "extractor": ("a name", lambda x: isinstance(x, str) and bool(x)),
    "reference": ("'train', 'test' or None", lambda x: x in ("train", "test", None)),
}
"""What a distribution metric says besides."""


def _facts_to_problems(metric: object) -> Iterator[str]:
    more = FRAME_FACTS if hasattr(metric, "per_frame") else DISTRIBUTION_FACTS
    for name, (words, fits) in {**FACTS, **more}.items():
        if not hasattr(metric, name):
            yield f"{name}: expected {words}, found none"
        elif not fits(getattr(metric, name)):
            yield f"{name}: expected {words}, got {getattr(metric, name)!r}"


def _fits_json(settings: object) -> bool:
    try:
        return bool(json.dumps(settings, allow_nan=False))
    except (TypeError, ValueError):
        return False


def _frame_metric_to_problems(metric: FrameMetric, frames: int, size: tuple[int, int]) -> Iterator[str]:
    parameters = inspect.signature(metric.per_frame).parameters
    names = {"generated", "target", *metric.needs}
    if {*parameters} != names or any(p.kind is not p.KEYWORD_ONLY for p in parameters.values()):
        found = ", ".join(map(str, parameters.values()))
        yield f"per_frame: expected the keywords {', '.join(sorted(names))} and no others, got ({found})"
        return
    given = _example(metric.needs, frames, size)
    kept = {name: array.copy() for name, array in given.items()}
    values = metric.per_frame(**given)
    if not all(np.array_equal(given[name], kept[name]) for name in given):
        yield "per_frame: expected what it is given to be left alone, it was changed"
    problem = _values_to_problem(values, frames)
    if problem:
        yield problem
        return
    parts = {"expected the same values a second time": slice(None)}
    parts["expected the same values for the first half alone"] = slice(frames // 2)
    if FLOW not in metric.needs:
        parts["expected the same values with the frames in reverse"] = slice(None, None, -1)
    for words, rows in parts.items():
        again = metric.per_frame(**{name: array[rows] for name, array in kept.items()})
        if not _near(again, values[rows], metric.tolerance):
            yield f"per_frame: {words}, got others"
    none = _values_to_problem(metric.per_frame(**{name: array[:0] for name, array in kept.items()}), 0)
    if none:
        yield f"for no frames: {none}"
    for words, wrong in _wrongly(kept):
        if not _refuses(metric.per_frame, **wrong):
            yield f"per_frame: expected a VptbenchError for {words}, it raised none or another"


def _example(needs: tuple[str, ...], frames: int, size: tuple[int, int]) -> Given:
    """A true video, the same moved, paler and noisy, and what else is needed."""
    clip = example_clip(frames=frames, size=size)
    target = np.array(clip.frames[:], np.uint8)
    noise = np.random.default_rng(0).integers(0, 20, target.shape, np.uint8)
    given: Given = {"generated": np.roll(target, 2, axis=2) // 2 + 60 + noise, "target": target}
    if MASK in needs and clip.mask is not None:
        given[MASK] = np.array(clip.mask[:], np.bool_)
    if FLOW in needs:
        first = np.full((*size, 2), NO_FLOW, np.float32)
        given[FLOW] = np.stack(
            [first, *(clip.mesh_flow(row - 1, row, visible_only=True) for row in range(1, frames))]
        )
    return given


def _wrongly(given: Given) -> Iterator[tuple[str, Given]]:
    """What a frame metric must refuse, in words and as a call."""
    generated = given["generated"]
    yield "frames of float32", {**given, "generated": generated.astype(np.float32)}
    yield "grey frames", {**given, "target": given["target"][..., 0], "generated": generated[..., 0]}
    yield "one generated frame too few", {**given, "generated": generated[:-1]}
    yield "generated frames of another size", {**given, "generated": generated[:, :-1]}
    for name in sorted({MASK, FLOW} & {*given}):
        yield f"a {name} of another size", {**given, name: given[name][:, :-1]}


def _values_to_problem(values: object, frames: int) -> str:
    if not isinstance(values, np.ndarray) or values.dtype != np.float64 or values.shape != (frames,):
        shape = f"{values.dtype} {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
        return f"per_frame: expected float64 ({frames},), got {shape}"
    return "per_frame: expected inf where a frame has no value, got NaN" if np.isnan(values).any() else ""


def _near(found: NDArray[np.generic], expected: NDArray[np.generic], tolerance: float) -> bool:
    return found.shape == expected.shape and np.allclose(found, expected, rtol=0, atol=tolerance)


def _refuses(function: Callable[..., object], *given: object, **named: object) -> bool:
    try:
        function(*given, **named)
    except VptbenchError:
        return True
    except Exception:  # noqa: BLE001 - anybody's code
        return False
    return False


def _distribution_metric_to_problems(
    metric: DistributionMetric, frames: int, size: tuple[int, int]
) -> Iterator[str]:
    # Pictures that stand still: wherever a definition draws its windows, they are the same.
    pictures = {f"clip {seed}": example_clip(frames=1, size=size, seed=seed).frames[:] for seed in (0, 1)}
    videos = {clip: np.repeat(np.asarray(picture, np.uint8), frames, 0) for clip, picture in pictures.items()}
    lengths = dict.fromkeys(videos, frames)
    sides: dict[str, dict[str, Features]] = {"true": {}, "generated": {}, "negative": {}}
    for clip, video in videos.items():
        for side, rows in sides.items():
            windows = metric.windows(clip, lengths, generated=side != "true")
            problem = _windows_to_problem(windows, frames)
            if not problem:
                rows[clip] = metric.features(255 - video if side == "negative" else video.copy(), windows)
                problem = _rows_to_problem(rows[clip], len(windows))
            if problem:
                yield problem
                return
    clip = next(iter(videos))
    yield from _features_to_problems(metric, videos[clip], sides["generated"][clip])
    yield from _estimate_to_problems(metric, **sides)


def _windows_to_problem(windows: object, frames: int) -> str:
    if isinstance(windows, tuple) and all(
        isinstance(each, range) and each and 0 <= min(each) <= max(each) < frames for each in windows
    ):
        return ""
    return f"windows: expected a tuple of ranges inside 0..{frames - 1}, none empty, got {windows!r}"


def _rows_to_problem(rows: object, count: int) -> str:
    if not isinstance(rows, np.ndarray) or rows.dtype != np.float32 or rows.ndim != 2 or len(rows) != count:
        shape = f"{rows.dtype} {rows.shape}" if isinstance(rows, np.ndarray) else type(rows).__name__
        return f"features: expected float32 ({count}, D), got {shape}"
    return "" if np.isfinite(rows).all() else "features: expected finite numbers, got NaN or infinity"


def _features_to_problems(metric: DistributionMetric, still: Frames, rows: Features) -> Iterator[str]:
    """What is wrong with features beyond their shape.

    Args:
        metric: The metric.
        still: A video of one picture.
        rows: Its features as a generated video.
    """
    limit = FEATURE_TOLERANCE * float(np.abs(rows).max(initial=1e-30))
    moving = np.stack([np.roll(frame, 3 * row, axis=1) // (row % 4 + 1) for row, frame in enumerate(still)])
    kept = moving.copy()
    windows = metric.windows("alone", {"alone": len(moving)}, generated=True)
    found = metric.features(moving, windows)
    if not np.array_equal(moving, kept):
        yield "features: expected the frames to be left alone, they were changed"
    for words, again, expected in (
        ("expected the same rows a second time", metric.features(kept, windows), found),
        ("expected the same rows for windows in reverse", metric.features(kept, windows[::-1]), found[::-1]),
        ("expected the same row for a window alone", metric.features(kept, windows[:1]), found[:1]),
        ("expected by default the rows of a generated video", metric.features(kept), found),
    ):
        if not _near(again, expected, limit):
            yield f"features: {words}, got others"
    none = metric.features(kept[:0], ())
    if none.shape != (0, rows.shape[1]) or none.dtype != np.float32:
        yield f"features: for no frames expected float32 (0, {rows.shape[1]}), got {none.dtype} {none.shape}"
    if not _refuses(metric.features, kept.astype(np.float32), windows):
        yield "features: expected a VptbenchError for frames of float32, it raised none or another"


def _is_finite(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _estimate_to_problems(
    metric: DistributionMetric,
    *,
    true: dict[str, Features],
    generated: dict[str, Features],
    negative: dict[str, Features],
) -> Iterator[str]:
    groups = [((clip,), (clip,)) for clip in sorted(true)]
    near, far = metric.estimate(generated, true, groups), metric.estimate(negative, true, groups)
    if not (_is_finite(near.value) and _is_finite(far.value)):
        yield f"estimate: expected finite numbers, got {near.value!r} and {far.value!r}"
        return
    if near.value > NEAR * far.value:
        yield (
            "estimate: expected equal samples to be nearer than a thousandth of the distance to their "
            f"negatives, {far.value}, got {near.value}"
        )
    if len(near.left_out) not in {0, len(groups)}:
        yield f"estimate: expected a number for each of {len(groups)} groups or none, got {near.left_out}"
    if metric.estimate(generated, true, groups) != near:
        yield "estimate: expected the same a second time, got another"
    if not _refuses(metric.estimate, {}, {}):
        yield "estimate: expected a VptbenchError for no samples, it raised none or another"
