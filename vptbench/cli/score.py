"""`vptbench score`."""

from pathlib import Path

import click

from vptbench.cli import options


@click.command()
@click.argument("outputs", type=options.FOLDER)
@click.argument("scores", type=options.FOLDER)
@click.option("--store", type=options.FOLDER, help="The clip store that holds the true frames.")
@click.option("--benchmark", metavar="ID", help="A frozen protocol, or a JSON file of your own.")
@click.option("--targets", type=options.FOLDER, help="A folder of true frames or videos, instead of a store.")
@click.option("--metrics", metavar="ID,ID", help="Only these metrics  [default: all of the protocol].")
@click.option(
    "--claim",
    "claims",
    metavar="KEY=VALUE",
    multiple=True,
    help="A fact about a model that never ran here: model=NAME, trained_on=DATASET; may be repeated.",
)
@options.weights
@options.device
@options.workers
@options.as_json
@options.verbose
def command(
    outputs: Path, scores: Path, store: Path | None, benchmark: str | None, targets: Path | None,
    metrics: str | None,
    claims: tuple[str, ...],
    weights: str, weights_dir: Path | None, device: str, workers: int, scheduler: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Score the frames in OUTPUTS, and write the figures with their provenance to SCORES.

    Either against a clip store under a frozen protocol (--store and --benchmark), or any two folders of
    frames or videos against each other (--targets), which is marked unofficial.
    """
    from vptbench.report.table import scores_to_text
    from vptbench.score.run import score

    networks = options.resolve_networks(weights, weights_dir, device)
    chosen = tuple(metrics.split(",")) if metrics else None
    score(
        outputs, scores, store=store, benchmark=benchmark, targets=targets, metrics=chosen, networks=networks,
        claimed=options.resolve_claims(claims), workers=workers, scheduler=scheduler,
    )  # fmt: skip
    click.echo((scores / "scores.json").read_text() if as_json else scores_to_text([scores]))
