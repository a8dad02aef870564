"""Inputs of a benchmark: what is written, and what is not; once, twice, interrupted; refusals."""

import csv
import io
import json
import re

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from cross_driving import CROSS
from hostile_names import HOSTILE

from vptbench.cli import main
from vptbench.errors import BenchmarkError, ExportError, RegistryError, UsageError
from vptbench.generate import inputs
from vptbench.generate.check import inputs_to_problems
from vptbench.generate.export import INPUT_FORMATS
from vptbench.generate.inputs import entries_to_csv, store_to_exports, store_to_inputs
from vptbench.image import read_image
from vptbench.prepare.openpose import read_openpose
from vptbench.store.reader import open_store
from vptbench.store.writer import clip_path

BENCHMARK = "synthetic-v1"
ALL = tuple(INPUT_FORMATS)


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def read_table(out):
    return list(csv.DictReader(io.StringIO((out / "items.csv").read_text())))


def test_every_format_is_written_and_listed(written_store, tmp_path):
    out = tmp_path / "out"
    report = store_to_inputs(written_store, out, ALL, BENCHMARK)
    assert (report.done, report.skipped, report.failed) == (("a", "b/1"), (), {})
    assert inputs_to_problems(out) == []
    store, rows = open_store(written_store), read_table(out)
    assert [row["item"] for row in rows] == ["a", "b/1"]
    assert list(rows[0]) == [*inputs.COLUMNS, *ALL]
    row = rows[1]
    assert [row[name] for name in ("source_clip", "source_frame", "driving_clip", "first", "count")] == [
        "b/1", "0", "b/1", "0", "6",
    ]  # fmt: skip
    assert (row["height"], row["width"], float(row["fps"])) == ("64", "64", store["b/1"].fps)
    assert (row["source"], row["skeleton-mp4"], row["dwpose"]) == (
        "source/b/1.png", "skeleton-mp4/b/1.mp4", "dwpose/b/1",
    )  # fmt: skip
    for name in ("source", *ALL):
        assert (out / row[name]).exists()
    np.testing.assert_array_equal(read_image(out / row["source"]), store["b/1"].frames[0])
    np.testing.assert_array_equal(read_openpose(out / row["openpose-json"], 6), store["b/1"].keypoints)


def test_the_manifest_says_what_from(written_store, tmp_path):
    store_to_inputs(written_store, tmp_path / "out", ["heatmaps"], BENCHMARK)
    manifest = json.loads((tmp_path / "out" / "export.json").read_text())
    assert (manifest["format"], manifest["version"]) == ("vptbench-export", 1)
    assert manifest["benchmark"]["id"] == BENCHMARK
    assert len(manifest["clip_list_sha256"]) == len(manifest["benchmark"]["sha256"]) == 64
    assert manifest["store"]["path"] == "../store"
    assert manifest["store"]["pose_source"] == ["ground-truth"]
    assert manifest["formats"] == ["heatmaps"]
    assert manifest["complete"] is True


def test_no_frame_leaks_but_the_source(written_store, tmp_path):
    """Other target frames in the store, which the models must not see, leave every byte as it is."""
    store_to_inputs(written_store, tmp_path / "one", ALL, BENCHMARK)
    for clip in ("a", "b/1"):
        with h5py.File(clip_path(written_store, "test", clip), "r+") as file:
            file["frames"][1:] = 255 - file["frames"][1:]
            file["mask"][1:] = ~file["mask"][1:]
    store_to_inputs(written_store, tmp_path / "two", ALL, BENCHMARK)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    with h5py.File(clip_path(written_store, "test", "a"), "r+") as file:  # the test can fail
        file["frames"][0] = 255 - file["frames"][0]
    store_to_inputs(written_store, tmp_path / "three", ALL, BENCHMARK)
    one, three = files_of(tmp_path / "one"), files_of(tmp_path / "three")
    different = {name for name, text in three.items() if one[name] != text}
    assert different == {"source/a.png", "export.json"}


