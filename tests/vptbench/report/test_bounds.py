import math

import pytest

from vptbench.report.bounds import Bounds, section_to_bounds
from vptbench.report.table import scores_to_sections
from vptbench.scorefile import write_scores


def bounds_of(tmp_path, make_scores, **qualities):
    for name, quality in qualities.items():
        kind = "audit" if name.startswith("mp4") else "model"
        write_scores(tmp_path / name, make_scores(name, quality=quality, kind=kind))
    (section,) = scores_to_sections([tmp_path / name for name in qualities])
    return {
        column.name: found for column, found in zip(section.columns, section_to_bounds(section), strict=True)
    }


def test_the_better_of_two_ceilings_counts_in_each_direction(tmp_path, make_scores):
    found = bounds_of(
        tmp_path, make_scores, copy_source=0.2, mine=0.5, mp4_roundtrip_23=0.9, mp4_roundtrip_35=0.8
    )
    fid = found["fid-v1@random"]  # 100 (1 − quality), lower is better
    assert fid.floor == pytest.approx(80)
    assert fid.ceiling == pytest.approx(10)
    assert fid.texts == ("floor 80.00", "ceiling 10.00")
    assert fid.share(45.0) == pytest.approx(0.5)
    ssim = found["ssim-v1"]
    assert ssim.ceiling - ssim.floor == pytest.approx(0.7)
    assert ssim.levels == {"floor": ssim.floor, "ceiling": ssim.ceiling}


def test_only_the_floor_and_audits_are_taken_for_ends(tmp_path, make_scores):
    write_scores(tmp_path / "x", make_scores("mp4_roundtrip_of_mine", quality=0.99))  # a model, no audit
    write_scores(tmp_path / "y", make_scores("copy_source", quality=0.98, kind="claimed"))
    found = bounds_of(tmp_path, make_scores, copy_source=0.2, copy_source_v2=0.6, mp4_roundtrip_23=0.9)
    names = ("copy_source", "copy_source_v2", "mp4_roundtrip_23", "x", "y")
    (section,) = scores_to_sections([tmp_path / name for name in names])
    assert section_to_bounds(section) == tuple(found.values())
    fid = found["fid-v1@random"]
    assert (fid.floor, fid.ceiling) == (pytest.approx(80), pytest.approx(10))


def test_without_them_there_is_nothing_to_say(tmp_path, make_scores):
    found = bounds_of(tmp_path, make_scores, mine=0.5)["ssim-v1"]
    assert found == Bounds(None, None, ())
    assert found.share(0.5) is None
    assert found.levels == {}


@pytest.mark.parametrize(
    ("floor", "ceiling", "value", "share"),
    [(10, 30, 20, 0.5), (0.4, 0.0, 0.1, 0.75), (10, 30, 5, 0), (10, 30, 40, 1), (10, 10, 10, None),
     (None, 30, 20, None), (10, None, 20, None), (10, 30, None, None)],
)  # fmt: skip
def test_shares_by_hand(floor, ceiling, value, share):
    found = Bounds(floor, ceiling, ()).share(value)
    assert found is None if share is None else math.isclose(found, share)
