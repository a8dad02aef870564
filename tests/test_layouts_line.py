"""The oracle's frames in every layout, through `score --layout auto`: each file is of the right clip."""

import json
from importlib.resources import files

import foreign_layouts as foreign
import numpy as np
import pytest
from click.testing import CliRunner

import vptbench.score
from vptbench.cli import main
from vptbench.errors import VptbenchError
from vptbench.outputs import Reading
from vptbench.outputs.layouts import LAYOUTS
from vptbench.prepare.build import source_to_store
from vptbench.prepare.settings import PrepareSettings
from vptbench.store import open_store
from vptbench.synth.build import seed_to_raw

FRAMES = 8
SIZE = 64
METRICS = ("ssim-v1", "l1-v1")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Two test clips of 8 frames, 64 pixels."""
    root = tmp_path_factory.mktemp("layouts")
    seed_to_raw(root / "raw", layout="iper", clips=6, frames=FRAMES, size=SIZE, seed=5)
    assert not source_to_store("iper", root / "raw", root / "store", PrepareSettings(size=SIZE)).failed
    return root / "store"


@pytest.fixture(scope="module")
def truth(store):
    """The true frames, all different from one another."""
    opened = open_store(store)
    frames = {clip: np.asarray(opened[clip].frames[:]) for clip in opened.ids("test")}
    assert len(frames) == 2
    everything = np.concatenate(list(frames.values())).reshape(2 * FRAMES, -1)
    assert len(np.unique(everything, axis=0)) == 2 * FRAMES
    return frames


def items(truth, path, driving="self", **fields):
    """A benchmark that spells out its items, as the import of his_evaluators' files writes it."""
    document = json.loads((files("vptbench.benchmarks") / "synthetic-v1.json").read_text())
    del document["source"]
    spans = [
        {
            "id": clip, "source": {"clip": clip, "frame": 0},
            "driving": {"clip": clip, "first": 0, "last": FRAMES - 1},
            "real": {"clip": clip, "first": 0, "last": FRAMES - 1},
        }
        for clip in reversed(list(truth))
    ]  # fmt: skip
    document |= {"id": "items-v1", "driving": driving, "items": spans, "targets": "all", **fields}
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
def benchmark(truth, tmp_path):
    """A function from a layout's name to the benchmark that it needs."""

    def make(name):
        return items(truth, tmp_path / "items.json") if name.startswith("his") else "synthetic-v1"

    return make


def write(name, folder, clips):
    writers = {**foreign.LOSSLESS, **foreign.LOSSY}
    if name.startswith("his"):
        clips = dict(reversed(list(clips.items())))
    writers[name](folder, clips)
    return folder


def score(made, scores, store, benchmark="synthetic-v1", metrics=METRICS, **reading):
    return vptbench.score.run(
        made, scores, store=store, benchmark=benchmark, metrics=metrics, weights="random",
        reading=Reading(**reading),
    )  # fmt: skip


def test_every_layout_that_is_fit_for_scoring_is_written_here():
    written = {name.split()[0] for name in (*foreign.LOSSLESS, *foreign.LOSSY)}
    assert written | {"flat-folder"} == {name for name, row in LAYOUTS.items() if not row.refusal}


@pytest.mark.parametrize("name", foreign.LOSSLESS)
def test_lossless_layouts_give_the_very_frames(name, store, truth, benchmark, tmp_path):
    made = write(name, tmp_path / "made", truth)
    scores = score(made, tmp_path / "scores", store, benchmark(name))
    assert scores.layout == name.split()[0]
    assert scores.official
    assert (scores.metrics["ssim-v1"].value, scores.metrics["l1-v1"].value) == (1, 0)
    assert scores.metrics["l1-v1"].frames == 2 * (FRAMES - 1)
    assert scores.reading["lossless"] is True


CONTAINERS = {
    "impersonator": "JPEG of quality 95", "his-self": "JPEG of quality 95", "his-cross": "JPEG of quality 95",
    "magicpose": "JPEG of quality 90", "clip-folders jpeg": "JPEG of quality 95", "clip-folders webp": "WebP",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in foreign.LOSSY if name != "mimicmotion"])
def test_lossy_layouts_say_so(name, store, truth, benchmark, tmp_path):
    made = write(name, tmp_path / "made", truth)
    scores = score(made, tmp_path / "scores", store, benchmark(name))
    assert scores.layout == name.split()[0]
    assert scores.reading["lossless"] is False
    assert scores.reading["container"] == CONTAINERS.get(name, "h264 yuv420p")
    assert 0.9 < scores.metrics["ssim-v1"].value < 1
    assert 0 < scores.metrics["l1-v1"].value < 0.02
    per_frame = scores.per_frame[scores.per_frame["metric"] == "l1-v1"]
    assert per_frame["value"].max() < 0.03  # no frame is another one


