"""Which part of a picture is the generated frame, found from the picture's own size.

==============  =====================================================================================
``""``          The whole picture.
``K/N``         The K-th of N columns of equal width, counted from 1.
``K/N:square``  The same, and each column is as wide as it is high.
``K/N+P``       The same with P pixels around every column, as torchvision's grids have.
``right:W``     The W columns at the right; ``right`` alone takes W from ``{width}`` in the name.
==============  =====================================================================================
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from vptbench.errors import OutputError

GRAMMAR = re.compile(
    r"([1-9][0-9]?)/([1-9][0-9]?)(?::(square)|\+([1-9][0-9]?))?|right(?::([1-9][0-9]{0,4}))?"
)


@dataclass(frozen=True)
class Panel:
    """A parsed rule.

    Attributes:
        text: As it was written; empty for the whole picture.
        index: Which column, from 1; 0 for the right end.
        count: How many columns.
        padding: Pixels around every column.
        square: Whether columns are as wide as high.
        width: Of the right end, pixels; 0 where the file's name says it.
    """

    text: str = ""
    index: int = 1
    count: int = 1
    padding: int = 0
    square: bool = False
    width: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether the picture is taken as it is."""
        return not self.text or (self.index, self.count, self.padding, self.square) == (1, 1, 0, False)

    def columns(self, size: tuple[int, int], named: Mapping[str, str | int]) -> tuple[slice, slice]:
        """Rows and columns of the panel.

        Args:
            size: (H, W) of the picture.
            named: What the file's name says; ``width`` and ``height`` are of the panel.

        Raises:
            OutputError: A picture of this size has no such panel.
        """
        height, width = size
        if self.index == 0:
            wide = self.width or int(named.get("width", 0))
            rows, columns = slice(0, height), slice(width - wide, width)
            problem = "" if 0 < wide <= width else f"a right end of {wide or 'unknown'} columns"
        else:
            pad = self.padding
            wide, rest = divmod(width - pad, self.count)
            wide -= pad
            first = pad + (self.index - 1) * (wide + pad)
            rows, columns = slice(pad, height - pad), slice(first, first + wide)
            problem = self._problem(height - 2 * pad, wide, rest)
        found = rows.stop - rows.start, columns.stop - columns.start
        said = named.get("height", found[0]), named.get("width", found[1])
        if not problem and found != said:
            problem = f"panels of {said[0]}×{said[1]} as the name says"
        if problem:
            raise OutputError(f"expected {problem}, found a picture of {height}×{width}")
        return rows, columns

    def _problem(self, high: int, wide: int, rest: int) -> str:
        if self.square and (rest or wide != high):
            return f"{self.count} square panels, a width of {self.count} × the height"
        if rest or wide < 1 or high < 1:
            padded = f" with {self.padding} pixels around each" if self.padding else ""
            return f"{self.count} panels of equal width{padded}"
        return ""


def parse_panel(text: str) -> Panel:
    """Parse a rule.

    Raises:
        OutputError: It is malformed.

    Example:
        ``parse_panel("5/5").columns((256, 1280), {})`` is rows 0 to 255 and columns 1024 to 1279
    """
    if not text:
        return Panel()
    found = GRAMMAR.fullmatch(text)
    if found is None or (found[1] and int(found[1]) > int(found[2])):
        raise OutputError(
            f"expected a panel such as 5/5 (the fifth of five), 3/3+2 (of a grid with 2 pixels around each) "
            f"or right:512, got {text!r:.80}"
        )
    if found[1] is None:
        return Panel(text, index=0, width=int(found[5] or 0))
    return Panel(text, int(found[1]), int(found[2]), int(found[4] or 0), square=found[3] is not None)
