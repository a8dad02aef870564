import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dmm_model.config import resolve_preset
from dmm_model.diary import BOARD_FOLDER, Diary
from dmm_model.generate import generate_clip
from dmm_model.learner import make_learner
from dmm_model.train import train
from vptbench.errors import RunError
from vptbench.image import read_image
from vptbench.runfile import RunFacts, begin_run, store_to_json
from vptbench.runlog import read_log
from vptbench.store.reader import open_store
from vptbench.testing.models import example_clip
from vptbench.trainer import TrainSettings
from vptbench.weights import Networks

SMALLEST = (
    "generator.channels=4",
    "generator.widest=16",
    "generator.frames_per_chunk=2",
    "training.window=4",
)
NO_CRITICS = ("losses.spatial=0", "losses.temporal=0")
SIZE, GAP = 64, 2


@pytest.fixture
def run(stores, tmp_path):
    """A run that has just begun."""
    store = store_to_json(stores["fashionvideo"], tmp_path / "run", dataset="fashionvideo", clips={})
    return begin_run(tmp_path / "run", RunFacts("dmm", {}, 0, 100, store), resume=False)


@pytest.fixture
def learner():
    """A function from changes of the configuration to a learner."""

    def make(*changes):
        set_seed(0)
        preset = resolve_preset("tiny", (*SMALLEST, *NO_CRITICS, "training.sample_every=100", *changes), 100)
        return make_learner(preset, Accelerator(cpu=True))

    return make


@pytest.fixture
def open_diary(run, stores):
    """A function from a learner to its diary, which is closed in the end."""
    opened = []

    def make(learner, *, first=True):
        opened.append(Diary(run, learner, stores["fashionvideo"], SimpleNamespace(is_main_process=first)))
        return opened[-1]

    yield make
    for diary in opened:
        diary.close()


def terms(**values):
    return {name: torch.tensor(float(value)) for name, value in values.items()}


def write(diary, learner, iteration):
    learner.iteration = iteration
    diary.write()


def board_to_points(folder):
    """Steps and values by curve, as TensorBoard shows them."""
    board = EventAccumulator(str(folder)).Reload()
    return {
        tag: [(point.step, point.value) for point in board.Scalars(tag)] for tag in board.Tags()["scalars"]
    }


def test_a_row_holds_the_means_since_the_row_before(run, learner, open_diary):
    learner = learner("training.log_every=2")
    diary = open_diary(learner)
    diary.note(terms(l1=1, spatial=8), terms(spatial=0.5))
    diary.note(terms(l1=2, spatial=4), terms(spatial=0.25))
    write(diary, learner, 1)
    assert not run.log.exists()
    diary.note(terms(l1=6, spatial=6), terms(spatial=0))
    write(diary, learner, 2)
    for value in (5, 7):
        diary.note(terms(l1=value, spatial=value), terms(spatial=1))
    write(diary, learner, 4)
    log = read_log(run.log)
    assert log.drop(columns="seconds").to_dict("list") == {
        "iteration": [2, 4], "l1": [3, 6], "spatial": [6, 6], "d.spatial": [0.25, 1],
    }  # fmt: skip
    assert (log["seconds"] > 0).all()
    assert diary.notes == {"l1": "6", "spatial": "6", "d.spatial": "1"}


def test_rows_come_every_so_often_before_checkpoints_and_at_the_end(run, learner, open_diary):
    learner = learner("training.log_every=30", "training.save_every=40")
    diary = open_diary(learner)
    for iteration in range(10, 101, 10):
        diary.note(terms(l1=iteration), {})
        write(diary, learner, iteration)
    log = read_log(run.log)
    assert log["iteration"].tolist() == [30, 40, 60, 80, 90, 100]
    assert log["l1"].tolist() == [20, 40, 55, 75, 90, 100]


@pytest.mark.parametrize(
    ("changes", "columns"),
    [
        (NO_CRITICS, ["l1"]),
        (("losses.temporal=0",), ["l1", "spatial", "d.spatial"]),
        (("losses.spatial=0", "generator.frames_per_chunk=5", "training.window=10"),
         ["l1", "temporal", "d.temporal"]),
        (("losses.temporal=0", "losses.contextual=1", "losses.content=1"),
         ["l1", "spatial", "content", "contextual", "d.spatial"]),
    ],
)  # fmt: skip
def test_columns_are_exactly_the_configured_terms(stores, tmp_path, changes, columns):
    settings = TrainSettings(
        stores["fashionvideo"], tmp_path / "run", "tiny", 1, changes=(*SMALLEST, *changes),
        networks=Networks("random"),
    )  # fmt: skip
    train(settings)
    log = read_log(tmp_path / "run" / "log.csv")
    assert log.columns.tolist() == ["iteration", "seconds", *columns]
    assert np.isfinite(log.to_numpy()).all()
    points = board_to_points(tmp_path / "run" / BOARD_FOLDER)
    assert points == {name: [(1, pytest.approx(log[name].item()))] for name in columns}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_term_that_is_no_number_ends_the_run(run, learner, open_diary, value):
    diary = open_diary(learner())
    text = f"d.spatial = {value} in iteration 1; no checkpoint was saved before; lower training.learning_rate"
    with pytest.raises(RunError, match=text):
        diary.note(terms(l1=1), terms(spatial=value))
    assert not run.log.exists()


