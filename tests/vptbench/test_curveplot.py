import re
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pytest
from hostile_names import HOSTILE
from matplotlib.figure import Figure
from PIL import Image

from vptbench.curveplot import (
    Points,
    _draw_curves,
    curves_to_picture,
    sweep_to_points,
    sweeps_to_kinds,
    sweeps_to_metrics,
    write_curves,
)
from vptbench.errors import ScoreError


def comments(svg):
    """What matplotlib says beside the letters that it draws as paths."""
    return re.findall(r"<!-- (.*?) -->", svg.decode())


def tags(svg):
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, *(name for name, _ in attributes)))
    parser.feed(svg.decode())
    return set(found)


def test_a_curve_begins_at_clean_poses(make_robustness):
    sweep = make_robustness(severities=(1, 2, 5))
    points = sweep_to_points(sweep, "drift", "l1-v1")
    assert points.severities.tolist() == [0, 1, 2, 5]
    assert points.px.tolist() == [0, 1.25, 2.5, 20]  # twice as far a severity, as the fixture says
    own = (sweep.curves["kind"] == "drift") & (sweep.curves["metric"] == "l1-v1")
    assert points.value.tolist() == sweep.curves.loc[own, "value"].tolist()
    assert (np.diff(points.value) > 0).all()
    own = sweep.summary[(sweep.summary["kind"] == "drift") & (sweep.summary["metric"] == "l1-v1")]
    assert points.breaking == own["breaking_severity"].iloc[0]
    assert sweep_to_points(sweep, "lag", "l1-v1") is None


def test_clean_poses_may_stand_by_themselves(make_robustness):
    sweep = make_robustness(metrics=("ssim-v1",))
    curves = sweep.curves.copy()
    curves.loc[curves["severity"] == 0, "kind"] = "clean"
    apart = replace(sweep, curves=curves.drop_duplicates(["kind", "severity"]))
    assert sweeps_to_kinds([apart]) == ["jitter", "drift"]
    for kind in ("jitter", "drift"):
        one, other = (sweep_to_points(each, kind, "ssim-v1") for each in (sweep, apart))
        assert one.value.tolist() == other.value.tolist()


def test_order_is_that_of_the_tables_not_of_the_file(make_robustness):
    sweep = make_robustness(kinds=("other", "lag", "jitter"))
    sweep = replace(sweep, curves=sweep.curves[::-1])
    assert sweeps_to_kinds([sweep]) == ["jitter", "lag", "other"]
    assert sweeps_to_metrics([sweep]) == ["ssim-v1", "l1-v1", "flicker-v1"]


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_equal_sweeps_give_equal_bytes_whatever_the_user_likes(make_robustness, tmp_path, suffix):
    sweeps = [make_robustness(kinds=("jitter",), metrics=("l1-v1",)), make_robustness("b", fragility=0.3)]
    write_curves(sweeps, tmp_path / f"a{suffix}")
    with mpl.rc_context({"axes.facecolor": "red", "font.size": 30, "svg.fonttype": "none"}):
        before = dict(mpl.rcParams)
        write_curves(sweeps, tmp_path / f"b{suffix}")
        assert dict(mpl.rcParams) == before
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a{suffix}", f"b{suffix}"]


def test_a_picture_tells_kinds_metrics_models_and_lines(make_robustness):
    sweeps = [make_robustness("ours"), make_robustness("theirs", fragility=0.2)]
    found = comments(curves_to_picture(sweeps, ".svg"))
    told = {"jitter", "drift", "SSIM ↑", "L1 ↓", "Flicker ↓", "severity", "ours", "theirs", "breaking point",
            "the source frame repeated", "a perfect follower of the wrong pose"}  # fmt: skip
    assert told <= set(found)
    assert found.count("severity") == 2
    some = comments(curves_to_picture(sweeps, ".svg", metrics=("flicker-v1", "l1-v1")))
    assert "SSIM ↑" not in some
    assert some.index("Flicker ↓") < some.index("L1 ↓")


def test_units_and_missing_figures_are_told(make_robustness):
    sweep = make_robustness(metrics=("ssim-v1",))
    facts = {"ssim-v1": {"label": "PSNR", "unit": "dB", "higher_is_better": True}}
    curves = sweep.curves.copy()
    curves.loc[curves["kind"] != "jitter", ["value", "low", "high"]] = np.nan
    curves["control"] = np.inf  # as PSNR of equal frames
    found = comments(curves_to_picture([replace(sweep, metrics=facts, curves=curves)], ".svg"))
    assert "PSNR [dB] ↑" in found
    assert found.count("no figures") == 1


