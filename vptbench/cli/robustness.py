"""`vptbench robustness`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vptbench.cli import options

if TYPE_CHECKING:
    from vptbench.robustness.cells import CellFilter
    from vptbench.robustness.plan import SweepSettings
    from vptbench.robustness.sweep import SweepReport

Command = TypeVar("Command", bound=Callable[..., Any])

READING = ("layout", "pattern", "panel", "first", "stride", "offset", "count")
RUNNING = ("checkpoint", "line", "form", "seconds", "seed")
SCORING = ("metrics", "weights", "weights_dir", "device", "control", "controls", *READING)
TOGETHER = {
    "formats": ("--export", (*RUNNING, *SCORING, "outputs", "dry_run")),
    "outputs": ("--outputs", RUNNING),
    "line": ("--command", ("checkpoint",)),
}
"""An option's parameter to its name, and the parameters of others that mean nothing beside it."""

NEEDS = {
    **dict.fromkeys(READING, ("outputs", "--outputs")),
    "form": ("line", "--command"),
    "seconds": ("line", "--command"),
}
"""A parameter to the one that it means nothing without."""


def _cells(command: Command) -> Command:
    """`--kinds`, `--severities` and `--seeds`: a part of the list."""
    for name, text in (("--seeds", "seeds"), ("--severities", "severities"), ("--kinds", "kinds")):
        command = click.option(name, metavar="A,B", help=f"Only these {text}  [default: all].")(command)
    return command


def _model(command: Command) -> Command:
    """What is swept: a model, a program, or outputs that are given."""
    for name, settings in reversed((
        ("--checkpoint", {"type": options.FOLDER, "help": "What the model loads, where it needs something."}),
        ("--command", {"metavar": "LINE", "help": "Run this program clip by clip, as `vptbench generate`."}),
        ("--format", {"metavar": "NAME", "default": "openpose-json", "show_default": True,
                      "help": "How the program gets its poses."}),
        ("--timeout", {"type": click.FloatRange(min=0, min_open=True), "default": 3600, "show_default": True,
                       "help": "Seconds that the program may take for a clip."}),
        ("--export", {"metavar": "NAME,NAME", "help": "Write what the model reads of each cell, no more."}),
        ("--outputs", {"type": options.FOLDER, "help": "Score these, a folder a cell: MODEL ran elsewhere."}),
    )):  # fmt: skip
        names = {"--command": "line", "--format": "form", "--timeout": "seconds", "--export": "formats"}
        command = click.option(*filter(None, (name, names.get(name))), **settings)(command)
    return command


@click.command()
@click.argument("model", metavar="MODEL")
@click.argument("store", type=options.FOLDER)
@click.argument("out", type=options.FOLDER)
@click.option(
    "--benchmark",
    metavar="ID",
    required=True,
    help="A list of corruptions, see `vptbench benchmarks list`, or a JSON file.",
)
@_cells
@_model
@click.option("--metrics", metavar="ID,ID", help="Only these  [default: of the clean protocol, and flicker].")
@click.option("--no-control", "control", flag_value=False, default=True, help="Leave the control out.")
@click.option(
    "--controls",
    type=options.FOLDER,
    help="Take floor and controls from this earlier sweep, of the same store, list, metrics and networks.",
)
@click.option("--keep", is_flag=True, help="Keep noisy stores and outputs.")
@click.option("--dry-run", is_flag=True, help="Print as JSON what would run, and run nothing.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of models that draw.")
@options.reading
@options.weights
@options.device
@options.workers
@options.verbose
def command(
    model: str, store: Path, out: Path, benchmark: str, kinds: str | None, severities: str | None,
    seeds: str | None, checkpoint: Path | None, line: str | None, form: str, seconds: float,
    formats: str | None, outputs: Path | None, metrics: str | None, control: bool, controls: Path | None,
    keep: bool, dry_run: bool, seed: int, layout: str | None, pattern: str | None, panel: str | None,
    first: int | None, stride: int | None, offset: int | None, count: int | None, weights: str,
    weights_dir: Path | None, device: str, workers: int, scheduler: str | None,
) -> None:  # fmt: skip
    """Score MODEL on the clips of STORE with clean poses and with noisy ones, and write curves to OUT.

    A list of corruptions (--benchmark) says which noise in which strengths; each cell, one kind at one
    severity and seed, is scored against the clean clips. Beside the model stand the floor (the source frame
    repeated) and the control (true frames moved to the noisy pose). Interrupted, the same command goes on
    where it stopped.

    A model that runs elsewhere takes part in two steps: with --export its inputs are written to
    OUT/inputs/CELL; then --outputs DIR scores what it made of them in DIR/CELL, in any layout that
    `vptbench score` reads. MODEL is then its name.
    """
    from vptbench.generate.command import CommandSettings
    from vptbench.robustness.plan import SweepSettings

    _check_together()
    settings = SweepSettings(
        model, store, out, benchmark, _resolve_cells(kinds, severities, seeds), checkpoint=checkpoint,
        command=None if line is None else CommandSettings(line, form, seconds),
        stranger=bool(formats or outputs), outputs=outputs, seed=seed, control=control, controls=controls,
        metrics=tuple(metrics.split(",")) if metrics else (), keep=keep, workers=workers,
        networks=options.resolve_networks(weights, weights_dir, device), scheduler=scheduler,
        reading=options.resolve_reading(
            layout=layout, pattern=pattern, panel=panel, first=first, stride=stride, offset=offset,
            count=count,
        ),
    )  # fmt: skip
    _run(settings, formats, dry_run)