def test_cross_driving_names_both_clips_and_numbers_follow_the_driver(written_store, tmp_path):
    cross = tmp_path / "mine.json"
    cross.write_text(json.dumps(CROSS))
    out, store = tmp_path / "out", open_store(written_store)
    assert store_to_inputs(written_store, out, ["dwpose", "mesh-flow"], cross).done == ("b/1/by/a", "a")
    rows = {row["item"]: row for row in read_table(out)}
    row = rows["b/1/by/a"]
    assert [row[name] for name in ("source_clip", "source_frame", "driving_clip", "first", "count")] == [
        "b/1", "5", "a", "1", "3",
    ]  # fmt: skip
    np.testing.assert_array_equal(read_image(out / row["source"]), store["b/1"].frames[5])
    assert sorted(path.name for path in (out / row["dwpose"]).iterdir()) == [
        f"{n:05d}.png" for n in (1, 2, 3)
    ]
    with np.load(out / row["mesh-flow"]) as made:
        expected = store["a"].poses(1, 4).mesh_flow(store["b/1"].source(5), 2)
        np.testing.assert_array_equal(made["flow"][2], expected)


def test_a_second_start_does_what_is_missing(written_store, tmp_path):
    out = tmp_path / "out"
    store_to_inputs(written_store, out, ["dwpose", "openpose-json"], BENCHMARK)
    whole = files_of(out)
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    report = store_to_inputs(written_store, out, ["openpose-json"], BENCHMARK)
    assert (report.done, report.skipped) == ((), ("a", "b/1"))
    (out / "source" / "a.png").unlink()
    (out / "source" / ".a.png.0123abcd.part").write_bytes(b"half")
    assert store_to_inputs(written_store, out, ["dwpose"], BENCHMARK).done == ("a",)
    assert files_of(out) == whole
    changed = {path.name for path in times if path.stat().st_mtime_ns != times[path]}
    assert changed == {"a.png"}


def test_formats_are_added(written_store, tmp_path):
    store_to_inputs(written_store, tmp_path / "one", ["dwpose"], BENCHMARK)
    store_to_inputs(written_store, tmp_path / "one", ["openpose-json"], BENCHMARK)
    store_to_inputs(written_store, tmp_path / "two", ["dwpose", "openpose-json"], BENCHMARK, workers=2)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_interrupted_and_started_again_is_as_if_undisturbed(written_store, tmp_path, monkeypatch):
    def stops(task):
        if task.item.id == "b/1":
            raise KeyboardInterrupt
        return original(task)

    original = inputs._task_to_entry
    monkeypatch.setattr(inputs, "_task_to_entry", stops)
    with pytest.raises(KeyboardInterrupt):
        store_to_inputs(written_store, tmp_path / "out", ["dwpose"], BENCHMARK)
    monkeypatch.undo()
    assert "b/1: expected inputs, found none (not exported yet)" in inputs_to_problems(tmp_path / "out")[0]
    report = store_to_inputs(written_store, tmp_path / "out", ["dwpose"], BENCHMARK)
    assert (report.done, report.skipped) == (("b/1",), ("a",))
    store_to_inputs(written_store, tmp_path / "whole", ["dwpose"], BENCHMARK)
    assert files_of(tmp_path / "out") == files_of(tmp_path / "whole")


def test_what_fails_is_listed_and_leaves_no_half(written_store, tmp_path):
    with h5py.File(clip_path(written_store, "test", "a"), "r+") as file:
        del file["mesh"]
    report = store_to_inputs(written_store, tmp_path / "out", ["mesh-flow"], BENCHMARK)
    assert (report.done, list(report.failed)) == (("b/1",), ["a"])
    assert "expected a mesh in source and driving clip, found none" in report.failed["a"]
    assert [row["item"] for row in read_table(tmp_path / "out")] == ["b/1"]
    assert not list((tmp_path / "out").rglob("*.part"))
    assert len(inputs_to_problems(tmp_path / "out")) == 1


def without_mesh(store, *clips):
    for clip in clips:
        with h5py.File(clip_path(store, "test", clip), "r+") as file:
            del file["mesh"]


