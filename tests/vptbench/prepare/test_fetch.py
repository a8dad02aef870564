"""Which datasets can be fetched, and one process at a time."""

import subprocess
import sys

import pytest

from vptbench.errors import ManifestError, RegistryError, UsageError
from vptbench.prepare import fetch as fetching
from vptbench.prepare.fetch import FETCHERS, FetchReport, FetchSettings, fetch
from vptbench.prepare.sources import DATASETS
from vptbench.registry import id_to_object


@pytest.mark.parametrize("name", FETCHERS)
def test_fetchers_are_datasets_and_can_be_imported(name):
    assert name in DATASETS
    assert callable(id_to_object(name, FETCHERS, "dataset"))


def test_a_dataset_that_cannot_be_fetched_says_where_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "FETCHERS", {"iper": "not:imported"})
    with pytest.raises(UsageError) as info:
        fetch("fashionvideo", tmp_path / "raw", FetchSettings())
    text = str(info.value)
    assert text.startswith("expected a dataset that can be fetched (iper), got fashionvideo, which you bring")
    assert "https://vision.cs.ubc.ca/datasets/fashion/ : fashion_train.txt" in text
    assert not (tmp_path / "raw").exists()


def test_an_unknown_dataset_is_refused(tmp_path):
    with pytest.raises(RegistryError, match="did you mean 'fashionvideo'"):
        fetch("fashionvideos", tmp_path, FetchSettings())


@pytest.mark.parametrize("numbers", [{"limit": -1}, {"connections": 0}, {"connections": 9}])
def test_settings_have_bounds(numbers):
    with pytest.raises(UsageError, match="expected a limit of 0 or more and 1 to 8 connections, got"):
        FetchSettings(**numbers)


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "raw").write_text("")
    with pytest.raises(ManifestError, match="is a file"):
        fetch("iper", tmp_path / "raw", FetchSettings())


HOLD = """
import sys
from pathlib import Path
from vptbench.prepare.fetch import _alone
with _alone(Path(sys.argv[1])):
    print("in", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked there")
def test_two_processes_do_not_share_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(
        fetching, "id_to_object", lambda *_: lambda _raw, _settings: FetchReport("clips", 0, 0)
    )
    words = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "in\n"
        with pytest.raises(UsageError, match="expected to be alone, found another vptbench fetch at work"):
            fetch("iper", tmp_path, FetchSettings())
        other.communicate("\n")
    assert fetch("iper", tmp_path, FetchSettings()).listed == 0
    assert list(tmp_path.iterdir()) == []
