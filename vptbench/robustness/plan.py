"""What a sweep is asked to do, and what that comes to for a store, before anything is run."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vptbench.benchmarks.noisy import NoisyBenchmark, load_noisy_benchmark
from vptbench.errors import UsageError
from vptbench.generate.command import CommandSettings, check_own_name, line_to_words
from vptbench.generate.drive import checkpoint_to_sha256
from vptbench.generate.export import load_input_format
from vptbench.generate.model import name_to_model
from vptbench.generate.plan import Plan, plan_to_facts, resolve_plan
from vptbench.generate.run import Checkpoint, resolve_checkpoint
from vptbench.interval import LEAST_CLIPS
from vptbench.manifest import Json
from vptbench.metrics import METRICS, metric_facts, metric_name
from vptbench.outputs import Reading
from vptbench.registry import check_known
from vptbench.robustness.cells import Cell, CellFilter, benchmark_to_cells, benchmark_to_undrawn
from vptbench.robustness.corruptions import VERSION
from vptbench.score.scoring import check_weights
from vptbench.weights import Networks, network_sha256

FLOOR = "copy_source"
"""The model that repeats the source frame, as its entry point is called."""

FLICKER = "flicker-v1"
"""Measured beside the metrics of the clean protocol where there is a mesh."""


@dataclass(frozen=True)
class SweepSettings:
    """What to sweep.

    Attributes:
        model: Name in the entry points, or one's own for a command line or for outputs that are given.
        store: The clean clip store.
        out: The sweep's folder.
        benchmark: Id of a list of corruptions, or its JSON file.
        chosen: Which of its cells.
        checkpoint: What the model loads.
        command: A command line that is run instead of a model.
        stranger: Whether the model runs elsewhere, on inputs that are exported.
        outputs: The folder of such a model's outputs, a folder a cell, which are scored.
        reading: How those are to be read.
        seed: Of models that draw.
        metrics: Metric ids; by default those of the clean protocol, and flicker where there is a mesh.
        networks: Which weights measure, and where networks run, the model's included.
        control: Whether the identity control is scored as well.
        controls: Folder of an earlier sweep whose floor and controls are taken over.
        keep: Whether noisy stores and outputs are kept.
        workers: 1 works in this process; more start one local cluster for everything.
        scheduler: Address of a Dask scheduler to join instead.
    """

    model: str
    store: Path
    out: Path
    benchmark: str | Path
    chosen: CellFilter = field(default_factory=CellFilter)
    checkpoint: Path | None = None
    command: CommandSettings | None = None
    stranger: bool = False
    outputs: Path | None = None
    reading: Reading = field(default_factory=Reading)
    seed: int = 0
    metrics: tuple[str, ...] = ()
    networks: Networks = field(default_factory=Networks)
    control: bool = True
    controls: Path | None = None
    keep: bool = False
    workers: int = 1
    scheduler: str | None = None


@dataclass(frozen=True)
class Sweep:
    """A sweep over a store.

    Attributes:
        settings: What was asked for, paths absolute, the checkpoint a file.
        benchmark: The list of corruptions.
        plan: What the clean protocol makes of the clean store.
        asked: All cells of the list.
        cells: Those that were chosen.
        metrics: Metric ids.
        no_control: Why there is no control; empty where there is one.
        facts: What decides whether a folder holds this very sweep, and more, see `ledger`.
    """

    settings: SweepSettings
    benchmark: NoisyBenchmark
    plan: Plan
    asked: tuple[Cell, ...]
    cells: tuple[Cell, ...]
    metrics: tuple[str, ...]
    no_control: str
    facts: Mapping[str, Json]

    @property
    def names(self) -> set[str]:
        """What figures of the metrics are called in scores."""
        return {metric_name(metric, self.settings.networks.mode) for metric in self.metrics}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the results must know, a line each."""
        run = {cell.kind for cell in self.cells}
        undrawn = [kind for kind in benchmark_to_undrawn(self.benchmark) if kind in run]
        notes = [f"{kind} draws nothing: its first seed stands for all" for kind in undrawn]
        if len(self.plan.items) < LEAST_CLIPS:
            count = len(self.plan.items)
            notes.append(f"clips: {count}, too few to judge noise by: breaking points are rough")
        return (*notes, *([f"no control: {self.no_control}"] if self.no_control else []))


