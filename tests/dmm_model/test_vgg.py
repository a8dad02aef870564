import pytest
import torch
import torchvision
from torch.nn import functional

from dmm_model.losses import CONTENT_LAYERS, CONTEXTUAL_LAYERS, STYLE_LAYERS
from dmm_model.vgg import MEAN, NAMES, STD, VggFeatures
from vptbench.errors import ShapeError, WeightsError
from vptbench.weights import Networks, random_state

# Index of each ReLU among torchvision's layers; source: facts on the published code's slices.
ENDS = {
    "relu1_1": 1, "relu2_1": 6, "relu2_2": 8, "relu3_1": 11, "relu3_2": 13, "relu3_4": 17,
    "relu4_1": 20, "relu4_2": 22, "relu4_4": 26, "relu5_1": 29, "relu5_2": 31,
}  # fmt: skip


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 3, 48, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture(scope="module")
def vgg():
    return {parity: VggFeatures.load(Networks("random"), parity=parity) for parity in (False, True)}


@pytest.fixture(scope="module")
def theirs():
    """Torchvision's layers with the same weights: a function from images to the outputs of all of them."""
    with torch.device("meta"):
        net = torchvision.models.vgg19(init_weights=False).features
    keys = {f"features.{key}": tensor for key, tensor in net.state_dict().items()}
    state = random_state("vgg19", keys)
    net.load_state_dict({key.removeprefix("features."): state[key] for key in keys}, assign=True)

    def run(maps):
        outputs = []
        with torch.no_grad():
            for layer in net.eval():
                maps = layer(maps)
                outputs.append(maps.clone())  # the next ReLU overwrites it
        return outputs

    return run


def test_names_are_those_that_the_losses_need(vgg, images):
    assert set(NAMES) == {*CONTENT_LAYERS, *STYLE_LAYERS, *CONTEXTUAL_LAYERS} == set(ENDS)
    for net in vgg.values():
        assert set(net(images)) == set(NAMES)


def test_equals_torchvision_on_normalised_images(vgg, theirs, images):
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    assert tuple(
        tuple(getattr(torchvision.models.VGG19_Weights.IMAGENET1K_V1.transforms(), name))
        for name in ("mean", "std")
    ) == (MEAN, STD)
    expected = theirs(((images + 1) / 2 - mean) / std)
    for name, found in vgg[False](images).items():
        torch.testing.assert_close(found, expected[ENDS[name]], rtol=1e-4, atol=1e-5)
        assert found.min() >= 0


def test_parity_takes_images_as_they_are_and_relu3_3_for_relu3_2(vgg, theirs, images):
    expected = theirs(images)
    found = vgg[True](images)
    for name in NAMES:
        end = 15 if name == "relu3_2" else ENDS[name]
        torch.testing.assert_close(found[name], expected[end], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found["relu3_2"], expected[13], rtol=1e-2)


def test_first_features_by_hand(vgg, images):
    weight, bias = (vgg[True].state_dict()[f"features.0.{part}"] for part in ("weight", "bias"))
    expected = functional.conv2d(functional.pad(images, (1, 1, 1, 1)), weight, bias).clamp_min(0)
    torch.testing.assert_close(vgg[True](images)["relu1_1"], expected, rtol=1e-5, atol=1e-6)


def test_gradients_flow_to_images_and_not_to_weights(vgg, images):
    net = vgg[False]
    given = images[:1].clone().requires_grad_()
    sum(features.mean() for features in net(given).values()).backward()
    assert given.grad.abs().min() > 0
    assert not any(parameter.requires_grad for parameter in net.parameters())
    assert all(parameter.grad is None for parameter in net.parameters())


@pytest.mark.parametrize("parity", [False, True])
def test_images_are_left_as_they_are(vgg, images, parity):
    before = images.clone()
    vgg[parity](images)
    assert torch.equal(images, before)


def test_state_has_torchvision_names_and_needs_no_more_layers(vgg):
    state = vgg[False].state_dict()
    assert set(state) == {
        f"features.{number}.{part}"
        for number in (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30)
        for part in ("weight", "bias")
    }


def test_loading_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    VggFeatures.load(Networks("random"), parity=False)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(WeightsError, match=r"vgg19: expected its weights at .*vgg19-dcbb9e9d\.pth, found no"):
        VggFeatures.load(Networks(directory=tmp_path), parity=False)


def test_the_least_size_leaves_one_position(vgg):
    assert vgg[False](torch.zeros(1, 3, 16, 31))["relu5_2"].shape == (1, 512, 1, 1)


@pytest.mark.parametrize("shape", [(1, 2, 3, 32, 32), (3, 32, 32), (1, 4, 32, 32), (1, 3, 15, 32)])
def test_other_shapes_are_refused(vgg, shape):
    found = ", ".join(map(str, shape))
    with pytest.raises(
        ShapeError, match=rf"expected images \(N, 3, H, W\) of at least 16 × 16 pixels, got \({found}\)"
    ):
        vgg[False](torch.zeros(shape))
