"""Pictures that move, and the network metrics with weights drawn from names, each made once."""

import cv2
import numpy as np
import pytest
from skimage import data

from vptbench.metrics.fid import Fid
from vptbench.metrics.fvd import Fvd
from vptbench.metrics.lpips import Lpips
from vptbench.weights import Networks


@pytest.fixture(scope="session")
def lpips_random():
    return Lpips.load(Networks("random"))


@pytest.fixture(scope="session")
def fid_random():
    return Fid.load(Networks("random"))


@pytest.fixture(scope="session")
def fvd_random():
    return Fvd.load(Networks("random"))


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
