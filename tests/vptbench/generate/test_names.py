from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.generate.names import LONGEST, UNSAFE, ids_to_paths, part_to_name


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("91M3UFSKn8S", "91M3UFSKn8S"),
        ("A+b-c_d=e.mp4", "A+b-c_d=e.mp4"),
        ("two words", "two words"),
        ("pred_#1", "pred_%231"),
        ('a:b*c?"<>|', "a%3Ab%2Ac%3F%22%3C%3E%7C"),
        ("50%", "50%25"),
        ("é", "%C3%A9"),
        ("ends.", "ends%2E"),
        ("ends ", "ends%20"),
        ("con", "%63on"),
        ("COM1.png", "%43OM1.png"),
        ("conga", "conga"),
    ],
)
def test_names_that_some_system_refuses_are_spelt_out(part, name):
    assert part_to_name(part) == name


def test_long_names_are_cut_and_stay_apart():
    one, two = part_to_name("x" * 300), part_to_name("x" * 299 + "y")
    assert len(one) == len(two) == LONGEST
    assert one != two


def test_ids_become_folders_and_capitals_alone_do_not_tell_them_apart():
    assert ids_to_paths(["001/9/1", "b"]) == {"001/9/1": "001/9/1", "b": "b"}
    paths = ids_to_paths(["a/X", "a/x", "c"])
    assert paths["c"] == "c"
    assert paths["a/X"].casefold() != paths["a/x"].casefold()


@given(st.lists(st.text(min_size=1, max_size=120), unique=True, max_size=8))
def test_any_ids_stay_apart_and_safe(ids):
    ids = ["/".join(part or "x" for part in name.split("/")) for name in ids]
    paths = ids_to_paths(ids)
    assert len({path.casefold() for path in paths.values()}) == len(set(ids))
    for path in paths.values():
        for part in PurePosixPath(path).parts:
            assert not UNSAFE.search(part.replace("%", "").replace("~", ""))
            assert part[-1] not in ". "
            assert len(part) <= LONGEST + 9
