"""The conformance check finds what it should, and passes every entry point that is installed."""

import numpy as np
import pytest

from vptbench.errors import ModelError
from vptbench.generate.model import AUDITS_GROUP, MODELS_GROUP, name_to_model
from vptbench.registry import group_to_table
from vptbench.testing.models import check_audit, check_model, example_clip


class Good:
    """Repeats the source frame."""

    @classmethod
    def load(cls, checkpoint, device):
        assert (checkpoint, device) == (None, "cpu")
        return cls()

    def generate(self, source, driving):
        return np.repeat(source.frame[None], len(driving), axis=0)


class FromGlobalGenerator(Good):
    def generate(self, _source, driving):
        return np.random.randint(0, 256, (len(driving), *driving.size, 3)).astype(np.uint8)  # noqa: NPY002


class OwnGenerator(Good):
    def generate(self, _source, driving):
        shape = (len(driving), *driving.size, 3)
        return np.random.default_rng().integers(0, 256, shape, np.uint8)


class Remembers(Good):
    def __init__(self):
        self.calls = 0

    def generate(self, source, driving):
        self.calls += 1
        return super().generate(source, driving) // self.calls


class Tensor(Good):
    def generate(self, source, driving):
        return list(super().generate(source, driving))


class Floats(Good):
    def generate(self, source, driving):
        return super().generate(source, driving) / 255


class OneShort(Good):
    def generate(self, source, driving):
        return super().generate(source, driving)[:-1]


class Overwrites(Good):
    def generate(self, source, driving):
        driving.keypoints[:] = 0
        return super().generate(source, driving)


class NeedsAMesh(Good):
    def generate(self, source, driving):
        _ = driving.mesh.vertices
        return super().generate(source, driving)


class RefusesWithoutMesh(Good):
    def generate(self, source, driving):
        if driving.mesh is None:
            raise ModelError("expected a mesh")
        return super().generate(source, driving)


TRAINED = ("dmm",)
"""Models that need a checkpoint: their own tests make one."""


@pytest.mark.parametrize("name", [name for name in group_to_table(MODELS_GROUP) if name not in TRAINED])
def test_every_installed_model_keeps_the_contract(name):
    check_model(name_to_model(name).factory)


@pytest.mark.parametrize("name", TRAINED)
def test_models_that_need_a_checkpoint_say_so(name):
    with pytest.raises(ModelError, match=f"expected weights for {name}, got none; give --checkpoint"):
        check_model(name_to_model(name).factory)


@pytest.mark.parametrize("name", group_to_table(AUDITS_GROUP))
def test_every_installed_audit_keeps_the_contract(name):
    check_audit(name_to_model(name).factory)


@pytest.mark.parametrize("factory", [Good, FromGlobalGenerator, RefusesWithoutMesh])
def test_good_models_pass(factory):
    check_model(factory)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (OwnGenerator, "OwnGenerator: expected the same frames after another clip .* when loaded anew"),
        (Remembers, "expected the same frames after another clip"),
        (Tensor, r"expected frames uint8 \(5, 64, 64, 3\) as a NumPy array, got list"),
        (Floats, r"expected frames uint8 \(5, 64, 64, 3\), got float64 \(5, 64, 64, 3\)"),
        (OneShort, r"expected frames uint8 \(5, 64, 64, 3\), got uint8 \(4, 64, 64, 3\)"),
        (Overwrites, "expected the source and the poses to be left alone"),
        (NeedsAMesh, "without a mesh: expected frames or a VptbenchError, it raised AttributeError"),
    ],
)
def test_breaches_are_found(factory, message):
    with pytest.raises(ModelError, match=message):
        check_model(factory)


def test_the_example_is_a_whole_clip():
    clip = example_clip(frames=3, size=(40, 56))
    assert (len(clip), clip.size) == (3, (40, 56))
    assert np.isnan(clip.keypoints[:, -1, :2]).all()
    np.testing.assert_array_equal(clip.mesh.joint_weights.sum(1), 1)
    assert 0.1 < clip.mask.mean() < 0.5
    seen = (clip.mesh_flow(0, 2) != -2).all(-1)
    np.testing.assert_array_equal(seen, clip.mask[2])


def test_equal_seeds_make_equal_examples():
    np.testing.assert_array_equal(example_clip(seed=3).frames, example_clip(seed=3).frames)
    assert (example_clip(seed=3).frames != example_clip(seed=4).frames).any()
