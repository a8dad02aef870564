import csv
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hostile_names import HOSTILE

from vptbench.benchmarks.loader import load_benchmark
from vptbench.leaderboard import add_entry, build_board, declare_board, rank_board, read_board


class Elements(HTMLParser):
    """What a page is made of: "a", and "a href" for an element with an attribute."""

    def __init__(self):
        super().__init__()
        self.found = set()

    def handle_starttag(self, tag, attrs):
        self.found |= {tag, *(f"{tag} {name}" for name, _ in attrs)}


@pytest.fixture
def board(folder, tmp_path):
    """A board of two entries, one of a name that no form may take as it is, and an audit."""
    path = tmp_path / "boards" / "iper.csv"
    add_entry(folder("copy_source", quality=0.3), path)
    add_entry(folder("mesh|warp <script>alert(1)</script>", quality=0.8), path, claims={"trained_on": "a_b"})
    add_entry(folder("oracle", quality=1, kind="audit"), path)
    return path


def test_the_board_is_written_in_four_forms(board, tmp_path):
    paths = build_board(board, tmp_path / "out")
    assert [path.name for path in paths] == ["iper-ranking.csv", "iper.md", "iper.tex", "iper.html"]
    before = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in build_board(board, tmp_path / "out")] == before


def test_the_csv_has_figures_and_ranks_in_full(board, tmp_path):
    with build_board(board, tmp_path)[0].open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["place"] for row in rows] == ["1", "2", ""]
    assert [row["mean_rank"] for row in rows] == ["1.0", "2.0", ""]
    assert [row["fid-v1@random.rank"] for row in rows] == ["1.0", "2.0", ""]
    assert float(rows[1]["fid-v1@random"]) == 70
    table = rank_board(read_board(board)).table
    assert [row["name"] for row in rows] == list(table.index)
    np.testing.assert_array_equal([float(row["ssim-v1"]) for row in rows], table["ssim-v1"])
    assert table["place"].tolist()[:2] == [1, 2]
    assert table["place"].isna().tolist() == [False, False, True]


def test_markdown(board, tmp_path):
    markdown = build_board(board, tmp_path)[1].read_text()
    assert markdown.startswith("# synthetic-v1\n\n2 clips, 8 frames.\n\n| Place |")
    assert "| Place | Entry | SSIM ↑ | PSNR \\[dB\\] ↑ | L1 ↓ | FID ↓ | Trained on |" in markdown
    assert r"| 1 | mesh\|warp &lt;script&gt;alert(1)&lt;/script&gt; | **0.7" in markdown
    assert r"| **20.00** | a\_b |" in markdown
    assert "| audit | *oracle* |" in markdown
    assert "FID comes from a network with random weights" in markdown
    assert "Over 2 clips noise cannot be judged" in markdown


def test_latex(board, tmp_path):
    lines = build_board(board, tmp_path)[2].read_text().splitlines()
    assert lines[0].startswith("% synthetic-v1: 2 clips, 8 frames. Place by the mean")
    assert lines[1:3] == [r"\begin{tabular}{rlrrrr}", r"\toprule"]
    assert lines[3] == (
        r"Place & Entry & SSIM $\uparrow$ & PSNR {[}dB{]} $\uparrow$ & L1 $\downarrow$ & FID $\downarrow$ \\"
    )
    assert lines[5].startswith(r"1 & mesh\textbar{}warp \textless{}script\textgreater{}alert(1)")
    assert lines[5].endswith(r" & \textbf{20.00} \\")
    assert r"\textbf" not in lines[6]
    assert lines[7].startswith(r"-- & \emph{oracle} & ")
    assert lines[8:] == [r"\bottomrule", r"\end{tabular}"]


