import pytest

from vptbench.errors import BoardError
from vptbench.leaderboard import add_entry
from vptbench.leaderboard.board import Board, Entry, read_board, write_board
from vptbench.leaderboard.check import board_to_problems


@pytest.fixture
def board(folder, tmp_path):
    """A board of three entries."""
    path = tmp_path / "b.csv"
    for name, quality in (("a", 0.8), ("b", 0.5), ("c", 0.2)):
        add_entry(folder(name, quality=quality), path)
    return path


def test_a_board_as_it_was_added_has_no_problems(board):
    assert board_to_problems(board) == []


def test_every_row_changed_by_hand_is_named(board):
    head, a, b, c = board.read_text().splitlines()
    board.write_text("\n".join([head, a + "0", b, c.replace("c,model", "c,audit")]) + "\n")
    problems = board_to_problems(board)
    assert [problem.split(": ")[1] for problem in problems] == ["row 'a'", "row 'c'"]
    assert all("expected the row as it was added" in problem for problem in problems)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"clip_list_sha256": "3" * 64},
            "clip list: the board has cccccccccccc…, these scores 333333333333…",
        ),
        ({"networks": "odd"}, "network odd: the board has none"),
        ({"name": "a"}, "name: there is an entry 'a' already"),
    ],
)
def test_rows_that_may_not_stand_together_are_named_even_with_a_right_hash(board, change, text):
    first, second, third = read_board(board).entries
    write_board(Board(board, (first, Entry({**second.facts, **change}, second.values), third)))
    problems = board_to_problems(board)
    assert text in " ".join(problems)
    assert not any("row 'c'" in problem for problem in problems)


def test_what_is_no_board_is_refused(tmp_path):
    (tmp_path / "clips.csv").write_text("clip,split\na,test\n")
    with pytest.raises(BoardError, match="expected the columns of a leaderboard"):
        board_to_problems(tmp_path / "clips.csv")
