"""What a test needs beside the package: where it is not there the test skips, but not in `.ci/run`."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[1]

COMPLETE = "VPTBENCH_TESTS_COMPLETE"
"""Set by `.ci/run`, which installs a browser and an estimator: there their tests run, or fail."""


def skip(reason: str) -> NoReturn:
    """Skip the running test for `reason`, or fail it where everything must be there."""
    if os.environ.get(COMPLETE):
        pytest.fail(f"this test must run here: {reason}")
    pytest.skip(reason)
