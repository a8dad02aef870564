"""The rule of the golden values of the published code."""

import importlib
from pathlib import Path

import pytest
import torch

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="session")
def golden_rule():
    """The module that draws the weights and inputs of golden values from names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(GOLDEN)
        return importlib.import_module("golden")


@pytest.fixture(scope="session")
def filled(golden_rule):
    """Fills a module's state by the rule of golden values, salt before its keys; gives the module back."""

    def fill(module, salt=""):
        state = {
            key: value
            if key.endswith("kernel")
            else torch.from_numpy(golden_rule.weight(key, tuple(value.shape), salt))
            for key, value in module.state_dict().items()
        }
        module.load_state_dict(state)
        return module

    return fill