def test_a_ring_stands_at_the_breaking_point(make_robustness):
    sweep = make_robustness(kinds=("jitter",), metrics=("ssim-v1",))
    assert np.isfinite(sweep.summary["breaking_severity"]).all()
    unbroken = replace(sweep, summary=sweep.summary.assign(breaking_severity=np.nan))
    with_ring, without = (curves_to_picture([each], ".svg").count(b"<use ") for each in (sweep, unbroken))
    assert with_ring == without + 1


def test_over_pixels_the_ring_stands_on_the_line_at_the_breaking_distance():
    """Between 4 and 16 px, halfway on an axis of logarithms at 8."""
    nothing = np.full(3, np.nan)
    points = Points(
        np.arange(3.0), np.array([0, 4.0, 16]), np.array([1, 0.8, 0.4]), nothing, nothing, nothing, nothing,
        breaking=2, breaking_px=8,
    )  # fmt: skip
    axes = Figure().subplots()
    axes.set_xscale("symlog", base=2, linthresh=1)
    _draw_curves(axes, [points], "px")
    ring = axes.get_lines()[-1]
    assert (*ring.get_xdata(), *ring.get_ydata()) == pytest.approx((8, 0.6))
    _draw_curves(axes, [points], "severity")
    assert (*axes.get_lines()[-1].get_xdata(), *axes.get_lines()[-1].get_ydata()) == (2, 0.4)
    _draw_curves(axes, [replace(points, breaking_px=np.nan)], "px")
    assert (*axes.get_lines()[-1].get_xdata(), *axes.get_lines()[-1].get_ydata()) == (16, 0.4)
    _draw_curves(axes, [replace(points, breaking=np.nan)], "px")
    assert not len(axes.get_lines()[-1].get_xdata())


def test_lines_of_reference_are_those_of_the_longest_sweep(make_robustness):
    sweeps = [
        make_robustness("short", kinds=("jitter",), severities=(1, 3)),
        make_robustness(kinds=("jitter",)),
    ]
    axes = Figure().subplots()
    _draw_curves(axes, [sweep_to_points(sweep, "jitter", "ssim-v1") for sweep in sweeps], "severity")
    floor, control = axes.get_lines()[:2]
    assert list(floor.get_xdata()) == list(control.get_xdata()) == [0, 1, 3, 5]


def test_over_pixels_where_each_severity_moves_farther(make_robustness):
    sweep = make_robustness()
    curves = sweep.curves.copy()
    curves.loc[curves["kind"] == "drift", "mean_px"] = 0.0
    found = comments(curves_to_picture([replace(sweep, curves=curves)], ".svg", by="px"))
    assert found.count("mean px") == 1
    assert found.count("severity") == 1


def test_names_of_strangers_are_only_letters(make_robustness):
    sweeps = [
        make_robustness(name, kinds=(name,), metrics=("l1-v1",))
        for name in (*HOSTILE, "_x", "$x^2$", "中文", "")
    ]
    picture = curves_to_picture(sweeps, ".svg")
    plain = curves_to_picture([make_robustness("plain")], ".svg")
    assert tags(picture) == tags(plain)
    text = re.sub(r"<!--.*?-->", "", picture.decode())
    assert not re.search(r"alert|HYPERLINK|passwd|onclick", text)
    found = comments(picture)
    assert {"_x", "$x^2$", "\ufffd\ufffd"} <= set(found)
    assert max(map(len, found)) <= 48 + 4 * 20  # escaped letters take some more


def test_a_png_is_a_picture_of_its_size(make_robustness, tmp_path):
    write_curves([make_robustness()], tmp_path / "c.png")
    picture = np.asarray(Image.open(tmp_path / "c.png").convert("RGB"))
    assert picture.shape[1] == int(5.6 * 160)
    assert picture[0, 0].tolist() == [255, 255, 255]
    assert picture.std() > 5


def test_what_cannot_be_drawn(make_robustness, tmp_path):
    sweep = make_robustness(metrics=("l1-v1",))
    other = make_robustness(benchmark={"id": "mine-v1", "sha256": "e" * 64})
    for sweeps, name, options, told in [
        ([], "a.svg", {}, "expected sweeps of one list of corruptions, found none"),
        ([sweep, other], "a.svg", {}, "found mine-v1, synthetic-noisy-v1; draw each list by itself"),
        ([sweep], "a.jpg", {}, r"expected a picture that ends in \.svg or \.png, got '\.jpg'"),
        ([sweep], "a.svg", {"metrics": ("ssim-v1",)}, r"metrics of the sweeps \(l1-v1\), got ssim-v1"),
        ([sweep], "a.svg", {"by": "time"}, "expected curves over severity or px, got 'time'"),
        ([replace(sweep, curves=sweep.curves[:0])], "a.svg", {}, "at least one kind of noise, found none"),
    ]:
        with pytest.raises(ScoreError, match=told):
            write_curves(sweeps, tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []
