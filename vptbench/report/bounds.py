"""What a figure is read against: the floor of copying the source, the ceiling of video coding."""

from dataclasses import dataclass

from vptbench.leaderboard.digits import value_to_text
from vptbench.report.table import Row, Section

FLOOR, CEILING = "copy_source", "mp4_roundtrip"
"""The name of the source frame repeated, and how names of audits begin that are true frames through a video
coder."""


@dataclass(frozen=True)
class Bounds:
    """The two figures of a metric, each None where no such scores were given.

    Attributes:
        floor: Of `FLOOR`.
        ceiling: Of `CEILING`; the best where there are several.
        texts: Those that are there in words, such as "floor 0.71".
    """

    floor: float | None
    ceiling: float | None
    texts: tuple[str, ...]

    @property
    def levels(self) -> dict[str, float]:
        """Those that are there, by name."""
        both = {"floor": self.floor, "ceiling": self.ceiling}
        return {name: value for name, value in both.items() if value is not None}

    def share(self, value: float | None) -> float | None:
        """How far `value` is from floor to ceiling, within 0 to 1; None where that cannot be said."""
        if value is None or self.floor is None or self.ceiling is None or self.floor == self.ceiling:
            return None
        return min(1.0, max(0.0, (value - self.floor) / (self.ceiling - self.floor)))


def section_to_bounds(section: Section) -> tuple[Bounds, ...]:
    """The bounds of each column."""
    found = []
    for column in section.columns:
        pick = max if column.arrow == "↑" else min
        ends: list[float | None] = []
        for is_end in (_is_floor, _is_ceiling):
            figures = [row.scores.own.get(column.name) for row in section.rows if is_end(row)]
            known = [figure.value for figure in figures if figure is not None and figure.value is not None]
            ends.append(pick(known, default=None))
        words = [
            f"{name} {value_to_text(value, column.decimals)}"
            for name, value in zip(("floor", "ceiling"), ends, strict=True)
            if value is not None
        ]
        floor, ceiling = ends
        found.append(Bounds(floor, ceiling, tuple(words)))
    return tuple(found)


def _is_floor(row: Row) -> bool:
    return row.kind == "model" and row.scores.model == FLOOR


def _is_ceiling(row: Row) -> bool:
    return row.kind == "audit" and row.scores.model.startswith(CEILING)
