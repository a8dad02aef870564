"""Rules that find what goes wrong when tables of figures are copied, or measured by broken code.

They know nothing of any method; each fires on numbers, and says why in words. What they find is suspect, not
proven wrong.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

Finding = tuple[int, str]
"""The number of a row, and why it is suspect."""

DIGITS = 3
"""Equal figures with fewer digits than this are a coincidence."""

OVERFLOW = "PSNR_uint8"
"""How the table names PSNR of differences that wrapped round in eight bits (DisCo issue 86)."""

PSNR_OVER_SSIM = 20.0
"""PSNR may be so many dB above −10·log10(1 − SSIM). In the published rows that are known to be right it is at
most 16 above, in those that overflowed at least 22.8."""

PSNR_OVER_L1 = 3.0
"""PSNR may be so many dB above −20·log10(L1), the most that it can be on one frame: means over unequal frames
may exceed it."""

L1_UNIT: Mapping[str, float] = {"bdmm-fashion": 0.5, "bdmm-iper": 0.5, "disco-tiktok10": 256 * 256 / 255}
"""What L1 of a protocol group is multiplied by to be on [0, 1]: BDMM's is on [−1, 1], DisCo's is of levels
divided by the pixels of a frame, 256² (larger frames make it smaller, and the rule more patient)."""

RANGES: Mapping[str, tuple[float, float]] = {
    "SSIM": (0, 1), "LPIPS": (0, 1), "CSIM": (-1, 1), "Face-Cos": (-1, 1), "L1": (0, 1),
    "PSNR": (0, 34), OVERFLOW: (0, 100),
    **dict.fromkeys(("VGG", "AED", "FID", "FID-VID", "FVD"), (0, math.inf)),
}  # fmt: skip
"""What a metric's figures can be, or, of PSNR, have ever been for a model of this kind without overflow."""

SCALE = 5.0
"""An L1 so many times below or above the median of its group is on another scale, or mistyped."""

INVERTED = (0.7, 0.6)
"""SSIM from here, with LPIPS from here: LPIPS looks like 1 − distance."""

COPIED = "copied"
"""Notes of figures that were taken from another paper begin so."""


@dataclass(frozen=True)
class PublishedRow:
    """One published figure.

    Attributes:
        dataset: As the source calls it.
        group: Protocol group: what was measured in one way.
        method: As the source calls it, with its variant in brackets.
        metric: Column of the source's table.
        value: As printed.
        source: Paper and table, or issue.
        notes: What else is known.
        suspect: Whether it is marked.
        why: Why it is marked, or empty.
    """

    dataset: str
    group: str
    method: str
    metric: str
    value: str
    source: str
    notes: str = ""
    suspect: bool = False
    why: str = ""

    @property
    def number(self) -> Decimal:
        """The value, to the digits that were printed."""
        return Decimal(self.value)

    @property
    def model(self) -> str:
        """The method without its variant."""
        return self.method.partition(" (")[0]


def rows_to_findings(rows: Sequence[PublishedRow]) -> list[Finding]:
    """All that the rules find, in the order of the rows."""
    return sorted({finding for rule in RULES for finding in rule(rows)})


def find_out_of_range(rows: Sequence[PublishedRow]) -> Iterator[Finding]:
    """Figures that the metric cannot give."""
    for number, row in enumerate(rows):
        low, high = RANGES.get(row.metric, (-math.inf, math.inf))
        if not low <= row.number <= high:
            yield number, f"out of the range of {row.metric}, {low:g} to {high:g}"


def find_overflow(rows: Sequence[PublishedRow]) -> Iterator[Finding]:
    """PSNR that is called overflowed, or is too high for the same row's SSIM or L1."""
    for number, row in enumerate(rows):
        if row.metric == OVERFLOW:
            yield number, "PSNR of uint8 differences, which wrap round: about 10 dB too high"
        if row.metric != "PSNR":
            continue
        ssim, l1 = _beside(rows, row, "SSIM"), _beside(rows, row, "L1")
        if ssim is not None and ssim < 1 and float(row.number) > PSNR_OVER_SSIM - 10 * math.log10(1 - ssim):
            yield number, f"too high for its SSIM of {ssim:g}: differences may have wrapped round in uint8"
        unit = L1_UNIT.get(row.group)
        if (
            l1 is not None
            and l1 > 0
            and unit
            and float(row.number) > PSNR_OVER_L1 - 20 * math.log10(l1 * unit)
        ):
            yield number, f"too high for its L1 of {l1:g}: differences may have wrapped round in uint8"


