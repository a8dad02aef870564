"""Hand-made scores and curves for the tests of score files, boards and pages."""

import numpy as np
import pandas as pd
import pytest
from download_site import serving

from vptbench import download
from vptbench.curvefile import (
    CELLS_COLUMNS,
    CURVES_COLUMNS,
    DISTURBANCE_COLUMNS,
    PER_CLIP_COLUMNS,
    SUMMARY_COLUMNS,
    Robustness,
)
from vptbench.figure import Figure
from vptbench.scorefile import Scores, clips_to_value, frames_to_clips

FACTS = {"ssim-v1": ("SSIM", "", True), "psnr-v1": ("PSNR", "dB", True), "l1-v1": ("L1", "", False)}
BENCHMARK = {
    "id": "synthetic-v1", "sha256": "b" * 64, "dataset": "synthetic", "source": {"index": 0},
    "pooling": "clip", "targets": "all-but-source", "metrics": [*FACTS, "fid-v1"],
}  # fmt: skip

NOISY_FACTS = {
    "ssim-v1": {"label": "SSIM", "unit": "", "higher_is_better": True},
    "l1-v1": {"label": "L1", "unit": "", "higher_is_better": False},
    "flicker-v1": {"label": "Flicker", "unit": "", "higher_is_better": False},
}
AT = {
    # clean, floor, the worst that noise can do, and what the control loses at most
    "ssim-v1": (0.85, 0.62, 0.58, 0.3), "l1-v1": (0.06, 0.14, 0.16, 0.06), "flicker-v1": (2.0, 4.0, 9.0, 5.0),
}  # fmt: skip
PX = {
    "jitter": 1.25,
    "drift": 1.25,
    "dropout": 0.4,
    "swap": 0.9,
    "outlier": 1.6,
    "lag": 0.7,
    "other-body": 0.5,
}


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


def bootstrapped(values):
    """A 95 % interval of the mean over clips."""
    draws = np.random.default_rng(0).integers(0, len(values), (200, len(values)))
    return np.quantile(np.asarray(values)[draws].mean(1), [0.025, 0.975])


def kind_to_px(kind, severity):
    """How far the joints are moved: twice as far a severity."""
    return PX.get(kind, 1.0) * 2.0 ** (severity - 1) if severity else 0.0


def cell_to_clips(rng, name, kind, severity, fragility, clips):
    """Figures of a model and of the control by clip, (clips,) each: worse the farther the poses are moved."""
    clean, _, worst, control = AT[name]
    lost, obeyed = (1 - np.exp(-np.array([fragility, 1]) * kind_to_px(kind, severity) / 8)).tolist()
    model = clean + (worst - clean) * lost + (worst - clean) * rng.normal(0, 0.05, clips)
    best = 1.0 if NOISY_FACTS[name]["higher_is_better"] else 0.0
    return model, best + np.sign(worst - clean) * control * obeyed * rng.uniform(0.9, 1.1, clips)


def clips_to_curve(kind, severity, name, model, clean, control):
    """A row of `CURVES_COLUMNS`."""
    floor, sign = AT[name][1], -1 if NOISY_FACTS[name]["higher_is_better"] else 1
    drop = sign * (model - clean)
    margin = sign * (floor - clean.mean())
    px = kind_to_px(kind, severity)
    held = 1 - drop.mean() / margin
    return (kind, severity, name, px, model.mean(), *bootstrapped(model), floor, control.mean(), drop.mean(),
            *bootstrapped(drop), held)  # fmt: skip


def to_places(kinds, metrics):
    """A key that sorts columns of kinds and metrics in the order given."""
    places = {name: place for place, name in enumerate([*kinds, *metrics])}
    return lambda column: column.map(places) if column.name in {"kind", "metric"} else column


