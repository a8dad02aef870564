"""Any command line as a model: run clip by clip, with its time limited and its words kept."""

import contextlib
import os
import shlex
import shutil
import signal
import string
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vptbench.benchmarks.items import Item
from vptbench.clip import Frames, PoseClip
from vptbench.engine import Report
from vptbench.errors import ModelError, OutputError, UsageError
from vptbench.generate import watch
from vptbench.generate.drive import Generated, derive_seed, frames_to_problem, item_to_given
from vptbench.generate.export import load_input_format
from vptbench.generate.model import AUDITS_GROUP, MODELS_GROUP
from vptbench.generate.names import ids_to_paths
from vptbench.generate.plan import plan_to_facts, resolve_plan
from vptbench.generate.record import (
    fill_record,
    generated_to_entry,
    missing_items,
    open_record,
)
from vptbench.image import write_image
from vptbench.manifest import PART_SUFFIX, Json, delete, make_folder
from vptbench.outputs import open_folder
from vptbench.registry import group_to_table
from vptbench.store.reader import open_store

PLACEHOLDERS = {
    "source": "the picture of the person, a PNG",
    "poses": "the poses, a file or a folder in the format of --format",
    "out": "an empty folder, into which the program writes pictures or one video",
    "clip": "id of what is made",
    "frames": "how many frames to make",
    "size": "WIDTHxHEIGHT of the frames",
    "width": "of the frames, pixels",
    "height": "of the frames, pixels",
    "fps": "frames a second of the driving clip",
    "seed": "the clip's own, which follows from --seed and its id",
}
"""What may stand in braces in a command line."""

LOGS = "logs"
"""Folder in the outputs that holds what the program said, ``<item>.txt``."""

DEVICE = "unknown"
"""Where a stranger's program computes."""

SECONDS = 3600.0
"""How long a clip may take."""

TOLD_LINES, TOLD_CHARACTERS, TAIL_BYTES = 3, 300, 8192
"""How much of a program's last words stands in the line that tells of its failure."""


@dataclass(frozen=True)
class CommandSettings:
    """A command line as a model.

    Attributes:
        line: The command; split as a POSIX shell does, but run without one. `PLACEHOLDERS` in braces are
            replaced; "{{" and "}}" stand for braces.
        form: A key of `export.INPUT_FORMATS`.
        seconds: How long one clip may take before it is ended.
    """

    line: str
    form: str = "openpose-json"
    seconds: float = SECONDS


@dataclass(frozen=True)
class _Job:
    """What all items of a run have in common; travels to worker processes."""

    settings: CommandSettings
    words: tuple[str, ...]
    seed: int
    store: Path
    outputs: Path
    here: Path
    logs: Mapping[str, str]


