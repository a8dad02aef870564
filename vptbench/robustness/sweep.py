"""A model over noisy poses: each cell's store made, driven and scored, then the tables and curves."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vptbench.benchmarks.naming import named
from vptbench.curvefile import Robustness
from vptbench.engine import Report, local_cluster
from vptbench.errors import ClipsFailedError, OutputError, StoreError, UsageError, VptbenchError
from vptbench.generate.command import command_to_outputs
from vptbench.generate.run import store_to_outputs
from vptbench.manifest import Json, delete
from vptbench.outputs import Reading
from vptbench.progress import track
from vptbench.robustness.build import store_to_noisy_store
from vptbench.robustness.cells import CLEAN_CELL, FLOOR_NAME, Cell
from vptbench.robustness.control import store_to_control
from vptbench.robustness.ledger import MANIFEST, WORK, Ledger, open_ledger, read_ledger
from vptbench.robustness.plan import FLOOR, Sweep, SweepSettings, resolve_sweep
from vptbench.robustness.tables import ledger_to_robustness, write_tables
from vptbench.robustness.takeover import read_controls, take_over
from vptbench.score import ScoreSettings, outputs_to_scorefile
from vptbench.scorefile import Scores


@dataclass(frozen=True)
class SweepReport(Report):
    """What became of cells, controls ("jitter-3-0-control") and "floor" of a sweep.

    Attributes:
        robustness: The curves, as they stand in the folder.
        figures: Paths of the drawn curves.
        notes: What a reader must know, a line each.
    """

    robustness: Robustness
    figures: tuple[Path, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Run:
    """A sweep on its way: `scheduler` is the address that all stages share, None in this process."""

    sweep: Sweep
    ledger: Ledger
    scheduler: str | None
    done: list[str]
    skipped: list[str]

    @property
    def settings(self) -> SweepSettings:
        return self.sweep.settings

    def work(self, cell: Cell) -> Path:
        return self.ledger.out / WORK / cell.name

    def store(self, cell: Cell) -> Path:
        """Where the poses of a cell are: clean ones are not copied."""
        return self.settings.store if cell == CLEAN_CELL else self.work(cell) / "store"


def run_sweep(settings: SweepSettings) -> SweepReport:
    """Score a model on clean poses and on each cell of a list of corruptions.

    A cell's noisy store and outputs lie in ``work`` of the folder and are deleted once they are scored; those
    of a cell that failed stay, so that the same call goes on there. Scores are against the clean store. What
    has its scores already is not done again. The tables are of all cells of the list that have been scored.

    Args:
        settings: What to sweep.

    Raises:
        VptbenchError: As `resolve_sweep`.
        UsageError: The model runs elsewhere, and its outputs are not given.
        ScoreError: The folder holds something else, or another sweep.
        ClipsFailedError: Some clips failed on clean poses, without which there are no curves.

    Example:
        ``run_sweep(SweepSettings("mesh_warp", store, out, "synthetic-noisy-v1")).robustness.summary``
    """
    if settings.stranger and settings.outputs is None:
        raise UsageError(
            f"expected the outputs of {settings.model}, which runs elsewhere, got none; give them"
        )
    sweep = resolve_sweep(settings)
    earlier = None if settings.controls is None else read_controls(sweep, settings.controls.resolve())
    ledger = open_ledger(sweep.settings.out, {**sweep.facts, "no_control": sweep.no_control})
    ledger.write()
    if earlier is not None:
        take_over(sweep, ledger, earlier)
    with shared_cluster(settings) as address:
        run = _Run(sweep, ledger, address, [], [])
        cells = [CLEAN_CELL, *sweep.cells]
        for cell in track(cells, total=len(cells), label=f"robustness {settings.model}", unit="cell"):
            _do_cell(run, cell)
    ledger.tidy()
    robustness = ledger_to_robustness(sweep, ledger)
    figures = write_tables(ledger.out, robustness)
    return SweepReport(
        tuple(run.done), tuple(run.skipped), dict(ledger.failures), robustness, figures,
        (*sweep.notes, *_reading_to_notes(ledger.scores(CLEAN_CELL.name, sweep.names))),
    )  # fmt: skip


def _reading_to_notes(clean: Scores | None) -> list[str]:
    """How somebody's outputs were read, and what they lost before scoring; nothing of outputs of ours."""
    if clean is None or not clean.reading:
        return []
    lossy = (
        "" if clean.reading["lossless"] else f"; {clean.reading['container']} lost something before scoring"
    )
    return [f"layout {clean.reading['layout']}: {clean.reading['why']}{lossy}"]


