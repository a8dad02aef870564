"""The table of datasets and what their lists may hold."""

import pytest

from vptbench.errors import DatasetError, RegistryError
from vptbench.prepare.sources import DATASETS, load_dataset, read_list


@pytest.mark.parametrize("name", DATASETS)
def test_every_dataset_says_who_made_it_and_how_to_get_it(name):
    dataset = load_dataset(name)
    assert dataset.name == name
    assert all((dataset.title, dataset.citation, dataset.licence, dataset.access))


@pytest.mark.parametrize("name", DATASETS)
def test_an_empty_folder_is_no_dataset(name, tmp_path):
    with pytest.raises(DatasetError, match=r"expected .* found no.*; (check|give) the folder"):
        load_dataset(name).list_clips(tmp_path)


def test_an_unknown_dataset_is_refused():
    with pytest.raises(
        RegistryError, match="expected a known dataset, got 'fashion'; did you mean 'fashionvideo'"
    ):
        load_dataset("fashion")


def test_lists_that_repeat_or_cannot_be_read_are_refused(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("a\r\n\n b \na\n")
    with pytest.raises(DatasetError, match="expected each clip once, found a more than once"):
        read_list(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DatasetError, match="cannot read it"):
        read_list(path)
    path.write_text("\ufeffa\r\n\n b ")  # as Windows' editors write it
    assert read_list(path) == ["a", "b"]


@pytest.mark.parametrize("line", ["../../etc/passwd", "/a/b", "a//b", ".hidden"])
def test_names_that_leave_the_folder_are_refused(iper, line):
    iper.add("001/1/1")
    (iper.path / "val.txt").write_text(f"{line}\n")
    with pytest.raises(DatasetError, match=r"val\.txt: expected a clip name that is a plain relative name"):
        load_dataset("iper").list_clips(iper.path)


def test_a_clip_in_both_splits_is_refused(fashion):
    fashion.add("a", "train")
    fashion.add("a", "test")
    with pytest.raises(DatasetError, match="expected each clip in one split, found a in both"):
        load_dataset("fashionvideo").list_clips(fashion.path)
