"""Weights on disk: ours, with everything that training needs to go on, and the published ones."""

import io
import pickle
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from vptbench.errors import ModelError

FORMAT, VERSION = "dmm-checkpoint", 1
"""What our own checkpoints say they are."""

PUBLISHED_EXTRAS = ("renderer.",)
"""Beginnings of keys that the published code saves beside the generator's: its mesh renderer's."""

DAMAGE = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, RuntimeError, TypeError,
    ValueError, struct.error, zipfile.BadZipFile,
)  # fmt: skip
"""What torch raises for files that were cut short or changed, or never were a checkpoint."""

State = dict[str, object]
"""What a checkpoint holds: tensors, numbers and texts, in dictionaries and lists."""


def read_checkpoint(path: Path) -> State:
    """Read a file of tensors and plain values; code that a pickle may hold is never run.

    Raises:
        ModelError: It is missing, cut short, or holds anything else.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of old pickles; what cannot be read is told below
            state = torch.load(io.BytesIO(path.read_bytes()), map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(
            f"expected a checkpoint at {path}, found none that can be read ({error.strerror}); check the path"
        ) from error
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path}: expected tensors and plain values only, found code, or damage; "
            "nothing of it was run: take a file from a source that you trust"
        ) from error
    except DAMAGE as error:
        raise ModelError(
            f"{path}: expected a whole checkpoint, found damage ({_first_line(error)}); take an earlier one"
        ) from error
    if not isinstance(state, dict):
        raise ModelError(f"{path}: expected a dictionary of tensors, found a {type(state).__name__}")
    return state


def write_checkpoint(path: Path, state: Mapping[str, object]) -> None:
    """Write tensors and plain values to `path`; the bytes do not depend on its name."""
    with path.open("wb") as stream:
        torch.save(dict(state), stream)


def check_state(state: Mapping[str, object], path: Path) -> None:
    """See that `state`, read from `path`, is a checkpoint of ours.

    Raises:
        ModelError: It is not.
    """
    found = state.get("format"), state.get("version")
    if found != (FORMAT, VERSION):
        raise ModelError(
            f"{path}: expected a checkpoint of {FORMAT} {VERSION}, found {found[0]} {found[1]}; "
            "give one that `vptbench train` wrote"
        )


def load_state(module: nn.Module, state: Mapping[str, Tensor], what: str) -> None:
    """Load `state` into `module`, every key of it and no other.

    Raises:
        ModelError: Keys are missing or surplus, or tensors have other shapes; all are named.
    """
    expected = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    problems = _state_to_problems(expected, state)
    if problems:
        raise ModelError(
            f"expected the weights of {what}, found those of another network: {'; '.join(problems)}; "
            "give the checkpoint that fits, or its configuration"
        )
    module.load_state_dict(dict(state))


def published_to_own(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of the published code under our names: the same without ``module.`` and the renderer's."""
    named = {key.removeprefix("module."): value for key, value in state.items()}
    return {key: value for key, value in named.items() if not key.startswith(PUBLISHED_EXTRAS)}


def _state_to_problems(expected: Mapping[str, tuple[int, ...]], state: Mapping[str, object]) -> list[str]:
    missing, surplus = sorted(set(expected) - set(state)), sorted(set(state) - set(expected))
    problems = [f"{len(keys)} {word} ({', '.join(keys)})" for word, keys in
                (("missing", missing), ("surplus", surplus)) if keys]  # fmt: skip
    for key in sorted(set(expected) & set(state)):
        value = state[key]
        found = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        if found != expected[key]:
            problems.append(f"{key} of shape {found} instead of {expected[key]}")
    return problems


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
