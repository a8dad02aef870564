"""Methods whose published figures can be measured again: one file a method, and one row here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from vptbench.benchmarks.loader import load_benchmark
from vptbench.benchmarks.protocol import Benchmark
from vptbench.registry import check_known, id_to_object
from vptbench.reproduce.known import Note
from vptbench.score.published import GROUPS, ProtocolGroup

RECIPES = {"bdmm": "vptbench.reproduce.bdmm:BDMM"}
"""Names of methods to recipes."""


@dataclass(frozen=True)
class Part:
    """What a method published on one dataset.

    Attributes:
        rows: Group of its rows in the published table, a key of `score.published.GROUPS`; the group says
            which frozen protocol follows them.
        notes: What is known of this dataset alone.
    """

    rows: str
    notes: tuple[Note, ...] = ()

    @property
    def group(self) -> ProtocolGroup:
        """How its rows were measured."""
        return GROUPS[self.rows]

    @property
    def benchmark(self) -> Benchmark:
        """The frozen protocol that follows its rows."""
        return load_benchmark(self.group.benchmark)


@dataclass(frozen=True)
class Recipe:
    """A method: who runs it, what was published of it, and what is known of the differences.

    Attributes:
        title: What its authors call it.
        model: Name in the entry points ``vptbench.models``.
        source: Where its authors published, as the published table names it.
        methods: What the published table calls it, whoever quotes it.
        parts: Dataset to what was published on it; the first is the default.
        notes: What is known on every dataset, in the order in which a reader should learn it.
    """

    title: str
    model: str
    source: str
    methods: tuple[str, ...]
    parts: Mapping[str, Part]
    notes: tuple[Note, ...]

    def part(self, dataset: str) -> Part:
        """What was published on `dataset`; on the first one where it is empty.

        Raises:
            RegistryError: Nothing was published on it.
        """
        name = dataset or next(iter(self.parts))
        return self.parts[check_known(name, self.parts, f"dataset of {self.title}'s figures")]


def load_recipe(name: str) -> Recipe:
    """The recipe of a method.

    Raises:
        RegistryError: There is none.

    Example:
        ``load_recipe("bdmm").part("iper").benchmark.id``
    """
    return cast("Recipe", id_to_object(name, RECIPES, "method to reproduce"))
