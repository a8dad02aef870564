"""A sweep's poses for a model that runs elsewhere: inputs of each cell, in formats that others read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vptbench.engine import Report
from vptbench.errors import ExportError, ManifestError, VptbenchError
from vptbench.generate.export import INPUT_FORMATS
from vptbench.generate.inputs import open_inputs, store_to_inputs
from vptbench.manifest import delete
from vptbench.progress import track
from vptbench.registry import check_known
from vptbench.robustness.cells import CLEAN_CELL, Cell
from vptbench.robustness.ledger import INPUTS, SCORING, WORK, Ledger, open_ledger
from vptbench.robustness.plan import Sweep, SweepSettings, resolve_sweep
from vptbench.robustness.sweep import build_cell, shared_cluster
from vptbench.weights import Networks


@dataclass(frozen=True)
class InputsReport(Report):
    """What became of the cells whose inputs were to be written.

    Attributes:
        notes: What a reader must know, a line each.
    """

    notes: tuple[str, ...]


def write_inputs(settings: SweepSettings, formats: Sequence[str]) -> InputsReport:
    """Write what a model reads of clean poses and of each cell to ``inputs/<cell>`` of a sweep's folder.

    Args:
        settings: The sweep; its model is somebody's, under a name of its own.
        formats: Some of `export.INPUT_FORMATS`.

    Raises:
        RegistryError: A format, the list or a kind is unknown.
        UsageError: The name is that of a model that is installed, or cells are chosen that are not there.
        BenchmarkError: The list is malformed, or the store does not fit its clean protocol.
        ScoreError: The folder holds something else, or another sweep.
        ExportError: A cell's folder holds something else.
        VptbenchError: Clips failed with clean poses.
    """
    for name in formats:
        check_known(name, INPUT_FORMATS, "format of a model's input")
    unscored = replace(settings, stranger=True, networks=Networks("random"))  # which need no files
    sweep = resolve_sweep(unscored)
    facts = {name: value for name, value in sweep.facts.items() if name not in SCORING}
    ledger = open_ledger(sweep.settings.out, facts)
    ledger.write()
    done, skipped, failed = [], [], {}
    cells = [CLEAN_CELL, *sweep.cells]
    with shared_cluster(settings) as address:
        for cell in track(cells, total=len(cells), label=f"export for {settings.model}", unit="cell"):
            if _is_exported(ledger, cell, formats):
                skipped.append(cell.name)
                continue
            try:
                _export(sweep, ledger, cell, formats, address)
                done.append(cell.name)
            except VptbenchError as error:
                if cell == CLEAN_CELL or isinstance(error, ExportError):
                    raise
                failed[cell.name] = " ".join(str(error).split())
    ledger.tidy()
    return InputsReport(tuple(done), tuple(skipped), failed, sweep.notes)


def _export(sweep: Sweep, ledger: Ledger, cell: Cell, formats: Sequence[str], address: str | None) -> None:
    """Export one cell by way of its noisy store, which is deleted again.

    Raises:
        VptbenchError: Some clips failed.
    """
    settings, store, work = sweep.settings, sweep.settings.store, ledger.out / WORK / cell.name
    if cell != CLEAN_CELL:
        store = work / "store"
        build_cell(sweep, ledger, cell, store, address)
    report = store_to_inputs(
        store, ledger.out / INPUTS / cell.name, formats, sweep.benchmark.clean, scheduler=address
    )
    if report.failed:
        listed = "; ".join(f"{clip}: {reason}" for clip, reason in report.failed.items())
        raise VptbenchError(f"expected every clip to be exported, {len(report.failed)} failed: {listed}")
    if not settings.keep:
        delete(work)


def _is_exported(ledger: Ledger, cell: Cell, formats: Sequence[str]) -> bool:
    """Whether a cell has these formats, and how far its poses are from clean ones is known."""
    try:
        found = open_inputs(ledger.out / INPUTS / cell.name)
    except ManifestError:
        return False
    there = found["formats"]
    whole = found["complete"] is True and isinstance(there, Sequence) and set(formats) <= set(map(str, there))
    return whole and (cell == CLEAN_CELL or cell.name in ledger.disturbance)
