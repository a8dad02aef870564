"""Strangers' texts, made harmless: for terminals, Markdown and LaTeX; and tables of them."""

import html
from collections.abc import Sequence

IN_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "[": "{[}", "]": "{]}", "*": "{*}",
    "–": "--", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "\ufffd": "?",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}  # fmt: skip
"""What stands for a character. A row that begins with ``[`` or ``*`` would be read with the row above."""


def printable(text: str) -> str:
    """A text on one line, without what a terminal would obey or what turns the direction of writing."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(text.split()))


def escape_markdown(text: str) -> str:
    """A text on one line that Markdown and HTML take as it is."""
    marked = "".join(f"\\{letter}" if letter in "\\`*_[]|#~" else letter for letter in printable(text))
    return html.escape(marked, quote=False)


def escape_latex(text: str) -> str:
    """A text on one line that LaTeX prints as it is (T1 fonts, for odd names)."""
    return "".join(IN_LATEX.get(letter, letter) for letter in printable(text))


def rows_to_markdown(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: the first row is the heading; all columns but the first two to the right."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    rule = " | ".join("---" if index < 2 else "---:" for index in range(len(rows[0])))
    return "\n".join([lines[0], f"| {rule} |", *lines[1:]])


def rows_to_latex(rows: Sequence[Sequence[str]], columns: str, comment: str) -> str:
    """A tabular with the rules of booktabs.

    Args:
        rows: Cells that LaTeX takes as they are; the first row is the heading.
        columns: How each is set, such as "lrr".
        comment: A line above it; any text.
    """
    lines = [rf"{' & '.join(row)} \\" for row in rows]
    return "\n".join(
        [f"% {printable(comment)}", rf"\begin{{tabular}}{{{columns}}}", r"\toprule", lines[0], r"\midrule",
         *lines[1:], r"\bottomrule", r"\end{tabular}", ""]
    )  # fmt: skip