def test_a_format_that_fails_everywhere_drops_and_locks_nothing(written_store, tmp_path):
    out = tmp_path / "out"
    without_mesh(written_store, "a", "b/1")
    store_to_inputs(written_store, out, ["openpose-json"], BENCHMARK)
    whole = files_of(out)
    report = store_to_inputs(written_store, out, ["mesh-flow"], BENCHMARK)
    assert (report.done, list(report.failed)) == ((), ["a", "b/1"])
    manifest = json.loads((out / "export.json").read_text())
    assert (manifest["formats"], list(manifest["entries"])) == (["openpose-json"], ["a", "b/1"])
    assert (manifest["complete"], list(manifest["failures"])) == (False, ["a", "b/1"])
    assert inputs_to_problems(out) == []
    again = store_to_inputs(written_store, out, ["openpose-json"], BENCHMARK)
    assert (again.done, again.skipped, again.failed) == ((), ("a", "b/1"), {})
    assert files_of(out) == whole


def test_a_folder_that_was_locked_by_a_format_without_files_is_opened(written_store, tmp_path):
    out = tmp_path / "out"
    without_mesh(written_store, "a", "b/1")
    store_to_inputs(written_store, out, ["openpose-json"], BENCHMARK)
    whole = files_of(out)
    manifest = json.loads((out / "export.json").read_text())
    locked = manifest | {"formats": ["openpose-json", "mesh-flow"], "entries": {}, "complete": False}
    (out / "export.json").write_text(json.dumps(locked))
    assert store_to_inputs(written_store, out, ["openpose-json"], BENCHMARK).done == ("a", "b/1")
    assert files_of(out) == whole


def test_a_format_that_fails_for_an_item_leaves_its_other_formats_and_an_empty_cell(written_store, tmp_path):
    out = tmp_path / "out"
    without_mesh(written_store, "a")
    report = store_to_inputs(written_store, out, ["dwpose", "mesh-flow"], BENCHMARK)
    assert (report.done, list(report.failed)) == (("b/1",), ["a"])
    first, second = read_table(out)
    assert (first["dwpose"], first["mesh-flow"]) == ("dwpose/a", "")
    assert (second["dwpose"], second["mesh-flow"]) == ("dwpose/b/1", "mesh-flow/b/1.npz")
    (problem,) = inputs_to_problems(out)
    assert re.search(
        r"^a: mesh-flow: expected it, found none \(.*expected a mesh .*\); export again$", problem
    )


def test_an_interrupted_addition_keeps_what_was_done(written_store, tmp_path, monkeypatch):
    out = tmp_path / "out"
    store_to_inputs(written_store, out, ["dwpose"], BENCHMARK)

    def stops(_task):
        raise KeyboardInterrupt

    monkeypatch.setattr(inputs, "_task_to_entry", stops)
    with pytest.raises(KeyboardInterrupt):
        store_to_inputs(written_store, out, ["openpose-json"], BENCHMARK)
    monkeypatch.undo()
    manifest = json.loads((out / "export.json").read_text())
    assert (manifest["formats"], list(manifest["entries"])) == (["dwpose"], ["a", "b/1"])
    assert inputs_to_problems(out) == []
    assert store_to_inputs(written_store, out, ["dwpose"], BENCHMARK).skipped == ("a", "b/1")


def test_no_name_in_the_table_is_a_formula():
    file = {"path": "x", "sha256": "0"}
    entries = {
        name: {"files": {"source": file, "dwpose": file | {"path": name}},
               "source": {"clip": name, "frame": 0}, "driving": name, "first": 0, "count": 1,
               "size": [2, 2], "fps": 8.0}
        for name in HOSTILE
    }  # fmt: skip
    rows = list(csv.reader(io.StringIO(entries_to_csv(entries, ["dwpose"]), newline="")))
    assert len(rows) == 1 + len(HOSTILE)
    for row, name in zip(rows[1:], HOSTILE, strict=True):
        assert [cell for cell in row if cell.lstrip().startswith(("=", "+", "-", "@"))] == []
        assert [row[column].removeprefix("'") for column in (0, 1, 3, 10)] == [name.removeprefix("'")] * 4


def test_an_export_of_hostile_names_is_checked_as_it_was_written(written_store, tmp_path):
    cross = tmp_path / "mine.json"
    names = ("=HYPERLINK(1)", "  =1+1", "@SUM(1)", "+1", "-1")
    cross.write_text(json.dumps(CROSS | {"items": [CROSS["items"][1] | {"id": name} for name in names]}))
    store_to_inputs(written_store, tmp_path / "out", ["openpose-json"], cross)
    assert [row["item"] for row in read_table(tmp_path / "out")] == [f"'{name}" for name in names]
    assert inputs_to_problems(tmp_path / "out") == []


