"""The network and its training on a GPU, against the processor."""

from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState

from dmm_model.checkpoint import FORMAT, VERSION, read_checkpoint, write_checkpoint
from dmm_model.config import preset_to_json, resolve_preset
from dmm_model.deformable import TAPS, deformable_convolution
from dmm_model.generate import DmmModel
from dmm_model.generator import Generator
from dmm_model.train import train
from vptbench.runlog import read_log
from vptbench.testing.models import check_model, example_clip
from vptbench.trainer import TrainSettings
from vptbench.weights import exact_inference

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]

DEVICE = "cuda"
GOLDEN = Path(__file__).parents[1] / "golden"

SMALLEST = ("generator.channels=4", "generator.widest=16")
TRAINED = (*SMALLEST, "generator.frames_per_chunk=5", "training.window=10", "training.log_every=1")
"""Both critics; an iteration is two chunks."""


@pytest.fixture
def forget():
    """Lets accelerate, which keeps one device and precision in a process, begin anew."""

    def anew():
        AcceleratorState._reset_state(reset_partial_state=True)

    anew()
    yield anew
    anew()


@pytest.fixture
def settings(stores, tmp_path):
    """A function from iterations, what else is asked for and changes, to settings of one run."""

    def make(iterations, *changes, **others):
        return TrainSettings(
            store=stores["fashionvideo"], run=tmp_path / "run", config="tiny", iterations=iterations,
            changes=(*TRAINED, *changes), **others,
        )  # fmt: skip

    return make


def test_frames_golden(golden_rule, filled):
    """As on the processor, but for ten times the rounding."""
    network = filled(Generator()).eval().to(DEVICE)
    inputs = [torch.from_numpy(array).to(DEVICE) for array in golden_rule.inputs()]
    with exact_inference():
        found = network(*inputs, frames_per_chunk=2).cpu()
    with np.load(GOLDEN / "generator.npz") as stored:
        np.testing.assert_allclose(found, stored["frames"], rtol=0, atol=1e-3)


@pytest.fixture
def checkpoint(tmp_path):
    """Weights as drawn, under which motion is displaced."""
    preset = resolve_preset("tiny", SMALLEST)
    torch.manual_seed(0)
    state = {
        "format": FORMAT, "version": VERSION, "configuration": preset_to_json(preset),
        "generator": Generator(preset.generator).state_dict(), "average": None,
    }  # fmt: skip
    write_checkpoint(tmp_path / "checkpoint.pt", state)
    return tmp_path / "checkpoint.pt"


def test_the_model_generates_what_it_does_on_the_processor(checkpoint):
    """But for rounding, which may tip an 8-bit value over; three chunks."""
    clip = example_clip(frames=13)
    here, there = (
        DmmModel.load(checkpoint, device).generate(clip.source(0), clip.poses()) for device in ("cpu", DEVICE)
    )
    np.testing.assert_allclose(there.astype(int), here.astype(int), rtol=0, atol=1)


def test_the_model_keeps_its_contract(checkpoint):
    """Frames that are equal a second time among the rest."""
    check_model(DmmModel, checkpoint=checkpoint, device=DEVICE)


@pytest.mark.parametrize("reach", [0.5, 4.0, 1000.0], ids=["near", "partly outside", "far outside"])
def test_deformable_convolution_of_a_batch_has_the_processors_values_and_gradients(reach):
    draws = torch.Generator().manual_seed(0)
    batch, channels, out, height, width = 2, 3, 4, 6, 7
    x, offset, mask, weight, bias, factor = (
        torch.randn(shape, generator=draws, dtype=torch.float64)
        for shape in (
            (batch, channels, height, width), (batch, 2 * TAPS, height, width), (batch, TAPS, height, width),
            (batch, out, channels, 3, 3), (out,), (batch, out, height, width),
        )
    )  # fmt: skip
    given = (x, reach * offset, 2 * mask.sigmoid(), weight, bias)
    results = []
    for device in ("cpu", DEVICE):
        inputs = [tensor.detach().to(device).requires_grad_() for tensor in given]
        found = deformable_convolution(*inputs)
        gradients = torch.autograd.grad((found * factor.to(device)).sum(), inputs)
        results.append([found.detach().cpu(), *(gradient.cpu() for gradient in gradients)])
    torch.testing.assert_close(results[1], results[0], rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("precision", ["no", "bf16", "fp16"])
@pytest.mark.usefixtures("forget")
def test_an_iteration_leaves_numbers_whatever_the_precision(settings, precision):
    report = train(settings(1, f"training.precision={precision}", device=DEVICE))
    state = read_checkpoint(report.checkpoint)
    for name, weight in (state["generator"] | state["critics"]).items():
        assert weight.dtype == torch.float32, name
        assert weight.isfinite().all(), name
    assert np.isfinite(read_log(report.run / "log.csv").to_numpy(float)).all()
    assert (state["scaler"] is not None) == (precision == "fp16")


def test_what_was_trained_there_goes_on_here(settings, forget):
    before = read_checkpoint(train(settings(1, "training.ema=0.5", device=DEVICE)).checkpoint)["generator"]
    forget()
    report = train(settings(2, "training.ema=0.5", device="cpu", resume=True))
    assert (report.done, report.iteration) == (1, 2)
    state = read_checkpoint(report.checkpoint)
    assert any(not torch.equal(weight, before[name]) for name, weight in state["generator"].items())
    steps = {record["step"].item() for record in state["optimisers"][0]["state"].values()}
    assert steps == {4}  # two chunks an iteration, counted from the beginning
