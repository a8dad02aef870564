"""Cells of a sweep: each one corruption at one severity and seed, and what their folders are called."""

from collections.abc import Sequence
from dataclasses import dataclass

from vptbench.benchmarks.noisy import CorruptionRule, NoisyBenchmark
from vptbench.curvefile import CLEAN
from vptbench.errors import UsageError
from vptbench.registry import check_known
from vptbench.robustness.corruptions import Corruption, load_kind

FLOOR_NAME = "floor"
"""Of the scores of a model that repeats the source frame."""

CONTROL_SUFFIX = "-control"
"""Behind a cell's name, of the scores of its control."""


@dataclass(frozen=True)
class Cell:
    """One corruption at one severity and seed; clean poses are kind "clean", severity 0, seed 0.

    Attributes:
        kind: As of a `Corruption`, or `curvefile.CLEAN`.
        severity: 1 to 5.
        seed: From 0.
    """

    kind: str
    severity: int
    seed: int

    @property
    def name(self) -> str:
        """As "jitter-3-0", or "clean"."""
        return CLEAN if self.kind == CLEAN else f"{self.kind}-{self.severity}-{self.seed}"

    @property
    def control(self) -> str:
        """Name of its control."""
        return f"{self.name}{CONTROL_SUFFIX}"

    @property
    def corruption(self) -> Corruption:
        """What is done to the poses; of no use for clean ones."""
        return Corruption(self.kind, self.severity, self.seed)


CLEAN_CELL = Cell(CLEAN, 0, 0)
"""The poses as they are."""


@dataclass(frozen=True)
class CellFilter:
    """Some cells of a list of corruptions; what is empty leaves nothing out.

    Attributes:
        kinds: Kinds to keep.
        severities: Severities to keep.
        seeds: Seeds to keep, of kinds that draw.
    """

    kinds: tuple[str, ...] = ()
    severities: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()


def benchmark_to_cells(benchmark: NoisyBenchmark, chosen: CellFilter | None = None) -> tuple[Cell, ...]:
    """The cells of a list of corruptions, in its order: by kind, severity and seed.

    Of a kind that draws nothing, all seeds are the same; the first one stands for them.

    Args:
        benchmark: The list.
        chosen: Which of its cells; all of them by default.

    Raises:
        RegistryError: A kind of the list is unknown, or one that was chosen is not in the list.
        UsageError: A severity or a seed is not in the list, or nothing is left.

    Example:
        ``[cell.name for cell in benchmark_to_cells(load_noisy_benchmark("iper-noisy-v1"))]``
    """
    chosen = chosen or CellFilter()
    for kind in chosen.kinds:
        check_known(kind, [rule.kind for rule in benchmark.corruptions], f"kind of {benchmark.id}")
    rules = [rule for rule in benchmark.corruptions if rule.kind in chosen.kinds or not chosen.kinds]
    _check_numbers(chosen.severities, [rule.severities for rule in rules], "severities")
    _check_numbers(chosen.seeds, [rule.seeds for rule in rules], "seeds")
    cells = tuple(
        Cell(rule.kind, severity, seed)
        for rule in rules
        for severity in rule.severities
        if severity in chosen.severities or not chosen.severities
        for seed in _rule_to_seeds(rule, chosen.seeds)
    )
    if not cells:
        raise UsageError(f"expected some cells of {benchmark.id}, the choice leaves none; choose others")
    return cells


def benchmark_to_undrawn(benchmark: NoisyBenchmark) -> tuple[str, ...]:
    """Kinds that draw nothing although the list has several seeds for them: one is run."""
    return tuple(
        rule.kind for rule in benchmark.corruptions if len(rule.seeds) > 1 and not load_kind(rule.kind).drawn
    )


def _rule_to_seeds(rule: CorruptionRule, chosen: Sequence[int]) -> tuple[int, ...]:
    if not load_kind(rule.kind).drawn:
        return rule.seeds[:1]
    return tuple(seed for seed in rule.seeds if seed in chosen or not chosen)


def _check_numbers(chosen: Sequence[int], known: Sequence[Sequence[int]], what: str) -> None:
    """See that numbers that were chosen are some rule's.

    Raises:
        UsageError: One is not.
    """
    there = sorted({number for numbers in known for number in numbers})
    unknown = sorted(set(chosen) - set(there))
    if unknown:
        raise UsageError(
            f"expected {what} among {', '.join(map(str, there))}, got {', '.join(map(str, unknown))}"
        )
