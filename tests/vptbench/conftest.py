"""Hand-made scores for the tests of score files, boards and pages."""

import numpy as np
import pandas as pd
import pytest
from download_site import serving

from vptbench import download
from vptbench.figure import Figure
from vptbench.scorefile import Scores, clips_to_value, frames_to_clips

FACTS = {"ssim-v1": ("SSIM", "", True), "psnr-v1": ("PSNR", "dB", True), "l1-v1": ("L1", "", False)}
BENCHMARK = {
    "id": "synthetic-v1", "sha256": "b" * 64, "dataset": "synthetic", "source": {"index": 0},
    "pooling": "clip", "targets": "all-but-source", "metrics": [*FACTS, "fid-v1"],
}  # fmt: skip


@pytest.fixture(scope="session")
def make_scores():
    """A function that makes scores: a quality from 0 to 1 moves every figure; fields can be replaced."""

    def make(model="mesh_warp", *, quality=0.5, clips=("a", "b/c"), frames=4, infinite=(), **fields):
        rng = np.random.default_rng(7)
        rows = []
        for clip in clips:
            noise = rng.normal(0, 0.02, frames)
            for frame in range(1, frames + 1):
                ssim = quality + noise[frame - 1]
                psnr = np.inf if (clip, frame) in infinite else 10 + 20 * ssim
                rows += [
                    (clip, frame, name, value)
                    for name, value in zip(FACTS, (ssim, psnr, 1 - ssim), strict=True)
                ]
        per_frame = pd.DataFrame(rows, columns=["clip", "frame", "metric", "value"])
        per_clip = frames_to_clips(per_frame)
        total = len(clips) * frames
        figures = {}
        for name, facts in FACTS.items():
            lost = len(infinite) if name == "psnr-v1" else 0
            value = clips_to_value(per_clip, per_frame, name, "clip")
            empty = not np.isfinite(value)
            figures[name] = Figure(
                *facts, value=None if empty else value, low=None if empty else value - 0.1,
                high=None if empty else value + 0.1, floor=None, pooling="clip", clips=len(clips),
                frames=total, samples=total - lost, infinite_frames=lost, settings={},
                reason="all frames equal their targets" if empty else "",
            )  # fmt: skip
        figures["fid-v1@random"] = Figure(
            "FID", "", higher_is_better=False, value=100 * (1 - quality), low=None, high=None,
            floor=None, pooling="", clips=len(clips), frames=total, samples=total, infinite_frames=0,
            settings={"reference_samples": total}, reason="",
        )  # fmt: skip
        given = {
            "model": model, "kind": "model", "official": True, "benchmark": BENCHMARK,
            "data": {"dataset": "iper", "synth": {"seed": 1}}, "clip_list_sha256": "c" * 64,
            "clips": {clip: {"frames": frames, "size": [64, 64], "generated_sha256": f"{model} {quality}",
                             "target_sha256": "e", "truth_sha256": ""} for clip in clips},
            "reference": None, "pooling": "clip", "metrics": figures, "beside": (),
            "networks": {"inception-fid": {"mode": "random", "sha256": "f" * 64}}, "device": "cpu",
            "intervals": {"confidence": 0.95},
            "inputs": {"outputs": "gone", "store": "gone", "targets": None},
            "layout": "vptbench-outputs", "resize": None,
            "outputs": {"model": model, "cost": {"seconds_per_frame": 0.25},
                        "benchmark": {"sha256": "b" * 64}},
            "claimed": {}, "libraries": {"vptbench": "0.1.0", "numpy": "2"}, "per_clip": per_clip,
            "per_frame": per_frame,
        }  # fmt: skip
        return Scores(**{**given, **fields})

    return make


@pytest.fixture
def site():
    with serving() as made:
        yield made
        assert not made.packed


@pytest.fixture
def no_pauses(monkeypatch):
    monkeypatch.setattr(download, "PAUSES", (0, 0, 0))


@pytest.fixture
def place(tmp_path):
    return tmp_path / "net.pth"


@pytest.fixture
def part(tmp_path):
    return tmp_path / ".net.pth.part"
