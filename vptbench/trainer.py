"""What trains a model, and how it is found: the entry points ``vptbench.trainers``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from vptbench.manifest import Json
from vptbench.registry import check_callables, check_known, group_to_table, id_to_object, strangers_import
from vptbench.weights import Networks

TRAINERS_GROUP = "vptbench.trainers"


@dataclass(frozen=True)
class TrainSettings:
    """What a user asks of a trainer.

    Attributes:
        store: Folder of the clip store, whose training clips are seen.
        run: Folder of the training run, see `vptbench.runfile`.
        config: Name of a configuration that the trainer knows.
        iterations: How many; None stands for the configuration's own number.
        seed: Of initial weights and of all that is drawn.
        resume: Whether to go on where an earlier start stopped; where there was none, training begins.
        device: "cpu" or "cuda".
        changes: Of the configuration, each ``KEY=VALUE`` ("training.batch=2"); the trainer reads them.
        networks: Pretrained networks of perceptual losses.
        workers: Processes that read clips; 0 reads in the one that trains.
    """

    store: Path
    run: Path
    config: str
    iterations: int | None = None
    seed: int = 0
    resume: bool = False
    device: str = "cpu"
    changes: tuple[str, ...] = ()
    networks: Networks = field(default_factory=Networks)
    workers: int = 0


@dataclass(frozen=True)
class TrainReport:
    """What a start of a trainer did.

    Attributes:
        run: Folder of the training run.
        done: Iterations of this start; 0 where there was nothing to do.
        iteration: Iterations reached, those of earlier starts included.
        checkpoint: The newest checkpoint.
    """

    run: Path
    done: int
    iteration: int
    checkpoint: Path


def report_to_text(report: TrainReport) -> str:
    """What a start of a trainer did, in a line."""
    did = f"{report.done} iterations done" if report.done else "nothing to do"
    return f"{report.run}: {did}, {report.iteration} in all; newest checkpoint {report.checkpoint}"


class Trainer(Protocol):
    """Trains a model on a clip store. A module with two functions will do, or any object with two methods."""

    def resolve(self, settings: TrainSettings) -> Mapping[str, Json]:
        """The whole configuration that `train` would follow, for `--dry-run`; nothing is written.

        Raises:
            VptbenchError: The settings do not fit together.
        """

    def train(self, settings: TrainSettings) -> TrainReport:
        """Train until all iterations are done, and keep the run as `vptbench.runfile` says.

        Raises:
            VptbenchError: The settings, the store or the run do not fit together.
        """


def name_to_trainer(name: str) -> Trainer:
    """Import a trainer by its entry point.

    Raises:
        RegistryError: No package that is installed brings one of that name.
        ModelError: Importing it failed, or it lacks `resolve` or `train`.
    """
    table = group_to_table(TRAINERS_GROUP)
    check_known(name, table, "trainer")
    with strangers_import(f"trainer {name}", table[name]):
        found = id_to_object(name, table, "trainer")
    check_callables(found, ("resolve", "train"), f"trainer {name} ({table[name]})", "functions", see=__name__)
    return cast("Trainer", found)
