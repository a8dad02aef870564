import cv2
import numpy as np
import pytest

from vptbench.errors import OutputError, RegistryError
from vptbench.outputs import open_folder
from vptbench.score import ScoreSettings, folders_to_scorefile
from vptbench.score.resize import METHODS, ResizedFrames
from vptbench.weights import Networks

FRAMES = np.random.default_rng(0).integers(0, 256, (2, 24, 20, 3), np.uint8)


@pytest.fixture
def folders(make_folder):
    """A model's frames, 24 × 20, and true ones, 12 × 10."""
    made = make_folder({"a": dict(enumerate(FRAMES))})
    true = make_folder({"a": dict(enumerate(FRAMES[:, ::2, ::2]))}, "true")
    return open_folder(made), open_folder(true)


@pytest.mark.parametrize("method", METHODS)
def test_frames_take_the_targets_size_by_opencvs_rule(folders, method):
    reader = ResizedFrames(*folders, method)
    found = reader.frames("a", [1, 0])
    expected = [cv2.resize(frame, (10, 12), interpolation=METHODS[method]) for frame in FRAMES[::-1]]
    np.testing.assert_array_equal(found, expected)
    assert (reader.ids, reader.numbers("a"), reader.layout) == (("a",), (0, 1), "clip-folders")


def test_area_by_hand():
    # four pixels become their mean: (10 + 20 + 30 + 40)/4 = 25
    frame = np.repeat(np.array([[10, 20], [30, 40]], np.uint8)[..., None], 3, 2)
    np.testing.assert_array_equal(cv2.resize(frame, (1, 1), interpolation=METHODS["area"]), [[[25] * 3]])


def test_frames_of_the_right_size_stay_as_they_are(folders):
    _, true = folders
    np.testing.assert_array_equal(ResizedFrames(true, true, "bicubic").frames("a", [0]), FRAMES[:1, ::2, ::2])


def test_an_unknown_way_is_refused(folders):
    with pytest.raises(RegistryError, match="expected a known way to resize, got 'bilinar'; did you mean"):
        ResizedFrames(*folders, "bilinar").frames("a", [0])


def test_nothing_is_resized_unless_asked_for_and_then_it_is_recorded(folders, tmp_path):
    made, true = (reader.path for reader in folders)
    common = {"metrics": ("l1-v1",), "networks": Networks("random")}
    with pytest.raises(OutputError, match=r"12×10 as the target's, found 24×20.*--resize"):
        folders_to_scorefile(made, tmp_path / "s", ScoreSettings(**common), targets=true)
    assert not (tmp_path / "s").exists()
    scores = folders_to_scorefile(made, tmp_path / "s", ScoreSettings(**common, resize="area"), targets=true)
    assert scores.resize == {"method": "area"}
    resized = [cv2.resize(frame, (10, 12), interpolation=cv2.INTER_AREA) for frame in FRAMES]
    expected = np.abs(np.stack(resized).astype(float) - FRAMES[:, ::2, ::2]).mean() / 255
    assert scores.metrics["l1-v1"].value == pytest.approx(expected, rel=1e-12)
