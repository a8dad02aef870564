"""The page of audits has a line for each, and its figures are what audits are for."""

import importlib
from pathlib import Path

import pytest

from vptbench.generate.model import AUDITS_GROUP
from vptbench.registry import group_to_table

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("measure_audits")


def test_the_page_is_of_this_script_and_of_every_audit(script):
    text = script.PAGE.read_text(encoding="utf-8")
    assert text.startswith(script.HEAD.partition("{")[0])
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line[:1] == "|"
    ]
    names, (_, *rows) = lines[0][1:], lines[1:]
    assert [name.partition("@")[0] for name in names] == list(script.METRICS)
    assert [row[0] for row in rows] == [*script.AUDITS, *script.MODELS]
    assert set(script.AUDITS) == {
        name for name, place in group_to_table(AUDITS_GROUP).items() if "baselines" in place
    }
    cells = {row[0]: dict(zip(script.METRICS, row[1:], strict=True)) for row in rows}
    assert cells["oracle"]["psnr-v1"] == "–"
    assert cells["oracle"]["fid-v1"] == cells["shuffled_frames"]["fid-v1"] == "0"
    assert float(cells["shuffled_frames"]["fvd-v1"]) > float(cells["mp4_roundtrip_35"]["fvd-v1"])
    assert float(cells["brightness_shift"]["l1-v1"]) <= 8 / 255
