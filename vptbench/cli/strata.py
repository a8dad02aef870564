"""`vptbench strata`."""

from pathlib import Path

import click

from vptbench.cli import options


@click.command()
@click.argument("scores", type=options.FOLDER, nargs=-1, required=True)
@click.option("--store", type=options.FOLDER, required=True, help="The clean clip store that was scored on.")
@click.option("--out", type=options.FOLDER, required=True, help="Folder to write tables and pictures to.")
@click.option("--metrics", metavar="ID,ID", help="Only these  [default: all that have a value a frame].")
@options.as_json
@options.verbose
def command(scores: tuple[Path, ...], store: Path, out: Path, metrics: str | None, as_json: bool) -> None:
    """Split the figures in SCORES by how hard the frames are: "extreme poses", "complex backgrounds".

    Strata are pose distance from the source (in heights of the person), share of the body that the source
    does not show, speed (heights a second), and plain or textured background, in bins that are the same for
    all data sets. Several SCORES stand side by side, and the first is compared with each other one, frame by
    frame. OUT gets strata.csv, difficulty.csv (the measures, frame by frame), strata.svg, strata.png and
    strata.json.
    """
    from vptbench.report.strata_table import strata_to_markdown
    from vptbench.robustness.strata import scores_to_strata, strata_to_rows, write_strata
    from vptbench.robustness.strata_figure import write_figure

    found = scores_to_strata(scores, store, tuple(metrics.split(",")) if metrics else ())
    write_strata(out, found)
    for name in ("strata.svg", "strata.png"):
        write_figure(out / name, found)
    if as_json:
        options.echo_table(strata_to_rows(found.table), as_json=True)
    else:
        click.echo(strata_to_markdown(found.table, found.models, found.headings, found.unplaced))
