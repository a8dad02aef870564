from click.testing import CliRunner

from vptbench.cli import main
from vptbench.leaderboard import add_entry
from vptbench.scorefile import write_scores


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_check_is_the_check_of_boards(tmp_path, make_scores):
    write_scores(tmp_path / "scores" / "a", make_scores())
    board = tmp_path / "b.csv"
    add_entry(tmp_path / "scores" / "a", board)
    assert run("leaderboard", "check", board).output == run("check", board).output == f"{board}: whole\n"
    result = run("leaderboard", "check", board, "--scores", tmp_path / "scores")
    assert result.output == f"{board}: 1 of 1 rows compared with scores at hand\n{board}: whole\n"
    board.write_text(board.read_text().replace("model", "audit"))
    result = run("leaderboard", "check", board)
    assert (result.exit_code, result.output) == (1, run("check", board).output)
    assert result.output.endswith(f"{board}: 1 problems\n")


def test_build_says_what_it_wrote(tmp_path, make_scores):
    write_scores(tmp_path / "scores", make_scores())
    add_entry(tmp_path / "scores", tmp_path / "b.csv")
    result = run("leaderboard", "build", tmp_path / "b.csv", "--out", tmp_path / "out")
    names = ["b-ranking.csv", "b.md", "b.tex", "b.html"]
    assert result.output.splitlines() == [str(tmp_path / "out" / name) for name in names]


def test_a_file_name_that_no_disk_takes_is_one_line(tmp_path, make_scores):
    write_scores(tmp_path / "scores", make_scores())
    result = run("leaderboard", "add", tmp_path / "scores", "--board", tmp_path / ("y" * 300 + ".csv"))
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
