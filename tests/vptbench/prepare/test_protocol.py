import json
from importlib.resources import files

import pytest

from vptbench.errors import UsageError
from vptbench.prepare.crop import CROPS
from vptbench.prepare.protocol import resolve_size_and_crop


def test_a_protocol_says_size_and_crop():
    assert resolve_size_and_crop("iper-v1", None, None) == (256, "clip-square-v1")
    assert resolve_size_and_crop("iper-v1", 256, "clip-square-v1") == (256, "clip-square-v1")
    assert resolve_size_and_crop("synthetic-v1", 128, None) == (128, "clip-square-v1")  # any size will do


def test_without_a_protocol_what_was_asked_for_counts():
    assert resolve_size_and_crop(None, None, None) == (256, "clip-square-v1")
    assert resolve_size_and_crop(None, 64, "full-v1") == (64, "full-v1")


def test_what_contradicts_the_protocol_is_refused():
    with pytest.raises(UsageError, match="expected --size 256 as iper-v1 has it, got 128; leave --size out"):
        resolve_size_and_crop("iper-v1", 128, None)
    with pytest.raises(UsageError, match="expected --crop clip-square-v1 as iper-v1 has it, got full-v1"):
        resolve_size_and_crop("iper-v1", None, "full-v1")


def test_the_published_protocol_has_the_published_crop():
    assert resolve_size_and_crop("iper-bdmm-v1", None, None) == (256, "bdmm-crop-v1")


@pytest.mark.parametrize("crop", [None, "bdmm-crop-v1", "full-v1"])
def test_crops_to_come_are_called_so(crop, monkeypatch):
    monkeypatch.delitem(CROPS, "bdmm-crop-v1")
    text = (
        "iper-bdmm-v1: expected a crop that can be made, found bdmm-crop-v1, which this version cannot "
        r"make yet \(it has clip-square-v1, full-v1, gfla-squash-v1\)"
    )
    with pytest.raises(UsageError, match=text):
        resolve_size_and_crop("iper-bdmm-v1", None, crop)


def test_frames_that_are_not_square_are_refused(tmp_path):
    protocol = json.loads((files("vptbench.benchmarks") / "iper-v1.json").read_text())
    (tmp_path / "mine.json").write_text(json.dumps(protocol | {"id": "mine-v1", "size": [256, 192]}))
    with pytest.raises(UsageError, match="mine-v1: expected square frames"):
        resolve_size_and_crop(str(tmp_path / "mine.json"), None, None)