def test_another_body_is_another_export_unless_the_manifest_is_older(written_store, tmp_path):
    out = tmp_path / "out"
    store_to_inputs(written_store, out, ["mesh-flow"], BENCHMARK)
    manifest = json.loads((out / "export.json").read_text())
    with h5py.File(clip_path(written_store, "test", "a"), "r+") as file:
        file["mesh/vertices"][-1, 0, 0] += 1
    with pytest.raises(ExportError, match=r"found another \(store.meshes_sha256: '\w{64}', now '\w{64}'\)"):
        store_to_inputs(written_store, out, ["mesh-flow"], BENCHMARK)
    del manifest["store"]["meshes_sha256"]
    (out / "export.json").write_text(json.dumps(manifest))
    assert store_to_inputs(written_store, out, ["mesh-flow"], BENCHMARK).skipped == ("a", "b/1")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dwpose/a/00001.png", "a: dwpose: expected .*dwpose/a as it was exported, found it changed"),
        ("source/a.png", "a: source: expected .*source/a.png as it was exported, found it changed"),
        ("items.csv", r"items.csv: expected what the manifest says, found none or another"),
    ],
)
def test_check_reads_to_the_last_byte(written_store, tmp_path, name, text):
    out = tmp_path / "out"
    store_to_inputs(written_store, out, ["dwpose"], BENCHMARK)
    whole = (out / name).read_bytes()
    (out / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    (problem,) = inputs_to_problems(out)
    assert re.search(text, problem)
    (out / name).unlink()
    assert len(inputs_to_problems(out)) == 1
    result = CliRunner().invoke(main, ["check", str(out)])
    assert result.exit_code == 1
    assert "1 problems" in result.output


def test_other_folders_are_refused(written_store, tmp_path):
    out = tmp_path / "out"
    store_to_inputs(written_store, out, ["dwpose"], BENCHMARK)
    with h5py.File(clip_path(written_store, "test", "a"), "r+") as file:
        file["keypoints"][0, 0, 0] += 1
    with pytest.raises(ExportError, match=r"found another \(store.poses_sha256"):
        store_to_inputs(written_store, out, ["dwpose"], BENCHMARK)
    with pytest.raises(ExportError, match="expected an empty folder or an export of the same benchmark"):
        store_to_inputs(written_store, written_store, ["dwpose"], BENCHMARK)
    manifest = json.loads((out / "export.json").read_text())
    del manifest["entries"]["a"]["size"]
    (out / "export.json").write_text(json.dumps(manifest))
    with pytest.raises(ExportError, match=r"export.json: expected the entry of a, found none; export again"):
        inputs_to_problems(out)


def test_words_that_do_not_fit_together_are_refused(written_store, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(UsageError, match="expected --benchmark for dwpose, heatmaps, got none"):
        store_to_exports(written_store, out, ["dwpose", "heatmaps"])
    with pytest.raises(UsageError, match="expected pose-pack alone, which holds the whole store"):
        store_to_exports(written_store, out, ["pose-pack", "dwpose"], benchmark=BENCHMARK)
    with pytest.raises(RegistryError, match="expected a known format, got 'dwpos'; did you mean 'dwpose'"):
        store_to_exports(written_store, out, ["dwpos"], benchmark=BENCHMARK)
    with pytest.raises(BenchmarkError, match="the store does not fit iper-v1"):
        store_to_exports(written_store, out, ["dwpose"], benchmark="iper-v1")
    assert not out.exists()


def test_the_command_line(written_store, tmp_path):
    words = ["export", str(written_store), str(tmp_path / "out"), "--format", "dwpose, openpose-json"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1
    assert "expected --benchmark for dwpose, openpose-json, got none" in result.output
    result = CliRunner().invoke(main, [*words, "--benchmark", BENCHMARK])
    assert (result.exit_code, result.output) == (0, f"{tmp_path / 'out'}: 2 clips exported\n")
    again = CliRunner().invoke(main, [*words, "--benchmark", BENCHMARK])
    assert again.output == f"{tmp_path / 'out'}: 0 clips exported, 2 were there already\n"
    assert CliRunner().invoke(main, ["check", str(tmp_path / "out")]).exit_code == 0
