"""What works on this machine, and what to install for the rest."""

import importlib.util
import os
import platform
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from vptbench.errors import ModelError, VptbenchError
from vptbench.generate.model import name_to_model
from vptbench.manifest import Json
from vptbench.video import HAS_DECORD
from vptbench.weights import NETWORKS, weights_to_problem

ROOM_GIB = 20
"""Free disk space below which preparing a real dataset may fail: FashionVideo at 256² takes about as much."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: The thing.
        state: "ok", "missing" (something does not work without it) or "optional" (something could be faster).
        detail: What was found, or what to do.
    """

    what: str
    state: str
    detail: str


def machine_to_findings(weights_dir: Path | None = None) -> list[Finding]:
    """Look at interpreter, decoders, accelerator, extras, SMPL file, disk, estimators and networks."""
    found = [_python(), _decord(), _accelerator(), _zstd(), _smpl(), _disk()]
    return [*found, *_estimators(), *_networks(weights_dir)]


def model_to_efficiency(name: str, device: str) -> Sequence[Mapping[str, Json]]:
    """What a model costs, by its own measure: its class has a method ``efficiency``.

    Args:
        name: Of the model, in the entry points.
        device: "cpu" or "cuda".

    Returns:
        Rows with equal keys, for a table.

    Raises:
        RegistryError: No package that is installed brings such a model.
        ModelError: It cannot be imported or does not measure itself, or what it gave is no table.
    """
    efficiency = getattr(name_to_model(name).factory, "efficiency", None)
    if not callable(efficiency):
        raise ModelError(
            f"expected model {name} to have a classmethod efficiency, found none; "
            "`vptbench generate` measures what any model costs"
        )
    rows = efficiency(device)
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise ModelError(
            f"expected model {name}'s efficiency to be a list of dicts, got {type(rows).__name__}; mend it"
        )
    if any(list(row) != list(rows[0]) for row in rows):
        raise ModelError(
            f"expected rows of model {name}'s efficiency to have equal keys, got others; mend it"
        )
    return rows


def _python() -> Finding:
    found = f"{platform.python_implementation()} {platform.python_version()}, vptbench {version('vptbench')}"
    return Finding("python", "ok" if sys.version_info >= (3, 11) else "missing", found)


def _decord() -> Finding:
    if HAS_DECORD:
        return Finding("decord", "ok", version("decord"))
    return Finding(
        "decord", "optional", "not installed, or it cannot be loaded here; PyAV reads videos instead"
    )


def _accelerator() -> Finding:
    import torch  # noqa: PLC0415 - heavy

    if torch.cuda.is_available():
        return Finding("GPU", "ok", f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    return Finding("GPU", "optional", f"none seen by torch {torch.__version__}; networks run on the CPU")


def _zstd() -> Finding:
    if importlib.util.find_spec("hdf5plugin") is not None:
        return Finding("zstd", "ok", f"hdf5plugin {version('hdf5plugin')}")
    return Finding("zstd", "optional", "pip install 'vptbench[zstd]' for smaller stores that read faster")


def _smpl() -> Finding:
    path = os.environ.get("VPTBENCH_SMPL")
    if not path:
        return Finding("SMPL", "optional", "no file in VPTBENCH_SMPL; bodies without a licence are fitted")
    from vptbench.body.smpl import read_smpl  # noqa: PLC0415 - heavy

    try:
        body = read_smpl(Path(path))
    except VptbenchError as error:
        return Finding("SMPL", "missing", str(error))
    return Finding("SMPL", "ok", f"{body.name}, {len(body.model.rest)} vertices")


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    return Finding("disk", "ok" if free >= ROOM_GIB else "optional", f"{free:.0f} GiB free here")


def _estimators() -> list[Finding]:
    """One finding an estimator of poses: raw videos need one of them where no poses lie beside them."""
    from vptbench.prepare.estimators import ESTIMATORS, load_estimator  # noqa: PLC0415 - heavy

    findings = []
    for name in ESTIMATORS:
        estimator = load_estimator(name)
        reason = estimator.missing()
        if reason is None:
            findings.append(Finding(name, "ok", f"estimates poses, {estimator.version}"))
        else:
            todo = f"{reason}; to estimate poses with it, run: {shlex.join(estimator.command)}"
            findings.append(Finding(name, "optional", todo))
    return findings


def _networks(weights_dir: Path | None) -> list[Finding]:
    findings = []
    for name in NETWORKS:
        problem = weights_to_problem(name, weights_dir)
        findings.append(
            Finding(name, "missing" if problem else "ok", problem or "pinned file, hash verified")
        )
    return findings
