import csv

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vptbench.leaderboard import add_entry
from vptbench.leaderboard.board import FACTS, Entry, Value
from vptbench.leaderboard.ranking import build_board, entries_to_ranking, escape_markdown


def entry(name, *values, kind="model"):
    facts = dict.fromkeys(FACTS, "") | {"name": name, "kind": kind}
    return Entry(facts, {f"m{i}-v1": Value(value, None, None) for i, value in enumerate(values)})


def summary(places):
    return [(place.entry.name, place.place, place.mean_rank) for place in places]


def test_places_by_hand():
    # first metric, higher is better: c 1, a and b (2 + 3)/2; second, lower is better: a 1, c 2, b 3
    entries = [
        entry("a", 0.8, 1.0),
        entry("b", 0.8, 3.0),
        entry("c", 0.9, 2.0),
        entry("x", 1, 0, kind="audit"),
    ]
    assert summary(entries_to_ranking(entries, [True, False])) == [
        ("c", 1, 1.5), ("a", 2, 1.75), ("b", 3, 2.75), ("x", None, None),
    ]  # fmt: skip


def test_equal_means_share_a_place():
    entries = [entry("z", 0.9, 2.0), entry("a", 0.8, 1.0), entry("m", 0.1, 9.0)]
    assert summary(entries_to_ranking(entries, [True, False])) == [
        ("a", 1, 1.5),
        ("z", 1, 1.5),
        ("m", 3, 3.0),
    ]


def test_a_board_of_audits_has_no_places():
    assert summary(entries_to_ranking([entry("x", 1.0, kind="audit")], [True])) == [("x", None, None)]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6), st.randoms())
def test_the_order_of_rows_does_not_matter(values, random):
    entries = [entry(f"e{i}", *map(float, pair)) for i, pair in enumerate(values)]
    expected = summary(entries_to_ranking(entries, [True, False]))
    random.shuffle(entries)
    assert summary(entries_to_ranking(entries, [True, False])) == expected
    ranks = [rank for _, _, rank in expected]
    np.testing.assert_allclose(np.mean(ranks), (len(entries) + 1) / 2)


def test_the_board_is_written_in_three_forms(folder, tmp_path):
    board = tmp_path / "boards" / "iper.csv"
    add_entry(folder("copy_source", quality=0.3), board)
    add_entry(folder("mesh|warp <script>alert(1)</script>", quality=0.8), board)
    add_entry(folder("oracle", quality=1, kind="audit"), board)
    paths = build_board(board, tmp_path / "out")
    assert [path.name for path in paths] == ["iper-ranking.csv", "iper.md", "iper.html"]
    with paths[0].open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["place"] for row in rows] == ["1", "2", ""]
    assert [row["mean_rank"] for row in rows] == ["1.0", "2.0", ""]
    assert float(rows[1]["fid-v1@random"]) == 70
    markdown = paths[1].read_text()
    assert "| Place | Entry | SSIM ↑ | PSNR [dB] ↑ | L1 ↓ | FID ↓ | Trained on |" in markdown
    assert r"| 1 | mesh\|warp &lt;script&gt;alert(1)&lt;/script&gt; | 0.7" in markdown
    assert "| audit | *oracle* |" in markdown
    page = paths[2].read_text()
    assert "<script" not in page
    assert "mesh|warp &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "FID comes from a network with random weights" in page
    assert "http://" not in page
    assert "https://" not in page
    before = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in build_board(board, tmp_path / "out")] == before


def test_markdown_takes_any_name_as_it_is():
    assert escape_markdown("a*b_[c](d)\n| `e` <f> & #g") == r"a\*b\_\[c\](d) \| \`e\` &lt;f&gt; &amp; \#g"
