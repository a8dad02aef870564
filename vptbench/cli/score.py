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
@click.option(
    "--as",
    "published",
    metavar="GROUP,GROUP",
    help="Measure by the definitions of published tables too, and show their rows: all, or some groups.",
)
@click.option(
    "--resize",
    type=click.Choice(["area", "bilinear", "bicubic"]),
    default=None,
    help="Bring frames of another size to the targets' size; without it they are refused.",
)
@options.reading
@options.weights
@options.device
@options.workers
@options.as_json
@options.verbose
def command(
    outputs: Path, scores: Path, store: Path | None, benchmark: str | None, targets: Path | None,
    metrics: str | None, claims: tuple[str, ...], published: str | None, resize: str | None,
    layout: str | None, pattern: str | None, panel: str | None, first: int | None, stride: int | None,
    offset: int | None, count: int | None,
    weights: str, weights_dir: Path | None, device: str, workers: int, scheduler: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Score the frames in OUTPUTS, and write the figures with their provenance to SCORES.

    Either against a clip store under a frozen protocol (--store and --benchmark), or any two folders of
    frames or videos against each other (--targets), which is marked unofficial. OUTPUTS may be what another
    program wrote, see docs/layouts.md.
    """
    from vptbench.report.table import scores_to_text
    from vptbench.score.published import published_to_text, read_published
    from vptbench.score.scoring import ScoreSettings, score

    settings = ScoreSettings(
        metrics=tuple(metrics.split(",")) if metrics else (),
        networks=options.resolve_networks(weights, weights_dir, device),
        published=tuple(published.split(",")) if published else (),
        resize=resize or "", claimed=options.resolve_claims(claims), workers=workers, scheduler=scheduler,
        reading=options.resolve_reading(
            layout=layout, pattern=pattern, panel=panel, first=first, stride=stride, offset=offset,
            count=count,
        ),
    )  # fmt: skip
    done = score(outputs, scores, settings, store=store, benchmark=benchmark, targets=targets)
    if done.reading and not as_json:
        click.echo(f"{outputs}: layout {done.reading['layout']}: {done.reading['why']}")
    click.echo((scores / "scores.json").read_text() if as_json else scores_to_text([scores]))
    if published and not as_json:
        click.echo("\n" + published_to_text(done, read_published(scores)))
