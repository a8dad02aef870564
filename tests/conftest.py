"""What all tests share: hypothesis without clocks, and small synthetic data of both layouts."""

from pathlib import Path

import pytest
import torch
from browser import launched
from hypothesis import settings

from vptbench.prepare.build import source_to_store
from vptbench.prepare.settings import PrepareSettings
from vptbench.synth.build import seed_to_raw

settings.register_profile("vptbench", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("vptbench")

torch.set_num_threads(1)  # the suite runs in two processes on two cores

LAYOUTS = ("fashionvideo", "iper")


@pytest.fixture(scope="session")
def synthetic() -> dict[str, int]:
    """Arguments of the shared synthetic data."""
    return {"clips": 3, "frames": 18, "size": 96, "seed": 3}


@pytest.fixture(scope="session")
def raw_folders(synthetic, tmp_path_factory) -> dict[str, Path]:
    """Raw synthetic data, by layout: 3 clips of 18 frames, 96 pixels high."""
    root = tmp_path_factory.mktemp("raw")
    for layout in LAYOUTS:
        seed_to_raw(root / layout, layout=layout, **synthetic)
    return {layout: root / layout for layout in LAYOUTS}


@pytest.fixture(scope="session")
def stores(raw_folders, tmp_path_factory) -> dict[str, Path]:
    """Clip stores made of `raw_folders`, 64 pixels; nobody may write to them."""
    root = tmp_path_factory.mktemp("stores")
    for layout, raw in raw_folders.items():
        report = source_to_store(layout, raw, root / layout, PrepareSettings(size=64))
        assert not report.failed
    return {layout: root / layout for layout in LAYOUTS}


@pytest.fixture(scope="module")
def chromium():
    """A headless browser; the test is skipped where there is none. See `browser.opened`."""
    with launched() as browser:
        yield browser
