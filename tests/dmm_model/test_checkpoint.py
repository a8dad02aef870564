import os
import pickle
import random
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from torch import nn

from dmm_model.checkpoint import (
    check_state,
    load_state,
    published_to_own,
    read_checkpoint,
    write_checkpoint,
)
from vptbench.errors import ModelError


class Hostile:
    """Makes a folder when it is unpickled by whoever runs what pickles say."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def state():
    """What a checkpoint holds: tensors of several types, numbers, texts, nothing, lists and dictionaries."""
    return {
        "format": "dmm-checkpoint",
        "version": 1,
        "generator": {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(3).half()},
        "average": None,
        "optimisers": [{"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1e-4}]}, None],
        "scaler": {"scale": 65536.0, "on": True},
    }


def assert_same(found, expected):
    """Equal in structure, values and types; tensors bit for bit."""
    assert type(found) is type(expected)
    if isinstance(expected, torch.Tensor):
        assert found.dtype == expected.dtype
        assert torch.equal(found, expected)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            assert_same(found[key], value)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        assert found == expected


def test_what_is_written_is_read_again(state, tmp_path):
    write_checkpoint(tmp_path / "a.pt", state)
    assert_same(read_checkpoint(tmp_path / "a.pt"), state)


def test_equal_states_are_equal_bytes_under_any_name(state, tmp_path):
    write_checkpoint(tmp_path / "00000001.pt", state)
    write_checkpoint(tmp_path / "other.part", state)
    written = [(tmp_path / name).read_bytes() for name in ("00000001.pt", "other.part")]
    assert written[0] == written[1]
    state["version"] = 2
    write_checkpoint(tmp_path / "00000001.pt", state)
    assert (tmp_path / "00000001.pt").read_bytes() != written[0]


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
def test_an_ordered_dictionary_as_published_is_read(zipped, tmp_path):
    state = OrderedDict(weight=torch.ones(2, 3), bias=torch.zeros(3, dtype=torch.float16))
    torch.save(state, tmp_path / "latest_net_G.pth", _use_new_zipfile_serialization=zipped)
    found = read_checkpoint(tmp_path / "latest_net_G.pth")
    assert list(found) == ["weight", "bias"]
    assert found["bias"].dtype == torch.float16
    assert torch.equal(found["weight"], state["weight"])


def test_parameters_are_read_as_they_were_saved(tmp_path):
    torch.manual_seed(0)
    layer = nn.Linear(2, 3)
    torch.save({"weight": layer.weight}, tmp_path / "a.pt")
    assert torch.equal(read_checkpoint(tmp_path / "a.pt")["weight"], layer.weight)


# Refusals of files.


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"expected a checkpoint at .*none\.pt, found none that can be read"):
        read_checkpoint(tmp_path / "none.pt")
    with pytest.raises(ModelError, match=r"found none that can be read \(Is a directory\); check the path"):
        read_checkpoint(tmp_path)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "a.pt").touch()
    with pytest.raises(ModelError, match=r"a\.pt: expected a whole checkpoint, found damage"):
        read_checkpoint(tmp_path / "a.pt")


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
def test_a_file_cut_short_anywhere_is_refused(zipped, state, tmp_path):
    path = tmp_path / "a.pt"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    for length in (*range(1, len(whole), 23), len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"a\.pt: expected (a whole checkpoint|tensors and plain)"):
            read_checkpoint(path)


def test_noise_is_refused(tmp_path):
    draw = random.Random(0)  # noqa: S311 — of a test's bytes
    path = tmp_path / "a.pt"
    for _ in range(150):
        noise = draw.randbytes(draw.randrange(1, 200)).replace(b"\x80", b"")  # which begins a pickle
        path.write_bytes(noise)
        with pytest.raises(ModelError, match=r"a\.pt: expected"):
            read_checkpoint(path)


def test_a_text_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("weights are on the cloud drive\n")
    with pytest.raises(ModelError, match=r"notes\.txt: expected"):
        read_checkpoint(tmp_path / "notes.txt")


@pytest.mark.parametrize("kind", ["pickle", "zip", "before torch 1.6"])
def test_code_in_a_pickle_is_refused_and_never_run(kind, tmp_path):
    path, folder = tmp_path / "a.pt", tmp_path / "made"
    hostile = {"weight": torch.ones(2), "extra": Hostile(folder)}
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Hostile(folder), protocol=2))
    else:
        torch.save(hostile, path, _use_new_zipfile_serialization=kind == "zip")
    with pytest.raises(
        ModelError, match=r"expected tensors and plain values only, .*; nothing of it was run: take a file"
    ):
        read_checkpoint(path)
    assert not folder.exists()
    if kind == "pickle":  # and the trap would have worked
        pickle.loads(path.read_bytes())  # noqa: S301
        assert folder.is_dir()


def test_a_whole_network_is_refused(tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "a.pt")
    with pytest.raises(ModelError, match="expected tensors and plain values only"):
        read_checkpoint(tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("value", "kind"), [([torch.ones(2)], "list"), (torch.ones(2), "Tensor"), (3, "int")]
)
def test_anything_but_a_dictionary_is_refused(value, kind, tmp_path):
    torch.save(value, tmp_path / "a.pt")
    with pytest.raises(ModelError, match=rf"a\.pt: expected a dictionary of tensors, found a {kind}"):
        read_checkpoint(tmp_path / "a.pt")


def test_another_kind_or_version_is_refused(state):
    check_state(state, Path("a.pt"))
    for other, found in (({"version": 2}, "dmm-checkpoint 2"), ({"format": "other"}, "other 1")):
        with pytest.raises(
            ModelError, match=rf"a\.pt: expected a checkpoint of dmm-checkpoint 1, found {found}; give one"
        ):
            check_state(state | other, Path("a.pt"))
    with pytest.raises(ModelError, match="found None None"):
        check_state({}, Path("a.pt"))


# Weights into networks.


def test_published_keys_lose_their_wrapper_and_the_renderer():
    named = {"module.a.weight": 1, "renderer.coords": 2, "module.renderer.faces": 3, "rendererless": 4}
    assert published_to_own(named) == {"a.weight": 1, "rendererless": 4}
    assert list(published_to_own({"module.b": 1, "module.a": 2})) == ["b", "a"]
    assert published_to_own({"x.module.a": 1}) == {"x.module.a": 1}


def test_weights_are_loaded_whatever_their_precision_or_order():
    layer = nn.Linear(2, 3)
    state = {"bias": torch.tensor([1.0, 2.0, 3.0]).half(), "weight": torch.full((3, 2), 0.5).double()}
    load_state(layer, state, "a layer")
    assert layer.weight.dtype == layer.bias.dtype == torch.float32
    assert layer.bias.tolist() == [1, 2, 3]
    assert (layer.weight == 0.5).all()


def test_all_that_does_not_fit_is_named_and_nothing_is_loaded():
    network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    state = {
        "0.weight": torch.zeros(3, 2),
        "1.weight": torch.zeros(4, 4),
        "1.bias": 3,
        "2.bias": torch.zeros(1),
        "1.gain": torch.zeros(1),
    }
    with pytest.raises(ModelError) as info:
        load_state(network, state, "two layers")
    assert str(info.value) == (
        "expected the weights of two layers, found those of another network: 1 missing (0.bias); "
        "2 surplus (1.gain, 2.bias); 1.bias of shape int instead of (4,); "
        "1.weight of shape (4, 4) instead of (4, 3); "
        "give the checkpoint that fits, or its configuration"
    )
    assert_same(dict(network.state_dict()), before)
