"""A store of two small synthetic clips, written once for each test."""

import dataclasses

import pytest

from vptbench.store import schema
from vptbench.store.writer import (
    ClipParts,
    clip_path,
    clip_to_file,
    write_clips_table,
    write_failures_table,
    write_store_manifest,
)
from vptbench.testing.models import example_clip


def write_example(folder, clip):
    attributes = dict.fromkeys(schema.ATTRIBUTES, "ground-truth") | {
        "clip": clip.id, "split": clip.split, "dataset": "iper", "fps": clip.fps, "raw_sha256": "00",
        "crop": "clip-square-v1", "crop_box": [0.0, 0.0, 64.0, 64.0], "scale": [1.0, 1.0], "settings": {},
    }  # fmt: skip
    shape = (len(clip), *clip.size)
    parts = ClipParts(attributes, shape, [clip.frames], clip.keypoints, [clip.mask], clip.mesh, {})
    clip_to_file(parts, clip_path(folder, clip.split, clip.id))
    return clip.id, clip.split, *shape, clip.fps, "00"


@pytest.fixture
def written_store(tmp_path):
    """Folder of a synthetic store with the test clips "a" and "b/1" and the train clip "c"."""
    folder = tmp_path / "store"
    clips = [
        dataclasses.replace(example_clip(seed=seed, frames=5 + seed), id=name, split=split)
        for seed, (name, split) in enumerate([("a", "test"), ("b/1", "test"), ("c", "train")])
    ]
    write_clips_table(folder, [write_example(folder, clip) for clip in clips])
    write_failures_table(folder, [])
    write_store_manifest(folder, {"dataset": "iper", "synth": {"seed": 1}, "complete": True})
    return folder
