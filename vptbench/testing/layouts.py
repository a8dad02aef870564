"""Does a layout keep its contract? To be called in the tests of any package that writes or brings one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from vptbench.clip import Frames
from vptbench.errors import OutputError, VptbenchError
from vptbench.outputs.folder import Folder
from vptbench.outputs.layouts import FILMSTRIP, LAYOUTS, Layout
from vptbench.outputs.names import RULES, Wanted, WantedClip
from vptbench.outputs.panels import parse_panel
from vptbench.outputs.pattern import parse_pattern
from vptbench.outputs.recognise import open_folder, open_layout
from vptbench.registry import check_known, id_to_object
from vptbench.testing.models import example_clip

Writer = Callable[[Path, Mapping[str, Frames]], None]
"""Writes clips, id to uint8 (T, H, W, 3), below a folder."""

CLIPS = ("example/0", "example/1")


@dataclass(frozen=True)
class _Trial:
    """What is tried: a row under a name, a writer, and what it writes."""

    name: str
    row: Layout
    write: Writer
    clips: Mapping[str, Frames]
    tolerance: float


def check_layout(
    layout: str | Layout,
    write: Writer,
    *,
    tolerance: float = 0,
    frames: int = 5,
    size: tuple[int, int] = (64, 64),
) -> None:
    """Write two small clips with `write`, and read them again.

    The row's facts must be there. It must find both clips and each of their frames, whether it is named or,
    being in the table, recognised; give the same frames again in any order; and where any one file is taken
    away, refuse the folder or lack what was in it, and give every other frame as before.

    Args:
        layout: A name of the table, or a row of one's own.
        write: Writes frames as the other program does.
        tolerance: Mean levels by which a frame may differ, for lossy files.
        frames: Of each clip.
        size: (H, W) of the frames.

    Raises:
        OutputError: It breaks its contract; every breach is named.
        RegistryError: The name is unknown.

    Example:
        ``check_layout("dreampose", write_as_dreampose)``
    """
    name = check_known(layout, LAYOUTS, "layout") if isinstance(layout, str) else "example"
    row = LAYOUTS[name] if isinstance(layout, str) else layout
    clips = {
        clip: np.asarray(example_clip(frames=frames, size=size, seed=seed).frames[:], np.uint8)
        for seed, clip in enumerate(CLIPS)
    }
    trial = _Trial(name, row, write, clips, tolerance)
    problems = list(_facts_to_problems(row))
    if not problems:
        with TemporaryDirectory() as folder:
            problems = list(_frames_to_problems(trial, Path(folder), known=isinstance(layout, str)))
    if problems:
        raise OutputError(f"{name}: " + "; ".join(problems))


def _facts_to_problems(row: Layout) -> Iterator[str]:
    """What is wrong with a row before anything is read."""
    if row.refusal:
        yield f"expected a layout that is fit for scoring, it is refused: {row.refusal}"
    if not (row.pattern or row.code):
        yield "expected a pattern or code, found neither"
    if row.names not in RULES:
        yield f"names: expected one of {', '.join(RULES)}, found {row.names!r}"
    if row.model and not row.source:
        yield "source: expected where this was read, found nothing"
    try:
        for pattern in filter(None, (row.pattern, *row.beside)):
            parse_pattern(pattern)
        if row.panel != FILMSTRIP:
            parse_panel(row.panel)
        if row.code and not callable(id_to_object("code", {"code": row.code}, "layout")):
            yield f"code: expected a function at {row.code}, found another thing"
    except (VptbenchError, ImportError, AttributeError) as error:
        yield str(error)


def _frames_to_problems(trial: _Trial, folder: Path, *, known: bool) -> Iterator[str]:
    """What is wrong with the frames that are read."""
    trial.write(folder / "whole", trial.clips)
    wanted = _wanted(trial.clips)
    try:
        found = open_layout(folder / "whole", trial.name, trial.row, wanted)
        problems = list(_reader_to_problems(trial, found))
        recognised = open_folder(folder / "whole", wanted=wanted) if known else found
        if not problems and isinstance(recognised, Folder) and recognised.clips != found.clips:
            problems.append(f"expected to be recognised, it was taken for {recognised.layout}")
    except VptbenchError as error:
        problems = [str(error)]
    yield from problems
    if not problems:
        yield from _lost_files_to_problems(trial, folder, found)


def _wanted(clips: Mapping[str, Frames]) -> Wanted:
    named = [WantedClip(clip, clip, clip, 0, len(frames)) for clip, frames in clips.items()]
    return Wanted(tuple(named), ordered=True)


def _reader_to_problems(trial: _Trial, found: Folder) -> Iterator[str]:
    if set(found.ids) != set(trial.clips):
        yield f"expected the clips {', '.join(trial.clips)}, found {', '.join(found.ids) or 'none'}"
        return
    for clip, frames in trial.clips.items():
        numbers = list(range(len(frames)))
        if list(found.numbers(clip)) != numbers:
            yield f"{clip}: expected frames 0 to {numbers[-1]}, found {found.numbers(clip)}"
            continue
        backwards = found.frames(clip, numbers[::-1])
        for number in numbers:
            read = found.frames(clip, [number])[0]
            if problem := _difference(read, frames[number], trial.tolerance):
                yield f"{clip}: frame {number}: {problem}"
            elif not np.array_equal(backwards[-1 - number], read):
                yield f"{clip}: frame {number}: expected the same in another order, found another"


def _lost_files_to_problems(trial: _Trial, folder: Path, whole: Folder) -> Iterator[str]:
    """What is wrong once a file is gone: frames that are called by another's number."""
    files = {file for media in whole.clips.values() for file in media.files}
    for k, file in enumerate(sorted(files)[:3]):
        place = folder / f"lost{k}"
        trial.write(place, trial.clips)
        (place / file.relative_to(folder / "whole")).unlink()
        try:
            found = open_layout(place, trial.name, trial.row, _wanted(trial.clips))
        except VptbenchError:
            continue
        left = {clip: set(found.numbers(clip)) for clip in found.ids}
        if left == {clip: set(range(len(frames))) for clip, frames in trial.clips.items()}:
            yield f"expected a frame less without {file.name}, found all"
        for clip, numbers in left.items():
            for number in sorted(numbers):
                read = found.frames(clip, [number])[0]
                if problem := _difference(read, trial.clips[clip][number], trial.tolerance):
                    yield f"without {file.name}: {clip}: frame {number}: {problem}"


def _difference(found: Frames, expected: Frames, tolerance: float) -> str:
    if found.shape != expected.shape:
        return f"expected {expected.shape}, found {found.shape}"
    off = float(np.abs(found.astype(float) - expected).mean())
    return f"expected the frame that was written, found one {off:.3g} levels off" if off > tolerance else ""
