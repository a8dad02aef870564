"""What a sweep has done so far: ``sweep.json`` in its folder, and the scores beside it.

Beside ``format`` and ``version`` it holds what tells the sweep from others (`IDENTITY`, ``store`` and what
else `plan.Sweep.facts` has), ``no_control`` (why there is no control, or ""), ``disturbance`` (cell to the
fields of a `Disturbance`) and ``failures`` (cell, or "floor", or a cell's control, to the reason).
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from vptbench.config import config_to_json, json_to_config
from vptbench.errors import ConfigError, ManifestError, ScoreError
from vptbench.generate.plan import facts_to_differences
from vptbench.manifest import (
    Json,
    delete_parts,
    is_part,
    json_to_text,
    make_folder,
    read_manifest,
    write_manifest,
)
from vptbench.robustness.disturbance import Disturbance
from vptbench.scorefile import Scores, read_scores

MANIFEST = "sweep.json"
FORMAT, VERSION = "vptbench-sweep", 1

SCORES, WORK, INPUTS = "scores", "work", "inputs"
"""Folders of a sweep: scores by cell, what is made and deleted again, and exported inputs by cell."""

TRUTH = ("noisy", "draws", "benchmark", "clip_list_sha256")
SCORING = ("metrics", "networks", "device")
IDENTITY = ("model", "kind", "checkpoint", "command", "seed", *TRUTH, *SCORING)
"""What must be equal for a second start to go on (and ``store`` but for its path); `SCORING` is not stated
before anything is scored."""


@dataclass(frozen=True)
class Ledger:
    """The manifest of a sweep while it grows.

    Attributes:
        out: The sweep's folder.
        facts: What it says from the beginning.
        disturbance: How far the poses of each cell are from the clean ones.
        failures: Why a name has no scores.
    """

    out: Path
    facts: Mapping[str, Json]
    disturbance: dict[str, Disturbance]
    failures: dict[str, str]

    def write(self) -> None:
        """Write ``sweep.json`` as it stands."""
        body: dict[str, Json] = {
            "disturbance": {name: config_to_json(found) for name, found in self.disturbance.items()},
            "failures": self.failures,
        }
        write_manifest(self.out / MANIFEST, kind=FORMAT, version_number=VERSION, body={**self.facts, **body})

    def tidy(self) -> None:
        """Take the folder of what is made and deleted again away, if nothing is left in it."""
        with suppress(OSError):
            (self.out / WORK).rmdir()

    def folder(self, name: str) -> Path:
        """Where the scores of that name belong."""
        return self.out / SCORES / name

    def scores(self, name: str, metrics: set[str]) -> Scores | None:
        """Finished scores of that name with just these metrics; None where there are none."""
        try:
            found = read_scores(self.folder(name))
        except (ManifestError, ScoreError):
            return None
        return found if set(found.metrics) == metrics else None


def open_ledger(out: Path, facts: Mapping[str, Json]) -> Ledger:
    """A new ledger, or what an earlier start of the same sweep left.

    Raises:
        ScoreError: The folder holds something other than an earlier start of the same sweep.
        ManifestError: It is no place for a folder, or of another version.
    """
    make_folder(out)
    if not (out / MANIFEST).exists():
        if any(not is_part(path) for path in out.iterdir()):
            raise ScoreError(
                f"{out}: expected an empty folder or a sweep of the same model, found other files; give "
                "another folder"
            )
        return Ledger(out, facts, {}, {})
    earlier = read_ledger(out, facts)
    delete_parts(out)
    return Ledger(out, {**earlier.facts, **facts}, earlier.disturbance, earlier.failures)


def read_ledger(out: Path, facts: Mapping[str, Json] | None = None) -> Ledger:
    """What ``sweep.json`` says.

    Args:
        out: The sweep's folder.
        facts: Of the sweep that it must be, if it must be one.

    Raises:
        ManifestError: There is none, or of another version.
        ScoreError: It lacks something, or is of another sweep.
    """
    found = _read(out)
    differences = ledger_to_differences(found, facts or {}, IDENTITY)
    if differences:
        raise ScoreError(
            f"{out}: expected a sweep of the same model, store, list and metrics, found another "
            f"({'; '.join(differences)}); give what that one had, or another folder, or delete this one"
        )
    return found


def _read(out: Path) -> Ledger:
    document = read_manifest(out / MANIFEST, kind=FORMAT, version_number=VERSION)
    facts = {
        name: value
        for name, value in document.items()
        if name not in {"format", "version", "disturbance", "failures"}
    }
    disturbance, failures = (document.get(name) for name in ("disturbance", "failures"))
    try:
        if not isinstance(disturbance, Mapping) or not isinstance(facts.get("store"), Mapping):
            raise ConfigError("expected the fields disturbance and store, found none")
        return Ledger(
            out,
            facts,
            {
                name: json_to_config(cast("Mapping[str, Json]", found), Disturbance)
                for name, found in disturbance.items()
            },
            dict(cast("Mapping[str, str]", failures or {})),
        )
    except ConfigError as error:
        raise ScoreError(f"{out / MANIFEST}: {error}; sweep again into another folder") from error


def ledger_to_differences(earlier: Ledger, facts: Mapping[str, Json], names: tuple[str, ...]) -> list[str]:
    """What tells a sweep from another one, in words; what only one of the two states tells nothing."""
    if not facts:
        return []
    now = json.loads(json_to_text(dict(facts)))
    both = [name for name in names if name in earlier.facts and name in now]
    return facts_to_differences(earlier.facts, now, both)
