"""The items of a protocol that spells out what is made: from which picture, driven by what, beside what.

In JSON an item is::

    {"id": "001/9/1", "source": {"clip": "001/9/1", "frame": 0},
     "driving": {"clip": "007/1/2", "first": 180, "last": 255},
     "real": {"clip": "001/9/1", "first": 180, "last": 255}}

Both ends of a range are included. ``real`` are the true frames that distribution metrics compare with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from vptbench.benchmarks.naming import named
from vptbench.benchmarks.source import is_number
from vptbench.config import json_to_config
from vptbench.errors import BenchmarkError, ConfigError, ManifestError
from vptbench.manifest import Json, check_relative


@dataclass(frozen=True)
class Still:
    """One frame of a clip.

    Attributes:
        clip: Clip id.
        frame: Its number.

    Raises:
        BenchmarkError: It cannot be one.
    """

    clip: str
    frame: int

    def __post_init__(self) -> None:
        if not (_is_name(self.clip) and is_number(self.frame)):
            raise BenchmarkError(
                "expected a clip id and a frame number from 0 to below 2**31, found "
                f"{self.clip!r} and {self.frame!r}"
            )


@dataclass(frozen=True)
class Span:
    """A range of frames of a clip.

    Attributes:
        clip: Clip id.
        first: Number of the first frame.
        last: Number of the last frame, which belongs to it.

    Raises:
        BenchmarkError: It cannot be one.
    """

    clip: str
    first: int
    last: int

    def __post_init__(self) -> None:
        whole = is_number(self.first) and is_number(self.last) and self.first <= self.last
        if not (whole and _is_name(self.clip)):
            raise BenchmarkError(
                "expected a clip id and frame numbers with 0 <= first <= last < 2**31, found "
                f"{self.clip!r}, {self.first!r} and {self.last!r}"
            )

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class ItemSpan:
    """One item as it stands in a protocol.

    Attributes:
        id: Of what is made.
        source: The picture that the model sees.
        driving: The poses that it takes.
        real: The true frames that distribution metrics compare with.
    """

    id: str
    source: Still
    driving: Span
    real: Span


Part = TypeVar("Part", Still, Span)


def json_to_items(document: Json) -> tuple[ItemSpan, ...]:
    """Read the items of a protocol, strictly.

    Raises:
        BenchmarkError: There is none, or some are malformed or share an id; every problem is named.
    """
    if not isinstance(document, list) or not document:
        raise BenchmarkError(f"items: expected a list of items, or no such field, found {document!r}")
    items, problems = [], []
    for place, entry in enumerate(document):
        try:
            items.append(_json_to_item(entry))
        except (BenchmarkError, ConfigError) as error:
            problems.append(f"items[{place}]: {error}")
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            problems.append(f"items: expected ids of their own, found two of {item.id!r}")
        seen.add(item.id)
    if problems:
        raise BenchmarkError(named(problems, "; "))
    return tuple(items)


def items_to_json(items: tuple[ItemSpan, ...]) -> list[Json]:
    """Items as they stand in a protocol's file."""
    return [
        {
            "id": item.id,
            "source": {"clip": item.source.clip, "frame": item.source.frame},
            **{
                name: {"clip": span.clip, "first": span.first, "last": span.last}
                for name, span in (("driving", item.driving), ("real", item.real))
            },
        }
        for item in items
    ]


def _json_to_item(entry: Json) -> ItemSpan:
    """Read one item.

    Raises:
        BenchmarkError: A value is malformed.
        ConfigError: A field is missing or unknown.
    """
    if not isinstance(entry, Mapping):
        raise BenchmarkError(f"expected an object with id, source, driving and real, found {entry!r}")
    name = json_to_config(entry, ItemSpan).id  # checks which fields there are; their values follow
    try:
        checked = check_relative(name if _is_name(name) else "", "item id")
    except ManifestError as error:
        raise BenchmarkError(str(error)) from error
    return ItemSpan(
        id=checked,
        source=_part(entry, "source", Still),
        driving=_part(entry, "driving", Span),
        real=_part(entry, "real", Span),
    )


def _part(entry: Mapping[str, Json], name: str, kind: type[Part]) -> Part:
    """Read a still or a span of an item.

    Raises:
        BenchmarkError: It is malformed; the text names it.
    """
    part = entry[name]
    if not isinstance(part, Mapping):
        raise BenchmarkError(f"{name}: expected an object, found {part!r}")
    try:
        return json_to_config(part, kind)
    except (BenchmarkError, ConfigError) as error:
        raise BenchmarkError(f"{name}: {error}") from error


def _is_name(clip: object) -> bool:
    return isinstance(clip, str) and bool(clip)
