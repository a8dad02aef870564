"""Each rule applies where it should, in words that hold its numbers, and is silent elsewhere."""

import pytest

from vptbench.prepare import crop
from vptbench.reproduce import known
from vptbench.reproduce.recipe import load_recipe


def texts(facts, about=""):
    """What BDMM's rules say of facts, of all rows or about one column or metric."""
    recipe = load_recipe("bdmm")
    notes = [*recipe.notes, *recipe.part(facts.frozen.dataset).notes]
    wanted = (note for note in notes if (about in note.about if about else not note.about))
    return [text for note in wanted if (text := note.rule(facts))]


def test_a_run_to_the_letter_leaves_what_always_differs(make_facts):
    assert [text.split(":")[0].split(" ")[0] for text in texts(make_facts())] == [
        "keypoints", "mesh", "every", "source", "8-bit", "`latest_net_G.pth`",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"used_crop": "full-v1"}, "crop full-v1 instead of bdmm-crop-v1, which this version cannot make"),
        ({"synthetic": True}, "the clips are synthetic"),
        ({"used_size": (128, 128)}, "frames of 128 × 128, published 256 × 256"),
        ({"listed": 103}, "test clips: 100 (3 of 103 listed ones could not be prepared); the"),
        ({"frames": {"a": 12}, "listed": 1}, "test clips: 1; the dataset's split has 100"),
        ({"pose_sources": ("ground-truth", "mediapipe")}, "keypoints: the exact truth beside the videos an"),
        ({"mesh_sources": ("smpl-import",), "bodies": ("smpl", "x")}, "data (body model smpl and x); "),
        ({"missing_joints": 7}, "7 of 750000 joints were not found: nothing is drawn for them; "),
        ({"own_run": True}, "the checkpoint is one of `vptbench train`, not the published one"),
        ({"used_source": {"index": 0}}, "source frame of a clip: frame 0; published: fixed by a test list"),
    ],
)  # fmt: skip
def test_what_was_done_otherwise_is_said(make_facts, fields, text):
    def said(facts):
        return any(text in line for line in texts(facts))

    assert said(make_facts(**fields))
    assert not said(make_facts())


def test_the_crop_comes_first_and_is_not_to_come_once_it_is_there(make_facts, monkeypatch):
    facts = make_facts(used_crop="full-v1", synthetic=True, listed=103)
    assert texts(facts)[0].startswith("crop full-v1 instead of bdmm-crop-v1, which")
    monkeypatch.setitem(crop.CROPS, "bdmm-crop-v1", "vptbench.prepare.crop:full")
    assert texts(facts)[0].startswith("crop full-v1 instead of bdmm-crop-v1: the published box grows")


def test_equal_frames_count_a_hundred(make_facts):
    facts = make_facts()
    assert len(texts(facts, "PSNR")) == 1
    facts.per_frame.loc[0, "value"] = 100
    assert texts(facts, "PSNR")[1] == "1 of 2 frames equal their targets and count 100"


@pytest.mark.parametrize(
    ("frames", "reference", "text"),
    [
        ({"a": 66}, 130, ""),
        ({"a": 64, "b": 64}, 130, "for 128 generated frames the published program stops"),
        ({"a": 66}, 64, "for 64 reference frames"),
        ({"a": 5}, 640, "for 5 generated and 640 reference frames"),
        ({"a": 66}, 0, ""),  # no reference, no figure
    ],
)
def test_numbers_at_which_the_published_fid_stops(make_facts, frames, reference, text):
    facts = make_facts(frames=frames, reference=(1, reference))
    rule = known.published_stops("fid-bdmm-v1", 64)
    assert rule(facts).startswith(text)
    assert bool(rule(facts)) == bool(text)
    assert known.published_stops("fid-v1", 64)(facts) == ""


def test_distances_say_what_they_are_made_of(make_facts):
    facts = make_facts(reference=(480, 1_000))
    for metric in ("fid-bdmm-v1", "fvd-bdmm-train-128f-v1"):
        assert texts(facts, metric) == ["training clips: 480; the dataset's split has 500"]
        assert texts(make_facts(), metric) == []
    assert texts(facts, "fvd-bdmm-test-128f-v1") == []
    assert any(text.startswith("generated videos: 100; below 2048") for text in texts(facts, "FVD"))
    many = make_facts(frames={str(number): 6 for number in range(2048)})
    assert not any(text.startswith("generated videos") for text in texts(many, "FVD"))


def test_iper_has_notes_of_its_own(make_facts):
    said = texts(make_facts("iper", listed=42, frames=dict.fromkeys("abc", 60)))
    assert any("neither weights nor preparation for iPER were published" in text for text in said)
    assert "test clips: 3 (39 of 42 listed ones could not be prepared); the dataset's split has 42" in said
