"""What is wrong with a leaderboard, row by row."""

from pathlib import Path

from vptbench.errors import BoardError
from vptbench.leaderboard.board import Board, Entry, read_table, row_to_entry
from vptbench.leaderboard.rules import entry_to_refusals


def board_to_problems(path: Path) -> list[str]:
    """Rows that were changed by hand, or may not stand beside those above; each problem in a line.

    Raises:
        BoardError: The file is no board.
    """
    table = read_table(path)
    entries: list[Entry] = []
    problems = []
    for row in table.rows:
        try:
            entry = row_to_entry(table, row)
        except BoardError as error:
            problems.append(str(error))
            continue
        refusals = entry_to_refusals(entry, Board(path, tuple(entries))) if entries else []
        problems += [f"{path}: row {entry.name!r}: {refusal}" for refusal in refusals]
        entries.append(entry)
    return problems