def sweep_to_json(sweep: Sweep) -> dict[str, Json]:
    """What a sweep would do, without doing it."""
    out = sweep.settings.out
    ledger = read_ledger(out, sweep.facts) if (out / MANIFEST).exists() else Ledger(out, {}, {}, {})
    names = [name for cell in (CLEAN_CELL, *sweep.cells) for name in _cell_to_names(sweep, cell)]
    return {
        **{name: sweep.facts[name] for name in ("model", "kind", "checkpoint", "command", "seed", "device")},
        "benchmark": sweep.benchmark.id,
        "clean": sweep.benchmark.clean,
        "clips": len(sweep.plan.items),
        "metrics": sorted(sweep.names),
        "asked": [cell.name for cell in sweep.asked],
        "cells": [cell.name for cell in sweep.cells],
        "to_run": [
            name for name in names if name in ledger.failures or ledger.scores(name, sweep.names) is None
        ],
        "notes": list(sweep.notes),
    }


def build_cell(sweep: Sweep, ledger: Ledger, cell: Cell, store: Path, scheduler: str | None) -> None:
    """Write a cell's noisy store, and note how far its poses are from the clean ones.

    Raises:
        ClipsFailedError: Some clips could not be corrupted.
        StoreError: The store does not say how far its poses are off.
    """
    protocol = sweep.plan.protocol
    report = store_to_noisy_store(
        sweep.settings.store, store, cell.corruption, benchmark=sweep.benchmark.clean, split=protocol.split,
        scheduler=scheduler,
    )  # fmt: skip
    _check_all(report.failed, f"{cell.name}: expected every clip to be corrupted")
    if report.disturbance is None:
        raise StoreError(f"{store}: expected a store that states its disturbance, found none; delete it")
    ledger.disturbance[cell.name] = report.disturbance
    ledger.write()


@contextmanager
def shared_cluster(settings: SweepSettings) -> Iterator[str | None]:
    """The address of one cluster for all stages: the one that is given, or a local one."""
    if settings.scheduler is not None:
        yield settings.scheduler
    else:
        with local_cluster(settings.workers) as address:
            yield address


def _cell_to_names(sweep: Sweep, cell: Cell) -> list[str]:
    """What is to be scored of a cell."""
    floor = [FLOOR_NAME] if cell == CLEAN_CELL else []
    return [cell.name, *floor, *([] if sweep.no_control else [cell.control])]


def _do_cell(run: _Run, cell: Cell) -> None:
    """Score what a cell lacks; failures are noted, and of clean poses raised."""
    tasks: dict[str, Callable[[], None]] = {
        cell.name: partial(_score_model, run, cell),
        FLOOR_NAME: partial(_score_floor, run),
        cell.control: partial(_score_control, run, cell),
    }
    lacking: list[str] = []
    for name in _cell_to_names(run.sweep, cell):
        (run.skipped if _is_done(run, cell, name) else lacking).append(name)
    if run.settings.stranger and cell.name in lacking and not _given(run, cell).is_dir():
        problem = f"expected outputs in a folder {cell.name} of the one that is given, found none"
        _note(run, cell.name, OutputError(f"{problem}; run the model on the inputs of that cell"), cell)
        return
    if not lacking:
        return
    try:
        if _needs_store(run, cell, lacking):
            build_cell(run.sweep, run.ledger, cell, run.store(cell), run.scheduler)
    except VptbenchError as error:
        _note(run, lacking[0], error, cell)  # a model that has its scores keeps them
        return
    for name in lacking:
        _attempt(run, name, tasks[name], cell)
    if not run.settings.keep and not run.ledger.failures.keys() & set(lacking):
        delete(run.work(cell))