def find_inverted(rows: Sequence[PublishedRow]) -> Iterator[Finding]:
    """LPIPS that looks like 1 − distance: high, where SSIM is high as well."""
    for number, row in enumerate(rows):
        ssim = _beside(rows, row, "SSIM") if row.metric == "LPIPS" else None
        if ssim is not None and ssim >= INVERTED[0] and row.number >= Decimal(str(INVERTED[1])):
            yield number, f"with an SSIM of {ssim:g} it looks like 1 − distance"


def find_other_scales(rows: Sequence[PublishedRow]) -> Iterator[Finding]:
    """L1 far from the others of its group."""
    groups: dict[str, list[float]] = {}
    for row in rows:
        if row.metric == "L1":
            groups.setdefault(row.group, []).append(float(row.number))
    for number, row in enumerate(rows):
        middle = median(groups[row.group]) if row.metric == "L1" and len(groups[row.group]) > 2 else 0
        if middle > 0 and row.number > 0:
            times = float(row.number) / middle
            if max(times, 1 / times) > SCALE:
                words = f"{times:.2g} times" if times > 1 else f"1/{1 / times:.2g} of"
                yield number, f"{words} the median of its group: another scale, or mistyped"


def find_copied_cells(rows: Sequence[PublishedRow]) -> Iterator[Finding]:
    """Figures that stand in another cell as well, and methods with two values of one metric in one group.

    Of two values of one metric, that which equals another cell is suspect; if neither does, both are.
    """
    cells = {number: donor for number in range(len(rows)) if (donor := _donor(rows, number)) is not None}
    for number, row in enumerate(rows):
        if number in cells:
            giver = rows[cells[number]]
            place = f"{giver.metric} of {giver.method} in {giver.source}"
            yield number, f"equals {place}: a cell may have slipped"
            continue
        rivals = [other for other in _rivals(rows, row) if rows[other].method == row.method]
        if rivals and not set(rivals) & set(cells):
            rival = rows[rivals[0]]
            yield number, f"{rival.source} has {rival.value} in the same protocol group"


def find_changed_copies(rows: Sequence[PublishedRow]) -> Iterator[Finding]:
    """Figures that say they are copied, and are nowhere to be found; and those they may be copied from."""
    for number, row in enumerate(rows):
        if not row.notes.startswith(COPIED):
            continue
        originals = [
            other
            for other, each in enumerate(rows)
            if (each.dataset, each.model, each.metric) == (row.dataset, row.method, row.metric)
            and each.group != row.group
        ]
        if originals and not any(same_figure(rows[other], row) for other in originals):
            first = rows[originals[0]]
            yield number, f"copied, but {first.source} has {first.value}"
            for other in originals:
                yield other, f"{row.source} quotes {row.value}"


RULES: tuple[Callable[[Sequence[PublishedRow]], Iterator[Finding]], ...] = (
    find_out_of_range, find_overflow, find_inverted, find_other_scales, find_copied_cells,
    find_changed_copies,
)  # fmt: skip


def same_figure(first: PublishedRow, second: PublishedRow) -> bool:
    """Whether two figures differ by no more than rounding to the shorter one's digits."""
    exponents = [int(row.number.as_tuple().exponent) for row in (first, second)]
    return abs(first.number - second.number) <= Decimal(1).scaleb(max(exponents))


def _beside(rows: Sequence[PublishedRow], row: PublishedRow, metric: str) -> float | None:
    """A metric of the same method in the same source and group; None if it has none."""
    place = (row.group, row.method, row.source, metric)
    found = [each for each in rows if (each.group, each.method, each.source, each.metric) == place]
    return float(found[0].number) if found else None


def _rivals(rows: Sequence[PublishedRow], row: PublishedRow) -> list[int]:
    """Rows with another value of the same metric for the same model in the same group."""
    place = (row.dataset, row.group, row.model, row.metric)
    return [
        number
        for number, each in enumerate(rows)
        if (each.dataset, each.group, each.model, each.metric) == place and not same_figure(each, row)
    ]


def _donor(rows: Sequence[PublishedRow], number: int) -> int | None:
    """The cell that a row's figure may come from; None if it is in its own place.

    It may be another metric of the same model (a slip along the line), unless only that one has a rival; or
    the same metric of another model in the same group (a slip along the column), where this method has a
    rival.
    """
    row = rows[number]
    if len(row.number.normalize().as_tuple().digits) < DIGITS:
        return None
    rivals = _rivals(rows, row)
    contested = any(rows[rival].method == row.method for rival in rivals)
    for other, each in enumerate(rows):
        if each.number != row.number or each.dataset != row.dataset:
            continue
        if each.model == row.model and each.metric != row.metric and (rivals or not _rivals(rows, each)):
            return other
        along = each.model != row.model and (each.group, each.metric) == (row.group, row.metric)
        if along and contested:
            return other
    return None
