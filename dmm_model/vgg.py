"""Features of the frozen VGG-19 that the content, style and contextual losses look at.

Source: Simonyan and Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
table 1, configuration E, with torchvision's weights; which features are used is BDMM's choice.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from vptbench.errors import ShapeError
from vptbench.weights import Networks, load_state

NETWORK = "vgg19"
"""Name in `vptbench.weights.NETWORKS`."""

BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 2))
"""Channels and convolutions of each block, as far as features are used; the size is halved between blocks."""

NAMES = (
    "relu1_1", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_4",
    "relu4_1", "relu4_2", "relu4_4", "relu5_1", "relu5_2",
)  # fmt: skip
"""The features that the losses need: block, and convolution in it."""

PARITY_PLACES = {"relu3_3": "relu3_2"}
"""What the published code takes (key) where it says something else (value)."""

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of ImageNet's RGB on [0, 1], as in torchvision."""

LEAST_SIDE = 16
"""Pixels of the smallest side that four halvings leave one position."""


class Layer(NamedTuple):
    """A convolution and its ReLU.

    Attributes:
        number: Of the convolution among the published layers; ReLUs and poolings have numbers too.
        place: Of the features: block, and convolution in it.
        inner: Channels that come in.
        outer: Channels that go out.
        pooled: Whether the size is halved before.
    """

    number: int
    place: str
    inner: int
    outer: int
    pooled: bool


def _blocks_to_layers() -> Iterator[Layer]:
    inner, number = 3, 0
    for block, (outer, convolutions) in enumerate(BLOCKS, start=1):
        for place in range(1, convolutions + 1):
            yield Layer(number, f"relu{block}_{place}", inner, outer, pooled=place == 1 and block > 1)
            inner, number = outer, number + 2
        number += 1


LAYERS = tuple(_blocks_to_layers())
"""In the order in which they run."""


class VggFeatures(nn.Module):
    """VGG-19 up to its last used feature; its weights never change, but gradients flow to the images.

    Args:
        parity: Whether to do as the published code: images enter in [−1, 1] as they are, and the features
            named relu3_2 are those of relu3_3. Otherwise they are normalised as the network was trained,
            and every name means what it says.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, *, parity: bool) -> None:
        super().__init__()
        self.parity = parity
        self.features = nn.ModuleDict(
            {str(layer.number): nn.Conv2d(layer.inner, layer.outer, 3, padding=1) for layer in LAYERS}
        )
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1), persistent=False)
        self.requires_grad_(requires_grad=False)

    @classmethod
    def load(cls, networks: Networks, *, parity: bool) -> "VggFeatures":
        """The network with its weights, on its device.

        Args:
            networks: Which weights, and where to run it.
            parity: See the class.

        Raises:
            WeightsError: The pinned file is missing or is not the pinned one.
        """
        with torch.device("meta"):
            shapes = cls(parity=parity).state_dict()
        state = load_state(NETWORK, networks, shapes)
        with torch.random.fork_rng(devices=[]):  # the first weights are drawn, and thrown away
            net = cls(parity=parity)
        net.load_state_dict({key: state[key] for key in shapes})
        return net.to(networks.device).eval()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """The features of images, after their ReLUs.

        Args:
            images: (N, 3, H, W) in [−1, 1], H and W at least 16.

        Returns:
            For each of `NAMES`, block by block, (N, C, H // 2^b, W // 2^b), not negative; b is the number
            of blocks before.

        Raises:
            ShapeError: The images have another shape, or are too small.
        """
        if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[2:]) < LEAST_SIDE:
            raise ShapeError(
                f"expected images (N, 3, H, W) of at least {LEAST_SIDE} × {LEAST_SIDE} pixels, "
                f"got {tuple(images.shape)}; fold time into the batch, or use larger frames"
            )
        maps = images if self.parity else ((images + 1) / 2 - self.mean) / self.std
        found: dict[str, Tensor] = {}
        for layer, convolution in zip(LAYERS, self.features.values(), strict=True):
            if layer.pooled:
                maps = functional.max_pool2d(maps, 2)
            maps = functional.relu(convolution(maps), inplace=True)
            name = _place_to_name(layer.place, parity=self.parity)
            if name is not None:
                found[name] = maps
        return found


def _place_to_name(place: str, *, parity: bool) -> str | None:
    """The name under which the features of a place are given back; None where they are not needed."""
    if parity and place in PARITY_PLACES.values():
        return None
    name = PARITY_PLACES.get(place, place) if parity else place
    return name if name in NAMES else None
