"""What all matplotlib figures have in common: colours, style, and files of equal bytes for equal figures.

No pyplot and no global state: neither backend nor `matplotlibrc` of a user matters.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from vptbench.outputs.listing import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

SUFFIXES = (".svg", ".png")
"""Of pictures that can be written."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6A3D9A")
"""Of models; told apart by people who see fewer colours. Source: Okabe and Ito 2008, "Color Universal
Design", and a violet."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
"""One more than colours, so that model 8 differs from model 1."""

GREY, FAINT, GRID = "#333333", "#767676", "#E4E6E9"
"""Of letters, of what stands back, and of grids."""

DPI = 160

STYLE: Mapping[str, Any] = {
    "font.family": ["DejaVu Sans"], "font.size": 9.5, "svg.fonttype": "path", "svg.hashsalt": "vptbench",
    "axes.linewidth": 0.6, "axes.edgecolor": FAINT, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 10, "axes.labelsize": 9.5, "xtick.labelsize": 9, "ytick.labelsize": 9,
    "xtick.color": FAINT, "ytick.color": FAINT, "xtick.labelcolor": GREY, "ytick.labelcolor": GREY,
    "legend.fontsize": 9.5,
}  # fmt: skip
"""Letters are paths, so that no font is asked for."""


def figure_to_picture(draw: Callable[[], "Figure"], suffix: str) -> bytes:
    """A picture's file: no date, no random ids.

    Args:
        draw: Makes the figure; called with the style set.
        suffix: One of `SUFFIXES`.
    """
    from matplotlib import style  # noqa: PLC0415 - half a second, and most commands draw nothing

    kept: dict[str, Any] = {"Date": None} if suffix == ".svg" else {}
    made = io.BytesIO()
    with style.context(["default", dict(STYLE)]):
        draw().savefig(made, format=suffix[1:], dpi=DPI, metadata=kept)
    return made.getvalue()


def cut_text(text: str, most: int) -> str:
    """A stranger's text as the font can draw it, on one line and of at most so many letters."""
    letters = _letters()
    drawn = (
        "".join(letter if ord(letter) in letters else "\ufffd" for letter in shown(text).strip()) or "\ufffd"
    )
    return drawn if len(drawn) <= most else f"{drawn[: most - 1]}…"


def name_legend(legend: "Legend", texts: Sequence[str]) -> None:
    """Give a legend's entries strangers' names: formulas are not read, and a leading "_" hides nothing.

    Args:
        legend: Made with other labels, as many.
        texts: As `cut_text` gives them.
    """
    for label, text in zip(legend.get_texts(), texts, strict=True):
        label.set_parse_math(False)
        label.set_text(text)


@lru_cache(maxsize=1)
def _letters() -> frozenset[int]:
    """What the font that comes with matplotlib can draw."""
    from matplotlib.font_manager import findfont, get_font  # noqa: PLC0415 - as above

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())
