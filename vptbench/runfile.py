"""A training run, kept in a folder as the three contracts are.

``run.json`` holds, beside ``format`` and ``version``:

=====================  =================================================================================
model                  Name of the trainer.
configuration          What was trained and how: a JSON object of the trainer's own.
seed                   Of the whole run.
iterations             How many were asked for.
iteration              Of the newest checkpoint on record; 0 where there is none.
complete               Whether ``iteration`` has reached ``iterations``.
store                  ``{"path", "dataset", "clips", "clips_sha256"}``: the clip store, relative to the run,
                       and how many training clips it has, with the hash of their list.
networks               Name to ``{"mode", "sha256"}`` of the pretrained networks that losses look through.
libraries              Versions of the packages that can move a number, at the latest start.
=====================  =================================================================================

Beside it: ``checkpoints/00001000.pt`` and so on, ``log.csv`` (see `runlog`), and ``samples/``.

A checkpoint is renamed into its place when it is whole, then it is put on record, then older ones go. So
whenever a run is killed, every checkpoint is whole, the one on record is there, and one more may be.
"""

import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from vptbench.errors import RunError, UsageError
from vptbench.manifest import (
    Json,
    delete_parts,
    is_part,
    json_to_sha256,
    json_to_text,
    library_versions,
    make_folder,
    read_manifest,
    relative_path,
    write_manifest,
    written_beside,
)
from vptbench.runlog import log_to_problems, trim_log

FORMAT = "vptbench-run"
VERSION = 1

MANIFEST = "run.json"
CHECKPOINTS_FOLDER = "checkpoints"
SAMPLES_FOLDER = "samples"
LOG = "log.csv"

IDENTITY = ("model", "configuration", "seed", "store", "networks")
"""What must be equal for a second start to go on where the first stopped (``store`` but for its path)."""

STRUCTURE: Mapping[str, type] = {
    "model": str, "configuration": dict, "seed": int, "iterations": int, "iteration": int, "complete": bool,
    "store": dict, "networks": dict, "libraries": dict,
}  # fmt: skip
"""Fields of ``run.json``, and what JSON makes of them."""

STORE: Mapping[str, type] = {"path": str, "clips": int, "clips_sha256": str}
NETWORK: Mapping[str, type] = {"mode": str, "sha256": str}
"""What ``store`` and each record of ``networks`` hold at least."""

CHECKPOINT_NAME = re.compile(r"([0-9]{8,})\.pt")

DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError, ValueError, RuntimeError,
    OverflowError,
)  # fmt: skip
"""What zipfile raises on damaged archives, by what was hit."""


@dataclass(frozen=True)
class RunFacts:
    """What a run is, before it begins.

    Attributes:
        model: Name of the trainer.
        configuration: What is trained and how. Two starts of one run must have equal ones, so it holds the
            number of iterations only where that moves what is learned (a schedule that ends there).
        seed: Of the whole run.
        iterations: How many are asked for; a later start may ask for more.
        store: See `store_to_json`.
        networks: Name to ``{"mode", "sha256"}`` of pretrained networks.
    """

    model: str
    configuration: Mapping[str, Json]
    seed: int
    iterations: int
    store: Mapping[str, Json]
    networks: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """A training run on disk.

    Attributes:
        path: The folder.
        manifest: What ``run.json`` said when it was opened.
    """

    path: Path
    manifest: Mapping[str, Json] = field(repr=False)

    @property
    def configuration(self) -> Mapping[str, Json]:
        """What was trained and how."""
        return cast("Mapping[str, Json]", self.manifest["configuration"])

    @property
    def iteration(self) -> int:
        """Iteration on record when the run was opened: where a start that goes on begins."""
        return cast("int", self.manifest["iteration"])

    @property
    def iterations(self) -> int:
        """How many were asked for."""
        return cast("int", self.manifest["iterations"])

    @property
    def complete(self) -> bool:
        """Whether nothing was left to do when the run was opened."""
        return self.iteration >= self.iterations

    @property
    def log(self) -> Path:
        """The table of losses, for `runlog.append_log` and `runlog.read_log`."""
        return self.path / LOG

    @property
    def samples(self) -> Path:
        """Folder of pictures made while training; the trainer makes it."""
        return self.path / SAMPLES_FOLDER

    def checkpoints(self) -> tuple[tuple[int, Path], ...]:
        """Iteration and file of every checkpoint that is there now, ascending."""
        folder = self.path / CHECKPOINTS_FOLDER
        names = [(CHECKPOINT_NAME.fullmatch(file.name), file) for file in folder.glob("*.pt")]
        return tuple(sorted((int(name[1]), file) for name, file in names if name))

    def newest(self) -> Path:
        """The newest checkpoint that is there now.

        Raises:
            RunError: There is none.
        """
        found = self.checkpoints()
        if not found:
            raise RunError(
                f"{self.path}: expected a checkpoint, found none; run the same training again with --resume "
                "until it saves one, or give another run"
            )
        return found[-1][1]