def test_points_are_on_disk_with_their_row(run, learner, open_diary):
    """Whatever is killed then: a checkpoint that follows has its curves."""
    learner = learner("training.log_every=1")
    diary = open_diary(learner)
    for iteration in (1, 2):
        diary.note(terms(l1=iteration), {})
        write(diary, learner, iteration)
    assert board_to_points(run.path / BOARD_FOLDER) == {"l1": [(1, 1), (2, 2)]}


def test_a_start_that_goes_on_takes_back_points_past_its_checkpoint(run, learner, open_diary, monkeypatch):
    learner = learner("training.log_every=1")
    clock = "tensorboard.summary.writer.event_file_writer.time"
    for begin, stop, value in ((0, 4, 1), (2, 3, 5), (2, 6, 7)):
        # Files are named and read by the second of their start, which here would be the same for all three.
        monkeypatch.setattr(clock, SimpleNamespace(time=lambda second=value: second))
        learner.iteration = begin
        run.log.unlink(missing_ok=True)
        diary = open_diary(learner)
        for iteration in range(begin + 1, stop + 1):
            diary.note(terms(l1=value), {})
            write(diary, learner, iteration)
    points = board_to_points(run.path / BOARD_FOLDER)
    assert points == {"l1": [(1, 1), (2, 1), (3, 7), (4, 7), (5, 7), (6, 7)]}


def test_a_strip_shows_true_frames_over_generated_ones(run, stores, learner, open_diary):
    learner = learner("training.sample_every=2")
    diary = open_diary(learner)
    for iteration in (1, 2, 3):
        diary.note(terms(l1=1), {})
        write(diary, learner, iteration)
    assert [file.name for file in run.samples.iterdir()] == ["00000002.png"]
    store = open_store(stores["fashionvideo"])
    clip = store[store.ids("test")[0]]
    made = generate_clip(learner.generator, clip.source(0), clip.poses())
    sheet = read_image(run.samples / "00000002.png")
    # 8 of 17 frames after the source, from 1 to 17: 1 + 16/7 n, rounded.
    shown = [1, 3, 6, 8, 10, 12, 15, 17]
    assert sheet.shape == (2 * SIZE + GAP, 9 * (SIZE + GAP) - GAP, 3)
    for row, frames in enumerate((clip.frames[:], made)):
        line = sheet[row * (SIZE + GAP) :][:SIZE]
        tiles = [line[:, column * (SIZE + GAP) :][:, :SIZE] for column in range(9)]
        np.testing.assert_array_equal(tiles[0], clip.frames[0])
        np.testing.assert_array_equal(tiles[1:], frames[shown])


def test_a_strip_comes_at_the_end_too(run, learner, open_diary):
    learner = learner("training.sample_every=1000")
    diary = open_diary(learner)
    diary.note(terms(l1=1), {})
    write(diary, learner, 100)
    assert [file.name for file in run.samples.iterdir()] == ["00000100.png"]


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_a_strip_of_a_short_clip_shows_all_of_it(run, learner, open_diary, monkeypatch, frames):
    clip = example_clip(frames=frames)
    monkeypatch.setattr("dmm_model.diary.open_store", lambda _: FakeStore(test={"a": clip}))
    learner = learner("training.sample_every=1")
    diary = open_diary(learner)
    diary.note(terms(l1=1), {})
    write(diary, learner, 1)
    width = 1 + max(1, frames - 1)
    assert read_image(run.samples / "00000001.png").shape[1] == width * (SIZE + GAP) - GAP


def test_only_the_first_process_writes(run, learner, open_diary):
    learner = learner("training.log_every=1", "training.sample_every=1")
    before = set(run.path.iterdir())
    diary = open_diary(learner, first=False)
    diary.note(terms(l1=1), {})
    write(diary, learner, 100)
    assert set(run.path.iterdir()) == before
    assert diary.notes == {"l1": "1"}
    with pytest.raises(RunError, match="l1 = nan in iteration 101"):
        diary.note(terms(l1=math.nan), {})


class FakeStore(dict):
    """Clips by id, and their ids by split."""

    def __init__(self, **splits):
        super().__init__({name: clip for clips in splits.values() for name, clip in clips.items()})
        self._splits = splits

    def ids(self, split):
        return tuple(self._splits.get(split, ()))


@pytest.mark.parametrize(
    ("test", "chosen"),
    [
        (["bare", "odd", "small", "good"], "good"),
        (["bare"], "train"),
        ([], "train"),
    ],
)
def test_strips_show_a_clip_that_can_be_generated(open_diary, learner, monkeypatch, test, chosen):
    """Clips kept for testing are not looked at before training, so some may lack a mesh or have odd sizes."""
    kinds = {
        "bare": dataclasses.replace(example_clip(), mesh=None),
        "odd": example_clip(size=(64, 60)),
        "small": example_clip(size=(32, 32)),
        "good": example_clip(),
    }
    store = FakeStore(
        train={"short": kinds["bare"], "train": example_clip()}, test={name: kinds[name] for name in test}
    )
    monkeypatch.setattr("dmm_model.diary.open_store", lambda _: store)
    assert open_diary(learner())._clip is store[chosen]
