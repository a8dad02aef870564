import math

import numpy as np
import pandas as pd
import pytest
from forged_tables import edit, edit_table

from vptbench import tablefile
from vptbench.errors import ManifestError, ScoreError
from vptbench.manifest import file_to_sha256
from vptbench.tablefile import TableSchema, read_table_folder, write_table_folder

SCHEMA = TableSchema(
    manifest="things.json", kind="vptbench-things", version=1,
    tables={"few.csv": ("name", "count", "value"), "none.csv": ("value",)},
    texts=("name",), counts=("count",), again="make it again",
)  # fmt: skip
FEW = pd.DataFrame({"name": ["a", "NA", ""], "count": [1, 2, 3], "value": [0.1, math.nan, math.inf]})
NONE = pd.DataFrame({"value": pd.Series([], dtype=np.float64)})


@pytest.fixture
def folder(tmp_path):
    write_table_folder(tmp_path / "made", SCHEMA, {"few.csv": FEW, "none.csv": NONE}, {"of": "things"})
    return tmp_path / "made"


def test_what_is_written_is_read(folder):
    fields, tables = read_table_folder(folder, SCHEMA)
    assert fields == {"of": "things"}
    assert list(tables) == ["few.csv", "none.csv"]
    pd.testing.assert_frame_equal(tables["few.csv"], FEW, check_exact=True)
    pd.testing.assert_frame_equal(tables["none.csv"], NONE, check_index_type=False)


def test_the_manifest_is_gone_while_tables_are_written(folder, monkeypatch):
    def stop(*_):
        assert not (folder / "things.json").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(tablefile, "write_text", stop)
    with pytest.raises(KeyboardInterrupt):
        write_table_folder(folder, SCHEMA, {"few.csv": FEW, "none.csv": NONE}, {})
    with pytest.raises(ManifestError, match=r"expected a folder with things\.json"):
        read_table_folder(folder, SCHEMA)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("name,count", "count,name", "expected the columns name,count,value, found others"),
        ("a,1", "a,1.0", "expected a CSV table, found damage"),
        ("a,1", "a,99999999999999999999", "expected a CSV table, found damage"),
        ("0.1", "0.1.1", "expected a CSV table, found damage"),
        ("0.1", "0.1,0.2", "expected a CSV table, found damage"),
    ],
)
def test_forged_tables_are_refused(folder, old, new, problem):
    edit_table(folder / "things.json", "few.csv", old, new)
    with pytest.raises(ScoreError, match=rf"few\.csv: {problem}.*; make it again"):
        read_table_folder(folder, SCHEMA)


def test_tables_that_were_edited_or_lost_are_refused(folder):
    table = folder / "none.csv"
    table.write_text("value\n1.0\n")
    with pytest.raises(ScoreError, match=r"none\.csv: expected the table as it was written, found another"):
        read_table_folder(folder, SCHEMA)
    edit(
        folder / "things.json",
        lambda document: document["tables"].update({table.name: file_to_sha256(table)}),
    )
    assert read_table_folder(folder, SCHEMA)[1]["none.csv"]["value"].tolist() == [1.0]
    edit(folder / "things.json", lambda document: document.pop("tables"))
    with pytest.raises(ScoreError, match="expected the table as it was written"):
        read_table_folder(folder, SCHEMA)
    table.unlink()
    (folder / "few.csv").unlink()
    with pytest.raises(ScoreError, match=r"expected a table at .*few\.csv, found none; make it again"):
        read_table_folder(folder, SCHEMA)
