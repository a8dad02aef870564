"""Weights drawn from names, for networks without published ones."""

import numpy as np
import pytest
import torch
import torchvision

from vptbench.weights import (
    exact_inference,
    random_state,
)


def test_random_weights_follow_their_names_and_nothing_else():
    shapes = {
        "a.weight": torch.empty(64, 32, 3, 3), "b.weight": torch.empty(64, 32, 3, 3),
        "a.bias": torch.empty(64), "n.weight": torch.empty(5), "n.running_mean": torch.empty(5),
        "n.running_var": torch.empty(5), "n.num_batches_tracked": torch.tensor(9),
    }  # fmt: skip
    torch.manual_seed(0)
    state = random_state("one", shapes)
    torch.manual_seed(1)
    again = random_state("one", dict(reversed(shapes.items())))
    for key, value in state.items():
        torch.testing.assert_close(again[key], value, rtol=0, atol=0)
        assert value.shape == shapes[key].shape
    drawn = state["a.weight"]
    np.testing.assert_allclose(
        [drawn.mean(), drawn.var() * 32 * 9 / 2], [0, 1], atol=0.02
    )  # variance 2 / fan-in
    others = state["b.weight"], random_state("two", shapes)["a.weight"]
    for other in others:
        assert abs(np.corrcoef(drawn.ravel(), other.ravel())[0, 1]) < 0.03
    assert (state["a.bias"] == 0).all()
    assert (state["n.weight"] == 1).all()
    assert (state["n.running_mean"] == 0).all()
    assert (state["n.running_var"] == 1).all()
    assert state["n.num_batches_tracked"] == 0
    assert state["n.num_batches_tracked"].dtype == torch.int64


def test_random_weights_golden():
    # Origin: this rule when it was written (NumPy 2.4.6, PCG64, 2026-08). Other values are another rule's.
    drawn = random_state("alexnet", {"features.0.weight": torch.empty(64, 3, 11, 11)})["features.0.weight"]
    expected = [0.0015560123138129711, -0.046568043529987335, 0.12314847111701965]
    np.testing.assert_allclose(drawn[0, 0, 0, :3], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "make", "size"),
    [
        ("vgg16", lambda: torchvision.models.vgg16(init_weights=False).features, 32),
        ("inception-torchvision", lambda: torchvision.models.inception_v3(init_weights=False), 80),
    ],
    ids=["vgg16", "inception"],
)
def test_random_weights_suit_the_networks_of_variants(name, make, size):
    with torch.device("meta"):
        net = make()
    net.load_state_dict(random_state(name, net.state_dict()), assign=True)
    with exact_inference():
        features = net.eval()(torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0)))
    assert torch.isfinite(features).all()
    assert 1e-3 < float(features.std()) < 1e3  # neither faded nor blown up over the layers
    assert not torch.equal(features[0], features[1])
