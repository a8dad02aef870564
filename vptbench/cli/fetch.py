"""`vptbench fetch`."""

from pathlib import Path

import click

from vptbench.cli import options


@click.command()
@click.argument("dataset", metavar="DATASET")
@click.argument("raw", type=options.FOLDER)
@click.option("--split", type=click.Choice(["train", "test"]), help="Only this one  [default: both].")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many videos of each list.")
@click.option(
    "--connections",
    type=click.IntRange(1, 8),
    default=4,
    show_default=True,
    help="Videos that are downloaded at a time.",
)
@options.verbose
def command(dataset: str, raw: Path, split: str | None, limit: int | None, connections: int) -> None:
    """Bring the files of DATASET into RAW, for `vptbench prepare`.

    fashionvideo: downloads the videos of the official lists, and writes RAW/fetched.csv (length and SHA-256
    of each) and RAW/missing.csv (what could not be had, and why). iper: says where its archives are, checks
    those that lie in RAW, and unpacks them. Other datasets: says where they are.

    Interrupted, the same command goes on where it stopped. Where something is missing, the rest is done, and
    the exit status is 1.
    """
    from vptbench.prepare.fetch import FetchSettings, fetch

    settings = FetchSettings((split,) if split else (), limit or 0, connections)
    report = fetch(dataset, raw, settings)
    for note in report.notes:
        click.echo(note)
    options.finish(f"{report.present} of {report.listed} {report.unit}", report.skipped, report.failed, raw)
