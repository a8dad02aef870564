"""`vptbench demo`."""

import time
from pathlib import Path

import click

from vptbench.cli import options


@click.command()
@click.argument("out", type=options.FOLDER, default=Path("vptbench-demo"))
@options.verbose
def command(out: Path) -> None:
    """Run the whole main line offline on small synthetic data, and make a page of it.

    Everything is written to OUT (vptbench-demo here by default).
    """
    from vptbench.demo import run_demo
    from vptbench.report.table import scores_to_text

    start = time.monotonic()
    result = run_demo(out, say=lambda step: click.echo(f"[{time.monotonic() - start:5.1f} s] {step}"))
    click.echo(scores_to_text(result.scores))
    click.echo(f"Leaderboards: {', '.join(map(str, result.boards))}")
    click.echo(f"The page, to open in a browser: {result.page.resolve()}")
