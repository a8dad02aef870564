"""Floor and controls of an earlier sweep, for a second model over the same poses."""

import shutil
from pathlib import Path

from vptbench.errors import ScoreError
from vptbench.manifest import written_beside
from vptbench.robustness.cells import CLEAN_CELL, FLOOR_NAME
from vptbench.robustness.ledger import SCORING, TRUTH, Ledger, ledger_to_differences, read_ledger
from vptbench.robustness.plan import Sweep


def read_controls(sweep: Sweep, other: Path) -> Ledger:
    """An earlier sweep whose floor and controls a sweep may take.

    Args:
        sweep: The sweep.
        other: Folder of the earlier one, of any model over the same store, list, metrics and networks.

    Raises:
        ManifestError: There is no sweep.
        ScoreError: It is of another store, list, metrics or networks.
    """
    earlier = read_ledger(other)
    differences = ledger_to_differences(earlier, sweep.facts, (*TRUTH, *SCORING))
    if differences:
        raise ScoreError(
            f"{other}: expected a sweep over the same store, list, metrics and networks, found another "
            f"({'; '.join(differences)}); make these equal, or leave --controls out"
        )
    return earlier


def take_over(sweep: Sweep, ledger: Ledger, earlier: Ledger) -> tuple[str, ...]:
    """Copy the scores of floor and controls that a sweep lacks from an earlier one, of chosen cells alone.

    Args:
        sweep: The sweep.
        ledger: Of the sweep.
        earlier: As `read_controls` gives it.

    Returns:
        Names of what was copied.
    """
    controls = [] if sweep.no_control else [cell.control for cell in (CLEAN_CELL, *sweep.cells)]
    copied = []
    for name in (FLOOR_NAME, *controls):
        lacking = ledger.scores(name, sweep.names) is None
        if lacking and name not in earlier.failures and earlier.scores(name, sweep.names) is not None:
            with written_beside(ledger.folder(name)) as part:
                shutil.copytree(earlier.folder(name), part)
            copied.append(name)
    return tuple(copied)
