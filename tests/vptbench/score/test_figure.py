import math

import numpy as np
import pytest

from vptbench.interval import jackknife_interval
from vptbench.metrics.frechet import Statistics, distance
from vptbench.score.figure import LEAST_GROUPS, Table, table_to_figures
from vptbench.score.measurement import Measured, cached_metric
from vptbench.score.pair import plain_pair
from vptbench.weights import Networks

RANDOM = Networks(mode="random")
UNPAIRED = frozenset(["colour-v1"])


@pytest.fixture
def measured(tmp_path):
    """A function that makes a measured clip of given L1 values, or of given features."""

    def save(name, features):
        path = tmp_path / f"{name}.npy"
        np.save(path, np.asarray(features, np.float32))
        return path

    def make(clip, values=(), made=None, true=None, refused=None):
        pair = plain_pair(clip, tuple(range(len(values) or len(made if made is not None else true))))
        return Measured(
            pair, (16, 16), "g", "t",
            values={"l1-v1": np.array(values)} if len(values) else {},
            generated={} if made is None else {"colour-v1": save(f"{clip}-made", made)},
            targets={} if true is None else {"colour-v1": save(f"{clip}-true", true)},
            refused=refused or {},
        )  # fmt: skip

    return make


def figure(table, name):
    figures, per_frame = table_to_figures(table, {name: cached_metric(name, RANDOM)})
    return figures[name], per_frame


@pytest.mark.parametrize(("pooling", "value"), [("clip", (0.2 + 0.7) / 2), ("frame", (0.1 + 0.3 + 0.7) / 3)])
def test_pooling_by_hand(measured, pooling, value):
    clips = [measured("a", [0.1, 0.3, math.inf]), measured("b", [0.7]), measured("c", [math.inf])]
    table = Table(clips, pooling=pooling)
    found, per_frame = figure(table, "l1-v1")
    assert found.value == pytest.approx(value)
    assert (found.clips, found.frames, found.samples, found.infinite_frames) == (3, 5, 3, 2)
    assert found.low == pytest.approx(0.2)  # two clips with values: the ends are those clips alone
    assert found.high == pytest.approx(0.7)
    assert per_frame["value"].tolist() == [0.1, 0.3, math.inf, 0.7, math.inf]


def test_one_clip_has_no_interval(measured):
    found, _ = figure(Table([measured("a", [0.1, 0.3])]), "l1-v1")
    assert (found.value, found.low, found.high) == (pytest.approx(0.2), None, None)


def test_a_metric_refused_for_one_clip_has_no_figure(measured):
    clips = [measured("a", [0.1]), measured("b", [], made=[[0, 0]], refused={"l1-v1": "clip b: too small"})]
    found, per_frame = figure(Table(clips), "l1-v1")
    assert (found.value, found.reason, found.samples) == (None, "clip b: too small", 0)
    assert per_frame.empty


@pytest.mark.usefixtures("colour")
@pytest.mark.parametrize("clips", [LEAST_GROUPS - 1, LEAST_GROUPS, 23])
def test_distances_equal_those_of_all_samples_at_once(measured, clips):
    rng = np.random.default_rng(clips)
    made, true = (rng.normal(mean, 1, (clips, 4, 2)).astype(np.float32) for mean in (0, 1))
    table = Table([measured(f"{n:02d}", made=made[n], true=true[n]) for n in range(clips)])
    found, _ = figure(table, "colour-v1")

    def naive(kept):
        return distance(*(Statistics.from_features(side[kept].reshape(-1, 2)) for side in (made, true)))

    everything = np.ones(clips, bool)
    assert found.value == pytest.approx(naive(everything), rel=1e-9)
    assert found.samples == 4 * clips
    if clips < LEAST_GROUPS:
        assert found.low is None
        return
    groups = [np.arange(clips) % min(clips, 20) == group for group in range(min(clips, 20))]
    low, high = jackknife_interval(naive(everything), [naive(~group) for group in groups])
    assert (found.low, found.high) == pytest.approx((max(low, 0), high), rel=1e-6)


@pytest.mark.usefixtures("colour")
def test_a_reference_stays_whole_while_clips_are_left_out(measured):
    rng = np.random.default_rng(0)
    made, true = (rng.normal(mean, 1, (6, 4, 2)).astype(np.float32) for mean in (0, 1))
    reference = [measured(f"r{n}", true=true[n]) for n in range(3)]
    table = Table([measured(f"{n}", made=made[n]) for n in range(6)], reference, UNPAIRED)
    found, _ = figure(table, "colour-v1")
    whole = Statistics.from_features(true[:3].reshape(-1, 2))

    def naive(rows):
        return distance(Statistics.from_features(rows.reshape(-1, 2)), whole)

    low, high = jackknife_interval(naive(made), [naive(np.delete(made, n, 0)) for n in range(6)])
    assert found.value == pytest.approx(naive(made), rel=1e-9)
    assert (found.low, found.high) == pytest.approx((max(low, 0), high), rel=1e-6)


@pytest.mark.usefixtures("colour")
def test_too_few_samples_leave_the_figure_empty(measured):
    found, _ = figure(Table([measured("a", made=[[1, 2]], true=[[1, 2]])]), "colour-v1")
    assert (found.value, found.samples) == (None, 1)
    assert "expected at least 2 samples on each side" in found.reason
    found, _ = figure(Table([measured("a", made=[[1, 2]])], [], UNPAIRED, "no train clips"), "colour-v1")
    assert (found.value, found.reason) == (None, "no train clips")
    reference = [measured("t", true=[[1, 2]], refused={"colour-v1": "reference clip t: too small"})]
    found, _ = figure(Table([measured("a", made=[[1, 2]])], reference, UNPAIRED), "colour-v1")
    assert (found.value, found.reason) == (None, "reference clip t: too small")
