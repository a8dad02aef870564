"""The conformance check finds what it should, and passes every metric of the table."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from vptbench.errors import MetricError, RegistryError, ScoreError
from vptbench.metrics import METRICS, fvd, fvd_bdmm
from vptbench.metrics.l1 import L1, MeanDifference
from vptbench.metrics.protocol import Definition, Estimate, check_frames, check_pair
from vptbench.metrics.psnr import PSNR_PERSON
from vptbench.metrics.temporal import FLICKER
from vptbench.testing.metrics import check_metric

FRAMES = {"fid": 2, "kid": 2, "lpips-vgg": 3, "fvd": 16}
"""For metrics whose networks are slow: as many as they need, by how their ids begin."""

VIDEOS = [metric_id for metric_id in METRICS if metric_id.startswith("fvd") and metric_id != "fvd-v1"]
"""They share a network with `fvd-v1`, and are checked with a quick one in its place."""


@pytest.mark.parametrize("metric_id", [name for name in METRICS if name not in VIDEOS])
def test_every_metric_keeps_the_contract(metric_id):
    frames = next((count for start, count in FRAMES.items() if metric_id.startswith(start)), 12)
    check_metric(metric_id, frames=frames)


@pytest.mark.parametrize("metric_id", VIDEOS)
def test_every_metric_of_videos_keeps_the_contract(metric_id, monkeypatch):
    def net(videos, **_):
        return videos.double().mean((2, 3, 4)).float() @ torch.eye(3).repeat(1, 134)[:, :400]

    for module in (fvd, fvd_bdmm):
        monkeypatch.setattr(module, "load_i3d", lambda *_: net)
    check_metric(metric_id, frames=128 if "128f" in metric_id else 16, size=(32, 32))


class Stranger:
    """A frame metric as an outsider might write it: nothing imported, no `load`."""

    id, label, unit, network, needs = "darker-than-v1", "Darker", "", None, ()
    higher_is_better, floored, tolerance, settings = False, False, 1e-9, {"by": 1}

    def per_frame(self, *, generated, target):
        check_pair(generated, target)
        return (generated < target).mean((1, 2, 3))


@dataclass(frozen=True, kw_only=True)
class MeanColour(Definition):
    """A distribution metric that passes; the breaches below are made of it."""

    id: str = "mean-colour-v1"
    label: str = "Mean colour"
    higher_is_better: bool = False
    tolerance: float = 1e-6
    sample: str = "frame"
    extractor: str = "mean-colour"
    reference: str | None = None
    dtype: type = np.float32

    def windows(self, clip, lengths, *, generated):
        del generated
        return tuple(range(at, at + 1) for at in range(lengths[clip]))

    def features(self, frames, windows=None):
        frames = check_frames(frames, "scored")
        chosen = [
            w[0]
            for w in (self.windows("", {"": len(frames)}, generated=True) if windows is None else windows)
        ]
        return frames[chosen].mean((1, 2)).astype(self.dtype).reshape(len(chosen), 3)

    def estimate(self, generated, target, groups=()):
        if not generated or not target:
            raise ScoreError("expected samples, got none")
        a, b = (np.concatenate([rows[clip] for clip in sorted(rows)]) for rows in (generated, target))
        return Estimate(float(((a.mean(0) - b.mean(0)) ** 2).sum()), tuple(1.0 for _ in groups))


@pytest.mark.parametrize("metric", [L1, Stranger(), MeanColour()], ids=lambda metric: metric.id)
def test_objects_pass(metric):
    check_metric(metric)


def test_refuses_an_unknown_id():
    with pytest.raises(RegistryError, match="did you mean 'ssim-v1'"):
        check_metric("sim-v1")


class WithoutFacts:
    def per_frame(self, *, generated, target):
        return np.zeros(len(generated + target))


@dataclass(frozen=True, kw_only=True)
class Broken(MeanDifference):
    """`l1-v1` with its values passed through `breach` (values, generated, target)."""

    breach: object

    def load(self, networks):
        del networks
        return self

    def per_frame(self, *, generated, target):
        return self.breach(super().per_frame(generated=generated, target=target), generated, target)


def broken(breach):
    return Broken(id="l1-v1", label="L1", breach=breach)


class Positional(Stranger):
    def per_frame(self, generated, target):
        return super().per_frame(generated=generated, target=target)


class AskedForMore(Stranger):
    def per_frame(self, *, generated, target, mask=None):
        del mask
        return super().per_frame(generated=generated, target=target)


class TakesAnything(Stranger):
    def per_frame(self, *, generated, target):
        return np.zeros(len(target)) + 0 * len(generated)


class Remembers(Stranger):
    calls = 0

    def per_frame(self, *, generated, target):
        self.calls += 1
        return super().per_frame(generated=generated, target=target) * self.calls


def overwrite(values, generated, _target):
    generated[:] = 0
    return values


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (WithoutFacts(), "WithoutFacts: id: expected a versioned id such as 'ssim-v1', found none; .*"),
        (replace(L1, id="l1"), "l1: id: expected a versioned id such as 'ssim-v1', got 'l1'"),
        (replace(L1, tolerance=0), "tolerance: expected a number above 0, got 0"),
        (replace(L1, settings={"x": np.nan}), "settings: expected a mapping that JSON can hold"),
        (replace(L1, settings={"x": object()}), "settings: expected a mapping that JSON can hold"),
        (replace(L1, needs=("sound",)), "needs: expected a tuple of 'mask' and 'flow', got .*sound"),
        (replace(L1, needs=("mask",)), r"the keywords generated, mask, target and no others, got \(gen"),
        (replace(MeanColour(), reference="val"), "reference: expected 'train', 'test' or None, got 'val'"),
        (Positional(), r"expected the keywords generated, target and no others, got \(generated, target\)"),
        (AskedForMore(), "expected the keywords generated, target and no others, got .*mask=None"),
        (TakesAnything(), "Error for frames of float32, .* grey frames, .* too few, .* of another size"),
        (Remembers(), "expected the same values a second time, got others"),
        (broken(overwrite), "expected what it is given to be left alone, it was changed"),
        (broken(lambda values, *_: values.astype(np.float32)), r"float64 \(16,\), got float32 \(16,\)"),
        (broken(lambda values, *_: values[:1].mean()), r"expected float64 \(16,\), got float64"),
        (broken(lambda values, *_: values[:-1]), r"expected float64 \(16,\), got float64 \(15,\)"),
        (broken(lambda values, *_: list(values)), r"expected float64 \(16,\), got list"),
        (broken(lambda values, *_: np.where(values == values[:1], np.nan, values)), "got NaN"),
        (broken(lambda values, *_: values * len(values)), "for the first half alone, got others"),
        (broken(lambda values, *_: values.cumsum()), "with the frames in reverse, got others"),
        (broken(lambda values, *_: values if values.size else np.zeros(1)), r"no frames: .* float64 \(0,\)"),
    ],
)  # fmt: skip
def test_breaches_of_frame_metrics_and_facts_are_found(metric, message):
    with pytest.raises(MetricError, match=message):
        check_metric(metric)


def test_masks_and_flow_are_checked_where_they_are_needed():
    class Careless:
        def __getattr__(self, name):
            return getattr(self.metric, name)

        def per_frame(self, *, generated, target, mask):
            return PSNR_PERSON.per_frame(
                generated=generated, target=target, mask=np.resize(mask, target.shape[:3])
            )

    careless = Careless()
    careless.metric = PSNR_PERSON
    careless.load = lambda _: careless
    with pytest.raises(MetricError, match="expected a VptbenchError for a mask of another size"):
        check_metric(careless)
    check_metric(FLICKER)


class Wide(MeanColour):
    def windows(self, clip, lengths, *, generated):
        return (
            (range(lengths[clip] + 1),) if generated else super().windows(clip, lengths, generated=generated)
        )


class OneRow(MeanColour):
    def features(self, frames, windows=None):
        return super().features(frames, windows)[:1]


class Batchwise(MeanColour):
    def features(self, frames, windows=None):
        rows = super().features(frames, windows)
        return rows - rows.mean(0) if len(rows) else rows


class InOrder(MeanColour):
    def features(self, frames, windows=None):
        rows = super().features(frames, windows)
        return np.sort(rows, axis=0)


class AlwaysAll(MeanColour):
    def features(self, frames, windows=None):
        return super().features(frames, windows if windows else None)


class Lenient(MeanColour):
    def features(self, frames, windows=None):
        return super().features(frames.astype(np.uint8), windows)


class Overwrites(MeanColour):
    def features(self, frames, windows=None):
        rows = super().features(frames, windows)
        frames[:] = 7
        return rows


class NoSamples(MeanColour):
    def estimate(self, generated, target, groups=()):
        return super().estimate(generated, target, groups) if generated else Estimate(0.0, ())


class FarFromItself(MeanColour):
    def estimate(self, generated, target, groups=()):
        return replace(super().estimate(generated, target, groups), value=1.0)


class NotANumber(FarFromItself):
    def estimate(self, generated, target, groups=()):
        return replace(super().estimate(generated, target, groups), value=np.nan)


class OneLeftOut(MeanColour):
    def estimate(self, generated, target, groups=()):
        return replace(super().estimate(generated, target, groups), left_out=(1.0,))


class Drawn(MeanColour):
    def estimate(self, generated, target, groups=()):
        found = super().estimate(generated, target, groups)
        return replace(found, value=found.value * (1 + np.random.rand()) - np.random.rand())  # noqa: NPY002


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (Wide(), r"windows: expected a tuple of ranges inside 0..15, none empty, got \(range\(0, 17\),\)"),
        (MeanColour(dtype=np.float64), r"features: expected float32 \(16, D\), got float64 \(16, 3\)"),
        (OneRow(), r"features: expected float32 \(16, D\), got float32 \(1, 3\)"),
        (Batchwise(), "expected the same row for a window alone, got others"),
        (InOrder(), "expected the same rows for windows in reverse, got others"),
        (Lenient(), "features: expected a VptbenchError for frames of float32"),
        (Overwrites(), "expected the frames to be left alone, they were changed"),
        (NoSamples(), "estimate: expected a VptbenchError for no samples"),
        (FarFromItself(), r"expected equal samples to be nearer than .* negatives, 1.0, got 1.0"),
        (NotANumber(), "estimate: expected finite numbers, got nan and nan"),
        (OneLeftOut(), "expected a number for each of 2 groups or none, got .1.0,."),
        (Drawn(), "estimate: expected the same a second time, got another"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_breaches_of_distribution_metrics_are_found(metric, message):
    with pytest.raises(MetricError, match=message):
        check_metric(metric)
