"""Outputs beside their targets, by clip and frame number, or the list of what is missing.

Nothing is paired by position: a frame is compared with the target of its own number. Videos have no
numbers in their names and count from 0. Where one person is driven by another's poses there is no ground
truth: then the true frames on the other side are the person's own, and stand for no frame in particular.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vptbench.benchmarks.items import benchmark_items
from vptbench.benchmarks.naming import named
from vptbench.benchmarks.protocol import Benchmark
from vptbench.errors import OutputError, VptbenchError
from vptbench.outputs.reader import FrameReader
from vptbench.store.frames import StoreFrames


@dataclass(frozen=True)
class Pair:
    """Frames of one output, and the true frames on the other side.

    Attributes:
        clip: Id of the output.
        numbers: Numbers of its frames, ascending.
        target_clip: Id of the clip of the true frames.
        target_numbers: Numbers of these, ascending.
        truth: Whether each true frame is what the output's frame in its place should be.

    Raises:
        OutputError: `truth` is set, and there are not as many true frames as frames of the output.
    """

    clip: str
    numbers: tuple[int, ...]
    target_clip: str
    target_numbers: tuple[int, ...]
    truth: bool

    def __post_init__(self) -> None:
        if self.truth and len(self.numbers) != len(self.target_numbers):
            raise OutputError(
                f"clip {self.clip}: expected a true frame for each of {len(self.numbers)} frames, found "
                f"{len(self.target_numbers)}; give as many, or say that there is no ground truth"
            )


def plain_pair(clip: str, numbers: tuple[int, ...]) -> Pair:
    """Frames of an output, and the true frames of the same clip and numbers."""
    return Pair(clip, numbers, clip, numbers, truth=True)


def store_to_pairs(
    generated: FrameReader, targets: StoreFrames, benchmark: Benchmark, *, resize: bool = False
) -> tuple[Pair, ...]:
    """What a benchmark scores, sorted by clip id. Outputs may hold more clips and frames than that.

    Args:
        generated: The model's frames.
        targets: The store.
        benchmark: The protocol.
        resize: Whether sizes may differ, since the caller resizes.

    Raises:
        BenchmarkError: The store does not fit the benchmark.
        OutputError: Clips or frames are missing, or sizes differ; every kind of problem is named.
    """
    pairs = [
        Pair(item.id, item.driving_numbers, item.real_clip, item.real_numbers, truth=item.truth)
        for item in benchmark_items(benchmark, targets.store)
    ]
    return _check(generated, targets, pairs, _missing_to_problems(generated, _wanted(pairs)), resize=resize)


def folders_to_pairs(
    generated: FrameReader, targets: FrameReader, *, resize: bool = False
) -> tuple[Pair, ...]:
    """All frames of two folders, sorted by clip id; both must hold the same clips and frame numbers.

    Args:
        generated: The model's frames.
        targets: The true frames.
        resize: Whether sizes may differ, since the caller resizes.

    Raises:
        OutputError: One side lacks clips or frames of the other, or sizes differ; every kind of problem is
            named.
        VideoError: A target video is damaged.
    """
    pairs = [plain_pair(clip, targets.numbers(clip)) for clip in targets.ids]
    wanted = _wanted(pairs)
    problems = _missing_to_problems(generated, wanted) + _surplus_to_problems(generated, wanted)
    return _check(generated, targets, pairs, problems, resize=resize)


def _wanted(pairs: Iterable[Pair]) -> dict[str, tuple[int, ...]]:
    return {pair.clip: pair.numbers for pair in pairs}


def _check(
    generated: FrameReader,
    targets: FrameReader,
    pairs: Sequence[Pair],
    problems: Sequence[str],
    *,
    resize: bool,
) -> tuple[Pair, ...]:
    """The pairs, sorted by clip id, if nothing is wrong with numbers, and then with sizes.

    Raises:
        OutputError: Something is.
    """
    ordered = sorted(pairs, key=lambda pair: pair.clip)
    if not (problems or resize):
        problems = _sizes_to_problems(generated, targets, ordered)
    if not ordered:
        problems = ["found no clip to compare with"]
    if problems:
        raise OutputError(
            f"{generated.path}: expected the frames of {len(ordered)} clips as in {targets.path}: "
            f"{named(problems, '; ')}; make what is missing, or give the folder that fits"
        )
    return tuple(ordered)


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


def _sizes_to_problems(generated: FrameReader, targets: FrameReader, pairs: Sequence[Pair]) -> list[str]:
    """Compare the first frame of each clip, so that a run of hours does not end in one."""
    problems = []
    for pair in pairs:
        try:
            found = generated.frames(pair.clip, pair.numbers[:1]).shape[1:3]
            expected = targets.frames(pair.target_clip, pair.target_numbers[:1]).shape[1:3]
        except VptbenchError as error:
            problems.append(f"clip {pair.clip}: {error}")
            continue
        if found != expected:
            problems.append(sizes_to_problem(pair.clip, found, expected))
    return problems


def sizes_to_problem(clip: str, found: Sequence[int], expected: Sequence[int]) -> str:
    """Two sizes (H, W) that should be equal, in words."""
    return (
        f"clip {clip}: expected frames of {expected[0]}×{expected[1]} as the target's, found "
        f"{found[0]}×{found[1]}; nothing is resized in silence: give --resize to allow it"
    )


def _span(numbers: Sequence[int]) -> str:
    return f"{len(numbers)} frames, {min(numbers)} to {max(numbers)}" if numbers else "no frames"
