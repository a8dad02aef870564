"""From BDMM's prepared folder and its test list to a benchmark: cut frames stay, numbers become positions."""

import json

import numpy as np
import pytest
from bdmm_folder import add, write_list
from click.testing import CliRunner

from vptbench import open_store
from vptbench.benchmarks.items import benchmark_items
from vptbench.benchmarks.loader import load_benchmark, read_document
from vptbench.cli import main
from vptbench.errors import BenchmarkError
from vptbench.image import read_image
from vptbench.prepare.build import source_to_store
from vptbench.prepare.settings import PrepareSettings
from vptbench.prepare.testlist import ListReport, list_to_benchmark
from vptbench.score.published import resolve_groups
from vptbench.store.check import store_to_problems

NUMBERS = (0, 1, 3, 4, 7)
"""Frames of the clips: 2, 5 and 6 were dropped."""


def run(*words):
    return CliRunner().invoke(main, list(map(str, words)))


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    raw = tmp_path_factory.mktemp("raw")
    add(raw, "91-3003CN5S", numbers=NUMBERS, size=256)
    add(raw, "A1+x", numbers=(0, 1, 2), size=256)
    add(raw, "t", "train", numbers=(5, 6), size=256)
    write_list(raw, ("91-3003CN5S", 3, (0, 1, 2, 3, 4, 7)), ("A1+x", 1, (0, 1)), ("gone", 0, (0,)))
    return raw


@pytest.fixture(scope="module")
def store(raw, tmp_path_factory):
    """Made by the command line for the published protocol."""
    path = tmp_path_factory.mktemp("prepared") / "store"
    done = run(
        "prepare", "bdmm-preprocessed", raw, path, "--benchmark", "fashionvideo-bdmm-v1", "--body", "none"
    )
    assert (done.exit_code, done.output.count("\n")) == (1, 3), done.output  # one clip is gone
    return path


def test_frames_that_are_cut_already_stay_as_they_are(raw, store):
    clip = open_store(store)["91-3003CN5S"]
    pictures = raw / "test" / "91-3003CN5S.mp4" / "frames"
    for position, number in enumerate(NUMBERS):
        picture = read_image(pictures / f"frame_{number:05d}.png")
        np.testing.assert_array_equal(clip.frames[position], picture)
        document = json.loads((pictures.parent / "kptsmpls" / f"frame_{number:05d}.json").read_text())
        written = np.float32(document["pose_keypoints_2d"])[0]
        np.testing.assert_allclose(clip.keypoints[position, 0], written, rtol=1e-6)
    assert (clip.attributes["crop"], clip.attributes["raw_crop"]) == ("bdmm-crop-v1", "bdmm-crop-v1")
    assert list(clip.attributes["crop_box"]) == [0, 0, 256, 256]
    assert list(clip.attributes["raw_frames"]) == list(NUMBERS)
    assert "raw_frames" not in open_store(store)["A1+x"].attributes
    assert list(open_store(store)["t"].attributes["raw_frames"]) == [5, 6]
    assert store_to_problems(store) == []


def test_the_store_fits_what_fashionvideo_fits(raw, store, tmp_path):
    items = benchmark_items(load_benchmark("fashionvideo-bdmm-v1"), open_store(store))
    assert [(item.id, item.count) for item in items] == [("91-3003CN5S", 5), ("A1+x", 3)]
    with pytest.raises(BenchmarkError, match="expected crop 'clip-square-v1', found 'bdmm-crop-v1'"):
        benchmark_items(load_benchmark("fashionvideo-v1"), open_store(store))
    settings = PrepareSettings(size=256, crop="clip-square-v1", body="none")
    source_to_store("bdmm-preprocessed", raw, tmp_path / "square", settings)
    square = open_store(tmp_path / "square")
    assert len(benchmark_items(load_benchmark("fashionvideo-v1"), square)) == 2
    assert square["A1+x"].attributes["raw_crop"] == "bdmm-crop-v1"  # cut twice
    assert resolve_groups(["all"], "bdmm-preprocessed") == resolve_groups(["all"], "fashionvideo") != ()


