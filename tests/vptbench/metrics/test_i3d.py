import numpy as np
import pytest
import torch

from vptbench.metrics.i3d import CLASSES, I3D, Pool, same_pad
from vptbench.weights import exact_inference, random_state


@pytest.fixture(scope="module")
def net():
    with torch.device("meta"):
        made = I3D()
    made.load_state_dict(random_state("i3d-kinetics400", made.state_dict()), assign=True)
    return made.eval()


def test_has_as_many_parameters_as_the_published_network(net):
    # The published 12.70 million: the convolutions of Inception-v1 inflated to three dimensions, two numbers
    # a norm, and the logits' 1024 · 400 + 400.
    assert sum(parameter.numel() for parameter in net.parameters()) == 12_697_264


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "before", "after"),
    [
        (224, 7, 2, 2, 3),
        (112, 3, 2, 0, 1),
        (7, 3, 2, 1, 1),
        (16, 2, 2, 0, 0),
        (5, 3, 1, 1, 1),
        (9, 1, 1, 0, 0),
    ],
)
def test_padding_by_hand(size, kernel, stride, before, after):
    # SAME: ceil(size / stride) windows; what they need beyond the input is split, the odd one at the end.
    padded = same_pad(torch.ones(1, 1, 1, 1, size), [1, 1, kernel], [1, 1, stride])[0, 0, 0, 0]
    assert padded.tolist() == [0] * before + [1] * size + [0] * after


def test_pool_naive():
    x = torch.rand(1, 1, 4, 5, 6)
    found = Pool((1, 3, 3), (1, 2, 2))(x)
    assert found.shape == (1, 1, 4, 3, 3)
    # 5 rows by 2 need 3 windows of 3: one more at both ends; 6 columns need 3 windows: one more at the end.
    for row, column in np.ndindex(3, 3):
        rows, columns = slice(max(2 * row - 1, 0), 2 * row + 2), slice(2 * column, 2 * column + 3)
        torch.testing.assert_close(found[..., row, column], x[..., rows, columns].amax((-1, -2)))


def test_call_of_the_published_file(net):
    frames = torch.randint(0, 256, (1, 3, 9, 40, 56), dtype=torch.uint8)
    with exact_inference():
        logits = net(frames, rescale=True, resize=True, return_features=True)
        assert logits.shape == (1, CLASSES)
        by_hand = torch.nn.functional.interpolate(
            frames[0].transpose(0, 1).float(),
            size=(224, 224),
            mode="bilinear",
            align_corners=False,
            antialias=False,
        )
        by_hand = (by_hand / 127.5 - 1).transpose(0, 1)[None]
        assert by_hand.abs().max() <= 1
        torch.testing.assert_close(net(by_hand), logits.softmax(1), rtol=1e-3, atol=1e-6)