def damaged(name, made):
    """The files of frames, and the third of them."""
    found = foreign.frame_files(made, name.split()[0])
    return found[2 if len(found) > 2 else 1]


NAMED = [*foreign.LOSSLESS, *(name for name in foreign.LOSSY if name != "mimicmotion")]


@pytest.mark.parametrize("name", NAMED)
def test_a_missing_file_is_refused_by_name(name, store, truth, benchmark, tmp_path):
    made = write(name, tmp_path / "made", truth)
    lost = damaged(name, made) if name != "clip-arrays hdf5" else None
    if lost is None:
        foreign.one_hdf5(made, dict(list(truth.items())[:1]))
    else:
        lost.unlink()
    with pytest.raises(VptbenchError) as info:
        score(made, tmp_path / "scores", store, benchmark(name))
    first, second = truth
    per_frame = lost is not None and len(foreign.frame_files(made, name.split()[0])) > 2
    if name.startswith("his"):
        assert "expected 16 pictures" in str(info.value)
        assert "found 15; the first missing is pred_00000002.jpg" in str(info.value)
    elif per_frame:
        assert f"clip {first}: 1 of 7 frames are missing (number 2)" in str(info.value)
    else:
        assert f"1 of 2 clips are missing ({second})" in str(info.value)
    assert not (tmp_path / "scores" / "scores.json").exists()


@pytest.mark.parametrize("name", [name for name in NAMED if "arrays" not in name])
def test_a_file_of_another_size_is_refused_by_name(name, store, truth, benchmark, tmp_path):
    """A picture among others, or a whole video or filmstrip."""
    made = write(name, tmp_path / "made", truth)
    path = damaged(name, made)
    if path.suffix in {".mp4", ".mkv"}:
        path.unlink()
        foreign.video(path, [np.zeros((32, 60, 3), np.uint8)] * FRAMES)
    else:
        foreign.picture(path, np.zeros((32, 60, 3), np.uint8))
    with pytest.raises(VptbenchError) as info:
        score(made, tmp_path / "scores", store, benchmark(name))
    clip = list(truth)[1 if path.suffix in {".mp4", ".mkv"} or "fomm" in name else 0]
    assert path.name in str(info.value) or clip in str(info.value)
    assert not (tmp_path / "scores" / "scores.json").exists()


@pytest.mark.parametrize("name", ["bdmm-strips", "disco", "clip-arrays", "fomm-reconstruction"])
def test_swapped_files_are_not_refused_but_seen_in_the_figures(name, store, truth, benchmark, tmp_path):
    """No name tells that two files were swapped."""
    made = write(name, tmp_path / "made", truth)
    found = foreign.frame_files(made, name)
    one, other = found[1 if len(found) > 2 else 0], found[-1]
    one.rename(made / "spare")
    other.rename(one)
    (made / "spare").rename(other)
    scores = score(made, tmp_path / "scores", store, benchmark(name))
    assert scores.metrics["l1-v1"].value > 0
    changed = scores.per_frame[(scores.per_frame["metric"] == "l1-v1") & (scores.per_frame["value"] > 0)]
    assert len(changed) == (2 if len(found) > 2 else 2 * (FRAMES - 1))


def test_mimicmotion_takes_every_second_driving_frame(store, truth, tmp_path):
    made = write("mimicmotion", tmp_path / "made", {clip: frames[::2] for clip, frames in truth.items()})
    first = next(iter(truth))
    text = (
        rf"clip {first}: 4 of 7 frames are missing \(number 4, 5, 6, 7\), found 4 frames, 0 to 3; "
        "frames are not paired by position: say with --stride and --offset"
    )
    with pytest.raises(VptbenchError, match=text):
        score(made, tmp_path / "s", store)
    scores = score(made, tmp_path / "scores", store, stride=2)
    assert (scores.layout, scores.official, scores.is_partial) == ("mimicmotion", False, True)
    assert (scores.reading["scored"], scores.reading["asked"]) == (6, 14)
    assert sorted(set(scores.per_frame["frame"])) == [2, 4, 6]
    assert scores.per_frame.query("metric == 'l1-v1'")["value"].max() < 0.03
    whole = score(write("clip-folders", tmp_path / "whole", truth), tmp_path / "w", store)
    assert whole.clip_list_sha256 != scores.clip_list_sha256  # they never stand in one table
    with pytest.raises(VptbenchError, match=r"clip .*: expected 3 frames, found 4; frames are not paired by"):
        score(made, tmp_path / "t", store, stride=3)
    cut = write("mimicmotion", tmp_path / "cut", {clip: frames[1:7:2] for clip, frames in truth.items()})
    with pytest.raises(
        VptbenchError, match=r"1 of 4 frames are missing \(number 7\), found 3 frames, 1 to 5"
    ):
        score(cut, tmp_path / "u", store, stride=2, offset=1)


