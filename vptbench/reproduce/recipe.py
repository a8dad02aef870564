"""Methods whose published figures can be measured again: one file a method, and one row here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from vptbench.benchmarks.protocol import Benchmark
from vptbench.registry import check_known, id_to_object
from vptbench.score.published import GROUPS
from vptbench.scorefile import Scores
from vptbench.store import Store

RECIPES = {"bdmm": "vptbench.reproduce.bdmm:BDMM"}
"""Names of methods to recipes."""


@dataclass(frozen=True)
class Facts:
    """What was done, all of it read from disk.

    Attributes:
        group: Of the published rows, a key of `score.published.GROUPS`.
        frozen: The protocol that follows them.
        used: The protocol of the scores: the same, or a variant of it.
        scores: Of outputs that `vptbench generate` wrote.
        store: The clips.
    """

    group: str
    frozen: Benchmark
    used: Benchmark
    scores: Scores
    store: Store

    @property
    def frames(self) -> int:
        """Number of frames that were scored."""
        return sum(cast("int", clip["frames"]) for clip in self.scores.clips.values())

    @property
    def reference(self) -> Mapping[str, int]:
        """Numbers of ``clips`` and ``frames`` that some metrics compare with."""
        return cast("Mapping[str, int]", self.scores.reference or {"clips": 0, "frames": 0})


Note: TypeAlias = str | Callable[[Facts], str]
"""One thing that is known of a difference, on one line; empty where the facts say that it does not apply."""


@dataclass(frozen=True)
class Recipe:
    """A method: who runs it, what was published of it, and what is known of the differences.

    Attributes:
        title: What its authors call it.
        model: Name in the entry points ``vptbench.models``.
        source: Where its authors published, as the published table names it.
        methods: What the published table calls it, whoever quotes it.
        groups: Of its rows there, keys of `score.published.GROUPS`; one a dataset.
        notes: How the metrics' names begin that a note is about (empty: all of them) to the notes, in the
            order in which a reader should learn them.
    """

    title: str
    model: str
    source: str
    methods: tuple[str, ...]
    groups: tuple[str, ...]
    notes: Mapping[str, tuple[Note, ...]]

    def group(self, dataset: str) -> str:
        """The group of what was published on `dataset`.

        Raises:
            RegistryError: Nothing was.
        """
        groups = {GROUPS[name].dataset: name for name in self.groups}
        return groups[check_known(dataset, groups, f"dataset of {self.title}'s figures")]


def load_recipe(name: str) -> Recipe:
    """The recipe of a method.

    Raises:
        RegistryError: There is none.

    Example:
        ``load_recipe("bdmm").group("iper")``
    """
    return cast("Recipe", id_to_object(name, RECIPES, "method to reproduce"))
