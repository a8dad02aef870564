import dataclasses
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch

from dmm_model.checkpoint import write_checkpoint
from dmm_model.config import preset_to_json, resolve_preset
from dmm_model.data import pose_clip_to_inputs
from dmm_model.generate import DmmModel, file_to_generator, generate_clip
from dmm_model.generator import Generator
from dmm_model.learner import FORMAT, VERSION
from dmm_model.train import train
from vptbench.clip import frames_to_tensor, tensor_to_frames
from vptbench.errors import ConfigError, ManifestError, ModelError, RunError
from vptbench.generate.model import name_to_model
from vptbench.runfile import RunFacts, begin_run, store_to_json
from vptbench.testing.models import check_model, example_clip
from vptbench.trainer import TrainSettings

SMALLEST = ("generator.channels=4", "generator.widest=16")
PRESET = resolve_preset("tiny", SMALLEST)
CONFIG = PRESET.generator


def make_generator(config=CONFIG, seed=0):
    """Weights that move frames: those of `initialise` would leave motion without displacement."""
    torch.manual_seed(seed)
    return Generator(config).eval()


def generator_to_state(generator, **others):
    """What a checkpoint of ours holds, as far as generating goes."""
    configuration = preset_to_json(dataclasses.replace(PRESET, generator=generator.config))
    return {
        "format": FORMAT, "version": VERSION, "configuration": configuration,
        "generator": generator.state_dict(), "average": None,
    } | others  # fmt: skip


@pytest.fixture(scope="module")
def generator():
    return make_generator()


@pytest.fixture
def checkpoint(generator, tmp_path):
    write_checkpoint(tmp_path / "checkpoint.pt", generator_to_state(generator))
    return tmp_path / "checkpoint.pt"


@pytest.fixture(scope="module")
def clip():
    return example_clip(frames=13)


def frames_of(generator, clip):
    return generate_clip(generator, clip.source(0), clip.poses())


def assert_same_weights(one, other):
    other = other.state_dict()
    for key, value in one.state_dict().items():
        torch.testing.assert_close(value, other[key], rtol=0, atol=0)


def test_the_model_keeps_its_contract(checkpoint):
    check_model(name_to_model("dmm").factory, checkpoint=checkpoint)
    check_model(DmmModel, checkpoint=checkpoint, size=(64, 96))


@pytest.mark.parametrize("frames", [1, 5, 6, 7, 13])
def test_chunk_by_chunk_equals_the_whole_clip_at_once(generator, frames):
    clip = example_clip(frames=frames)
    source, driving = clip.source(0), clip.poses()
    length = generator.config.frames_per_chunk
    rows = [*range(frames), *[frames - 1] * (-frames % length)]  # the last pose fills the last chunk
    poses, grids = pose_clip_to_inputs(source, driving, rows)
    with torch.no_grad():
        whole = tensor_to_frames(generator(frames_to_tensor(source.frame[None]), poses, grids)[0])
    made = generate_clip(generator, source, driving)
    assert (made.shape, made.dtype) == ((frames, 64, 64, 3), np.uint8)
    np.testing.assert_array_equal(made[:-1], whole[: frames - 1])
    np.testing.assert_array_equal(made[-1], whole[-1])


def test_frames_follow_source_poses_and_the_frames_before(generator, clip):
    """What a network that ignored its inputs would not show."""
    made = frames_of(generator, clip)
    other_source = generate_clip(generator, example_clip(seed=1).source(0), clip.poses())
    later = generate_clip(generator, clip.source(0), clip.poses(6))
    for row in range(len(clip)):
        assert (made[row] != other_source[row]).any()
    assert (made[6] != later[0]).any()
    assert (made[1:] != made[:-1]).any((1, 2, 3)).all()


def test_a_generator_in_training_mode_makes_the_same_frames(clip):
    """Sample strips are made by the one that learns."""
    generator = make_generator()
    expected = frames_of(generator, clip)
    np.testing.assert_array_equal(frames_of(generator.train(), clip), expected)
    assert generator.training


def test_the_published_network_has_as_many_weights_as_published():
    with torch.device("meta"):
        assert DmmModel(Generator()).parameters == 31_540_083


def test_weights_come_from_a_checkpoint_with_its_own_configuration(tmp_path):
    config = dataclasses.replace(CONFIG, bidirectional=False, frames_per_chunk=3)
    generator = make_generator(config)
    write_checkpoint(tmp_path / "a.pt", generator_to_state(generator))
    found = file_to_generator(tmp_path / "a.pt")
    assert found.config == config
    assert not found.training
    assert_same_weights(found, generator)


def test_the_running_average_is_used_where_there_is_one(generator, tmp_path):
    average = make_generator(seed=1)
    write_checkpoint(tmp_path / "a.pt", generator_to_state(generator, average=average.state_dict()))
    assert_same_weights(file_to_generator(tmp_path / "a.pt"), average)


@pytest.fixture(scope="module")
def trained(stores, tmp_path_factory):
    """A run of two iterations with a running average, and a checkpoint of each."""
    changes = (
        *SMALLEST, "generator.frames_per_chunk=2", "training.window=4", "losses.temporal=0",
        "losses.spatial=0", "training.save_every=1", "training.ema=0.5", "training.learning_rate=0.01",
    )  # fmt: skip
    run = tmp_path_factory.mktemp("trained") / "run"
    train(TrainSettings(stores["fashionvideo"], run, "tiny", 2, changes=changes))
    return run


def test_a_run_stands_for_its_newest_checkpoint(trained, clip):
    def frames(place):
        return DmmModel.load(place, "cpu").generate(clip.source(0), clip.poses())

    first, second = (trained / "checkpoints" / f"0000000{number}.pt" for number in (1, 2))
    np.testing.assert_array_equal(frames(trained), frames(second))
    assert (frames(first) != frames(second)).any()


