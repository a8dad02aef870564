"""Each rule finds what is planted, and nothing in a clean table."""

from dataclasses import replace

import pytest

from vptbench.leaderboard.copied import OVERFLOW, PublishedRow, rows_to_findings, same_figure

GROUP = "disco-tiktok10"


def clean():
    """Rows of three methods in one group, a source each."""
    names = ("SSIM", "PSNR", "LPIPS", "L1", "FID", "FVD")
    figures = {
        "A": ("0.672", "18.14", "0.296", "3.21E-04", "54.47", "284.82"),
        "B": ("0.811", "20.58", "0.231", "2.66E-04", "31.20", "148.06"),
        "C": ("0.668", "16.55", "0.292", "3.78E-04", "30.75", "292.80"),
    }
    return [
        PublishedRow("TikTok", GROUP, method, metric, value, f"paper of {method}")
        for method, values in figures.items()
        for metric, value in zip(names, values, strict=True)
    ]


def found(rows):
    return [(rows[number].method, rows[number].metric, why) for number, why in rows_to_findings(rows)]


def planted(method, metric, value, *, source=None, rows=None):
    """The clean table with one figure changed, or, with a source, one added."""
    rows = clean() if rows is None else rows
    if source:
        return [*rows, PublishedRow("TikTok", GROUP, method, metric, value, source)]
    return [
        replace(row, value=value) if (row.method, row.metric) == (method, metric) else row for row in rows
    ]


def test_nothing_is_found_in_a_clean_table():
    assert found(clean()) == []


@pytest.mark.parametrize(
    ("metric", "value", "why"),
    [
        ("SSIM", "1.2", "out of the range of SSIM, 0 to 1"),
        ("LPIPS", "-0.1", "out of the range of LPIPS, 0 to 1"),
        ("FID", "-3.00", "out of the range of FID, 0 to inf"),
        ("LPIPS", "0.769", "with an SSIM of 0.811 it looks like 1 − distance"),
        ("L1", "2.66E-05", "1/12 of the median of its group: another scale, or mistyped"),
        ("L1", "2.66E-03", "7 times the median of its group: another scale, or mistyped"),
    ],
)
def test_figures_that_cannot_be_are_found(metric, value, why):
    assert (("B", metric, why)) in found(planted("B", metric, value))


@pytest.mark.parametrize("values", [("0", "0", "0.1"), ("-1", "-1", "0.1"), ("-1", "2E-04", "0")])
def test_l1_of_zero_or_less_ends_no_rule(values):
    rows = clean()
    for method, value in zip("ABC", values, strict=True):
        rows = planted(method, "L1", value, rows=rows)
    below = [method for method, value in zip("ABC", values, strict=True) if value == "-1"]
    assert [row for row in found(rows) if row[2].startswith("out of the range")] == [
        (method, "L1", "out of the range of L1, 0 to 1") for method in below
    ]


def test_psnr_beyond_what_any_model_has_reached():
    rows = [row for row in planted("B", "PSNR", "38.49") if row.metric not in {"SSIM", "L1"}]
    assert found(rows) == [("B", "PSNR", "out of the range of PSNR, 0 to 34")]


def test_psnr_that_does_not_fit_its_ssim():
    # 1 − 0.811 = 0.189, −10·log10 of it 7.235: up to 27.235 dB.
    rows = [row for row in clean() if row.metric != "L1"]
    assert found(planted("B", "PSNR", "27.23", rows=rows)) == []
    ((method, metric, why),) = found(planted("B", "PSNR", "27.24", rows=rows))
    assert (method, metric) == ("B", "PSNR")
    assert why == "too high for its SSIM of 0.811: differences may have wrapped round in uint8"


def test_psnr_that_does_not_fit_its_l1():
    # 2.66E-04 levels · 256² / 255 = 0.068363, −20·log10 of it 23.304: up to 26.304 dB.
    rows = [row for row in clean() if row.metric != "SSIM"]
    assert found(planted("B", "PSNR", "26.30", rows=rows)) == []
    ((_, metric, why),) = found(planted("B", "PSNR", "26.31", rows=rows))
    assert (metric, why[:32]) == ("PSNR", "too high for its L1 of 0.000266:")
    other = [replace(row, group="elsewhere") for row in planted("B", "PSNR", "26.31", rows=rows)]
    assert found(other) == []  # nobody knows that group's unit


def test_what_is_called_overflowed_is_found():
    rows = [*clean(), PublishedRow("TikTok", GROUP, "D", OVERFLOW, "30.77", "x")]
    assert [(method, metric) for method, metric, _ in found(rows)] == [("D", OVERFLOW)]


def test_a_cell_from_another_column_is_told_from_the_true_one():
    rows = planted("A", "FID-VID", "66.36", source="first")
    rows = planted("A", "FID-VID", "54.47", source="second", rows=rows)
    ((method, metric, why),) = found(rows)
    assert (method, metric) == ("A", "FID-VID")
    assert why == "equals FID of A in paper of A: a cell may have slipped"


def test_a_variant_is_compared_with_its_model():
    rows = planted("A (misprint)", "LPIPS", "0.672", source="second")
    assert [row[:2] for row in found(rows)] == [("A (misprint)", "LPIPS")]


def test_of_two_equal_cells_that_nothing_tells_apart_both_are_found():
    cells = {row[:2] for row in found(planted("B", "LPIPS", "0.811")) if "slipped" in row[2]}
    assert cells == {("B", "SSIM"), ("B", "LPIPS")}


def test_short_figures_are_equal_by_chance():
    assert found(planted("A", "FID-VID", "0.67", source="x", rows=planted("A", "SSIM", "0.67"))) == []


def test_a_cell_from_another_line_is_told_from_the_true_one():
    rows = planted("A", "FVD", "148.06", source="second")
    assert found(rows) == [("A", "FVD", "equals FVD of B in paper of B: a cell may have slipped")]


def test_two_figures_of_which_neither_is_explained_are_both_found():
    assert found(planted("A", "FVD", "300.1", source="second")) == [
        ("A", "FVD", "second has 300.1 in the same protocol group"),
        ("A", "FVD", "paper of A has 284.82 in the same protocol group"),
    ]
    assert found(planted("A", "FVD", "284.8", source="second")) == []  # rounded
    assert found(planted("A (ablation)", "FVD", "300.1", source="second")) == []


def test_a_copy_that_is_not_what_was_copied():
    def copy(value):
        return PublishedRow("TikTok", "other", "B", "FVD", value, "third", "copied, not re-run")

    assert found([*clean(), copy("148.0")]) == []  # cut off rather than rounded
    assert found([*clean(), copy("168.3")]) == [
        ("B", "FVD", "third quotes 168.3"),
        ("B", "FVD", "copied, but paper of B has 148.06"),
    ]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("168.275", "168.3", True),
        ("253.65", "253.6", True),
        ("168.275", "148.3", False),
        ("594", "594.4", True),
    ],
)
def test_figures_are_the_same_up_to_rounding(first, second, same):
    rows = [PublishedRow("", "", "", "", value, "") for value in (first, second)]
    assert same_figure(*rows) == same_figure(*rows[::-1]) == same
