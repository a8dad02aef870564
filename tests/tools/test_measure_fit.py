"""The accuracy figures of the fit: what they are of a perfect, of a shifted and of a real fit."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from vptbench.body.asset import load_body
from vptbench.skeleton import BODY_25
from vptbench.synth.motion import MOTIONS

SCRIPT = Path(__file__).parents[2] / "tools" / "measure_fit.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("measure_fit", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def vertices():
    """Two frames of the shipped body, 200 pixels high; in the second it has moved to the right by 5."""
    rest = load_body().rest
    first = np.stack([128 + 115 * rest[:, 0], 128 - 115 * rest[:, 2], 115 * rest[:, 1]], 1)
    return np.stack([first, first + np.array([5, 0, 0])]).astype(np.float32)


def test_a_perfect_fit_has_no_error(script, vertices):
    everything, seen = script.flow_errors(vertices, vertices)
    assert len(everything) >= len(seen) > 3000
    np.testing.assert_allclose(everything, 0, atol=1e-3)
    assert script.mean_iou(vertices, vertices) == 1


def test_flow_errors_by_hand(script, vertices):
    fitted = vertices.copy()
    fitted[0] += np.float32((0, 3, 0))  # the same place in frame 0 lies three pixels lower
    everything, seen = script.flow_errors(fitted, vertices)
    np.testing.assert_allclose(everything, 3, atol=1e-3)
    np.testing.assert_allclose(seen, 3, atol=1e-3)
    assert 0.7 < script.mean_iou(fitted, vertices) < 0.98


def test_views_turn_a_motion(script):
    rng = np.random.default_rng(0)
    motion = script.view_to_motion("side", "catwalk", 20, rng)
    np.testing.assert_allclose(motion.angle("yaw"), 90)
    both = script.view_to_motion("both ways", "catwalk", 40, rng).angle("yaw")
    assert both.max() == pytest.approx(180)
    assert both.min() == pytest.approx(-180)
    free = script.view_to_motion("back", "free", 20, np.random.default_rng(1))
    own = MOTIONS["free"](20, np.random.default_rng(1)).angle("yaw")
    np.testing.assert_allclose(free.angle("yaw"), 180 + own)


def test_swapped_frames_by_hand(script):
    """Six frames: right, legs alone swapped, all swapped, too narrow to tell, nobody found, arms lost."""
    true = np.full((6, 25, 3), np.nan, np.float32)
    rows = {"Shoulder": (20, 30), "Elbow": (30, 60), "Wrist": (30, 90), "Hip": (10, 100), "Ankle": (12, 200)}
    for name, (out, down) in rows.items():
        for side, sign in (("L", 1), ("R", -1)):
            true[:, BODY_25.index(side + name)] = (100 + sign * out, down, 1)
    true[:, BODY_25.index("Nose")] = (100, 0, 1)
    found = true.copy()
    found[1, :, 0] = np.where(np.arange(25) > 7, 200 - found[1, :, 0], found[1, :, 0])
    found[2, :, 0] = 200 - found[2, :, 0]
    true[3, :, 0] = 100 + 0.05 * (true[3, :, 0] - 100)
    found[3, :, 0] = 200 - true[3, :, 0]
    found[4] = np.nan
    found[5, 2:8] = np.nan
    np.testing.assert_array_equal(script.keypoints_to_swapped(found, true), [0, 1, 1, 0, 0, 0])


def test_the_table_is_printed_and_written(script, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(script, "VIEWS", {"front": script.VIEWS["front"]})
    script.main(["--frames", "9", "--people", "1", "--json", str(tmp_path / "figures.json")])
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert set(figures) == {"front", "catwalk", "free", "over all"}
    assert figures["over all"]["flow median"] < 4
    assert figures["over all"]["IoU skin"] > 0.8
    assert figures["over all"]["found %"] == 100
    assert figures["over all"]["swapped %"] == 0
    assert figures["over all"]["joints"] == pytest.approx(2 * np.sqrt(np.pi / 2), rel=0.05)  # noise of 2 px
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert "flow median" in lines[0]