def test_a_trained_average_is_neither_the_weights_nor_the_start(trained):
    newest = trained / "checkpoints" / "00000002.pt"
    state = torch.load(newest, weights_only=True)  # noqa: TID251 - what the model reads, read without it
    assert_same_weights_as_state(file_to_generator(newest), state["average"])
    assert any(not torch.equal(state["average"][key], value) for key, value in state["generator"].items())


def assert_same_weights_as_state(generator, state):
    for key, value in generator.state_dict().items():
        torch.testing.assert_close(value, state[key], rtol=0, atol=0)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_published_weights_lose_their_wrapper_and_the_renderer(generator, tmp_path, monkeypatch, prefix):
    """At a size of ours: the published network is 126 MB."""
    monkeypatch.setattr("dmm_model.generate.Generator", partial(Generator, CONFIG))
    state = {prefix + key: value for key, value in generator.state_dict().items()}
    state[prefix + "renderer.faces"] = torch.zeros(3)
    write_checkpoint(tmp_path / "latest_net_G.pth", state)
    assert_same_weights(file_to_generator(tmp_path / "latest_net_G.pth"), generator)


def test_published_weights_are_of_the_published_network(generator, tmp_path):
    write_checkpoint(tmp_path / "a.pth", generator.state_dict())
    text = r"weights of the published generator, .*: 8 missing \(x_ref\.encoder4\..*\); back_rcnn128.* shape"
    with pytest.raises(ModelError, match=text):
        file_to_generator(tmp_path / "a.pth")


def test_missing_and_surplus_weights_are_named(generator, tmp_path):
    state = generator.state_dict() | {"surplus.weight": torch.zeros(1)}
    missing = next(iter(generator.state_dict()))
    del state[missing]
    write_checkpoint(tmp_path / "a.pt", generator_to_state(generator) | {"generator": state})
    with pytest.raises(ModelError) as caught:
        file_to_generator(tmp_path / "a.pt")
    assert f"1 missing ({missing}); 1 surplus (surplus.weight)" in str(caught.value)
    assert "the generator of its own configuration" in str(caught.value)


def test_a_configuration_of_another_version_is_refused(generator, tmp_path):
    state = generator_to_state(generator)
    state["configuration"]["generator"]["colour"] = 1
    write_checkpoint(tmp_path / "a.pt", state)
    with pytest.raises(ConfigError, match="colour"):
        file_to_generator(tmp_path / "a.pt")
    write_checkpoint(tmp_path / "a.pt", generator_to_state(generator, version=VERSION + 1))
    with pytest.raises(ModelError, match="expected a checkpoint of dmm-checkpoint 1, found dmm-checkpoint 2"):
        file_to_generator(tmp_path / "a.pt")


def test_what_cannot_be_loaded_is_refused(tmp_path, stores):
    with pytest.raises(ModelError, match=r"expected weights for dmm, got none; give --checkpoint a run of"):
        DmmModel.load(None, "cpu")
    with pytest.raises(ModelError, match=r"expected a checkpoint at .*nothing\.pt, found none"):
        DmmModel.load(tmp_path / "nothing.pt", "cpu")
    with pytest.raises(ManifestError, match=r"expected a folder with run\.json"):
        DmmModel.load(stores["fashionvideo"], "cpu")
    facts = RunFacts("dmm", {}, 0, 1, store_to_json(tmp_path, tmp_path, dataset="a", clips={}))
    begin_run(tmp_path / "run", facts, resume=False)
    with pytest.raises(RunError, match="expected a checkpoint, found none; run the same training again"):
        DmmModel.load(tmp_path / "run", "cpu")


@pytest.mark.parametrize(
    ("source", "driving", "text"),
    [
        ({}, {"size": (64, 60)}, r"example/0: expected frames whose height and width are multiples of 8"),
        ({"size": (8, 8)}, {}, "expected the mesh topology and frame size of source clip example/0"),
        ({"mesh": None}, {}, "dmm expected a mesh in source and driving clip, found none"),
        ({}, {"mesh": None}, "dmm expected a mesh in source and driving clip, found none"),
    ],
    ids=["size", "another size", "source without mesh", "driving clip without mesh"],
)
def test_clips_that_the_network_cannot_take_are_refused(generator, source, driving, text):
    def make(size=(64, 64), **changes):
        return dataclasses.replace(example_clip(size=size), **changes)

    with pytest.raises(ModelError, match=text):
        DmmModel(generator).generate(make(**source).source(0), make(**driving).poses())


PEAKS = """
from pathlib import Path
import torch
from dmm_model.config import resolve_preset
from dmm_model.generate import DmmModel
from dmm_model.generator import Generator
from vptbench.testing.models import example_clip

torch.set_num_threads(1)
changes = ("generator.channels=4", "generator.widest=16")
model = DmmModel(Generator(resolve_preset("tiny", changes).generator).eval())
clip = example_clip(frames=240)
for frames in (24, 24, 240):
    model.generate(clip.source(0), clip.poses(0, frames))
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
    print(peak.split()[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells no peak of its own for a process")
def test_memory_does_not_grow_with_the_clip():
    """But for the frames themselves, twice: 12 KB each, while heatmaps and flow of one are 440."""
    exact = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}  # what is freed goes back to the system
    done = subprocess.run(
        [sys.executable, "-c", PEAKS], capture_output=True, text=True, check=True, env=exact
    )
    _, short, long = map(int, done.stdout.split())
    assert long > short
    assert (long - short) * 1024 < 216 * 5 * (64 * 64 * 3)
