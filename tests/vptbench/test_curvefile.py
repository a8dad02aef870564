import dataclasses
import math

import pandas as pd
import pytest
from forged_tables import edit, edit_table
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from sweep_tables import SSIM, VALUES, make_sweep

from vptbench.curvefile import (
    CELLS,
    CURVES,
    DISTURBANCE,
    PER_CLIP,
    SUMMARY,
    TABLES,
    Robustness,
    read_robustness,
    write_robustness,
)
from vptbench.errors import ManifestError, ScoreError


def changed(name, place, column, value):
    """The table `name` with another value in one row."""
    table = getattr(make_sweep(), name).copy()
    table[column] = table[column].astype(object)
    table.loc[table.index[place], column] = value
    return {name: table.infer_objects()}


@pytest.fixture
def folder(tmp_path):
    write_robustness(tmp_path / "sweep", make_sweep())
    return tmp_path / "sweep"


def assert_equal(one, other):
    for field in dataclasses.fields(Robustness):
        if f"{field.name}.csv" in TABLES:
            assert_frame_equal(
                getattr(one, field.name), getattr(other, field.name), check_exact=True, check_dtype=False
            )
        else:
            assert getattr(one, field.name) == getattr(other, field.name)


def test_what_is_written_is_read(tmp_path):
    robustness = make_sweep(failures={"jitter-2-0-control": "no mesh"})
    write_robustness(tmp_path, robustness)
    again = read_robustness(tmp_path)
    assert_equal(again, robustness)
    assert again.complete
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(before) == sorted([*TABLES, "robustness.json"])
    write_robustness(tmp_path, again)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_severities_of_a_summary_are_whole_and_infinity_is_a_word(tmp_path):
    write_robustness(tmp_path, make_sweep())
    assert make_sweep().summary["breaking_severity"].tolist() == [2]
    lines = (tmp_path / SUMMARY).read_text().splitlines()
    row = dict(zip(lines[0].split(","), lines[1].split(","), strict=True))
    assert row["breaking_severity"] == "2"
    assert row["obedience"] == ""
    flat = {**VALUES, ("model", 2, 0): VALUES["model", 0, 0]}
    write_robustness(tmp_path, make_sweep(flat))
    assert ",inf,inf," in (tmp_path / SUMMARY).read_text()
    assert read_robustness(tmp_path).summary["breaking_px"].tolist() == [math.inf]
    assert math.isnan(read_robustness(tmp_path).summary["breaking_severity"].iloc[0])


number = st.floats(0.01, 1e6)


@given(
    st.lists(st.tuples(number, number, number, st.one_of(number, st.just(math.inf))), min_size=1, max_size=5)
)
def test_property_any_figures_survive(tmp_path_factory, clips):
    values = {
        cell: {f"c{place}": clip[column] for place, clip in enumerate(clips)}
        for column, cell in enumerate(VALUES)
    }
    folder = tmp_path_factory.mktemp("sweep")
    robustness = make_sweep(values)
    write_robustness(folder, robustness)
    assert_equal(read_robustness(folder), robustness)


def test_an_unfinished_sweep_is_not_complete(tmp_path):
    asked = (*make_sweep().asked, ("drift", 1, 0))
    write_robustness(tmp_path, make_sweep(asked=asked, failures={"drift-1-0": "stopped"}))
    again = read_robustness(tmp_path)
    assert not again.complete
    assert again.scored == {("clean", 0, 0), ("jitter", 1, 0), ("jitter", 2, 0)}
    assert (again.severities("jitter"), again.severities("drift")) == ([1, 2], [])


def test_the_table_is_the_curves():
    robustness = make_sweep()
    assert robustness.table.loc[("m", "jitter", 2), "value"] == pytest.approx(1.05)
    assert robustness.table.index.names == ["metric", "kind", "severity"]


