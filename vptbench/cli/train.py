"""`vptbench train`."""

import os
from pathlib import Path

import click

from vptbench.cli import options


@click.command()
@click.argument("store", type=options.FOLDER)
@click.argument("run", type=options.FOLDER)
@click.option("--model", metavar="NAME", default="dmm", show_default=True, help="Whose trainer.")
@click.option(
    "--config", metavar="NAME", default="published", show_default=True,
    help="A configuration that the trainer knows; of dmm: published, published-100k, small, tiny.",
)  # fmt: skip
@click.option(
    "--iterations", type=click.IntRange(min=1), help="How many  [default: as the configuration says]."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True,
    help="Of initial weights and of all that is drawn.",
)  # fmt: skip
@click.option(
    "--resume", is_flag=True, help="Go on where an earlier start stopped, or begin where there was none."
)
@click.option(
    "--set", "changes", metavar="KEY=VALUE", multiple=True,
    help="Change a field of the configuration, such as training.batch=2; may be repeated.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print the whole configuration as JSON, and train nothing.")
@click.option(
    "--workers", type=click.IntRange(min=0), default=0, show_default=True,
    help="Processes that read clips; 0 reads in the one that trains.",
)  # fmt: skip
@options.weights
@options.device
@options.verbose
def command(
    store: Path, run: Path, model: str, config: str, iterations: int | None, seed: int, resume: bool,
    changes: tuple[str, ...], dry_run: bool, workers: int, weights: str, weights_dir: Path | None,
    device: str,
) -> None:  # fmt: skip
    """Train a model on the training clips of a clip store, and keep checkpoints and a log in RUN.

    With --resume the same command can be repeated until all is done, whatever interrupted it.
    """
    from vptbench.manifest import json_to_text
    from vptbench.trainer import TrainSettings, name_to_trainer, report_to_text

    trainer, networks = name_to_trainer(model), options.resolve_networks(weights, weights_dir, device)
    settings = TrainSettings(
        store=store, run=run, config=config, iterations=iterations, seed=seed, resume=resume,
        device=networks.device, changes=changes, networks=networks, workers=workers,
    )  # fmt: skip
    if dry_run:
        click.echo(json_to_text(trainer.resolve(settings)), nl=False)
    else:
        report = trainer.train(settings)
        if os.environ.get("RANK", "0") == "0":  # of several processes the first one speaks
            click.echo(report_to_text(report))
