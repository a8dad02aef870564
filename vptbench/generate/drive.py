"""One item in this process: seed, generate, measure, and check what came back."""

import hashlib
import logging
import random
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np

from vptbench.benchmarks.items import Item
from vptbench.clip import Clip, Frames, PoseClip, SourceFrame
from vptbench.errors import ModelError, VptbenchError
from vptbench.generate.model import Audit, FoundModel, Model, name_to_model
from vptbench.manifest import path_to_sha256

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Generated:
    """An item's frames and what they cost.

    Attributes:
        frames: RGB, uint8 (T, H, W, 3), one for each frame that the item asks for.
        seconds: Wall time of generating alone.
        peak_memory_bytes: The most that the process has held so far, or on a GPU, that was allocated there
            for this item; None where the system does not tell.
        parameters: The model's number of weights; None where it does not tell.
    """

    frames: Frames
    seconds: float
    peak_memory_bytes: int | None
    parameters: int | None


def checkpoint_to_sha256(checkpoint: Path | None) -> str | None:
    """Hash of a checkpoint's bytes, or of the names and hashes of all files where it is a folder.

    Raises:
        ModelError: There is none.
    """
    if checkpoint is None:
        return None
    if not checkpoint.exists():
        raise ModelError(f"expected a checkpoint at {checkpoint}, found none; check the path")
    return path_to_sha256(checkpoint)


@lru_cache(maxsize=1)
def load_model(
    name: str,
    checkpoint: Path | None,
    checkpoint_sha256: str | None,  # noqa: ARG001 - part of the cache's key: a checkpoint may change in its place
    device: str,
) -> tuple[FoundModel, Model | Audit]:
    """Make a model ready, once a process.

    Raises:
        ModelError: It could not be imported or loaded.
        RegistryError: Its name is unknown.
    """
    found = name_to_model(name)
    with _strangers_code(name, "load"):
        return found, found.factory.load(checkpoint, device)


def item_to_generated(
    found: FoundModel, model: Model | Audit, item: Item, clips: Mapping[str, Clip], *, seed: int
) -> Generated:
    """Show a model an item's source frame and drive it with the item's poses; an audit gets the clip itself.

    Args:
        found: What the model is.
        model: The same, ready to run.
        item: What to make.
        clips: Where its clips are found, by id.
        seed: Of the run.

    Raises:
        ModelError: The model failed, or gave back something other than it must; or an audit was asked for
            frames of which no true ones exist.
    """
    check_truth(found, item)
    clip, stop = clips[item.driving_clip], item.first + item.count
    source, poses = item_to_given(item, clips)
    seed_generators(seed, item.id)
    _start_measuring()
    start = time.perf_counter()
    with _strangers_code(found.name, "generate"):
        if found.kind == "audit":
            frames = cast("Audit", model).generate(source, clip, range(item.first, stop))
        else:
            frames = cast("Model", model).generate(source, poses)
    peak = _peak_memory_bytes()
    seconds = time.perf_counter() - start
    with _strangers_code(found.name, "count its parameters"):
        parameters = _parameters(model)
    problem = frames_to_problem(frames, (item.count, *clip.size, 3))
    if problem:
        raise ModelError(f"{found.name}: {problem}; mend the model")
    return Generated(frames, seconds, peak, parameters)


def item_to_given(item: Item, clips: Mapping[str, Clip]) -> tuple[SourceFrame, PoseClip]:
    """What a model is shown of an item, and all that it is shown: one picture, and poses."""
    stop = item.first + item.count
    return clips[item.source_clip].source(item.source_frame), clips[item.driving_clip].poses(item.first, stop)


def check_truth(found: FoundModel, item: Item) -> None:
    """See that there are true frames where they are to be shown.

    Raises:
        ModelError: The model is an audit, and there are none.
    """
    if found.kind == "audit" and not item.truth:
        raise ModelError(
            f"{found.name}: expected true frames to be shown, found none: {item.source_clip} never did what "
            f"{item.driving_clip} does; run audits under a benchmark of driving 'self'"
        )


def frames_to_problem(frames: object, shape: tuple[int, ...]) -> str:
    """What is wrong with frames that a model gave back, in words; empty if nothing is."""
    expected = f"expected frames uint8 {shape}"
    if not isinstance(frames, np.ndarray):
        return f"{expected} as a NumPy array, got {type(frames).__name__}"
    if frames.dtype != np.uint8 or frames.shape != shape:
        return f"{expected}, got {frames.dtype} {frames.shape}"
    return ""


def derive_seed(seed: int, item: str) -> int:
    """An item's own seed, 0 to 2³² − 1, from the run's seed and the item's id."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{item}".encode()).digest()[:4])


def seed_generators(seed: int, item: str) -> None:
    """Seed the global generators of Python, NumPy and torch (if imported) from a run's seed and an item's id.

    So an item's frames depend neither on the order of items nor on the number of workers.
    """
    derived = derive_seed(seed, item)
    random.seed(derived)
    np.random.seed(derived)  # noqa: NPY002 - the generator that other people's models draw from
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(derived)


@contextmanager
def _strangers_code(name: str, task: str) -> Iterator[None]:
    """Turn whatever a model raises, an exit included, into an error that fails one clip.

    Raises:
        VptbenchError: It raised one, which comes through.
        ModelError: It raised anything else.
    """
    try:
        yield
    except VptbenchError:
        raise
    except (Exception, SystemExit) as error:
        log.debug("%s raised when asked to %s", name, task, exc_info=True)
        text = " ".join(str(error).split())[:300]
        raise ModelError(
            f"expected {name} to {task}, it raised {type(error).__name__}: {text}; "
            "mend the model (--verbose shows where)"
        ) from error


def _uses_cuda() -> bool:
    return "torch" in sys.modules and bool(sys.modules["torch"].cuda.is_initialized())


def _start_measuring() -> None:
    if _uses_cuda():
        sys.modules["torch"].cuda.synchronize()
        sys.modules["torch"].cuda.reset_peak_memory_stats()


def _peak_memory_bytes() -> int | None:
    """Waits for the GPU where there is one, so that the clock may be read next."""
    if _uses_cuda():
        sys.modules["torch"].cuda.synchronize()
        return int(sys.modules["torch"].cuda.max_memory_allocated())
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - not on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _parameters(model: object) -> int | None:
    found: object = getattr(model, "parameters", None)
    if callable(found):
        return sum(
            int(array.numel()) for array in cast("Iterable[object]", found()) if hasattr(array, "numel")
        )
    return found if isinstance(found, int) else None