def _is_done(run: _Run, cell: Cell, name: str) -> bool:
    """Whether a part of a cell has its scores; of given frames that are still there, scoring sees to it."""
    if name in run.ledger.failures or run.ledger.scores(name, run.sweep.names) is None:
        return False
    return not (run.settings.stranger and name == cell.name and _given(run, cell).is_dir())


def _needs_store(run: _Run, cell: Cell, lacking: list[str]) -> bool:
    """Whether a cell's poses are needed, to drive or to know how far they are from the clean ones."""
    driven = cell.control in lacking or not run.settings.stranger
    return cell != CLEAN_CELL and (driven or cell.name not in run.ledger.disturbance)


def _attempt(run: _Run, name: str, task: Callable[[], None], cell: Cell) -> None:
    """Do a part of a cell; what fails is noted, and the others go on."""
    try:
        task()
    except VptbenchError as error:
        _note(run, name, error, cell)
    else:
        run.done.append(name)
        run.ledger.failures.pop(name, None)
        run.ledger.write()


def _note(run: _Run, name: str, error: VptbenchError, cell: Cell) -> None:
    """Note a failure; wrong use, and whatever fails on clean poses, would fail everywhere and is raised.

    Raises:
        VptbenchError: It is of that kind.
    """
    run.ledger.failures[name] = " ".join(str(error).split())
    run.ledger.write()
    if cell == CLEAN_CELL or isinstance(error, UsageError):
        raise error


def _given(run: _Run, cell: Cell) -> Path:
    """The folder of somebody's outputs of a cell."""
    return (run.settings.outputs or Path()).resolve() / cell.name


def _score_model(run: _Run, cell: Cell) -> None:
    settings, outputs = run.settings, run.work(cell) / "outputs"
    if settings.stranger:
        _score(run, _given(run, cell), cell.name, given=True)
        return
    if settings.command is not None:
        report = command_to_outputs(
            settings.model, run.store(cell), outputs, run.sweep.benchmark.clean, settings.command,
            seed=settings.seed, scheduler=run.scheduler,
        )  # fmt: skip
    else:
        report = store_to_outputs(
            settings.model, run.store(cell), outputs, run.sweep.benchmark.clean,
            checkpoint=settings.checkpoint, device=settings.networks.device, seed=settings.seed,
            scheduler=run.scheduler,
        )  # fmt: skip
    _score_generated(run, report, outputs, cell.name)


def _score_floor(run: _Run) -> None:
    outputs = run.work(CLEAN_CELL) / FLOOR_NAME
    report = store_to_outputs(
        FLOOR, run.settings.store, outputs, run.sweep.benchmark.clean, scheduler=run.scheduler
    )
    _score_generated(run, report, outputs, FLOOR_NAME)


def _score_control(run: _Run, cell: Cell) -> None:
    outputs = run.work(cell) / "control"
    report = store_to_control(
        run.settings.store, run.store(cell), outputs, run.sweep.benchmark.clean, scheduler=run.scheduler
    )
    _score_generated(run, report, outputs, cell.control)


def _score_generated(run: _Run, report: Report, outputs: Path, name: str) -> None:
    _check_all(report.failed, f"{name}: expected frames of every clip in {outputs}")
    _score(run, outputs, name)


def _score(run: _Run, outputs: Path, name: str, *, given: bool = False) -> None:
    """Score against the true frames, masks and meshes of the clean store."""
    settings = run.settings
    reading, claimed = (settings.reading, {"model": settings.model}) if given else (Reading(), {})
    outputs_to_scorefile(
        outputs,
        run.ledger.folder(name),
        ScoreSettings(
            metrics=run.sweep.metrics, networks=settings.networks, claimed=claimed, reading=reading,
            scheduler=run.scheduler,
        ),
        store=settings.store,
        benchmark=run.sweep.benchmark.clean,
    )  # fmt: skip


def _check_all(failed: Mapping[str, str], expected: str) -> None:
    """See that no clip failed.

    Raises:
        ClipsFailedError: Some did.
    """
    if failed:
        listed = [f"{clip}: {reason}" for clip, reason in sorted(failed.items())]
        raise ClipsFailedError(
            f"{expected}, {len(failed)} failed: {named(listed, '; ')}; mend these and run the same command "
            "again: what is done is kept",
            failed,
        )
