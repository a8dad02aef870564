"""`vptbench benchmarks`: a table, and documents that can be loaded as they are printed."""

import json

import pytest
from click.testing import CliRunner

from vptbench.benchmarks.loader import BENCHMARKS, NOISY_BENCHMARKS, load_benchmark
from vptbench.benchmarks.noisy import load_noisy_benchmark, read_any_benchmark
from vptbench.cli import main

ITEM = {
    "id": "a", "source": {"clip": "a", "frame": 1}, "driving": {"clip": "b", "first": 2, "last": 4},
    "real": {"clip": "c", "first": 0, "last": 1},
}  # fmt: skip


def run(*words):
    return CliRunner().invoke(main, ["benchmarks", *map(str, words)])


def renamed(text, path, **changes):
    """What `show` printed, under another id, in a file."""
    path.write_text(json.dumps(json.loads(text) | {"id": "mine-v7"} | changes))
    return path


def test_every_id_has_a_row():
    rows = json.loads(run("list", "--json").output)
    assert [row["id"] for row in rows] == [*BENCHMARKS, *NOISY_BENCHMARKS]
    by_id = {row["id"]: row for row in rows}
    assert by_id["iper-bdmm-v1"] == {
        "id": "iper-bdmm-v1", "dataset": "iper", "split": "test", "driving": "self", "crop": "bdmm-crop-v1",
        "size": [256, 256], "source": "random of first 20, seed 0", "pooling": "frame", "reference": "train",
        "clean": None, "sha256": load_benchmark("iper-bdmm-v1").sha256,
    }  # fmt: skip
    noisy, clean = by_id["iper-noisy-v1"], by_id["iper-v1"]
    assert {name for name in noisy if noisy[name] != clean[name]} == {"id", "clean", "sha256"}
    assert noisy["clean"] == "iper-v1"
    assert noisy["sha256"] == load_noisy_benchmark("iper-noisy-v1").sha256


def test_the_table_has_no_hashes_and_tells_noise_from_protocols():
    heading, *lines = run("list").output.splitlines()
    assert heading.split() == [
        "id", "dataset", "split", "driving", "crop", "size", "source", "pooling", "reference", "noise", "on",
    ]  # fmt: skip
    by_id = {line.split()[0]: line for line in lines}
    assert list(by_id) == [*BENCHMARKS, *NOISY_BENCHMARKS]
    assert not any(load_benchmark(name).sha256[:8] in by_id[name] for name in BENCHMARKS)
    assert by_id["iper-v1"].split() == [
        "iper-v1", "iper", "test", "self", "clip-square-v1", "256×256", "frame", "0", "clip", "test",
    ]  # fmt: skip
    assert by_id["synthetic-v1"].split()[5] == "any"
    for name in NOISY_BENCHMARKS:
        assert by_id[name].index(name.replace("-noisy", ""), 20) == heading.index("noise on")


@pytest.mark.parametrize("name", [*BENCHMARKS, *NOISY_BENCHMARKS])
def test_what_is_shown_can_be_loaded_under_another_id(tmp_path, name):
    shown = run("show", name)
    document, found = read_any_benchmark(name)
    assert json.loads(shown.stdout) == document
    assert shown.stderr == f"sha256 {found.sha256}\n"
    _, mine = read_any_benchmark(renamed(shown.stdout, tmp_path / "mine.json"))
    ours = {"id": "mine-v7", "sha256": mine.sha256}
    assert vars(mine) == vars(found) | ours
    assert mine.sha256 != found.sha256


def test_items_and_lists_of_source_frames_are_shown_as_they_stand(tmp_path):
    items = {
        "driving": "cross", "items": [ITEM], "metrics": ["fid-v1"], "targets": "all", "reference": "test",
    }  # fmt: skip
    plain = json.loads(run("show", "iper-v1").stdout)
    path = tmp_path / "mine.json"
    path.write_text(
        json.dumps({key: value for key, value in plain.items() if key != "source"} | items | {"id": "x-v1"})
    )
    shown = run("show", path)
    assert json.loads(shown.stdout)["items"] == [ITEM]
    assert load_benchmark(renamed(shown.stdout, tmp_path / "other.json")).items == load_benchmark(path).items
    (tmp_path / "frames.json").write_text('{"a": 3}')
    listed = renamed(json.dumps(plain), path, source={"list": "frames.json"})
    shown = run("show", listed)
    assert json.loads(shown.stdout)["source"] == {"list": "frames.json"}
    assert shown.stderr == f"sha256 {load_benchmark(listed).sha256}\n"
    assert load_benchmark(renamed(shown.stdout, tmp_path / "other.json")).source_frame("a", 9) == 3


def test_unknown_ids_and_metrics_are_refused_in_one_line(tmp_path):
    path = renamed(run("show", "iper-v1").stdout, tmp_path / "mine.json", metrics=["ssim-v1", "sim-v1"])
    for words, text in (
        ("synthetic-v2", "did you mean 'synthetic-v1'"),
        (path, "expected a known metric, got 'sim-v1'; did you mean 'ssim-v1'"),
    ):
        result = run("show", words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert len(result.stderr.splitlines()) == 1
        assert text in result.stderr
