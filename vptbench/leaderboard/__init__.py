"""Leaderboards: CSV files whose rows may be compared, and the rankings made from them."""

from vptbench.leaderboard.board import Board, Entry, read_board
from vptbench.leaderboard.entry import add_entry

__all__ = ["Board", "Entry", "add_entry", "read_board"]
