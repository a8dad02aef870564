"""Small tables: what is written is read, and nothing else."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.errors import DatasetError
from vptbench.prepare.table import read_table, write_table

COLUMNS = ("name", "bytes")
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=9)


def test_a_missing_table_has_no_lines(tmp_path):
    assert read_table(tmp_path / "t.csv", COLUMNS) == []


@given(lines=st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=5))
def test_what_is_written_is_read(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    write_table(path, COLUMNS, lines)
    assert read_table(path, COLUMNS) == lines
    assert path.read_bytes().startswith(b"name,bytes\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "cannot read it"),
        (b"name,bytes\n\xff,1\n", "cannot read it"),
        (b'name,bytes\n"a,1\n', "cannot read it"),
        (b"name,size\na,1\n", "expected the columns name,bytes, found others"),
        (b"name,bytes\na\n", "expected the columns name,bytes, found others"),
        (b"name,bytes\na,-1\n", "expected counts in bytes, found '-1'"),
        (b"name,bytes\na,1.5\n", "expected counts in bytes, found '1.5'"),
    ],
)
def test_anything_else_is_refused(tmp_path, text, reason):
    path = tmp_path / "t.csv"
    path.write_bytes(text)
    with pytest.raises(DatasetError, match=reason) as info:
        read_table(path, COLUMNS, ("bytes",))
    assert str(info.value).startswith(f"{path}: ")
    assert str(info.value).endswith("; delete it")


def test_a_cell_of_a_whole_line_does_not_exceed_the_reader(tmp_path):
    path = tmp_path / "t.csv"
    write_table(path, COLUMNS, [["x" * (csv.field_size_limit() + 1), 1]])
    with pytest.raises(DatasetError, match="cannot read it"):
        read_table(path, COLUMNS)
