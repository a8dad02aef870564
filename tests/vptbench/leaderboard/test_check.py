import re
import shutil
from dataclasses import replace

import pytest

from vptbench.errors import BoardError
from vptbench.leaderboard import add_entry
from vptbench.leaderboard.board import Board, Entry, Value, read_board, write_board
from vptbench.leaderboard.check import board_to_known, board_to_problems


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
    first_board = read_board(board)
    first, second, third = first_board.entries
    write_board(
        Board(board, first_board.metrics, (first, Entry({**second.facts, **change}, second.values), third))
    )
    problems = board_to_problems(board)
    assert text in " ".join(problems)
    assert not any("row 'c'" in problem for problem in problems)


def test_what_is_no_board_is_refused(tmp_path):
    (tmp_path / "clips.csv").write_text("clip,split\na,test\n")
    with pytest.raises(BoardError, match="expected the columns of a leaderboard"):
        board_to_problems(tmp_path / "clips.csv")


def test_figures_by_clip_must_be_there_and_give_the_figures(board):
    entries = read_board(board).entries
    first = board.with_name("b.clips") / f"{entries[0].facts['per_clip_sha256']}.csv"
    good = first.read_text()
    first.write_text(good.replace("0.", "0.1", 1))
    assert ["changed by hand" in problem for problem in board_to_problems(board)] == [True]
    first.unlink()
    (problem,) = board_to_problems(board)
    assert "row 'a': expected its figures by clip at" in problem
    assert problem.endswith("found none; bring back b.clips")


def test_a_figure_and_its_hash_edited_together_are_caught_by_the_figures_by_clip(board):
    found = read_board(board)
    first = found.entries[0]
    better = Entry(first.facts, {**first.values, "ssim-v1": replace(first.values["ssim-v1"], value=0.99)})
    write_board(Board(board, found.metrics, (better, *found.entries[1:])))
    (problem,) = board_to_problems(board)
    assert re.search(r"row 'a': ssim-v1: expected 0\.7\d+ as its figures by clip give, found 0\.99", problem)


def test_rows_are_compared_with_scores_at_hand(folder, tmp_path):
    board = tmp_path / "b.csv"
    scores = [folder(name, quality=quality) for name, quality in (("a", 0.8), ("b", 0.5), ("c", 0.2))]
    for each in scores:
        add_entry(each, board)
    shutil.rmtree(scores[1])
    assert board_to_problems(board, [tmp_path]) == []
    assert board_to_known(board, [tmp_path]) == (2, 3)
    assert board_to_known(board, []) == (0, 3)
    found = read_board(board)
    first, *others = found.entries
    values = {**first.values, "fid-v1@random": Value(1.0, None, None)}
    told = {**first.facts, "frames": "9", "trained_on": "anything"}  # claims are anybody's to change
    write_board(Board(board, found.metrics, (Entry(told, values), *others)))
    assert board_to_problems(board) == []
    problems = board_to_problems(board, [tmp_path])
    assert [re.sub(r"as \S+ says", "as it says", problem.split(": ", 2)[2]) for problem in problems] == [
        "frames: expected '8' as it says, found '9'",
        f"fid-v1@random: expected {first.values['fid-v1@random']} as it says, found {Value(1.0, None, None)}",
    ]


def test_blank_lines_are_none_and_short_rows_are_named(folder, tmp_path):
    board = tmp_path / "b.csv"
    add_entry(folder("a"), board)
    board.write_text(board.read_text().replace("\n", "\n\n") + "\n")
    assert board_to_problems(board, [tmp_path]) == []
    assert board_to_known(board, [tmp_path]) == (1, 1)
    board.write_text(board.read_text() + "short,model\n")
    assert board_to_known(board, [tmp_path]) == (1, 2)
    (problem,) = board_to_problems(board, [tmp_path])
    assert "row 'short': expected the row as it was added" in problem


def test_scores_at_hand_that_were_changed_since_are_named(folder, tmp_path):
    scores = folder("a")
    add_entry(scores, tmp_path / "b.csv")
    (scores / "per_clip.csv").write_text("clip,metric,value\n")
    (problem,) = board_to_problems(tmp_path / "b.csv", [tmp_path])
    assert "expected the table as it was written, found another" in problem
