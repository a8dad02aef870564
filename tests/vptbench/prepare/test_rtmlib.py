"""The rtmlib adapter against a module of its shape (no weights are here)."""

import sys
import types

import numpy as np
import pytest

from vptbench.errors import PoseError
from vptbench.prepare import rtmlib
from vptbench.prepare.rtmlib import Rtmlib
from vptbench.skeleton import BODY_25

BLUE = (0, 0, 200)


class Wholebody:
    """Finds as many people as the top left pixel's blue says; where there is none its detector has no box."""

    def __init__(self, mode, backend, device):
        print("load something")  # noqa: T201 - as rtmlib does
        self.asked = (mode, backend, device)
        Wholebody.made = self

    def det_model(self, picture):
        assert picture.flags["C_CONTIGUOUS"]
        return [[0, 0, 9, 9]] * (int(picture[0, 0, 0]) // 100)  # blue comes first

    def pose_model(self, picture, bboxes):
        assert picture.dtype == np.uint8
        k = np.arange(133)
        points = np.stack([[10 * n + 0.1 * k, 20 + 2.0 * k / (n + 1)] for n in range(len(bboxes))]).swapaxes(
            1, 2
        )
        return points, np.tile(np.where(k == 3, -0.1, 0.4 + 0.01 * k), (len(bboxes), 1))


@pytest.fixture
def fake(monkeypatch):
    module, runtime = types.ModuleType("rtmlib"), types.ModuleType("onnxruntime")
    module.Wholebody = Wholebody
    runtime.get_available_providers = lambda: ["CPUExecutionProvider"]
    for each in (module, runtime):
        monkeypatch.setitem(sys.modules, each.__name__, each)
    return module


def frames(*blues):
    chunk = np.zeros((len(blues), 12, 16, 3), np.uint8)
    chunk[..., 2] = np.array(blues)[:, None, None]
    return iter([chunk[:2], chunk[2:]])


def test_points_become_body_25_and_colours_bgr(fake, capsys):  # noqa: ARG001
    found = Rtmlib().estimate(frames(200, 0, 100), 30)
    assert Wholebody.made.asked == ("balanced", "onnxruntime", "cpu")
    assert capsys.readouterr().out == ""
    assert (found.shape, found.dtype) == ((3, 25, 3), np.float32)
    for name, k in (("Nose", 0), ("LShoulder", 5), ("RAnkle", 16), ("LSmallToe", 18), ("RHeel", 22)):
        expected = (0.1 * k, 20 + 2 * k, 0.4 + 0.01 * k)
        np.testing.assert_allclose(found[0, BODY_25.index(name)], expected, atol=1e-5)
    assert found[0, BODY_25.index("LEar"), 2] == 0


def test_where_nobody_is_detected_nobody_is(fake):  # noqa: ARG001
    found = Rtmlib().estimate(frames(100, 0, 100), 30)
    assert np.isnan(found[1, :, 0]).all()
    assert np.isfinite(found[[0, 2], 0, 0]).all()


@pytest.mark.parametrize(
    "error", [OSError("no route\nto host"), RuntimeError("bad network"), ValueError("shape")]
)
def test_a_failure_becomes_one_line(fake, error):
    def broken(**_):
        raise error

    fake.Wholebody = broken
    with pytest.raises(
        PoseError, match=f"expected rtmlib to find people, it failed .{type(error).__name__}"
    ) as found:
        Rtmlib().estimate(frames(100), 30)
    assert "\n" not in str(found.value)


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(rtmlib, "NEEDED", ("numpy", "no_such_package"))
    assert Rtmlib().missing() == "no package no_such_package"
    monkeypatch.setattr(rtmlib, "NEEDED", ("numpy",))
    assert Rtmlib().missing() is None


def test_its_version_needs_it():
    if Rtmlib().missing() is None:
        assert Rtmlib().version.endswith(" wholebody-balanced")
    else:
        with pytest.raises(PoseError, match="expected rtmlib, found none; run the command that"):
            _ = Rtmlib().version
