"""Outputs beside their targets, by clip and frame number, or the list of what is missing.

Nothing is paired by position: a frame is compared with the target of its own number. Videos have no
numbers in their names and count from 0, so that theirs must be as many as the clip's frames, or those of a
stride that somebody states. Where one person is driven by another's poses there is no ground
truth: then the true frames on the other side are the person's own, and stand for no frame in particular.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vptbench.benchmarks.items import benchmark_items
from vptbench.benchmarks.naming import named
from vptbench.benchmarks.protocol import Benchmark
from vptbench.errors import OutputError, VptbenchError
from vptbench.manifest import json_to_sha256
from vptbench.outputs.folder import Folder, Reading
from vptbench.outputs.reader import FrameReader
from vptbench.score.resize import reader_to_unresized
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
    generated: FrameReader,
    targets: StoreFrames,
    benchmark: Benchmark,
    *,
    resize: bool = False,
    reading: Reading | None = None,
) -> tuple[Pair, ...]:
    """What a benchmark scores, sorted by clip id. Outputs may hold more clips and frames than that.

    Args:
        generated: The model's frames.
        targets: The store.
        benchmark: The protocol.
        resize: Whether sizes may differ, since the caller resizes.
        reading: Which driving frames the outputs stand for; the others are left out.

    Raises:
        BenchmarkError: The store does not fit the benchmark.
        OutputError: Clips or frames are missing, or sizes differ; every kind of problem is named.
    """
    how, items = reading or Reading(), benchmark_items(benchmark, targets.store)
    pairs = [
        _covered(Pair(item.id, item.driving_numbers, item.real_clip, item.real_numbers, item.truth), how)
        for item in items
    ]
    lengths = {item.id: how.length(item.first + item.count) for item in items}
    ends = {item.id: len(targets.store[item.driving_clip]) for item in items}
    problems = [
        *_missing_to_problems(generated, _wanted(pairs)),
        *_lengths_to_problems(generated, lengths),
        *_ends_to_problems(generated, ends),
    ]
    return _check(generated, targets, pairs, problems, resize=resize)


def folders_to_pairs(
    generated: FrameReader, targets: FrameReader, *, resize: bool = False, reading: Reading | None = None
) -> tuple[Pair, ...]:
    """All frames of two folders, sorted by clip id; both must hold the same clips and frame numbers.

    Args:
        generated: The model's frames.
        targets: The true frames.
        resize: Whether sizes may differ, since the caller resizes.
        reading: Which driving frames the outputs stand for; the others are left out.

    Raises:
        OutputError: One side lacks clips or frames of the other, or sizes differ; every kind of problem is
            named.
        VideoError: A target video is damaged.
    """
    how = reading or Reading()
    pairs = [_covered(plain_pair(clip, targets.numbers(clip)), how) for clip in targets.ids]
    wanted = _wanted(pairs)
    problems = _missing_to_problems(generated, wanted) + _surplus_to_problems(generated, wanted)
    return _check(generated, targets, pairs, problems, resize=resize)


def _covered(pair: Pair, how: Reading) -> Pair:
    """A pair without the frames that no output stands for."""
    kept = [place for place, number in enumerate(pair.numbers) if how.covers(number)]
    numbers = tuple(pair.numbers[place] for place in kept)
    true = tuple(pair.target_numbers[place] for place in kept) if pair.truth else pair.target_numbers
    return Pair(pair.clip, numbers, pair.target_clip, true, pair.truth)


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
    empty = sorted(clip for clip, numbers in wanted.items() if not numbers)
    if empty:
        problems.append(f"{len(empty)} clips have no frame at this stride and offset ({named(empty)})")
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
                f"found {_span(found)}{_hint(generated, clip)}"
            )
    return problems


def _lengths_to_problems(generated: FrameReader, lengths: Mapping[str, int]) -> list[str]:
    """Clips with more frames than there can be, where frames are only counted."""
    problems = []
    for clip in sorted(set(lengths) & set(generated.ids)):
        if not _is_counted(generated, clip):
            continue
        try:
            found = len(generated.numbers(clip))
        except VptbenchError:
            continue  # named among what is missing
        if found > lengths[clip]:
            problems.append(
                f"clip {clip}: expected {lengths[clip]} frames, found {found}{_hint(generated, clip)}"
            )
    return problems


def _ends_to_problems(generated: FrameReader, ends: Mapping[str, int]) -> list[str]:
    """Clips with frames whose numbers lie past the last frame: they were numbered from 1, say."""
    problems = []
    for clip in sorted(set(ends) & set(generated.ids)):
        try:
            last = max(generated.numbers(clip), default=0)
        except VptbenchError:
            continue  # named among what is missing
        if not _is_counted(generated, clip) and last >= ends[clip]:
            problems.append(
                f"clip {clip}: found a frame of number {last}, past the last one, {ends[clip] - 1}; if the "
                "names count from 1, say --first 1"
            )
    return problems


def _is_counted(generated: FrameReader, clip: str) -> bool:
    """Whether no name says which frame each output is."""
    reader = reader_to_unresized(generated)
    return isinstance(reader, Folder) and reader.is_counted(clip)


def _hint(generated: FrameReader, clip: str) -> str:
    if not _is_counted(generated, clip):
        return ""
    return "; frames are not paired by position: say with --stride and --offset for which they stand"


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
                f"whose numbers are {_span(wanted[clip])}{_hint(generated, clip)}"
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
    panels, rest = divmod(found[1], expected[1])
    way = "nothing is resized in silence: give --resize to allow it"
    if found[0] == expected[0] and panels > 1 and not rest:
        way = f"these look like {panels} panels side by side: give --panel {panels}/{panels} for the last"
    return (
        f"clip {clip}: expected frames of {expected[0]}×{expected[1]} as the target's, found "
        f"{found[0]}×{found[1]}; {way}"
    )


def _span(numbers: Sequence[int]) -> str:
    return f"{len(numbers)} frames, {min(numbers)} to {max(numbers)}" if numbers else "no frames"


def pairs_to_sha256(clip_list: str, pairs: Sequence[Pair]) -> str:
    """Hash of a part of a benchmark: its clip list, and which frames of it are scored."""
    return json_to_sha256([clip_list, [[pair.clip, list(pair.numbers)] for pair in pairs]])


def pairs_to_frames(pairs: Iterable[Pair]) -> int:
    """How many frames are scored."""
    return sum(len(pair.numbers) for pair in pairs)
