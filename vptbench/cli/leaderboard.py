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
    """Add SCORES as a row, if benchmark, clips, metrics and networks equal the board's.

    --trained-on, --commit and --command are written down as told; nobody checks them.
    """
    from vptbench.leaderboard.entry import add_entry

    told = {claim: text for claim, text in claims.items() if text is not None}
    entry = add_entry(scores, board, name=name, claims=told)
    click.echo(f"{board}: {entry.name} added")


@command.command()
@click.argument("board", type=options.FOLDER)
@click.option(
    "--out", type=options.FOLDER, help="Folder for board.md and board.html  [default: beside the CSV]."
)
@options.verbose
def build(board: Path, out: Path | None) -> None:
    """Rank the rows of BOARD, and write the ranking as CSV, Markdown and HTML."""
    from vptbench.leaderboard.ranking import build_board

    for path in build_board(board, out or board.parent):
        click.echo(path)
