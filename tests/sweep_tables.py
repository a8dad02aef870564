"""Tables of a sweep from small dictionaries, for tests."""

import math

import numpy as np
import pandas as pd

from vptbench.curvefile import CELLS_COLUMNS, DISTURBANCE_COLUMNS, PER_CLIP_COLUMNS, Robustness
from vptbench.robustness.breaking import cells_to_curves, curves_to_summary

SSIM = {"label": "SSIM", "unit": "", "higher_is_better": True}
LPIPS = {"label": "LPIPS", "unit": "", "higher_is_better": False}


def clip_table(values, metric="m", kind="jitter"):
    """`values`: (role, severity, seed) to {clip: value}."""
    rows = [
        ("clean" if severity == 0 else kind, severity, seed, role, clip, metric, float(value))
        for (role, severity, seed), clips in values.items()
        for clip, value in clips.items()
    ]
    return pd.DataFrame(rows, columns=list(PER_CLIP_COLUMNS))


def clips_to_cells(per_clip):
    """The cells of values by clip."""
    keys = ["kind", "severity", "seed", "role", "metric"]
    cells = per_clip.groupby(keys)["value"].mean().reset_index()
    return cells.assign(low=float("nan"), high=float("nan"))[list(CELLS_COLUMNS)]


def cell_table(values, metric="m", kind="jitter"):
    """`values`: (role, severity, seed) to value."""
    wide = {cell: {"": value} for cell, value in values.items()}
    return clip_table(wide, metric, kind).assign(low=float("nan"), high=float("nan"))[list(CELLS_COLUMNS)]


def disturbance_table(px, kind="jitter"):
    """`px`: (severity, seed) to mean px."""
    rows = [(kind, severity, seed, float(mean), 0.5, 0.0, None) for (severity, seed), mean in px.items()]
    table = pd.DataFrame(rows, columns=list(DISTURBANCE_COLUMNS))
    return table.astype({"mesh_px": float})


PX = disturbance_table({(1, 0): 2, (1, 1): 2, (2, 0): 3, (2, 1): 5, (3, 0): 8})


def curve_and_row(values, facts=SSIM, px=PX, **options):
    """The curve and the summary's row of one kind and metric."""
    per_clip = clip_table(values)
    curves = cells_to_curves(clips_to_cells(per_clip), per_clip, px, {"m": facts})
    summary = curves_to_summary(curves, per_clip, px, {"m": facts}, **options)
    assert len(summary) == 1
    return curves, summary.iloc[0]


VALUES = {
    ("model", 0, 0): {"a": 10, 'x,"\n/1': 12},
    ("floor", 0, 0): {"a": 1, 'x,"\n/1': 2},
    ("model", 1, 0): {"a": 9.1, 'x,"\n/1': 11},
    ("model", 2, 0): {"a": 0.1, 'x,"\n/1': 2},
}


def make_sweep(values=None, **changes):
    """A sweep over jitter, of two clips or those of `values`."""
    px = disturbance_table({(1, 0): 1, (2, 0): 2})
    per_clip = clip_table(values or VALUES)
    cells = clips_to_cells(per_clip)
    cells.loc[np.isinf(cells["value"]), "value"] = math.nan
    curves = cells_to_curves(cells, per_clip, px, {"m": SSIM})
    tables = {
        "cells": cells, "per_clip": per_clip, "disturbance": px, "curves": curves,
        "summary": curves_to_summary(curves, per_clip, px, {"m": SSIM}),
    }  # fmt: skip
    fields = {
        "model": "mesh_warp",
        "kind": "model",
        "benchmark": {"id": "own-noisy-v1", "clean": "own-v1", "corruptions": [], "sha256": "0"},
        "protocol": {"id": "own-v1", "sha256": "1", "dataset": "synthetic", "pooling": "clip"},
        "data": {},
        "clip_list_sha256": "2",
        "height": 64,
        "metrics": {"m": SSIM},
        "networks": {"alex": {"mode": "random", "sha256": "3"}},
        "device": "cpu",
        "inputs": {"store": "../store"},
        "libraries": {},
        "asked": (("clean", 0, 0), ("jitter", 1, 0), ("jitter", 2, 0)),
        "failures": {},
    }
    return Robustness(**{**fields, **tables, **changes})