def _run(settings: "SweepSettings", formats: str | None, dry_run: bool) -> None:
    from vptbench.manifest import json_to_text
    from vptbench.robustness.plan import resolve_sweep
    from vptbench.robustness.sweep import run_sweep, sweep_to_json

    if formats is not None:
        _export(settings, formats)
    elif dry_run:
        click.echo(json_to_text(sweep_to_json(resolve_sweep(settings))), nl=False)
    else:
        _tell(settings, run_sweep(settings))


def _export(settings: "SweepSettings", formats: str) -> None:
    from vptbench.robustness.strangers import write_inputs

    report = write_inputs(settings, [name.strip() for name in formats.split(",")])
    for note in report.notes:
        click.echo(note)
    click.echo(
        f"next: run {settings.model} on each folder of {settings.out / 'inputs'} (items.csv says which "
        "picture and poses make which clip), write its frames to a folder of the same name in DIR, and run "
        "this command again with --outputs DIR instead of --export"
    )
    options.finish(f"{len(report.done)} cells exported", report.skipped, report.failed, settings.out)


def _tell(settings: "SweepSettings", report: "SweepReport") -> None:
    from vptbench.curvefile import CURVES, SUMMARY
    from vptbench.robustness.tables import robustness_to_reasons, robustness_to_rows

    options.echo_table(robustness_to_rows(report.robustness), as_json=False)
    for note in (*robustness_to_reasons(report.robustness), *report.notes):
        click.echo(note)
    names = (CURVES, SUMMARY, *(path.name for path in report.figures))
    click.echo(" ".join(str(settings.out / name) for name in names))
    options.finish(f"{len(report.done)} scored", report.skipped, report.failed, settings.out)


def _resolve_cells(kinds: str | None, severities: str | None, seeds: str | None) -> "CellFilter":
    from vptbench.robustness.cells import CellFilter

    return CellFilter(
        kinds=tuple(kind.strip() for kind in kinds.split(",")) if kinds else (),
        severities=_to_numbers(severities, "--severities"),
        seeds=_to_numbers(seeds, "--seeds"),
    )


def _to_numbers(text: str | None, option: str) -> tuple[int, ...]:
    from vptbench.errors import UsageError

    try:
        return tuple(int(word) for word in text.split(",")) if text else ()
    except ValueError as error:
        raise UsageError(f"expected whole numbers for {option}, such as 1,3, got {text!r}") from error


def _check_together() -> None:
    """See that options mean something beside each other.

    Raises:
        UsageError: One does not.
    """
    from vptbench.errors import UsageError

    given = options.asked_for()
    names = {parameter.name: parameter.opts[0] for parameter in click.get_current_context().command.params}
    for one, (option, others) in TOGETHER.items():
        wrong = [str(names[name]) for name in others if name in given and one in given]
        if wrong:
            raise UsageError(f"expected no {' and no '.join(wrong)} beside {option}, got some; leave one out")
    for name, (needed, option) in NEEDS.items():
        if name in given and needed not in given:
            raise UsageError(f"expected {names[name]} beside {option} only, got no {option}; leave it out")
