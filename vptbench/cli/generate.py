"""`vptbench generate`."""

from pathlib import Path

import click

from vptbench.cli import options


@click.command()
@click.argument("model", metavar="MODEL")
@click.argument("store", type=options.FOLDER)
@click.argument("outputs", type=options.FOLDER)
@click.option(
    "--benchmark", metavar="ID", required=True, help="A frozen protocol, or a JSON file of your own."
)
@click.option("--checkpoint", type=options.FOLDER, help="What the model loads, where it needs something.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of models that draw.")
@options.device
@options.workers
@options.verbose
def command(
    model: str, store: Path, outputs: Path, benchmark: str, checkpoint: Path | None, seed: int, device: str,
    workers: int, scheduler: str | None,
) -> None:  # fmt: skip
    """Run MODEL over the clips that a benchmark drives, and write its frames to OUTPUTS.

    A model sees a source frame and driving poses, never a target frame. Interrupted, the same command
    goes on where it stopped.
    """
    from vptbench.generate.run import store_to_outputs

    report = store_to_outputs(
        model, store, outputs, benchmark, checkpoint=checkpoint, seed=seed,
        device=options.resolve_device(device), workers=workers, scheduler=scheduler,
    )  # fmt: skip
    options.finish(f"{len(report.done)} clips generated", report.skipped, report.failed, outputs)