def resolve_sweep(settings: SweepSettings) -> Sweep:
    """What is to be done, everything that can be known in advance checked.

    Raises:
        RegistryError: The list, a kind, the model, a metric or a format is unknown.
        UsageError: The model is an audit, or somebody's own name is a model's that is installed; or cells are
            chosen that are not there, or the store is a corrupted one, or holds the sweep's folder.
        ModelError: The model cannot be imported, or there is no such checkpoint.
        BenchmarkError: The list is malformed, or the store does not fit its clean protocol.
        WeightsError: A network's weights are missing or not the pinned ones.

    Example:
        ``resolve_sweep(SweepSettings("mesh_warp", store, out, "synthetic-noisy-v1")).cells``
    """
    benchmark = load_noisy_benchmark(settings.benchmark)
    asked, cells = benchmark_to_cells(benchmark), benchmark_to_cells(benchmark, settings.chosen)
    checkpoint = resolve_checkpoint(settings.checkpoint)
    _check_model(settings)
    plan = resolve_plan(settings.store, benchmark.clean)
    if plan.store.manifest.get("corruption") is not None:
        raise UsageError(
            f"expected a clean store, got {settings.store}, whose poses are corrupted already; give the one "
            "that it was made of"
        )
    if settings.store.resolve() in settings.out.resolve().parents:
        raise UsageError(
            f"expected a folder outside the store {settings.store}, got {settings.out}; choose another place"
        )
    mesh = all(plan.store[item.driving_clip].mesh is not None for item in plan.items)
    default = (*plan.protocol.metrics, *([FLICKER] if mesh and FLICKER not in plan.protocol.metrics else []))
    wanted = {check_known(name.strip(), METRICS, "metric") for name in settings.metrics or default}
    metrics = tuple(name for name in METRICS if name in wanted)
    check_weights(metrics, settings.networks)
    given = replace(
        settings, store=settings.store.resolve(), out=settings.out.resolve(), checkpoint=checkpoint.path
    )
    return Sweep(
        settings=given,
        benchmark=benchmark,
        plan=plan,
        asked=asked,
        cells=cells,
        metrics=metrics,
        no_control=_no_control(settings, mesh=mesh),
        facts={
            **plan_to_facts(plan, given.out),
            **_model_facts(given, checkpoint),
            "noisy": {"id": benchmark.id, "sha256": benchmark.sha256},
            "draws": VERSION,
            "metrics": list(metrics),
            "networks": _networks_to_json(metrics, settings.networks),
            "device": settings.networks.device,
        },
    )


def _check_model(settings: SweepSettings) -> None:
    """See that there is such a model, or that a stranger's name is none's.

    Raises:
        RegistryError: There is none, or the format of a command's poses is unknown.
        UsageError: The name is taken, or an audit's; or the command line cannot be run.
        ModelError: The model cannot be imported.
    """
    if settings.stranger:
        check_own_name(settings.model, "a model that runs elsewhere")
    elif settings.command is not None:
        check_own_name(settings.model, "what --command makes")
        line_to_words(settings.command.line)
        load_input_format(settings.command.form)
    elif name_to_model(settings.model).kind == "audit":
        raise UsageError(
            f"expected a model that follows poses, got {settings.model}, an audit, which is shown the true "
            "frames whatever the poses; give a model"
        )


def _no_control(settings: SweepSettings, *, mesh: bool) -> str:
    """Why there is no control, in words; empty where there is one."""
    if not settings.control:
        return "it was left out (--no-control)"
    return "" if mesh else "it moves true frames along a mesh, and the store has none (prepare with --body)"


def _model_facts(settings: SweepSettings, checkpoint: Checkpoint) -> dict[str, Json]:
    command, path = settings.command, checkpoint.path
    return {
        "model": settings.model,
        "kind": "claimed" if settings.stranger else "model",
        "checkpoint": None if path is None else {"name": path.name, "sha256": checkpoint_to_sha256(path)},
        "trained_on": checkpoint.trained_on,
        "command": None if command is None else {"line": command.line, "format": command.form},
        "seed": settings.seed,
    }


def _networks_to_json(metrics: tuple[str, ...], networks: Networks) -> dict[str, Json]:
    used = sorted({network for name in metrics if (network := metric_facts(name).network)})
    return {name: {"mode": networks.mode, "sha256": network_sha256(name, networks)} for name in used}
