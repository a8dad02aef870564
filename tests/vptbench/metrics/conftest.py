"""Pictures that move, and the network metrics with weights drawn from names, each made once."""

import importlib
import json
import warnings
import zlib
from functools import lru_cache, reduce
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from vptbench.metrics.fid import FID
from vptbench.metrics.fvd import FVD
from vptbench.metrics.lpips import LPIPS, LPIPS_VGG
from vptbench.weights import Networks

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="session")
def lpips_random():
    return LPIPS.load(Networks("random"))


@pytest.fixture(scope="session")
def lpips_vgg_random():
    return LPIPS_VGG.load(Networks("random"))


@pytest.fixture(scope="session")
def fid_random():
    return FID.load(Networks("random"))


@pytest.fixture(scope="session")
def fvd_random():
    return FVD.load(Networks("random"))


@pytest.fixture(scope="session")
def moving():
    """A function: a window of `side` pixels that slides 3 pixels a frame over a photograph."""

    def make(frames, side=64, start=150):
        picture = data.astronaut()
        at = (start + 3 * np.arange(frames)) % (512 - side)
        return np.stack([picture[60 : 60 + side, x : x + side] for x in at])

    return make


@pytest.fixture(scope="session")
def blurred():
    """A function: the same frames through a Gaussian of `sigma` pixels."""
    return lambda frames, sigma: np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in frames])


@pytest.fixture(scope="session")
def golden_module():
    """A function: a module of tests/golden by its name; they import each other by bare names."""

    def load(name):
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(GOLDEN)
            return importlib.import_module(name)

    return load


@pytest.fixture(scope="session")
def golden_videos(golden_module):
    """A function: the videos of a set by name, sorted as text, whose bytes are those of the golden values."""
    rule = golden_module("fvd_videos")
    stored = {name: json.loads((GOLDEN / f"{name}.json").read_text()) for name in ("fvd", "fid")}

    @lru_cache
    def make(name):
        values = stored["fid" if name.startswith("fid/") else "fvd"]
        made = dict(rule.videos(name, values["seed"]))
        assert (
            reduce(lambda crc, video: zlib.crc32(video, crc), made.values(), 0)
            == values["sets"][name]["crc32"]
        )
        return made

    return make


@pytest.fixture(scope="session")
def stand_in(golden_module):
    """The small network of the golden values of FVD, as TorchScript."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.\w+` is deprecated", category=FutureWarning)
        return torch.jit.script(golden_module("fvd_net").StandIn())


@pytest.fixture(scope="session")
def remembering(stand_in):
    """The same network, which is told one clip at a time and remembers its answers."""
    known = {}

    def run(videos, **call):
        keys = [(video.numpy().tobytes(), *call.items()) for video in videos.contiguous()]
        for key, video in zip(keys, videos, strict=True):
            if key not in known:
                with torch.no_grad():
                    known[key] = stand_in(video[None], **call)
        return torch.cat([known[key] for key in keys])

    return run