def curve_to_summary(rows):
    """A row of `SUMMARY_COLUMNS` of one kind and metric, in the words of `robustness.breaking`."""
    kind, name, clean, floor = rows[["kind", "metric", "value", "floor"]].iloc[0]
    span, last = rows["severity"].iloc[-1], rows.iloc[-1]
    relative = rows["value"] / clean if NOISY_FACTS[name]["higher_is_better"] else clean / rows["value"]
    areas = [np.trapezoid(values, rows["severity"]) / span for values in (rows["retention"], relative)]
    broken, lost = (
        rows[holds] for holds in (rows["drop_low"] > 0.1 * abs(clean - floor), rows["retention"] <= 0)
    )
    reasons = ([] if len(lost) else [f"lost_severity: better than the floor at severity {span}"]) + (
        [] if len(broken) else [f"breaking_severity: not proven to break at severity {span}"])  # fmt: skip
    severity, px = broken[["severity", "mean_px"]].iloc[0] if len(broken) else (np.nan, np.inf)
    ends = (px / 2, px * 2) if len(broken) else (last["mean_px"], np.inf)
    obedience = last["drop"] / abs(last["control"] - rows["control"].iloc[0])
    gone = lost["severity"].iloc[0] if len(lost) else np.nan
    return (kind, name, clean, floor, *areas, severity, px, *ends, gone, obedience, "; ".join(reasons))


@pytest.fixture(scope="session")
def make_robustness():
    """A function that makes curves: `fragility` moves them; fields and parts of `benchmark` can be given."""

    def make(
        model="mesh_warp", *, fragility=1.0, kinds=("jitter", "drift"), severities=(1, 3, 5),
        metrics=tuple(NOISY_FACTS), clips=6, **fields,
    ):  # fmt: skip
        rng = np.random.default_rng(7)
        names = [f"clip{n}" for n in range(clips)]
        tables = {"cells": [], "per_clip": [], "disturbance": [("clean", 0, 0, 0.0, 1.0, 0.0, 0.0)]}
        curves, clean = [], {}
        for kind, severity in [
            ("clean", 0),
            *((kind, severity) for kind in kinds for severity in severities),
        ]:
            for name in metrics:
                model_clips, control = cell_to_clips(rng, name, kind, severity, fragility, clips)
                roles = {"model": model_clips, "control": control}
                if kind == "clean":
                    clean[name], roles["floor"] = model_clips, np.full(clips, AT[name][1])
                for role, values in roles.items():
                    ends = bootstrapped(values)
                    tables["cells"].append((kind, severity, 0, role, name, values.mean(), *ends))
                    tables["per_clip"] += [
                        (kind, severity, 0, role, clip, name, value)
                        for clip, value in zip(names, values, strict=True)
                    ]
                curves += [
                    clips_to_curve(each, severity, name, model_clips, clean[name], control)
                    for each in (kinds if kind == "clean" else [kind])
                ]
            if kind != "clean":
                px = kind_to_px(kind, severity)
                tables["disturbance"].append((kind, severity, 0, px, max(0, 1 - px / 20), 0.0, px))
        curves = pd.DataFrame(curves, columns=list(CURVES_COLUMNS))
        curves = curves.sort_values(
            ["kind", "metric", "severity"], key=to_places(kinds, metrics), ignore_index=True
        )
        summary = [
            curve_to_summary(curves[curves["kind"].isin([kind]) & (curves["metric"] == name)])
            for kind in kinds
            for name in metrics
        ]
        given = {
            "model": model, "kind": "model",
            "benchmark": {
                "id": "synthetic-noisy-v1", "clean": "synthetic-v1", "sha256": "d" * 64,
                "corruptions": [
                    {"kind": kind, "severities": list(severities), "seeds": [0]} for kind in kinds
                ],
            },
            "protocol": BENCHMARK, "data": {"dataset": "iper", "synth": {"seed": 1}},
            "clip_list_sha256": "c" * 64, "height": 64,
            "metrics": {name: NOISY_FACTS[name] for name in metrics}, "networks": {}, "device": "cpu",
            "inputs": {"store": "gone"}, "libraries": {"vptbench": "0.1.0", "numpy": "2"},
            "asked": (("clean", 0, 0), *((kind, severity, 0) for kind in kinds for severity in severities)),
            "failures": {}, "curves": curves, "summary": pd.DataFrame(summary, columns=list(SUMMARY_COLUMNS)),
        }  # fmt: skip
        fields["benchmark"] = {**given["benchmark"], **fields.get("benchmark", {})}
        columns = {"cells": CELLS_COLUMNS, "per_clip": PER_CLIP_COLUMNS, "disturbance": DISTURBANCE_COLUMNS}
        made = {name: pd.DataFrame(rows, columns=list(columns[name])) for name, rows in tables.items()}
        return Robustness(**{**given, **made, **fields})

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
