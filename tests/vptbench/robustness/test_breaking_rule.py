"""The rule of the breaking point against its definition, and what must not move it."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from sweep_tables import LPIPS, SSIM, clip_table, clips_to_cells, curve_and_row, disturbance_table

from vptbench.interval import bootstrap_interval
from vptbench.robustness.breaking import BREAKING_SHARE, cells_to_curves, curves_to_summary

NAN = math.nan
few = settings(deadline=None, max_examples=12, derandomize=True)


@st.composite
def sweeps(draw):
    """Random values of 2–6 clips, 1–4 severities and 1–3 seeds, from hardly any loss to complete loss."""
    generator = np.random.default_rng(draw(st.integers(0, 10**6)))
    clips = [f"c{place}" for place in range(draw(st.integers(2, 6)))]
    slope, noise = draw(st.sampled_from([0.2, 1, 3])), draw(st.sampled_from([0.1, 1, 4]))
    values = {
        ("model", 0, 0): {clip: 20 + generator.normal() for clip in clips},
        ("floor", 0, 0): {clip: 12 + 2 * generator.normal() for clip in clips},
        ("control", 0, 0): dict.fromkeys(clips, 30.0),
    }
    for severity in range(1, draw(st.integers(2, 5))):
        for seed in range(draw(st.integers(1, 3))):
            for role, start in (("model", 20), ("control", 30)):
                values[role, severity, seed] = {
                    clip: start - slope * severity + noise * generator.normal() for clip in clips
                }
    return values


RISING = disturbance_table({(severity, 0): 2.0**severity for severity in range(1, 6)})
ENDS = ["auc", "breaking_severity", "breaking_px", "breaking_px_low", "breaking_px_high", "lost_severity"]


def naive_breaking(values, share):
    """The rule as it reads, clip by clip."""
    clips = sorted(values["model", 0, 0])
    severities = sorted({severity for role, severity, _ in values if role == "model"})

    def value(severity, clip):
        found = [
            row[clip] for (role, other, _), row in values.items() if (role, other) == ("model", severity)
        ]
        return sum(found) / len(found)

    clean = {clip: value(0, clip) for clip in clips}
    margin = {clip: clean[clip] - values["floor", 0, 0][clip] for clip in clips}
    if bootstrap_interval([margin[clip] for clip in clips])[0] <= 0:
        return NAN
    for start in severities[1:]:
        holds = True
        for severity in severities:
            if severity >= start:
                drop = [clean[clip] - value(severity, clip) for clip in clips]
                excess = [d - share * margin[clip] for d, clip in zip(drop, clips, strict=True)]
                holds &= bootstrap_interval(drop)[0] > 0 and bootstrap_interval(excess)[0] > 0
        if holds:
            return float(start)
    return NAN


@few
@given(sweeps(), st.sampled_from([0.05, BREAKING_SHARE, 0.25]))
def test_naive_breaking_severity(values, share):
    _, row = curve_and_row(values, px=RISING, share=share)
    np.testing.assert_equal(row["breaking_severity"], naive_breaking(values, share))


@few
@given(sweeps(), st.integers(0, 99))
def test_property_order_constants_and_direction_change_nothing(values, seed):
    per_clip = clip_table(values)
    cells = clips_to_cells(per_clip)
    curves = cells_to_curves(cells, per_clip, RISING, {"m": SSIM})
    summary = curves_to_summary(curves, per_clip, RISING, {"m": SSIM})
    mixed = [table.sample(frac=1, random_state=seed) for table in (cells, per_clip, RISING)]
    again = cells_to_curves(*mixed, {"m": SSIM})
    assert_frame_equal(again, curves, check_exact=True)
    assert_frame_equal(curves_to_summary(again, *mixed[1:], {"m": SSIM}), summary, check_exact=True)
    for scale, shift, facts in ((1, 100, SSIM), (-1, 0, LPIPS)):
        moved = {
            cell: {clip: scale * value + shift for clip, value in row.items()} for cell, row in values.items()
        }
        other, row = curve_and_row(moved, facts, px=RISING)
        for column in ("drop", "drop_low", "drop_high", "retention"):
            np.testing.assert_allclose(other[column], curves[column], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(
            row[[*ENDS, "obedience"]].astype(float), summary.iloc[0][[*ENDS, "obedience"]].astype(float),
            rtol=1e-9, atol=1e-9,
        )  # fmt: skip


@few
@given(sweeps())
def test_property_a_proven_break_is_a_proven_drop(values):
    curves, row = curve_and_row(values, px=RISING)
    beyond = curves[curves["severity"] >= row["breaking_severity"]]  # none where there is no break
    assert (beyond["drop_low"] > 0).all()
    assert (beyond["retention"] < 1 - BREAKING_SHARE).all()
    assert not row["breaking_px_low"] > row["breaking_px_high"]
