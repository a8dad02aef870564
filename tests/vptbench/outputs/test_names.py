import pytest

from vptbench.errors import OutputError
from vptbench.outputs.names import Wanted, WantedClip, names_to_clips


def wanted(*clips, others=()):
    """Clips driven by themselves, or (id, source, driving)."""
    rows = [(clip, clip, clip) if isinstance(clip, str) else clip for clip in clips]
    return Wanted(tuple(WantedClip(*row, 0, 5) for row in rows), frozenset(others))


@pytest.mark.parametrize(
    ("rule", "name", "clip"),
    [
        ("clip", "001/9/1", "001/9/1"),
        ("clip", "001-9-1", "001/9/1"),
        ("clip", "001_9_1", "001/9/1"),
        ("clip", "001_9_1.mp4", "001/9/1"),
        ("clip", "91-a+b", "91-a+b"),
        ("source", "001_9_1", "001/9/1"),
        ("source_driving", "001_9_1_001_9_1", "001/9/1"),
        ("source_driving", "portrait_001-9-1", "001/9/1"),
        ("source_driving", "image_local_image_dwpose_91-a+b", "91-a+b"),
        ("driving-source", "001_9_1-240131-1507", "001/9/1"),
        ("driving-source", "91-a+b-240131-1507", "91-a+b"),
    ],
)
def test_names_by_rule(rule, name, clip):
    assert names_to_clips([name], wanted("001/9/1", "91-a+b"), rule) == {clip: name}


def test_items_are_known_by_source_and_driving():
    items = wanted(("x", "a", "b"), ("y", "a", "c"), ("z", "b", "c"))
    assert names_to_clips(["a_b", "a_c", "b_c"], items, "source_driving") == {
        "x": "a_b",
        "y": "a_c",
        "z": "b_c",
    }
    assert names_to_clips(["b-a", "c-a", "c-b"], items, "driving-source") == {
        "x": "b-a",
        "y": "c-a",
        "z": "c-b",
    }
    assert names_to_clips(["b"], items, "source") == {"z": "b"}
    with pytest.raises(OutputError, match="a could be clip x or y"):  # named after the source: overwritten
        names_to_clips(["a"], items, "source")


def test_an_exact_id_goes_before_a_spelling():
    assert names_to_clips(["a-b"], wanted("a-b", "a/b"), "clip") == {"a-b": "a-b"}
    assert names_to_clips(["a_b"], wanted("a_b", "b"), "source_driving") == {"a_b": "a_b"}


@pytest.mark.parametrize(
    ("names", "clips", "problem"),
    [
        (
            ["a", "foo", "bar"],
            ["a", "b"],
            r"the 2 clips \(a, b\), found others: no clip is called bar, foo; rename",
        ),
        (["p", "q", "r", "s", "t"], ["a"], "no clip is called p, q, r, s and 1 more"),
        (["a-b", "a_b"], ["a/b"], "a-b and a_b are both named after clip a/b"),
        (["a", "a.mp4"], ["a"], "a and a.mp4 are both named after clip a"),
        (["x" * 300], ["a"], "x{40}…x{40}"),
        (["a\x1b[31m\nb"], ["a"], "a�\\[31m�b"),
    ],
)
def test_names_that_match_none_or_two(names, clips, problem):
    with pytest.raises(OutputError, match=problem) as info:
        names_to_clips(names, wanted(*clips), "clip")
    assert "\n" not in str(info.value)


def test_two_ids_with_one_spelling_are_refused():
    with pytest.raises(OutputError, match="a--b could be clip a-/b or a/-b"):
        names_to_clips(["a--b"], wanted("a-/b", "a/-b"), "clip")


def test_other_clips_of_the_store_are_left_alone():
    assert names_to_clips(["a", "t_1"], wanted("a", others=("t/1",)), "clip") == {"a": "a"}


@pytest.mark.parametrize(
    ("rule", "names", "clips", "others", "found"),
    [
        ("source_driving", ["A_A", "A_B"], ["A", "B"], [], "no clip is called A_B"),
        ("driving-source", ["A-B", "B-B"], ["A", "B"], [], "no clip is called A-B"),
        ("driving-source", ["91-a+b-001_9_1"], ["001/9/1", "91-a+b"], [], "no clip is called 91-a"),
        ("source_driving", ["001-9-1.mp4_B"], ["001/9/1", "B"], [], "no clip is called 001-9-1"),
        ("source_driving", ["t_1_B"], ["B"], ["t/1"], "no clip is called t_1_B"),
        ("driving-source", ["B-t_1"], ["B"], ["t/1"], "no clip is called B-t_1"),
        ("source_driving", ["c_b"], [("x", "a", "b"), ("y", "c", "d")], [], "no clip is called c_b"),
        ("driving-source", ["b-c"], [("x", "a", "b"), ("y", "c", "d")], [], "no clip is called b-c"),
    ],
)
def test_the_picture_of_another_clip_is_not_the_items_own(rule, names, clips, others, found):
    with pytest.raises(OutputError, match=f"found others: {found}"):
        names_to_clips(names, wanted(*clips, others=others), rule)


@pytest.mark.parametrize(("rule", "name"), [("source_driving", "my_B"), ("driving-source", "B-my")])
def test_a_clip_of_the_store_is_not_taken_for_another(rule, name):
    assert names_to_clips([name], wanted("B"), rule) == {"B": name}
    assert names_to_clips([name, "B"], wanted("B", others=(name,)), rule) == {"B": "B"}
    assert names_to_clips([name], wanted("B", others=(name,)), rule) == {}
    cross = wanted(("x", "my", "B"), others=(name,))
    assert names_to_clips([name], cross, rule) == {
        "x": name
    }  # its source and its driving clip, to the letter


def test_a_single_clip_needs_no_name():
    assert names_to_clips(["clip"], wanted("001/9/1"), "clip") == {"001/9/1": "clip"}
    with pytest.raises(OutputError, match="no clip is called clip"):
        names_to_clips(["clip"], wanted("a", "b"), "clip")