def test_a_clip_of_equal_frames_alone_is_infinite(tmp_path):
    values = {cell: dict(clips) for cell, clips in VALUES.items()}
    values["control", 0, 0] = {"a": math.inf, "b": math.inf}
    write_robustness(tmp_path, make_sweep(values))
    assert "inf" in (tmp_path / PER_CLIP).read_text()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"kind": "audit"}, "kind: expected model or claimed, found 'audit'"),
        ({"model": 7}, "model: found 7, which is of another type"),
        ({"height": True}, "height: found True, which is of another type"),
        ({"height": 0}, "height: expected pixels from 1, found 0"),
        ({"data": []}, "data: found .., which is of another type"),
        ({"metrics": {}}, "metrics: expected at least one, found none"),
        ({"metrics": {"m": {"label": "SSIM"}}}, "metrics: m: expected label, unit, higher_is_better, found"),
        ({"metrics": {"n": SSIM}}, "cells.csv: expected only metrics of robustness.json, found others"),
        (
            {"benchmark": {"id": "a", "clean": "b", "sha256": "c"}},
            "benchmark: expected a list of corruptions",
        ),
        ({"benchmark": {"corruptions": []}}, "benchmark: expected id, clean, sha256, found another record"),
        ({"protocol": {"id": "own-v1"}}, "protocol: expected id, sha256, dataset, found another record"),
        ({"networks": {"alex": {"mode": "pinned"}}}, "networks: alex: expected mode, sha256, found another"),
        ({"failures": {"clean": 7}}, "failures: expected a reason for each cell"),
        ({"asked": (("jitter", 1),)}, r"asked: expected \[kind, severity, seed\], found \('jitter', 1\)"),
        ({"asked": (("jitter", 0, 0),)}, "asked: expected .kind, severity, seed., found"),
        ({"asked": (("jitter", 1, 0),)}, "cells.csv: expected only cells that were asked for, found others"),
        ({"cells": make_sweep().cells[["kind"]]}, "cells.csv: expected the columns kind,severity,seed,"),
        (changed("cells", 0, "role", "audit"), "cells.csv: role: expected model or floor or control, found"),
        (changed("cells", 2, "role", "floor"), "cells.csv: expected a floor on clean poses alone"),
        (changed("cells", 0, "severity", 1), r"cells.csv: found \('clean', 1, 0\), which no sweep has"),
        (changed("cells", 2, "severity", 6), r"cells.csv: found \('jitter', 6, 0\), which no sweep has"),
        (changed("cells", 2, "seed", -1), r"found \('jitter', 1, -1\), which no sweep has"),
        (changed("cells", 2, "kind", "smudge"), r"found \('smudge', 1, 0\), which no sweep has"),
        (changed("cells", 0, "value", math.inf), "cells.csv: value: expected numbers, found inf"),
        (changed("cells", 0, "value", "high"), "cells.csv: expected texts and numbers, found .* in value"),
        (changed("cells", 0, "seed", 0.5), "cells.csv: expected texts and numbers, found .* in seed"),
        (changed("cells", 0, "metric", 7), "cells.csv: expected texts and numbers, found .* in metric"),
        (changed("cells", 0, "low", 0.5), "cells.csv: expected both ends of an interval or neither"),
        (
            {"cells": pd.concat([make_sweep().cells] * 2)},
            "cells.csv: expected one row of a kind, found two",
        ),
        (changed("per_clip", 0, "value", math.nan), "per_clip.csv: value: expected numbers, found nan"),
        (changed("per_clip", 0, "value", -math.inf), "per_clip.csv: value: expected numbers, found -inf"),
        (changed("disturbance", 0, "pck", 1.5), "disturbance.csv: pck: expected shares from 0 to 1"),
        (changed("curves", 0, "severity", 7), "curves.csv: found 7, which no sweep has"),
        (changed("curves", 0, "drop", math.inf), "curves.csv: drop: expected numbers, found inf"),
        (changed("summary", 0, "kind", "clean"), "summary.csv: found 'clean', which no sweep has"),
        (changed("summary", 0, "auc", math.inf), "summary.csv: auc: expected numbers, found inf"),
    ],
)
def test_what_contradicts_itself_is_not_written(tmp_path, changes, text):
    with pytest.raises(ScoreError, match=text) as refused:
        write_robustness(tmp_path / "sweep", make_sweep(**changes))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_was_edited_or_lost_is_refused(folder, name):
    path = folder / name
    path.write_text(path.read_text().replace("jitter", "drift", 1))
    with pytest.raises(ScoreError, match=f"{name}: expected the table as it was written, found another"):
        read_robustness(folder)
    path.unlink()
    with pytest.raises(ScoreError, match=f"expected a table at .*{name}, found none"):
        read_robustness(folder)


@pytest.mark.parametrize(
    ("name", "old", "new", "text"),
    [
        (CELLS, "severity", "strength", "expected the columns kind,severity,seed,"),
        (CELLS, "jitter,1,0", "jitter,1.0,0", "expected a CSV table, found damage"),
        (DISTURBANCE, "0.5", "half", "expected a CSV table, found damage"),
        (CURVES, "jitter,0", "jitter,0,0", "expected a CSV table, found damage"),
        (PER_CLIP, "clean,0,0,model", "clean,0,0,pilot", "role: expected model or floor or control, found"),
    ],
)
def test_a_forged_table_is_refused(folder, name, old, new, text):
    edit_table(folder / "robustness.json", name, old, new)
    with pytest.raises(ScoreError, match=text) as refused:
        read_robustness(folder)
    assert str(refused.value).endswith("run vptbench robustness again")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda document: document.pop("tables"), "expected the table as it was written"),
        (lambda document: document.pop("height"), "missing: height"),
        (lambda document: document.update(cloud=1), "unknown: cloud"),
        (
            lambda document: document.update(asked=[["jitter", "1", 0]]),
            "asked: expected .kind, severity, seed.",
        ),
        (lambda document: document.update(asked=[7]), "asked: expected .kind, severity, seed., found 7"),
        (lambda document: document.update(asked=7), "asked: found 7, which is of another type"),
    ],
)
def test_a_forged_manifest_is_refused(folder, change, text):
    edit(folder / "robustness.json", change)
    with pytest.raises(ScoreError, match=text) as refused:
        read_robustness(folder)
    assert "\n" not in str(refused.value)


def test_another_version_is_refused(folder):
    edit(folder / "robustness.json", lambda document: document.update(version=2))
    with pytest.raises(ManifestError, match="expected version 1 of vptbench-robustness, found 2"):
        read_robustness(folder)
