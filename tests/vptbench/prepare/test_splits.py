"""Splits by lists, by folders and by the rule for persons."""

import hashlib
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.errors import DatasetError
from vptbench.prepare.splits import TEST_SHARE, clips_to_splits, line_to_id, persons_to_splits


def first(clip):
    return clip.split("_")[0]


@given(st.lists(st.tuples(st.text("abcd", min_size=1), st.integers(0, 9)), min_size=2, unique=True))
def test_no_person_stands_on_both_sides(tmp_path_factory, pairs):
    clips = [f"{person}_{take}" for person, take in pairs]
    splits = clips_to_splits(tmp_path_factory.mktemp("raw"), clips, first)
    assert sorted(splits) == sorted(clips)
    for person in {first(clip) for clip in clips}:
        assert len({splits[clip] for clip in clips if first(clip) == person}) == 1
    assert "test" in splits.values()
    if len({first(clip) for clip in clips}) > 1:
        assert "train" in splits.values()


def test_the_rule_by_hand():
    # The hexadecimal digits of SHA-256("0:<person>") are those of the number behind the point.
    persons = [f"p{i}" for i in range(40)]
    splits = persons_to_splits(persons)
    for person in persons:
        digits = hashlib.sha256(f"0:{person}".encode()).hexdigest()
        assert splits[person] == ("test" if int(digits[:12], 16) / 16**12 < TEST_SHARE else "train")
    assert list(splits.values()).count("test") == 8  # a fifth of 40
    fewer = persons_to_splits(persons[:20])
    assert fewer == {person: splits[person] for person in persons[:20]}  # others move nobody


def test_one_person_is_for_testing_and_told(tmp_path, caplog):
    assert persons_to_splits(["p1"]) == {"p1": "test"}
    with caplog.at_level(logging.WARNING):
        assert set(clips_to_splits(tmp_path, ["a_1", "a_2"], first).values()) == {"test"}
    assert "by their names all clips may be of one person" in caplog.text


def test_both_sides_get_somebody():
    numbers = {
        p: int(hashlib.sha256(f"0:{p}".encode()).hexdigest(), 16) / 2**256 for p in map(str, range(60))
    }
    low = [p for p in numbers if numbers[p] < TEST_SHARE][:3]
    high = [p for p in numbers if numbers[p] >= TEST_SHARE][:3]
    by_low, by_high = persons_to_splits(low), persons_to_splits(high)
    assert [p for p in low if by_low[p] == "train"] == [max(low, key=numbers.__getitem__)]
    assert [p for p in high if by_high[p] == "test"] == [min(high, key=numbers.__getitem__)]


def test_lists_win(tmp_path, caplog):
    (tmp_path / "train.txt").write_text("a_1.mp4\n")
    (tmp_path / "test.txt").write_text("b_1\ngone\n")
    with caplog.at_level(logging.WARNING):
        splits = clips_to_splits(tmp_path, ["a_1", "b_1", "c_1"], first)
    assert splits == {"a_1": "train", "b_1": "test", "gone": "test"}
    assert "1 clips are in neither list and are left out" in caplog.text
    assert "persons are in both lists" not in caplog.text


@pytest.mark.parametrize(("listed", "other"), [("train", "test"), ("test", "train")])
def test_one_list_leaves_the_rest_to_the_other_split(tmp_path, listed, other):
    (tmp_path / f"{listed}.txt").write_text("b_1\n")
    assert clips_to_splits(tmp_path, ["a_1", "b_1"], first) == {"b_1": listed, "a_1": other}


def test_lists_that_share_a_person_are_told_and_a_clip_refused(tmp_path, caplog):
    (tmp_path / "train.txt").write_text("a_1\n")
    (tmp_path / "test.txt").write_text("a_2\n")
    with caplog.at_level(logging.WARNING):
        clips_to_splits(tmp_path, ["a_1", "a_2"], first)
    assert "1 persons are in both lists, the first being a" in caplog.text
    (tmp_path / "test.txt").write_text("a_1.mp4\n")
    with pytest.raises(DatasetError, match="expected each clip in one split, found a_1 in both lists"):
        clips_to_splits(tmp_path, ["a_1", "a_2"], first)


def test_folders_named_after_the_splits_are_them(tmp_path):
    clips = ["train/a_1", "test/a_1", "train/b/c"]
    assert clips_to_splits(tmp_path, clips, first) == {clip: clip.split("/")[0] for clip in clips}
    assert clips_to_splits(tmp_path, ["train", "b"], first)["train"] in {
        "train",
        "test",
    }  # a clip of that name


def test_lines_may_be_paths():
    lines = ["x/y.MP4", "./x/y", "x/y/", "x/v1.5"]
    assert [line_to_id(line) for line in lines] == ["x/y", "x/y", "x/y", "x/v1.5"]
