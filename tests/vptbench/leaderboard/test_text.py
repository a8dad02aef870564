from hypothesis import given
from hypothesis import strategies as st

from vptbench.leaderboard.text import (
    escape_latex,
    escape_markdown,
    printable,
    rows_to_latex,
    rows_to_markdown,
)


@given(st.text(max_size=30))
def test_what_is_printable_is_one_line_of_it(text):
    assert printable(text).isprintable() or "\ufffd" in printable(text)
    assert len(printable(text).splitlines()) <= 1
    assert printable(printable(text)) == printable(text)


def test_printable_by_hand():
    assert printable("a\tb\n\x1b[0m\u202e\0") == "a b \ufffd[0m\ufffd\ufffd"


def test_markdown_takes_any_name_as_it_is():
    assert escape_markdown("a*b_[c](d)\n| `e` <f> & #g") == r"a\*b\_\[c\](d) \| \`e\` &lt;f&gt; &amp; \#g"
    assert escape_markdown("x\u202ey") == "x\ufffdy"


def test_latex_by_hand():
    assert escape_latex("a_b & 50% {x} \\ ~^") == (
        r"a\_b \& 50\% \{x\} \textbackslash{} \textasciitilde{}\textasciicircum{}"
    )
    assert escape_latex("[1] *x* – ↑\0") == r"{[}1{]} {*}x{*} -- $\uparrow$?"


def test_tables_by_hand():
    assert rows_to_markdown([["a", "b", "c"], ["1", "2", "3"]]) == (
        "| a | b | c |\n| --- | --- | ---: |\n| 1 | 2 | 3 |"
    )
    assert rows_to_latex([["a", "b"], ["1", "2"]], "lr", "50 %\n\\end{x}").splitlines() == [
        r"% 50 % \end{x}", r"\begin{tabular}{lr}", r"\toprule", r"a & b \\", r"\midrule", r"1 & 2 \\",
        r"\bottomrule", r"\end{tabular}",
    ]  # fmt: skip
