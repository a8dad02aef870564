"""The only place that draws a progress bar."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def track(items: Iterable[Item], *, total: int, label: str, unit: str = "clip") -> Iterator[Item]:
    """Yield `items`, drawing a bar with rate and time left on standard error.

    On something that is no terminal nothing is drawn, so logs stay clean.

    Args:
        items: What to go through.
        total: How many there will be.
        label: What is going on, in a word or two ("prepare fashionvideo").
        unit: What one item is.
    """
    yield from tqdm(items, total=total, desc=label, unit=unit, disable=None, dynamic_ncols=True)