def store_to_json(
    store: Path, run: Path, *, dataset: Json, clips: Mapping[str, Mapping[str, Json]]
) -> dict[str, Json]:
    """What ``run.json`` says of the clips that are seen.

    Args:
        store: Folder of the clip store.
        run: Folder of the run, from where the store's path is told.
        dataset: As the store's manifest says.
        clips: Training clip id to what tells it from another of that id: frames, size, ``raw_sha256``.

    Example:
        ``store_to_json(Path("store"), Path("run"), dataset="iper", clips={"001/9/1": {"frames": 120}})``
    """
    return {
        "path": relative_path(store, run),
        "dataset": dataset,
        "clips": len(clips),
        "clips_sha256": json_to_sha256(clips),
    }


def open_run(path: Path | str) -> Run:
    """Open a training run, finished or not.

    Raises:
        ManifestError: The folder holds none, or of an unknown version.
        RunError: The manifest lacks something, or contradicts itself.

    Example:
        ``open_run("run").newest()``
    """
    path = Path(path)
    manifest = read_manifest(path / MANIFEST, kind=FORMAT, version_number=VERSION)
    problems = _manifest_to_problems(manifest)
    if problems:
        raise RunError(
            f"{path / MANIFEST}: {'; '.join(problems)}; restore it, or train again in another folder"
        )
    return Run(path=path, manifest=manifest)


def begin_run(path: Path | str, facts: RunFacts, *, resume: bool) -> Run:
    """Begin a run in a new or empty folder, or go on with the one that is there.

    The trainer then loads the checkpoint of `Run.iteration` (unless that is 0) and goes on from there; where
    `Run.complete` is set, nothing is left to do. What a killed start left unfinished is deleted, and so are
    the log's rows past the newest checkpoint. Only one process of a run may call this.

    Args:
        path: Folder of the run.
        facts: What the run is.
        resume: Whether to go on with a run that is there; where there is none, one begins.

    Raises:
        RunError: The folder holds other files, another run, or this one and `resume` is not set.
        ManifestError: ``run.json`` is of another format or version.

    Example:
        ``run = begin_run("run", RunFacts("dmm", {}, 0, 1000, store), resume=True)``
    """
    path = Path(path)
    make_folder(path)
    body = _facts_to_body(facts)
    if not (path / MANIFEST).exists():
        if any(not is_part(entry) for entry in path.iterdir()):
            raise RunError(
                f"{path}: expected an empty folder or a training run, found other files; give another folder"
            )
        delete_parts(path)
        return _write(path, body, iteration=0)
    earlier = open_run(path)
    differences = _differences(earlier.manifest, body)
    if differences:
        raise RunError(
            f"{path}: expected the same training run, found another ({'; '.join(differences)}); "
            "give another folder, or the same settings"
        )
    if not resume:
        raise RunError(
            f"{path}: expected a new folder, found this training run at iteration {earlier.iteration} of "
            f"{earlier.iterations}; add --resume to go on, or give another folder"
        )
    delete_parts(path)
    iteration = max((number for number, _ in earlier.checkpoints()), default=0)
    trim_log(earlier.log, iteration)
    if iteration >= facts.iterations:  # nothing will be trained by the libraries of today
        body["libraries"] = earlier.manifest["libraries"]
    return _write(path, body, iteration=iteration)


@contextmanager
def checkpoint_written(run: Run, iteration: int, *, keep: int) -> Iterator[Path]:
    """Give a temporary path for the checkpoint after `iteration`; when the block ends well, it is kept.

    Save to an opened file, ``with part.open("wb") as stream: torch.save(state, stream)``: the bytes then do
    not depend on the temporary name. The run's last checkpoint, at `Run.iterations`, makes it complete.

    Args:
        run: As `begin_run` gave it.
        iteration: Iterations done.
        keep: How many checkpoints stay, the newest ones.

    Raises:
        UsageError: None would stay.
    """
    if keep < 1:
        raise UsageError(f"expected to keep at least one checkpoint, got {keep}; keep 1 or more")
    with written_beside(run.path / CHECKPOINTS_FOLDER / f"{iteration:08d}.pt") as part:
        yield part
    _write(run.path, run.manifest, iteration=iteration)
    for _, file in run.checkpoints()[:-keep]:
        file.unlink()


