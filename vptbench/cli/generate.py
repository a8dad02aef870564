"""`vptbench generate`."""

from pathlib import Path

import click

from vptbench.cli import options

OF_COMMANDS = {"form": "--format", "seconds": "--timeout"}
OF_MODELS = {"checkpoint": "--checkpoint", "device": "--device"}
"""Options that only a command line takes, and those that only a model takes, by parameter."""


@click.command()
@click.argument("model", metavar="MODEL")
@click.argument("store", type=options.FOLDER)
@click.argument("outputs", type=options.FOLDER)
@click.option(
    "--benchmark", metavar="ID", required=True, help="A frozen protocol, or a JSON file of your own."
)
@click.option("--checkpoint", type=options.FOLDER, help="What the model loads, where it needs something.")
@click.option("--command", "line", metavar="LINE", help="Run this program clip by clip instead of a model.")
@click.option(
    "--format", "form", metavar="NAME", default="openpose-json", show_default=True,
    help="How the program gets its poses: a format of `vptbench export`.",
)  # fmt: skip
@click.option(
    "--timeout", "seconds", type=click.FloatRange(min=0, min_open=True), default=3600, show_default=True,
    help="Seconds that the program may take for a clip.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of models that draw.")
@options.device
@options.workers
@options.verbose
def command(
    model: str, store: Path, outputs: Path, benchmark: str, checkpoint: Path | None, line: str | None,
    form: str, seconds: float, seed: int, device: str, workers: int, scheduler: str | None,
) -> None:  # fmt: skip
    """Run MODEL over the clips that a benchmark drives, and write its frames to OUTPUTS.

    A model sees a source frame and driving poses, never a target frame. Interrupted, the same command
    goes on where it stopped.

    With --command, MODEL is the name that you give to somebody's program, such as `python infer.py --source
    {source} --poses {poses} --out {out}`. In braces: source (a PNG), poses (a file or folder, see --format),
    out (an empty folder for pictures or one video), clip, frames, size (WIDTHxHEIGHT), width, height, fps,
    seed. What it says is kept in OUTPUTS/logs.
    """
    from vptbench.generate.command import CommandSettings, command_to_outputs
    from vptbench.generate.run import store_to_outputs

    _check_together(line)
    if line is not None:
        report = command_to_outputs(
            model, store, outputs, benchmark, CommandSettings(line, form, seconds), seed=seed,
            workers=workers, scheduler=scheduler,
        )  # fmt: skip
    else:
        report = store_to_outputs(
            model, store, outputs, benchmark, checkpoint=checkpoint, seed=seed,
            device=options.resolve_device(device), workers=workers, scheduler=scheduler,
        )  # fmt: skip
    options.finish(f"{len(report.done)} clips generated", report.skipped, report.failed, outputs)


def _check_together(line: str | None) -> None:
    """See that options fit what is run.

    Raises:
        UsageError: One is of the other kind.
    """
    from vptbench.errors import UsageError

    others = OF_COMMANDS if line is None else OF_MODELS
    wrong = [others[name] for name in options.asked_for() if name in others]
    if wrong:
        raise UsageError(
            f"expected {' and '.join(wrong)} with {'--command' if line is None else 'a model of ours'} only, "
            f"got {'no' if line is None else 'a'} --command; leave one out"
        )
