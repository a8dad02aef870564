"""The only place that draws a progress bar."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def track(
    items: Iterable[Item],
    *,
    total: int,
    label: str,
    unit: str = "clip",
    done: int = 0,
    notes: Mapping[str, str] | None = None,
) -> Iterator[Item]:
    """Yield `items`, drawing a bar with rate and time left on standard error.

    On something that is no terminal nothing is drawn, so logs stay clean.

    Args:
        items: What to go through.
        total: How many there will be, those that are done included.
        label: What is going on, in a word or two ("prepare fashionvideo").
        unit: What one item is.
        done: How many were done before.
        notes: Shown behind the bar, as they stand when it is drawn; the caller may change them.
    """
    with tqdm(total=total, initial=done, desc=label, unit=unit, disable=None, dynamic_ncols=True) as bar:
        for item in items:
            yield item
            if notes:
                bar.set_postfix(notes, refresh=False)
            bar.update()
