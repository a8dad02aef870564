"""Outputs beside their targets, by clip and frame number, or the list of what is missing.

Nothing is paired by position: a frame is compared with the target of its own number. Videos have no
numbers in their names and count from 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vptbench.benchmarks.loader import Benchmark, benchmark_clips, benchmark_targets
from vptbench.errors import OutputError, VptbenchError
from vptbench.outputs.reader import FrameReader
from vptbench.store.frames import StoreFrames

MOST_NAMED = 4
"""Clips, frames or problems that a message names before it counts the rest."""


@dataclass(frozen=True)
class Pair:
    """Frames of one clip that are compared.

    Attributes:
        clip: Its id, on both sides.
        numbers: Frame numbers, on both sides, ascending.
    """

    clip: str
    numbers: tuple[int, ...]


def store_to_pairs(generated: FrameReader, targets: StoreFrames, benchmark: Benchmark) -> tuple[Pair, ...]:
    """What a benchmark scores, sorted by clip id. Outputs may hold more clips and frames than that.

    Raises:
        BenchmarkError: The store does not fit the benchmark.
        OutputError: Clips or frames are missing, or sizes differ; every kind of problem is named.
    """
    wanted = {
        clip: benchmark_targets(benchmark, len(targets.store[clip]))
        for clip in benchmark_clips(benchmark, targets.store)
    }
    _check(generated, targets, wanted, _missing_to_problems(generated, wanted))
    return _pairs(wanted)


def folders_to_pairs(generated: FrameReader, targets: FrameReader) -> tuple[Pair, ...]:
    """All frames of two folders, sorted by clip id; both must hold the same clips and frame numbers.

    Raises:
        OutputError: One side lacks clips or frames of the other, or sizes differ; every kind of problem is
            named.
        VideoError: A target video is damaged.
    """
    wanted = {clip: targets.numbers(clip) for clip in targets.ids}
    problems = _missing_to_problems(generated, wanted) + _surplus_to_problems(generated, wanted)
    _check(generated, targets, wanted, problems)
    return _pairs(wanted)


def named(things: Sequence[object]) -> str:
    """The first few of `things`, and how many more there are."""
    rest = len(things) - MOST_NAMED
    return ", ".join(map(str, things[:MOST_NAMED])) + (f" and {rest} more" if rest > 0 else "")


def _pairs(wanted: Mapping[str, tuple[int, ...]]) -> tuple[Pair, ...]:
    return tuple(Pair(clip, wanted[clip]) for clip in sorted(wanted))


def _check(
    generated: FrameReader,
    targets: FrameReader,
    wanted: Mapping[str, tuple[int, ...]],
    problems: Sequence[str],
) -> None:
    """See that nothing is wrong with numbers, and then with sizes.

    Raises:
        OutputError: Something is.
    """
    problems = problems or _sizes_to_problems(generated, targets, wanted)
    if not wanted:
        problems = ["found no clip to compare with"]
    if problems:
        shown = "; ".join(problems[:MOST_NAMED])
        rest = len(problems) - MOST_NAMED
        raise OutputError(
            f"{generated.path}: expected the frames of {len(wanted)} clips as in {targets.path}: {shown}"
            + (f"; and {rest} more problems" if rest > 0 else "")
            + "; make what is missing, or give the folder that fits"
        )


def _missing_to_problems(generated: FrameReader, wanted: Mapping[str, tuple[int, ...]]) -> list[str]:
    missing = sorted(set(wanted) - set(generated.ids))
    problems = [f"{len(missing)} of {len(wanted)} clips are missing ({named(missing)})"] if missing else []
    for clip in sorted(set(wanted) - set(missing)):
        try:
            found = generated.numbers(clip)
        except VptbenchError as error:
            problems.append(f"clip {clip}: {error}")
            continue
        lost = sorted(set(wanted[clip]) - set(found))
        if lost:
            problems.append(
                f"clip {clip}: {len(lost)} of {len(wanted[clip])} frames are missing (number {named(lost)}), "
                f"found {_span(found)}"
            )
    return problems


def _surplus_to_problems(generated: FrameReader, wanted: Mapping[str, tuple[int, ...]]) -> list[str]:
    surplus = sorted(set(generated.ids) - set(wanted))
    problems = [f"{len(surplus)} clips have no target ({named(surplus)})"] if surplus else []
    for clip in sorted(set(wanted) & set(generated.ids)):
        try:
            more = sorted(set(generated.numbers(clip)) - set(wanted[clip]))
        except VptbenchError:
            continue  # named among what is missing
        if more:
            problems.append(
                f"clip {clip}: {len(more)} frames have no target (number {named(more)}), "
                f"whose numbers are {_span(wanted[clip])}"
            )
    return problems


def _sizes_to_problems(
    generated: FrameReader, targets: FrameReader, wanted: Mapping[str, tuple[int, ...]]
) -> list[str]:
    """Compare the first frame of each clip, so that a run of hours does not end in one."""
    problems = []
    for clip, numbers in sorted(wanted.items()):
        try:
            found, expected = (side.frames(clip, numbers[:1]).shape[1:3] for side in (generated, targets))
        except VptbenchError as error:
            problems.append(f"clip {clip}: {error}")
            continue
        if found != expected:
            problems.append(sizes_to_problem(clip, found, expected))
    return problems


def sizes_to_problem(clip: str, found: Sequence[int], expected: Sequence[int]) -> str:
    """Two sizes (H, W) that should be equal, in words."""
    return (
        f"clip {clip}: expected frames of {expected[0]}×{expected[1]} as the target's, found "
        f"{found[0]}×{found[1]}; nothing is resized in silence"
    )


def _span(numbers: Sequence[int]) -> str:
    return f"{len(numbers)} frames, {min(numbers)} to {max(numbers)}" if numbers else "no frames"
