import numpy as np
import pytest

from vptbench.errors import RegistryError, StoreError
from vptbench.skeleton import missing_keypoints
from vptbench.store import open_store, schema
from vptbench.store.frames import StoreFrames
from vptbench.store.writer import (
    ClipParts,
    clip_path,
    clip_to_file,
    write_clips_table,
    write_failures_table,
    write_store_manifest,
)

FRAMES = np.random.default_rng(0).integers(0, 256, (6, 8, 10, 3), np.uint8)


@pytest.fixture
def reader(tmp_path):
    attributes = dict.fromkeys(schema.ATTRIBUTES, "x") | {"clip": "a/b", "split": "test", "fps": 30.0}
    attributes |= {"crop_box": [0.0, 0.0, 10.0, 8.0], "scale": [1.0, 1.0], "settings": {}}
    parts = ClipParts(attributes, (6, 8, 10), [FRAMES], missing_keypoints(6), None, None, {})
    clip_to_file(parts, clip_path(tmp_path, "test", "a/b"))
    write_clips_table(tmp_path, [("a/b", "test", 6, 8, 10, 30.0, "x")])
    write_failures_table(tmp_path, [])
    write_store_manifest(tmp_path, {"dataset": "iper", "complete": True})
    return StoreFrames(open_store(tmp_path))


@pytest.mark.parametrize("numbers", [(0, 1, 2, 3, 4, 5), (1, 2, 3), (5,), (0, 2, 5), (3, 1), (2, 2)])
def test_frames_are_those_asked_for(reader, numbers):
    np.testing.assert_array_equal(reader.frames("a/b", numbers), FRAMES[list(numbers)])


def test_it_tells_what_there_is(reader):
    assert reader.ids == ("a/b",)
    assert reader.numbers("a/b") == (0, 1, 2, 3, 4, 5)
    assert reader.layout == "vptbench-store"
    assert reader.path == reader.store.path


@pytest.mark.parametrize("numbers", [(), (6,), (-1, 0)])
def test_frames_that_are_not_there_are_refused(reader, numbers):
    with pytest.raises(StoreError, match=r"clip a/b: expected frame numbers in 0\.\.5, got "):
        reader.frames("a/b", numbers)
    with pytest.raises(RegistryError, match="expected a known clip of"):
        reader.frames("b", (0,))