def command_to_outputs(  # noqa: PLR0913 - what the command line can say
    name: str,
    store: Path,
    outputs: Path,
    benchmark: str | Path,
    settings: CommandSettings,
    *,
    seed: int = 0,
    workers: int = 1,
    scheduler: str | None = None,
) -> Report:
    """Run a program over the items of a benchmark, all frames of each. What is there already is kept.

    The program is shown the source frame and the poses, in a folder that is deleted afterwards, and starts in
    the folder that the caller is in.

    Args:
        name: Of the model, as tables and boards call it.
        store: Folder of the clip store.
        outputs: Folder to write; one that an earlier, interrupted start of the same run left is completed.
        benchmark: Id of a protocol, or its JSON file.
        settings: The command line.
        seed: Each item's own, which the program may ask for, follows from it and from the item's id.
        workers: 1 works in this process; more start a local cluster, and run as many programs side by side.
        scheduler: Address of a Dask scheduler to join instead.

    Raises:
        UsageError: The command line has placeholders that are unknown, none for its output, or no program
            that can be found; or the name is that of a model that is installed.
        RegistryError: The format, the benchmark or a metric of it is unknown.
        BenchmarkError: The store does not fit the benchmark.
        OutputError: `outputs` holds something else.

    Example:
        ``command_to_outputs("mine", Path("store"), Path("outputs/mine"), "iper-v1",
        CommandSettings("python infer.py --source {source} --poses {poses} --out {out}"))``
    """
    check_own_name(name, "what --command makes")
    words = line_to_words(settings.line)
    load_input_format(settings.form)
    plan, folder = resolve_plan(store, benchmark), Path(outputs).resolve()
    facts: dict[str, Json] = {
        **plan_to_facts(plan, folder),
        "model": name,
        "kind": "model",
        "checkpoint": None,
        "seed": seed,
        "trained_on": None,
        "command": {
            "line": settings.line,
            "format": settings.form,
            "measured": "seconds of the whole program, its start included; neither memory nor parameters",
        },
    }
    record = open_record(folder, DEVICE, facts)
    if missing_items(record, plan.items):
        _check_program(words[0])
    paths = ids_to_paths(item.id for item in plan.items)
    logs = {clip: f"{LOGS}/{path}.txt" for clip, path in paths.items()}
    job = _Job(settings, words, seed, Path(store).resolve(), folder, Path.cwd(), logs)
    task = partial(_item_to_entry, job)
    return fill_record(record, plan.items, task, workers=workers, scheduler=scheduler)


def line_to_words(line: str) -> tuple[str, ...]:
    """A command line's words, with placeholders still in them.

    Raises:
        UsageError: A quotation is not closed, a placeholder is unknown, or there is none for the output.
    """
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    try:
        words = tuple(shlex.split(line))
        found = {
            name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
            for word in words
            for _, name, form, conversion in string.Formatter().parse(word)
            if name is not None
        }
    except ValueError as error:
        raise UsageError(
            f"expected a command line such as `python infer.py --out {{out}}`, got {line!r} ({error}); "
            "close quotes and braces, and write braces that mean themselves twice"
        ) from error
    unknown = sorted(found - set(PLACEHOLDERS))
    if unknown:
        raise UsageError(
            f"expected placeholders among {known}, got {', '.join(f'{{{name}}}' for name in unknown)}; "
            "write braces that mean themselves twice"
        )
    if "out" not in found:
        raise UsageError(
            f"expected {{out}}, where the program is to write, in the command line, got {line!r}"
        )
    return words


def check_own_name(name: str, what: str) -> None:
    """See that nobody takes a stranger's frames for those of a model that is installed.

    Args:
        name: Of the stranger's model.
        what: Whose name it is, in words.

    Raises:
        UsageError: The name is such a model's.
    """
    if name in {**group_to_table(MODELS_GROUP), **group_to_table(AUDITS_GROUP)}:
        raise UsageError(
            f"expected a name of its own for {what}, got {name}, a model that is installed; give another name"
        )


def _check_program(program: str) -> None:
    """See that a program is there, once for all clips.

    Raises:
        UsageError: It is not.
    """
    if "{" not in program and shutil.which(program) is None:
        raise UsageError(
            f"expected a program that can be run as {program!r}, found none; give its path, or install it"
        )


def _item_to_entry(job: _Job, item: Item) -> dict[str, Json]:
    """Run the program for one item and write what it made; the task of the engine.

    Raises:
        OutputError: It failed, or made other frames than were asked for; the text names its log.
    """
    source, poses = item_to_given(item, open_store(job.store))
    form = load_input_format(job.settings.form)
    room = job.outputs / f".command.{uuid.uuid4().hex[:8]}{PART_SUFFIX}"
    try:
        out, given = room / "out", room / f"poses{form.suffix}"
        make_folder(out)
        write_image(room / "source.png", source.frame)
        form.write(source, poses, given)
        height, width = poses.size
        values = {
            "source": str(room / "source.png"),
            "poses": str(given),
            "out": str(out),
            "clip": item.id,
            "frames": str(item.count),
            "size": f"{width}x{height}",
            "width": str(width),
            "height": str(height),
            "fps": f"{poses.fps:g}",
            "seed": str(derive_seed(job.seed, item.id)),
        }
        seconds = _run([word.format_map(values) for word in job.words], job, item.id)
        frames = _read_frames(out, poses)
    except OutputError as error:
        raise OutputError(f"{error} (see {job.logs[item.id]})") from error
    finally:
        delete(room)
    made = Generated(frames=frames, seconds=seconds, peak_memory_bytes=None, parameters=None)
    return generated_to_entry(made, item, job.outputs)


