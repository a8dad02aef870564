"""Protocols written by the tests, and stores in memory."""

import json

import numpy as np
import pytest

from vptbench.clip import Clip
from vptbench.skeleton import missing_keypoints

GOOD = {
    "format": "vptbench-benchmark", "version": 1, "id": "mine-v1", "dataset": "videos", "split": "test",
    "crop": "full-v1", "size": [16, 12], "source": {"index": 2}, "targets": "all", "pooling": "frame",
    "reference": "train", "metrics": ["ssim-v1"],
}  # fmt: skip

ITEM = {
    "id": "a", "source": {"clip": "a", "frame": 1}, "driving": {"clip": "b", "first": 2, "last": 4},
    "real": {"clip": "a", "first": 0, "last": 1},
}  # fmt: skip


class MemoryStore(dict):
    """Clips in memory, by id."""

    def __init__(self, *clips, dataset="videos", synth=None):
        super().__init__({clip.id: clip for clip in clips})
        self.manifest = {"dataset": dataset, "synth": synth}

    def ids(self, split=None):
        return tuple(name for name, clip in self.items() if split in {None, clip.split})


@pytest.fixture
def make_clip():
    """A function that makes a black clip without a person."""

    def make(
        name="a", frames=5, size=(16, 12), crop="full-v1", raw_sha256="00", confidence=0.0, split="test"
    ):
        keypoints = missing_keypoints(frames)
        if confidence:
            keypoints[:] = confidence
        attributes = {"crop": crop, "raw_sha256": raw_sha256}
        pixels = np.zeros((frames, *size, 3), np.uint8)
        return Clip(name, split, pixels, keypoints, 25.0, attributes=attributes)

    return make


@pytest.fixture
def memory_store():
    """The class of stores in memory."""
    return MemoryStore


@pytest.fixture
def written(tmp_path):
    """A function that writes a protocol that is right but for the fields given; "absent" leaves one out."""

    def write(**changes):
        path = tmp_path / "mine.json"
        document = {key: value for key, value in (GOOD | changes).items() if value != "absent"}
        path.write_text(json.dumps(document))
        return path

    return write


@pytest.fixture
def with_items(written):
    """A function that writes a protocol of cross-driving with one item, or with the items given."""

    def write(*items, **changes):
        return written(**{"source": "absent", "driving": "cross", "items": [*(items or (ITEM,))]} | changes)

    return write


@pytest.fixture
def item():
    """A function that gives the fields of a good item, some of them replaced."""
    return lambda **changes: ITEM | changes
