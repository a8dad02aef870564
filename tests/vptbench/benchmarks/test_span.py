"""Items as they stand in a file: read, written, refused."""

import pytest

from vptbench.benchmarks.span import items_to_json, json_to_items
from vptbench.errors import BenchmarkError


def test_items_come_back_as_they_were_written(item):
    document = [item(), item(id="b/1", driving={"clip": "c", "first": 0, "last": 0})]
    assert items_to_json(json_to_items(document)) == document


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "../a"}, r"items\[0\]: expected a item id that is a plain relative name"),
        ({"id": 3}, r"items\[0\]: expected a item id that is a plain relative name"),
        ({"source": 0}, r"items\[0\]: source: expected an object, found 0"),
        (
            {"source": {"clip": "a", "frame": -1}},
            r"source: expected a clip id and a frame number from 0 to below 2\*\*31, found 'a' and -1",
        ),
        (
            {"source": {"clip": "", "frame": 1}},
            r"source: expected a clip id and a frame number from 0 to below 2\*\*31, found ''",
        ),
        ({"source": {"clip": "a"}}, r"items\[0\]: source: Still: .* missing: frame"),
        ({"driving": {"clip": "a", "first": 3, "last": 2}}, "driving: expected .* 0 <= first <= last < "),
        ({"source": {"clip": "a", "frame": 2**31}}, "source: expected .*'a' and 2147483648"),
        ({"driving": {"clip": "a", "first": 0, "last": 10**30}}, "driving: expected .*'a', 0 and 10{30}"),
        ({"real": {"clip": "a", "first": 0, "last": 2**31}}, "real: expected .*'a', 0 and 2147483648"),
        ({"driving": {"clip": "a", "first": 0, "last": 2.0}}, "driving: expected .*'a', 0 and 2.0"),
        ({"real": {"clip": 1, "first": 0, "last": 2}}, "real: expected a clip id and frame numbers"),
        ({"real": {"clip": "a", "first": 0, "last": 2, "step": 2}}, "real: Span: .*unknown: step"),
        ({"reel": 0}, r"items\[0\]: ItemSpan: .*unknown: reel"),
    ],
)
def test_malformed_items_are_refused(item, change, message):
    with pytest.raises(BenchmarkError, match=message):
        json_to_items([item(**change)])


def test_every_malformed_item_is_named(item):
    wrong = item(source=0)
    with pytest.raises(BenchmarkError, match=r"items\[1\]: source: .*; items\[2\]: .*; items: .* two of 'a'"):
        json_to_items([item(), wrong, 7, item()])
    with pytest.raises(BenchmarkError, match="and 2 more"):
        json_to_items([wrong] * 6)


@pytest.mark.parametrize("document", [None, [], {}, "a"])
def test_items_that_are_no_list_are_refused(document):
    with pytest.raises(BenchmarkError, match="items: expected a list of items, or no such field, found"):
        json_to_items(document)
