"""The log of a training run: what is written is read, and what a kill tears is dropped."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.errors import RunError, UsageError
from vptbench.runlog import append_log, log_to_problems, read_log, trim_log

VALUES = st.floats(allow_nan=True, allow_infinity=True)
ROWS = st.lists(st.tuples(st.integers(1, 20), st.floats(0, 1e6), VALUES, VALUES), min_size=1, max_size=12)


def write(path, rows):
    path.unlink(missing_ok=True)
    iteration = 0
    for step, seconds, first, second in rows:
        iteration += step
        append_log(path, iteration, seconds, {"l1": first, "d.spatial": second})
    return iteration


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("log") / "log.csv"


@given(ROWS)
def test_what_was_written_is_read(log, rows):
    last = write(log, rows)
    table = read_log(log)
    assert list(table.columns) == ["iteration", "seconds", "l1", "d.spatial"]
    assert table["iteration"].iloc[-1] == last
    assert str(table.dtypes["iteration"]) == "int64"
    for name, place in (("seconds", 1), ("l1", 2), ("d.spatial", 3)):
        assert list(map(repr, table[name].tolist())) == [repr(row[place]) for row in rows]
    assert log_to_problems(log) == []


@given(ROWS, st.data())
def test_killed_anywhere_and_resumed_is_as_if_undisturbed(log, rows, data):
    """A start is killed at any byte after the rows of its newest checkpoint, or before there is one."""
    write(log, rows)
    whole = log.read_bytes()
    ends = [place + 1 for place, byte in enumerate(whole) if byte == ord("\n")]
    saved = data.draw(st.integers(0, len(rows)), label="rows at the checkpoint")
    iteration = sum(row[0] for row in rows[:saved])
    cut = data.draw(st.integers(ends[saved] if saved else 0, len(whole)), label="bytes left")
    log.write_bytes(whole[:cut])
    assert log_to_problems(log) == []
    assert len(read_log(log)) == sum(end <= cut for end in ends[1:])
    trim_log(log, iteration)
    assert log.exists() == bool(saved)
    for step, seconds, first, second in rows[saved:]:
        iteration += step
        append_log(log, iteration, seconds, {"l1": first, "d.spatial": second})
    assert log.read_bytes() == whole


def test_a_whole_log_is_not_written_again(tmp_path):
    path = tmp_path / "log.csv"
    write(path, [(10, 1.0, 0.5, 0.25)])
    before = path.stat().st_ino
    trim_log(path, 10)
    assert path.stat().st_ino == before
    assert path.read_text() == "iteration,seconds,l1,d.spatial\n10,1.0,0.5,0.25\n"


def test_no_log_is_an_empty_table(tmp_path):
    table = read_log(tmp_path / "log.csv")
    assert (list(table.columns), len(table)) == (["iteration", "seconds"], 0)
    trim_log(tmp_path / "log.csv", 0)
    assert log_to_problems(tmp_path / "log.csv") == []
    assert not (tmp_path / "log.csv").exists()


def test_losses_gone_astray_are_written_down(tmp_path):
    append_log(tmp_path / "log.csv", 1, 0.5, {"l1": math.nan, "g": math.inf})
    assert (tmp_path / "log.csv").read_text().endswith("\n1,0.5,nan,inf\n")
    assert log_to_problems(tmp_path / "log.csv") == []


@pytest.mark.parametrize("name", ["", "a,b", "a\nb", "1st", 'say "l1"', "iteration", "seconds"])
def test_names_that_cannot_stand_in_a_header_are_refused(tmp_path, name):
    with pytest.raises(UsageError, match="expected names of terms such as 'l1' or"):
        append_log(tmp_path / "log.csv", 1, 0.5, {name: 1.0})
    assert not (tmp_path / "log.csv").exists()


def test_other_columns_are_refused(tmp_path):
    append_log(tmp_path / "log.csv", 1, 0.5, {"l1": 1.0})
    with pytest.raises(
        RunError, match="expected the columns iteration,seconds,l2, found iteration,seconds,l1; go on with"
    ):
        append_log(tmp_path / "log.csv", 2, 0.5, {"l2": 1.0})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("step,loss\n1,2\n", "expected a header such as iteration,seconds,l1, found 'step,loss'"),
        ("\n", "expected a header such as iteration,seconds,l1, found ''"),
        ("iteration,seconds,l1,l1\n", "expected a header such as"),
        ("iteration,seconds,l1\n1,2\n", "line 2: expected 3 numbers, found '1,2'; delete that line"),
        ("iteration,seconds,l1\n1,2,3\n2,3,x\n", "line 3: expected 3 numbers, found '2,3,x'"),
        ("iteration,seconds,l1\n1.5,2,3\n", "line 2: expected 3 numbers, found '1.5,2,3'"),
        ("iteration,seconds,l1\n\0\0\0\n", "line 2: expected 3 numbers"),
    ],
)
def test_a_damaged_log_is_refused(tmp_path, text, problem):
    path = tmp_path / "log.csv"
    path.write_text(text)
    (found,) = log_to_problems(path)
    assert problem in found
    for read in (read_log, lambda log: trim_log(log, 5)):
        with pytest.raises(RunError, match="expected"):
            read(path)
    assert path.read_text() == text


def test_bytes_that_are_no_text_are_named(tmp_path):
    (tmp_path / "log.csv").write_bytes(b"iteration,seconds\n1,\xff\n")
    assert "line 2: expected 2 numbers" in log_to_problems(tmp_path / "log.csv")[0]


def test_iterations_that_do_not_increase_are_named(tmp_path):
    path = tmp_path / "log.csv"
    for iteration in (1, 2, 2, 5, 4):
        append_log(path, iteration, 0.5, {})
    assert log_to_problems(path) == [
        f"{path}: line 4: expected an iteration after 2, found 2; delete one of the two",
        f"{path}: line 6: expected an iteration after 5, found 4; delete one of the two",
    ]
