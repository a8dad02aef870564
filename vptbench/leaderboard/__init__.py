"""Leaderboards: CSV files whose rows may be compared, and the rankings made from them."""

from vptbench.leaderboard.board import (
    Board,
    Entry,
    entries_to_table,
    read_board,
    table_to_entries,
    write_board,
)
from vptbench.leaderboard.build import build_board
from vptbench.leaderboard.entry import add_entry, declare_board
from vptbench.leaderboard.ranking import Ranking, rank_board

__all__ = [
    "Board", "Entry", "Ranking", "add_entry", "build_board", "declare_board", "entries_to_table",
    "rank_board", "read_board", "table_to_entries", "write_board",
]  # fmt: skip
