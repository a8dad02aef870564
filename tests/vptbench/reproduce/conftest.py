"""Made-up facts of a reproduction that followed the published protocol of BDMM to the letter."""

import dataclasses

import pandas as pd
import pytest

from vptbench.figure import Figure
from vptbench.metrics import metric_facts
from vptbench.reproduce.facts import RunFacts
from vptbench.reproduce.recipe import load_recipe

VALUES = {
    "ssim-bdmm-v1": 0.9, "psnr-cap100-v1": 24.5, "l1-bdmm-v1": 0.03, "lpips-v1": 0.05, "fid-bdmm-v1": 14.083,
    "fvd-bdmm-train-16f-v1": 300.0, "fvd-bdmm-train-128f-v1": None, "fvd-bdmm-train-128f-s8-v1": 150.0,
    "fvd-bdmm-test-16f-v1": 160.0, "fvd-bdmm-test-128f-v1": 140.0, "fvd-bdmm-test-128f-s8-v1": 500.0,
}  # fmt: skip
FRAMES = {f"clip-{number:03d}": 300 for number in range(100)}


def to_figure(name, value, mode):
    facts = metric_facts(name)
    random = mode == "random" and facts.network
    return f"{name}@random" if random else name, Figure(
        facts.label, facts.unit, facts.higher_is_better, value=value, low=None, high=None, floor=None,
        pooling="", clips=100, frames=30_000, samples=100, infinite_frames=0, settings={},
        reason="the disk was full" if value is None else "",
    )  # fmt: skip


@pytest.fixture
def make_facts():
    """A function that makes facts; fields can be replaced, those of the protocol used by ``used_…``."""

    def make(dataset="fashionvideo", mode="pinned", **fields):
        frozen = load_recipe("bdmm").part(dataset).benchmark
        used = {name.removeprefix("used_"): fields.pop(name) for name in list(fields) if "used_" in name}
        per_frame = pd.DataFrame(
            [("clip-000", frame, "psnr-cap100-v1", value) for frame, value in enumerate((24.0, 25.0))],
            columns=["clip", "frame", "metric", "value"],
        )
        given = {
            "frozen": frozen, "used": dataclasses.replace(frozen, **used), "synthetic": False, "listed": 100,
            "frames": FRAMES, "reference": (500, 170_001), "pose_sources": ("openpose-json",),
            "mesh_sources": ("body-fit",), "bodies": (), "joints": 750_000, "missing_joints": 0,
            "checkpoint": "latest_net_G.pth", "checkpoint_sha256": "a" * 64, "own_run": False,
            "figures": dict(to_figure(name, value, mode) for name, value in VALUES.items()),
            "per_frame": per_frame,
        }  # fmt: skip
        return RunFacts(**{**given, **fields})

    return make
