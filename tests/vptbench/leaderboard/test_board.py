import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.errors import BoardError
from vptbench.formulas import neutralise
from vptbench.leaderboard.board import (
    FACTS,
    Board,
    Entry,
    Value,
    entries_to_table,
    read_board,
    row_sha256,
    table_to_entries,
    write_board,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
METRICS = ("ssim-v1", "fid-v1@random")
NUMBER = st.floats(allow_nan=False, allow_infinity=False)


def entry(name="a", value=0.5, kind="model"):
    facts = dict.fromkeys(FACTS, "x") | {"name": neutralise(name), "kind": kind, "clips": "2", "frames": "8"}
    return Entry(facts, {"ssim-v1": Value(value, 0.25, 0.75), "fid-v1@random": Value(10, None, None)})


@given(st.lists(st.tuples(TEXT, NUMBER), min_size=1, max_size=4))
def test_boards_survive_the_file(tmp_path_factory, rows):
    board = Board(
        tmp_path_factory.mktemp("board") / "b.csv", METRICS, tuple(entry(name, value) for name, value in rows)
    )
    write_board(board)
    assert read_board(board.path) == board


def test_columns_are_as_documented(tmp_path):
    write_board(Board(tmp_path / "b.csv", METRICS, (entry(),)))
    header, row = csv.reader((tmp_path / "b.csv").read_text().splitlines())
    assert header == [
        *FACTS, "ssim-v1", "ssim-v1.low", "ssim-v1.high", "fid-v1@random",
        "fid-v1@random.low", "fid-v1@random.high", "row_sha256",
    ]  # fmt: skip
    assert row[-7:-1] == ["0.5", "0.25", "0.75", "10.0", "", ""]
    assert row[-1] == row_sha256(header[:-1], row[:-1])


def test_a_board_of_before_there_were_videos_is_read_and_gets_the_column(tmp_path):
    new, old = Board(tmp_path / "new.csv", METRICS, (entry("a"), entry("b"))), tmp_path / "old.csv"
    write_board(new)
    header, *rows = csv.reader(new.path.read_text().splitlines())
    place = header.index("videos")
    with old.open("w", newline="") as stream:
        columns = [name for name in header if name != "videos"]
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            cells = [*row[:place], *row[place + 1 : -1]]
            writer.writerow([*cells, row_sha256(columns[:-1], cells)])
    found = read_board(old)
    assert [found.facts["videos"] for found in found.entries] == ["", ""]
    assert found.entries[0].facts | {"videos": "x"} == new.entries[0].facts
    write_board(found)
    assert old.read_text().splitlines()[0] == ",".join(header)
    assert read_board(old) == found


def test_a_row_changed_by_hand_is_refused(tmp_path):
    path = tmp_path / "b.csv"
    write_board(Board(path, METRICS, (entry("a"), entry("b"))))
    good = path.read_text()
    path.write_text(good.replace("0.5,0.25", "0.9,0.25", 1))
    with pytest.raises(
        BoardError, match="row 'a': expected the row as it was added, found one that was changed"
    ):
        read_board(path)
    path.write_text(good[: good.rindex(",")])
    with pytest.raises(BoardError, match="row 'b': expected the row as it was added"):
        read_board(path)


def test_numbers_that_are_none_are_refused_even_with_a_right_hash(tmp_path):
    path = tmp_path / "b.csv"
    write_board(Board(path, METRICS, (entry(),)))
    header, row = csv.reader(path.read_text().splitlines())
    cells = [cell.replace("0.5", "nan") for cell in row[:-1]]
    path.write_text(",".join(header) + "\n" + ",".join([*cells, row_sha256(header[:-1], cells)]) + "\n")
    with pytest.raises(BoardError, match=r"expected finite numbers, found another \(nan\)"):
        read_board(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a leaderboard's CSV at .*, found none that can be read"),
        ("a,b\n1,2\n", "expected the columns of a leaderboard"),
        (",".join(FACTS) + ",row_sha256\n", "expected the columns of a leaderboard"),
        ("name,\xff", "expected the columns of a leaderboard"),
        ('"open', "found none that can be read"),
    ],
)
def test_what_is_no_board(tmp_path, text, message):
    (tmp_path / "b.csv").write_text(text)
    with pytest.raises(BoardError, match=message):
        read_board(tmp_path / "b.csv")


def test_a_missing_board(tmp_path):
    with pytest.raises(BoardError, match=r"expected a leaderboard's CSV at .*none\.csv"):
        read_board(tmp_path / "none.csv")
    with pytest.raises(BoardError, match="expected a leaderboard's CSV at"):
        read_board(tmp_path)


def test_a_header_alone_is_a_board_without_entries(tmp_path):
    board = Board(tmp_path / "b.csv", METRICS, ())
    write_board(board)
    assert read_board(board.path) == board
    assert list(board.table.columns[-6:]) == [
        f"{name}{end}" for name in METRICS for end in ("", ".low", ".high")
    ]
    assert board.table.empty


@pytest.mark.parametrize(
    ("facts", "values", "message"),
    [
        ({"commit": "=HYPERLINK(1)"}, {}, r"no formulas, found commit '=HYPERLINK\(1\)'"),
        ({"command": " \t@x"}, {}, r"no formulas, found command ' \\t@x'"),
        ({"kind": "winner"}, {}, "expected a kind of model, claimed, audit .* found kind 'winner'"),
        (
            {},
            {"ssim-v1": Value(None, None, None)},
            "expected a figure for every metric, found none for ssim-v1",
        ),
    ],
)
def test_what_add_never_writes_is_refused_even_with_a_right_hash(tmp_path, facts, values, message):
    good = entry()
    board = Board(tmp_path / "b.csv", METRICS, (Entry({**good.facts, **facts}, {**good.values, **values}),))
    write_board(board)
    with pytest.raises(BoardError, match=message):
        read_board(board.path)


@given(st.lists(st.tuples(TEXT, NUMBER), max_size=4))
def test_entries_survive_pandas(rows):
    entries = tuple(entry(name, value) for name, value in rows)
    assert table_to_entries(entries_to_table(entries, METRICS)) == entries


def test_the_table_by_hand(tmp_path):
    audit = Entry(
        entry("b", kind="audit").facts, {"ssim-v1": Value(None, None, None), "fid-v1@random": Value(0, 0, 0)}
    )
    board = Board(tmp_path / "b.csv", METRICS, (entry("<a>"), audit))
    table = board.table
    assert table.loc["<a>", "ssim-v1"] == 0.5
    assert table.loc["<a>", "ssim-v1.high"] == 0.75
    assert np.isnan(table.loc["b", "ssim-v1"])
    assert list(table["kind"]) == ["model", "audit"]
    assert "&lt;a&gt;" in board._repr_html_()
    assert "<a>" not in board._repr_html_()


def test_other_tables_are_no_entries():
    good = entries_to_table([entry()], METRICS)
    with pytest.raises(BoardError, match="table: expected the columns of a leaderboard"):
        table_to_entries(good.drop(columns="kind"))
    with pytest.raises(
        BoardError, match="row 'a': expected texts that no spreadsheet runs in commit, command"
    ):
        table_to_entries(good.assign(commit="=1", command=3))
    with pytest.raises(BoardError, match="row 'a': expected finite numbers, found another"):
        table_to_entries(good.assign(**{"ssim-v1": np.inf}))