def run_to_problems(path: Path) -> list[str]:
    """Read a run to the last byte; each problem in a line, empty if nothing is wrong.

    Checkpoints are read as archives and never unpickled. What an interrupted start left is no problem.

    Raises:
        ManifestError: The folder holds no run, or of an unknown version.
    """
    try:
        run = open_run(path)
    except RunError as error:
        return [str(error)]
    problems = []
    found = run.checkpoints()
    if run.iteration and run.iteration not in dict(found):
        problems.append(
            f"{run.path}: expected a checkpoint of iteration {run.iteration} as {MANIFEST} says, "
            f"found {', '.join(str(number) for number, _ in found) or 'none'}; restore it, or run the same "
            "training again with --resume"
        )
    problems += [
        f"{file}: expected a whole checkpoint, found damage ({damage}); delete it, and run the same training "
        "again with --resume"
        for _, file in found
        if (damage := _archive_to_problem(file))
    ]
    return problems + log_to_problems(run.log)


def _facts_to_body(facts: RunFacts) -> dict[str, Json]:
    """The facts as they will be read again: tuples become lists."""
    names = ("model", "configuration", "seed", "iterations", "store", "networks")
    text = json_to_text({name: getattr(facts, name) for name in names} | {"libraries": library_versions()})
    return cast("dict[str, Json]", json.loads(text))


def _write(path: Path, body: Mapping[str, Json], *, iteration: int) -> Run:
    """Write ``run.json``.

    Raises:
        RunError: The facts are of other types than they must be.
    """
    complete = iteration >= cast("int", body["iterations"])
    whole: dict[str, Json] = {**body, "iteration": iteration, "complete": complete}
    problems = _manifest_to_problems(whole)
    if problems:
        raise RunError(f"{path / MANIFEST}: {'; '.join(problems)}; mend the trainer")
    write_manifest(path / MANIFEST, kind=FORMAT, version_number=VERSION, body=whole)
    return Run(path=path, manifest={**whole, "format": FORMAT, "version": VERSION})


def _differences(earlier: Mapping[str, Json], now: Mapping[str, Json]) -> list[str]:
    """What tells two runs apart, in words, field by field."""
    before, after = (_leaves({name: body[name] for name in IDENTITY}) for body in (earlier, now))
    pairs = [
        (name, [before[name]] if name in before else [], [after[name]] if name in after else [])
        for name in sorted({*before, *after} - {"store.path"})
    ]
    return [
        f"{name}: {repr(old[0]) if old else 'nothing'}, now {repr(new[0]) if new else 'nothing'}"
        for name, old, new in pairs
        if old != new
    ]


def _leaves(document: Mapping[str, Json], prefix: str = "") -> dict[str, Json]:
    """Values of nested objects by dotted names; an empty object is a value."""
    leaves: dict[str, Json] = {}
    for name, value in document.items():
        inner = _leaves(value, f"{prefix}{name}.") if isinstance(value, Mapping) else None
        leaves |= inner or {prefix + name: value}
    return leaves


def _manifest_to_problems(manifest: Mapping[str, Json]) -> list[str]:
    problems = [
        f"expected {name} to be of type {kind.__name__}, found {manifest.get(name)!r}"
        for name, kind in STRUCTURE.items()
        if type(manifest.get(name)) is not kind
    ]
    if problems:
        return problems
    whole = {name: cast("int", manifest[name]) for name in ("seed", "iterations", "iteration")}
    problems = [
        f"expected {name} to be 0 or more, found {number}" for name, number in whole.items() if number < 0
    ]
    if manifest["complete"] != (whole["iteration"] >= whole["iterations"]):
        problems.append(
            f"expected complete to be set where iteration has reached iterations, found "
            f"{manifest['complete']!r} at {whole['iteration']} of {whole['iterations']}"
        )
    networks = cast("Mapping[str, Json]", manifest["networks"])
    records = [("store", manifest["store"], STORE)]
    records += [(f"networks.{name}", record, NETWORK) for name, record in networks.items()]
    problems += [
        f"expected {name} to hold {', '.join(kinds)}, found another record"
        for name, record, kinds in records
        if not isinstance(record, Mapping)
        or any(type(record.get(key)) is not kind for key, kind in kinds.items())
    ]
    return problems


def _archive_to_problem(path: Path) -> str | None:
    """What is wrong with a ZIP archive, read to its end."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except DAMAGE as error:
        return f"{type(error).__name__}: {error}"
    return f"{damaged} has other bytes than were written" if damaged else None