def test_what_containers_lost_is_told_in_every_form_for_readers(folder, tmp_path):
    lost = {
        "layout": "x",
        "why": "",
        "container": "<JPEG> of quality 75",
        "lossless": False,
        "scored": 8,
        "asked": 8,
    }
    add_entry(folder("a*b", reading=lost, layout="x"), tmp_path / "b.csv")
    add_entry(folder("whole", quality=0.8), tmp_path / "b.csv")
    _, markdown, latex, page = (path.read_text() for path in build_board(tmp_path / "b.csv", tmp_path))
    told = "were read from &lt;JPEG&gt; of quality 75, lossy: some quality may have gone before scoring."
    assert markdown.count("were read from") == 1
    assert rf"Frames of a\*b {told}" in markdown
    assert "Frames of a*b were read from <JPEG> of quality 75, lossy" in latex.splitlines()[0]
    assert page.count('<span class="tag">&lt;JPEG&gt; of quality 75, lossy</span>') == 1
    assert '<span class="tag">PNG' not in page
    assert "container         PNG, lossless" in page


def test_a_lone_entry_is_the_best_of_nothing(folder, tmp_path):
    add_entry(folder("a"), tmp_path / "b.csv")
    _, markdown, latex, page = (path.read_text() for path in build_board(tmp_path / "b.csv", tmp_path))
    assert "**" not in markdown
    assert r"\textbf" not in latex
    assert 'class="best"' not in page


def test_a_board_without_entries_says_so(tmp_path):
    board = declare_board(tmp_path / "iper-v1.csv")
    assert board.metrics == load_benchmark("iper-v1").metrics
    ranking, markdown, latex, page = (path.read_text() for path in build_board(board.path, tmp_path / "out"))
    assert ranking.splitlines()[0].startswith("place,name,kind,mean_rank,ssim-v1,ssim-v1.rank,psnr-v1")
    assert len(ranking.splitlines()) == 1
    assert markdown.startswith("# iper-v1\n\nNo entries yet.\n")
    assert latex.startswith("% iper-v1: No entries yet.")
    assert "No entries yet." in page
    assert "<table" not in page


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_do_no_harm_in_any_form(folder, tmp_path, name):
    clips = (name.replace("\0", "") or "x", "b")
    told = {"trained_on": name, "commit": name, "command": name}
    board = tmp_path / "out" / "boards" / "b.csv"
    add_entry(folder(name, clips=clips, quality=0.4), board, claims=told)
    add_entry(folder("other", clips=clips), board)
    ranking, markdown, latex, page = (
        path.read_text() for path in build_board(board, tmp_path / "out" / "made")
    )
    for file in (tmp_path / "out").rglob("*.csv"):
        with file.open(newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        assert [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))] == []
        assert not any(
            letter in "\0\x1b\u202e" for cell in cells for letter in cell if "clips" not in str(file)
        )
    made = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    clean = {re.sub("[0-9a-f]{64}", "HASH", path) for path in made}
    assert clean == {
        "boards/b.csv", "boards/b.clips", "boards/b.clips/HASH.csv", "made/b-ranking.csv", "made/b.md",
        "made/b.tex", "made/b.html",
    }  # fmt: skip
    for text in (markdown, latex, page):
        assert not re.search("[\0\x1b\u202e\u202c]", text)
    assert len(markdown.split("\n\n")[2].splitlines()) == 4
    assert not re.search(r"<(script|img|b)\b", markdown)
    assert latex.count("\n") == 9
    assert latex.count(r"\end{tabular}") == 1
    assert r"\input" not in latex
    assert not re.search(r"\\\\\n *[\[*]", latex)
    assert page.count("<script") == 1
    elements = Elements()
    elements.feed(page)
    assert not {"img", "b"} & elements.found
    assert not [each for each in elements.found if " on" in each]
    assert "49" not in ranking.splitlines()[0]
    assert read_board(board).table["trained_on"].tolist()[1] == ""


def test_the_page_is_whole_without_a_network(board, tmp_path):
    page = build_board(board, tmp_path)[3].read_text()
    assert "http://" not in page
    assert "https://" not in page
    assert "mesh|warp &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "FID comes from a network with random weights" in page
    assert "script-src &#39;sha256-" in page
    assert " style=" not in page  # the policy would not let it
