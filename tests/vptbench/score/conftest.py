"""Stores and folders of frames made by hand, and a distribution metric that needs no network."""

import sys
import types
from typing import ClassVar

import numpy as np
import pytest

from vptbench.image import write_image
from vptbench.metrics.frechet import samples_to_estimate
from vptbench.metrics.table import METRICS
from vptbench.skeleton import missing_keypoints
from vptbench.store import open_store, schema
from vptbench.store.writer import (
    ClipParts,
    clip_path,
    clip_to_file,
    write_clips_table,
    write_failures_table,
    write_store_manifest,
)


@pytest.fixture
def make_store(tmp_path):
    """A function that writes clips, {(id, split): frames}, as a synthetic store, and opens it."""

    def make(clips, folder=tmp_path / "store", crop="clip-square-v1"):
        rows = []
        for (clip, split), frames in clips.items():
            attributes = dict.fromkeys(schema.ATTRIBUTES, "ground-truth") | {
                "clip": clip, "split": split, "fps": 25.0, "raw_sha256": f"raw of {clip}", "crop": crop,
                "crop_box": [0.0, 0.0, 1.0, 1.0], "scale": [1.0, 1.0], "settings": {},
            }  # fmt: skip
            shape = frames.shape[:3]
            parts = ClipParts(attributes, shape, [frames], missing_keypoints(shape[0]), None, None, {})
            clip_to_file(parts, clip_path(folder, split, clip))
            rows.append((clip, split, *shape, 25.0, f"raw of {clip}"))
        write_clips_table(folder, rows)
        write_failures_table(folder, [])
        write_store_manifest(folder, {"dataset": "iper", "synth": {"seed": 1}, "complete": True})
        return open_store(folder)

    return make


@pytest.fixture
def make_folder(tmp_path):
    """A function that writes clips, {id: {number: frame}}, as folders of PNG."""

    def make(clips, name="made"):
        folder = tmp_path / name
        for clip, frames in clips.items():
            (folder / clip).mkdir(parents=True)
            for number, frame in frames.items():
                write_image(folder / clip / f"{number:05d}.png", frame)
        return folder

    return make


@pytest.fixture
def grey():
    """A function that makes frames of constant grey levels, (len(levels), 16, 16, 3)."""

    def make(*levels, size=(16, 16)):
        return np.stack([np.full((*size, 3), level, np.uint8) for level in levels])

    return make


class Colour:
    """Fréchet distance of the frames' mean colours."""

    id: ClassVar[str] = "colour-v1"
    label: ClassVar[str] = "Colour"
    unit: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = False
    tolerance: ClassVar[float] = 1e-9
    network: ClassVar[None] = None
    settings: ClassVar[dict] = {}
    sample: ClassVar[str] = "frame"
    extractor: ClassVar[str] = "colour-v1"
    reference: ClassVar[None] = None
    calls: ClassVar[list] = []

    @classmethod
    def load(cls, networks):
        del networks
        return cls()

    def windows(self, clip, lengths, *, generated):
        del generated
        return tuple(range(at, at + 1) for at in range(lengths[clip]))

    def features(self, frames, windows=None):
        self.calls.append(len(frames))
        assert windows is None or len(windows) == len(frames)
        return frames.mean((1, 2)).astype(np.float32)

    def estimate(self, generated, target, groups=()):
        return samples_to_estimate(generated, target, groups)


class Broken(Colour):
    """A frame metric that gives NaN."""

    id: ClassVar[str] = "broken-v1"
    label: ClassVar[str] = "Broken"
    needs: ClassVar[tuple] = ()
    floored: ClassVar[bool] = False

    def per_frame(self, *, generated, target):
        del target
        return np.full(len(generated), np.nan)


class Masked(Broken):
    """A frame metric that gives the part of a clip that is the person's."""

    id: ClassVar[str] = "masked-v1"
    needs: ClassVar[tuple] = ("mask",)

    def per_frame(self, *, generated, target, mask):
        self.calls.append(len(target))
        return np.full(len(generated), mask.mean())


@pytest.fixture
def colour(monkeypatch):
    """The metrics `colour-v1`, `broken-v1` and `masked-v1`, in the table as any other."""
    module = types.ModuleType("colour_metric")
    module.Colour, module.Broken, module.Masked = Colour, Broken, Masked
    monkeypatch.setitem(METRICS, "masked-v1", "colour_metric:Masked")
    monkeypatch.setitem(sys.modules, "colour_metric", module)
    monkeypatch.setitem(METRICS, "colour-v1", "colour_metric:Colour")
    monkeypatch.setitem(METRICS, "broken-v1", "colour_metric:Broken")
    Colour.calls.clear()
    return Colour
