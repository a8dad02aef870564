"""The rule of the golden values of the published code."""

import importlib
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="session")
def golden_rule():
    """The module that draws the weights and inputs of golden values from names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(GOLDEN)
        return importlib.import_module("golden")
