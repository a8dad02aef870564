"""`vptbench report`."""

from pathlib import Path

import click

from vptbench.cli import options


@click.command()
@click.argument("scores", type=options.FOLDER, nargs=-1, required=True)
@click.option("--out", type=options.FOLDER, default=Path("report.html"), show_default=True, help="The page.")
@options.verbose
def command(scores: tuple[Path, ...], out: Path) -> None:
    """Make one self-contained page of one or more SCORES, and of sweeps by `vptbench robustness`.

    Tables, plots, curves over noisy poses, clips that play side by side, filmstrips, a paragraph for a
    methods section, provenance. It opens from disk, without network.
    """
    from vptbench.report.page import scores_to_page

    scores_to_page(scores, out)
    click.echo(out)
