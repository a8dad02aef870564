"""Made-up facts of a reproduction that followed the published protocol of BDMM to the letter."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from vptbench.benchmarks.loader import load_benchmark
from vptbench.figure import Figure
from vptbench.metrics import metric_facts
from vptbench.reproduce.bdmm import SPLITS
from vptbench.reproduce.recipe import Facts, load_recipe
from vptbench.score.published import GROUPS

VALUES = {
    "ssim-bdmm-v1": 0.9, "psnr-cap100-v1": 24.5, "l1-bdmm-v1": 0.03, "lpips-v1": 0.05, "fid-bdmm-v1": 14.083,
    "fvd-bdmm-train-16f-v1": 300.0, "fvd-bdmm-train-128f-v1": None, "fvd-bdmm-train-128f-s8-v1": 150.0,
    "fvd-bdmm-test-16f-v1": 160.0, "fvd-bdmm-test-128f-v1": 140.0, "fvd-bdmm-test-128f-s8-v1": 500.0,
}  # fmt: skip


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
    """A function that makes facts; what differs from a run to the letter is given by name."""

    def make(
        dataset="fashionvideo", mode="pinned", used=(), splits=(), frames=300, reference=170_001, size=256,
        synth=None, psnr=24.0, trained_on=None, confidence=1.0, **attributes,
    ):  # fmt: skip
        group = load_recipe("bdmm").group(dataset)
        frozen = load_benchmark(GROUPS[group].benchmark)
        protocol = dataclasses.replace(frozen, **dict(used))
        clip = SimpleNamespace(
            attributes={"pose_source": "openpose-json", "mesh_source": "ground-truth", **attributes},
            keypoints=np.full((1, 25, 3), [1, 1, confidence]),
        )
        ids = [f"clip-{number:03d}" for number in range(SPLITS[dataset]["test"])]
        scores = SimpleNamespace(
            model="dmm", benchmark={"id": protocol.id}, data={"dataset": dataset, "synth": synth}, lacking="",
            clips={name: {"frames": frames, "size": [size, size]} for name in ids},
            metrics=dict(to_figure(name, value, mode) for name, value in VALUES.items()), resize=None,
            reference={"clips": 500, "frames": reference} if reference else None,
            outputs={"checkpoint": {"name": "net.pth", "sha256": "a" * 64}, "trained_on": trained_on},
            per_frame=pd.DataFrame({"metric": ["psnr-cap100-v1"] * 2, "value": [psnr, 25.0]}),
        )  # fmt: skip
        counts = {
            name: {"listed": count, "prepared": count}
            for name, count in (SPLITS[dataset] | dict(splits)).items()
        }
        return Facts(group, frozen, protocol, scores, StoreOf({"clips": counts}, clip))

    return make


@dataclasses.dataclass(frozen=True)
class StoreOf:
    """A store whose clips are all alike."""

    manifest: dict
    clip: SimpleNamespace

    def __getitem__(self, name):
        return self.clip