def test_dropped_frames_are_counted_from_the_names(tmp_path):
    """A frame that is there but shows nobody: what is left keeps the numbers in the names."""
    folder = tmp_path / "raw"
    path = add(folder, "a", numbers=NUMBERS, size=256) / "kptsmpls" / "frame_00003.json"
    document = json.loads(path.read_text())
    document["pose_keypoints_2d"] = [[0.0, 0.0, 0.0]] * 25
    path.write_text(json.dumps(document))
    settings = PrepareSettings(crop="bdmm-crop-v1", body="none", lost="drop")
    source_to_store("bdmm-preprocessed", folder, tmp_path / "store", settings)
    assert list(open_store(tmp_path / "store")["a"].attributes["raw_frames"]) == [0, 1, 4, 7]


def test_numbers_in_names_become_positions(raw, store, tmp_path):
    """Frame 3 is the clip's third; of the listed frames 2 is not there, and of A1+x's 2 is not listed."""
    out = tmp_path / "mine.json"
    report = list_to_benchmark(raw / "test_list.csv", out, store)
    assert report == ListReport("fashionvideo-bdmm-list-v1", videos=2, absent=1, missing=1, surplus=1)
    sources = {item.id: item.source_frame for item in benchmark_items(load_benchmark(out), open_store(store))}
    assert sources == {"91-3003CN5S": 2, "A1+x": 1}
    changed = {"id": "fashionvideo-bdmm-list-v1", "source": {"list": "mine.sources.json"}}
    assert read_document(out)[0] == read_document("fashionvideo-bdmm-v1")[0] | changed
    list_to_benchmark(raw / "test_list.csv", out, store)  # the same again is no harm


def test_a_raw_store_counts_from_its_own_frames(fashion, tmp_path):
    fashion.add("91-3003CN5S", truth=False)
    for number in (0, 2):
        path = fashion.path / "openpose" / "91-3003CN5S" / f"{number:012d}_keypoints.json"
        path.write_text('{"people": []}')
    write_list(tmp_path, ("91-3003CN5S", 3, range(10)))
    places = {}
    for lost in ("mark", "drop"):
        settings = PrepareSettings(crop="bdmm-crop-v1", body="none", lost=lost)
        source_to_store("fashionvideo", fashion.path, tmp_path / lost, settings)
        report = list_to_benchmark(tmp_path / "test_list.csv", tmp_path / f"{lost}.json", tmp_path / lost)
        assert (report.missing, report.surplus) == ((2, 0) if lost == "drop" else (0, 0))
        places[lost] = load_benchmark(tmp_path / f"{lost}.json").source_frame("91-3003CN5S", 8)
    assert places == {"mark": 3, "drop": 1}


def test_the_command_says_what_differs(raw, store, tmp_path):
    words = ("benchmarks", "import", raw / "test_list.csv", "--out", tmp_path / "a.json")
    done = run(*words, "--store", store)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        f"{tmp_path / 'a.json'}: fashionvideo-bdmm-list-v1, source frames of 2 videos; the store lacks 1 "
        "videos and 1 frames of the list, and has 1 frames more\n"
    )
    done = run(*words)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "expected --store for a .csv, got none; give the clips that it is for" in done.stderr
    done = run("benchmarks", "import", "x.json", "--out", tmp_path / "b.json")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "x.json: expected --dataset and --driving for a .json, got none; give both" in done.stderr


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("91-3003CN5S", 2, (0,))], "91-3003CN5S: expected one source frame that the store has, found 2;"),
        ([("b", 0, (0,))], "expected clips of .*, found none of them; give their store"),
        ([("t", 5, (5,))], "found none of them"),  # a train clip
    ],
)
def test_lists_that_do_not_fit_are_refused(store, tmp_path, rows, message):
    write_list(tmp_path, *rows)
    with pytest.raises(BenchmarkError, match=message):
        list_to_benchmark(tmp_path / "test_list.csv", tmp_path / "mine.json", store)
    assert not list(tmp_path.glob("mine*"))


def test_other_stores_and_other_files_are_refused(raw, store, stores, tmp_path):
    with pytest.raises(BenchmarkError, match=r"expected a store of fashionvideo .* got a store of iper"):
        list_to_benchmark(raw / "test_list.csv", tmp_path / "mine.json", stores["iper"])
    with pytest.raises(BenchmarkError, match=r"an output that ends in \.json"):
        list_to_benchmark(raw / "test_list.csv", tmp_path / "mine.txt", store)
    (tmp_path / "mine.json").write_text("{}")
    with pytest.raises(BenchmarkError, match=r"mine\.json: expected no file, or what is written now, found"):
        list_to_benchmark(raw / "test_list.csv", tmp_path / "mine.json", store)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.json"]
    assert (tmp_path / "mine.json").read_text() == "{}"
