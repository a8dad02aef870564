"""`vptbench leaderboard`."""

from pathlib import Path

import click

from vptbench.cli import options


@click.group()
def command() -> None:
    """Keep leaderboards: a CSV with provenance, and the ranking made from it."""


@command.command()
@click.argument("scores", type=options.FOLDER)
@click.option("--board", type=options.FOLDER, required=True, help="The CSV; made with its first entry.")
@click.option("--name", help="How the row is called  [default: the model's name].")
@click.option("--trained-on", help="What the model learned from.")
@click.option("--commit", help="Of the code that made the frames.")
@click.option("--command", help="That made the frames.")
@options.verbose
def add(scores: Path, board: Path, name: str | None, **claims: str | None) -> None:
    """Add SCORES as a row, if benchmark, clips, metrics, settings and networks equal the board's.

    A board named after a frozen benchmark of real data (leaderboards/iper-v1.csv) takes that benchmark by the
    pinned networks; any other takes what its first entry has. --trained-on,
    --commit and --command are written down as told; nobody checks them.
    """
    from vptbench.leaderboard.entry import add_entry

    told = {claim: text for claim, text in claims.items() if text is not None}
    entry = add_entry(scores, board, name=name, claims=told)
    click.echo(f"{board}: {entry.name} added")


@command.command()
@click.argument("board", type=options.FOLDER)
@click.option("--out", type=options.FOLDER, help="Folder for what is written  [default: beside the CSV].")
@options.verbose
def build(board: Path, out: Path | None) -> None:
    """Rank the rows of BOARD, and write the ranking as CSV, Markdown, LaTeX and one HTML page."""
    from vptbench.leaderboard.build import build_board

    for path in build_board(board, out or board.parent):
        click.echo(path)


@command.command()
@click.argument("board", type=options.FOLDER)
@click.option(
    "--scores", type=options.FOLDER, multiple=True,
    help="Folder in which scores lie at any depth: their rows must say what they say; may be repeated.",
)  # fmt: skip
@options.verbose
def check(board: Path, scores: tuple[Path, ...]) -> None:
    """Say which rows of BOARD were edited by hand, or may not stand beside those above them.

    Of published figures (leaderboards/published.csv), which look copied, overflowed or otherwise wrong.
    """
    from vptbench.leaderboard.check import board_to_known, board_to_problems
    from vptbench.leaderboard.published import csv_to_problems, csv_to_warnings, is_published

    published = is_published(board)
    problems = csv_to_problems(board) if published else board_to_problems(board, scores)
    for line in [*problems, *(f"warning: {warning}" for warning in csv_to_warnings(board))]:
        click.echo(line)
    if scores and not published:
        known, rows = board_to_known(board, scores)
        click.echo(f"{board}: {known} of {rows} rows compared with scores at hand")
    click.echo(f"{board}: {len(problems)} problems" if problems else f"{board}: whole")
    raise SystemExit(1 if problems else 0)
