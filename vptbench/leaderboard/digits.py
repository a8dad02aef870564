"""Figures as text: one number of decimals for a whole column."""

from collections.abc import Iterable

EMPTY = "–"
"""What stands where there is no figure."""


def values_to_decimals(values: Iterable[float | None]) -> int:
    """Decimals that show about four digits of the largest value: 1 from 100, 2 from 10, 3 from 1, else 4."""
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    return next((decimals for decimals, least in ((1, 100), (2, 10), (3, 1)) if largest >= least), 4)


def value_to_text(value: float | None, decimals: int) -> str:
    """A figure with `decimals`; "–" for none, and never "−0"."""
    return EMPTY if value is None else f"{round(value, decimals) + 0.0:.{decimals}f}"


def interval_to_text(low: float | None, high: float | None, decimals: int) -> str:
    """An interval such as "0.91–0.93", or nothing."""
    if low is None or high is None:
        return ""
    return f"{value_to_text(low, decimals)} to {value_to_text(high, decimals)}"