def _run(words: list[str], job: _Job, clip: str) -> float:
    """Run a program to its end; the seconds that it took.

    Raises:
        ModelError: It failed or took too long.
    """
    log, limit = job.outputs / job.logs[clip], job.settings.seconds
    make_folder(log.parent)
    start = time.perf_counter()
    with log.open("wb") as stream:
        stream.write(f"$ {shlex.join(words)}\n".encode("utf-8", "surrogateescape"))
        stream.flush()
        with subprocess.Popen(  # noqa: S603 - what the user asked for
            [sys.executable, "-I", "-S", watch.__file__, *words],
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=job.here,
            start_new_session=True,
        ) as watcher:
            try:
                code: int | None = watcher.wait(limit)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                _kill(watcher)
    if code:
        ending = f"signal {code - 128}" if code > 128 else f"status {code}"
        raise ModelError(f"expected the program to end well, it ended with {ending}{_told(log, job.outputs)}")
    if code is None:
        raise ModelError(
            f"expected the program to end within {limit:g} s, it did not and was ended; give more time by "
            f"--timeout{_told(log, job.outputs)}"
        )
    return time.perf_counter() - start


def _kill(watcher: "subprocess.Popen[bytes]") -> None:
    """End a program with everything that it started; what it left running, where it has ended itself."""
    if sys.platform == "win32":
        if watcher.stdin is not None:
            watcher.stdin.close()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # none left, or none but zombies
            os.killpg(watcher.pid, signal.SIGKILL)
    watcher.wait()


def _told(log: Path, outputs: Path) -> str:
    """A program's last words, and where the others are, for the end of a line."""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - TAIL_BYTES))
        tail = stream.read().decode("utf-8", "replace")
    lines = ["".join(filter(str.isprintable, line)).strip() for line in tail.splitlines()]
    told = [line for line in lines if line and not line.startswith("$ ")][-TOLD_LINES:]
    words = " | ".join(told)[-TOLD_CHARACTERS:] if told else "it said nothing"
    return f": {words} (see {log.relative_to(outputs).as_posix()})"


def _read_frames(out: Path, poses: PoseClip) -> Frames:
    """What a program wrote, uint8 (T, H, W, 3), in whichever layout `open_folder` reads.

    Raises:
        OutputError: It wrote nothing, more than one clip, or other frames than were asked for.
        VideoError: A picture or a video is damaged.
    """
    if not any(path.is_file() for path in out.rglob("*")):
        raise OutputError("expected frames in {out}, found none; let the program write pictures or a video")
    reader = open_folder(out)
    if len(reader.ids) != 1:
        raise OutputError(
            f"expected the frames of one clip in {{out}}, found {len(reader.ids)} "
            f"({', '.join(reader.ids[:3])}, …); let the program write one folder of pictures or one video"
        )
    (clip,) = reader.ids
    numbers = reader.numbers(clip)
    if len(numbers) != len(poses) or numbers != tuple(range(numbers[0], numbers[0] + len(numbers))):
        raise OutputError(
            f"expected {len(poses)} frames in {{out}}, one for each pose, found {len(numbers)} with numbers "
            f"{numbers[0]} to {numbers[-1]}; let the program write all of them, numbered in one run"
        )
    frames = reader.frames(clip, numbers)
    problem = frames_to_problem(frames, (len(poses), *poses.size, 3))
    if problem:
        raise OutputError(f"{problem}; let the program write frames of the size that it is given, in RGB")
    return frames
