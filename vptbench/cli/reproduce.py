"""`vptbench reproduce`."""

from pathlib import Path

import click

from vptbench.cli import options


@click.command()
@click.argument("method", metavar="METHOD")
@click.argument("raw", type=options.FOLDER)
@click.argument("checkpoint", type=options.FOLDER)
@click.option("--out", type=options.FOLDER, help="Folder to work in  [default: reproduce-METHOD].")
@click.option(
    "--dataset", metavar="NAME", default="fashionvideo", show_default=True, help="fashionvideo or iper."
)
@click.option(
    "--size",
    type=click.IntRange(min=16),
    default=256,
    show_default=True,
    help="Height and width of the frames; another than the published 256 is a listed difference.",
)
@options.weights
@options.device
@options.workers
@options.verbose
def command(
    method: str, raw: Path, checkpoint: Path, out: Path | None, dataset: str, size: int, weights: str,
    weights_dir: Path | None, device: str, workers: int, scheduler: str | None,
) -> None:  # fmt: skip
    """Measure the published figures of METHOD (bdmm) again, from RAW data and its published CHECKPOINT.

    Prepares, generates and scores by the published definitions, and prints published against measured
    figures with what is known of each difference; also in OUT/reproduction.md and .csv. Interrupted, the same
    command goes on where it stopped.
    """
    from vptbench.reproduce import ReproduceSettings, reproduce

    networks = options.resolve_networks(weights, weights_dir, device)
    settings = ReproduceSettings(dataset, size, networks, workers, scheduler)
    out = Path(f"reproduce-{method}") if out is None else out
    done = reproduce(method, raw, checkpoint, out, settings, say=click.echo)
    click.echo(f"\n{done.text}")
    options.finish("reproduction.md and reproduction.csv written", (), done.failed, out)