def test_outputs_that_end_before_the_clip(store, truth, tmp_path):
    made = write("moore", tmp_path / "made", {clip: frames[:5] for clip, frames in truth.items()})
    scores = score(made, tmp_path / "scores", store, count=5)
    assert (scores.official, scores.reading["scored"], scores.reading["asked"]) == (False, 8, 14)
    with pytest.raises(VptbenchError, match=r"expected 4 frames, found 5"):
        score(made, tmp_path / "s", store, count=4)


def test_a_longer_video_is_not_paired_by_position(store, truth, tmp_path):
    made = write("clip-videos", tmp_path / "made", {c: np.repeat(f, 2, axis=0) for c, f in truth.items()})
    with pytest.raises(VptbenchError, match=r"clip .*: expected 8 frames, found 16; frames are not paired"):
        score(made, tmp_path / "s", store)


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_the_command_line(store, truth, tmp_path):
    made = tmp_path / "made"
    for clip, frames in truth.items():
        for k, frame in enumerate(frames):
            foreign.picture(made / clip / f"out-{k + 1:03d}.jpg", foreign.beside(frame, 2, 1), quality=100)
    words = [
        "score",
        made,
        tmp_path / "scores",
        "--store",
        store,
        "--benchmark",
        "synthetic-v1",
        "--metrics",
        "l1-v1",
    ]
    words += ["--pattern", "{clip}/out-{frame:03d}.jpg", "--panel", "2/2", "--first", "1"]
    done = run(*words, "--claim", "model=mine")
    assert done.exit_code == 0, done.output
    assert f"{made}: layout pattern: as --pattern says" in done.output
    assert (
        "mine: read as pattern from JPEG of quality 100 (lossy: some quality went before scoring)."
        in done.output
    )
    record = json.loads((tmp_path / "scores" / "scores.json").read_text())["reading"]
    assert (record["pattern"], record["panel"], record["first"]) == ("{clip}/out-{frame:03d}.jpg", "2/2", 1)
    done = run(*words, "--claim", "model=mine", "--json")
    assert json.loads(done.stdout)["reading"]["layout"] == "pattern"
    done = run(*words[:9], "--layout", "bdmm-strip")
    assert (done.exit_code, done.output.count("Error: ")) == (2, 1)
    assert "did you mean 'bdmm-strips'" in done.output


def test_a_part_is_refused_by_boards_and_shown_as_such(store, truth, tmp_path):
    made = write("clip-videos ffv1", tmp_path / "made", {clip: frames[::2] for clip, frames in truth.items()})
    done = run(
        "score", made, tmp_path / "s", "--store", store, "--benchmark", "synthetic-v1", "--metrics", "l1-v1",
        "--stride", 2,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "synthetic-v1, iper layout, a part of its frames (unofficial): 2 clips, 6 frames" in done.output
    assert "unofficial, 6 of 14 frames (stride 2)" in done.output
    done = run("leaderboard", "add", tmp_path / "s", "--board", tmp_path / "b.csv")
    assert (done.exit_code, "found 6 of 14 frames, a part of it (unofficial)" in done.output) == (2, True)
    done = run("report", tmp_path / "s", "--out", tmp_path / "r.html")
    assert done.exit_code == 0, done.output
    assert "is not shown" not in (tmp_path / "r.html").read_text()
    assert run("check", tmp_path / "s").exit_code == 0


def test_cross_driven_strips_are_named_after_the_source(store, truth, tmp_path):
    one, other = truth
    spans = [
        {
            "id": f"item/{k}", "source": {"clip": source, "frame": 0},
            "driving": {"clip": driving, "first": 0, "last": FRAMES - 1},
            "real": {"clip": source, "first": 0, "last": FRAMES - 1},
        }
        for k, (source, driving) in enumerate(((one, other), (other, one)))
    ]  # fmt: skip
    path = items(truth, tmp_path / "cross.json", driving="cross", items=spans, metrics=["fid-v1"])
    made = write("bdmm-strips", tmp_path / "made", truth)
    scores = score(made, tmp_path / "scores", store, path, metrics=("fid-v1",))
    assert set(scores.clips) == {"item/0", "item/1"}
    twice = [*spans, {**spans[0], "id": "item/2"}]
    path = items(truth, tmp_path / "twice.json", driving="cross", items=twice, metrics=["fid-v1"])
    with pytest.raises(VptbenchError, match=f"{one} could be clip item/0 or item/2"):
        score(made, tmp_path / "s", store, path, metrics=("fid-v1",))
