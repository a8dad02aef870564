"""What a scoring promises, on prepared synthetic clips: masks, flicker, order, workers, cross-driving."""

import json
import shutil
from importlib.resources import files

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

import vptbench.score
from vptbench import open_store
from vptbench.benchmarks import load_benchmark
from vptbench.errors import ModelError, OutputError, UsageError, WeightsError
from vptbench.generate.run import store_to_outputs
from vptbench.image import read_image, write_image
from vptbench.mesh.flow import flow_to_pixels
from vptbench.metrics import load
from vptbench.scorefile import scores_to_problems
from vptbench.weights import Networks

BENCHMARK = "synthetic-v1"


@pytest.fixture(scope="module")
def oracle(stores, tmp_path_factory):
    """Outputs that are the true frames, of the FashionVideo-like store."""
    outputs = tmp_path_factory.mktemp("oracle") / "outputs"
    report = store_to_outputs("oracle", stores["fashionvideo"], outputs, BENCHMARK)
    assert not report.failed
    return outputs


@pytest.fixture(scope="module")
def warped(stores, tmp_path_factory):
    """Outputs of `mesh_warp` on the same store."""
    outputs = tmp_path_factory.mktemp("warped") / "outputs"
    report = store_to_outputs("mesh_warp", stores["fashionvideo"], outputs, BENCHMARK)
    assert not report.failed
    return outputs


def run(outputs, scores, stores, **options):
    return vptbench.score.run(
        outputs, scores, store=stores["fashionvideo"], benchmark=BENCHMARK, weights="random", **options
    )


def test_masked_figures_are_means_over_their_own_pixels(stores, warped, tmp_path):
    scores = run(warped, tmp_path / "s", stores, metrics=("l1-v1", "l1-person-v1", "l1-background-v1"))
    store = open_store(stores["fashionvideo"])
    (clip,) = store.ids("test")
    made = vptbench.score.scoring.open_folder(warped).frames(clip, range(1, 18)).astype(float)
    error = np.abs(made - store[clip].frames[1:18].astype(float)).mean(-1) / 255
    mask = store[clip].mask[1:18]
    inside = np.mean([frame[seen].mean() for frame, seen in zip(error, mask, strict=True)])
    outside = np.mean([frame[~seen].mean() for frame, seen in zip(error, mask, strict=True)])
    assert scores.metrics["l1-person-v1"].value == pytest.approx(inside, rel=1e-12)
    assert scores.metrics["l1-background-v1"].value == pytest.approx(outside, rel=1e-12)
    assert inside > 2 * outside  # the background stays where it is
    assert scores_to_problems(tmp_path / "s") == []


def test_flicker_of_the_true_video_is_its_own_floor(stores, oracle, warped, tmp_path):
    true = run(oracle, tmp_path / "oracle", stores, metrics=("flicker-v1",)).metrics["flicker-v1"]
    model = run(warped, tmp_path / "warped", stores, metrics=("flicker-v1",)).metrics["flicker-v1"]
    assert true.value == true.floor == model.floor
    assert 0 < true.value < 0.1
    assert (true.samples, true.infinite_frames) == (16, 1)  # the first of 17 has none before it
    store = open_store(stores["fashionvideo"])
    (clip,) = store.ids("test")
    frames = store[clip].frames[1:18].astype(np.float64) / 255
    pixels = flow_to_pixels(store[clip].mesh_flow(1, 2, visible_only=True))
    errors = []
    for y, x in np.argwhere(np.isfinite(pixels[..., 0])):  # bilinear, pixel by pixel, clamped at the border
        px, py = np.clip(np.round(32 * pixels[y, x]) / 32, 0, 63)  # as the metric samples
        left, top = int(px), int(py)
        right, below = min(left + 1, 63), min(top + 1, 63)
        fx, fy = px - left, py - top
        upper = frames[0, top, left] * (1 - fx) + frames[0, top, right] * fx
        lower = frames[0, below, left] * (1 - fx) + frames[0, below, right] * fx
        errors.append(np.abs(upper * (1 - fy) + lower * fy - frames[1, y, x]).mean())
    rows = run(oracle, tmp_path / "oracle", stores, metrics=("flicker-v1",)).per_frame
    found = rows.loc[rows["frame"] == 2, "value"].item()
    assert found == pytest.approx(np.mean(errors), rel=1e-5)


def test_plain_folders_have_neither_masks_nor_meshes(warped, oracle, tmp_path):
    scores = vptbench.score.run(
        warped / "frames", tmp_path / "s", targets=oracle / "frames",
        metrics=("l1-person-v1", "flicker-v1", "l1-v1", "fid-bdmm-v1"), weights="random",
    )  # fmt: skip
    assert (
        "expected the mask of the true frames, plain folders have none"
        in scores.metrics["l1-person-v1"].reason
    )
    assert "expected the flow of the true frames" in scores.metrics["flicker-v1"].reason
    assert "training clips, plain folders have none" in scores.metrics["fid-bdmm-v1@random"].reason
    assert scores.metrics["l1-v1"].value > 0


def test_the_order_of_clips_does_not_matter(tmp_path):
    rng = np.random.default_rng(0)
    videos = [rng.integers(0, 256, (5, 32, 32, 3), np.uint8) for _ in range(6)]
    found = []
    for order in (range(6), (3, 1, 5, 0, 2, 4)):
        root = tmp_path / "".join(map(str, order))
        for name, number in zip("abcdef", order, strict=True):
            for side, shift in (("true", 0), ("made", 9 * number)):
                (root / side / name).mkdir(parents=True)
                for frame, picture in enumerate(videos[number]):
                    write_image(
                        root / side / name / f"{frame}.png",
                        np.minimum(picture, 255 - shift) + np.uint8(shift),
                    )
        found.append(
            vptbench.score.run(
                root / "made", root / "scores", targets=root / "true", weights="random",
                metrics=("ssim-v1", "psnr-v1", "l1-v1", "lpips-v1", "fid-v1", "kid-v1"),
            ).table["value"]
        )  # fmt: skip
    first, second = found
    for name in ("ssim-v1", "psnr-v1", "l1-v1", "lpips-v1@random"):
        assert first[name] == second[name]
    pd.testing.assert_series_equal(first, second, rtol=1e-9)


@pytest.mark.slow
def test_workers_change_nothing_where_networks_measure(stores, warped, tmp_path):
    names = ("ssim-v1", "lpips-v1", "fid-v1", "kid-v1", "fvd-disco-ts-v1", "flicker-v1", "lpips-person-v1")
    run(warped, tmp_path / "one", stores, metrics=names)
    shutil.rmtree(stores["fashionvideo"] / "cache")
    run(warped, tmp_path / "two", stores, metrics=names, workers=2)
    for name in ("scores.json", "per_clip.csv", "per_frame.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_table_is_what_notebooks_show(stores, warped, tmp_path):
    scores = run(warped, tmp_path / "s", stores, metrics=("ssim-v1", "psnr-v1"))
    assert list(scores.table.index) == ["ssim-v1", "psnr-v1"]
    assert scores.table.loc["ssim-v1", "value"] == scores.metrics["ssim-v1"].value
    html = scores._repr_html_()
    assert "<table" in html
    assert "mesh_warp: synthetic-v1" in html
    metric = load("ssim-v1")
    frames = np.zeros((2, 16, 16, 3), np.uint8)
    assert metric.per_frame(generated=frames, target=frames).tolist() == [1, 1]
    with pytest.raises(UsageError, match="expected --store and --benchmark together, or --targets alone"):
        vptbench.score.run(warped, tmp_path / "t", store=stores["fashionvideo"])


@pytest.fixture(scope="module")
def cross(stores, tmp_path_factory):
    """A protocol in which the only test clip's person is driven by another part of its own clip."""
    store = open_store(stores["fashionvideo"])
    (clip,) = store.ids("test")
    document = json.loads((files("vptbench.benchmarks") / f"{BENCHMARK}.json").read_text())
    del document["source"]
    document |= {
        "id": "cross-v1", "driving": "cross", "metrics": ["fid-v1", "l1-v1"],
        "items": [
            {
                "id": "pair", "source": {"clip": clip, "frame": 2},
                "driving": {"clip": clip, "first": 4, "last": 9},
                "real": {"clip": clip, "first": 10, "last": 15},
            }
        ],
    }  # fmt: skip
    path = tmp_path_factory.mktemp("cross") / "cross.json"
    path.write_text(json.dumps(document))
    return path


def test_cross_driving_has_only_figures_that_need_no_truth(stores, cross, tmp_path):
    assert load_benchmark(cross).driving == "cross"
    outputs = tmp_path / "outputs"
    assert store_to_outputs("mesh_warp", stores["fashionvideo"], outputs, cross).done == ("pair",)
    scores = vptbench.score.run(
        outputs, tmp_path / "s", store=stores["fashionvideo"], benchmark=cross, weights="random"
    )
    assert "cross-driving has no ground truth" in scores.metrics["l1-v1"].reason
    figure = scores.metrics["fid-v1@random"]
    assert (figure.samples, figure.settings["reference_samples"]) == (6, 6)
    assert figure.value > 0
    assert scores_to_problems(tmp_path / "s") == []
    with pytest.raises(ModelError, match="oracle"):
        store_to_outputs("oracle", stores["fashionvideo"], tmp_path / "oracle", cross)
    assert not (tmp_path / "oracle").exists()


def test_changed_masks_are_measured_again(stores, warped, tmp_path):
    store = tmp_path / "store"
    shutil.copytree(stores["fashionvideo"], store)
    common = {"store": store, "benchmark": BENCHMARK, "metrics": ("l1-person-v1",), "weights": "random"}
    first = vptbench.score.run(warped, tmp_path / "s", **common)
    again = vptbench.score.run(warped, tmp_path / "s", **common)
    assert again.truth_sha256 == first.truth_sha256 != ""
    (clip,) = open_store(store).ids("test")
    with h5py.File(store / "clips" / "test" / f"{clip}.h5", "r+") as file:
        mask = file["mask"][:]
        mask[:, :, :40] = False
        file["mask"][...] = mask
    changed = vptbench.score.run(warped, tmp_path / "s", **common)
    fresh = vptbench.score.run(warped, tmp_path / "fresh", **common)
    assert changed.metrics == fresh.metrics != first.metrics
    assert changed.truth_sha256 == fresh.truth_sha256 != first.truth_sha256


def test_cross_driving_may_be_resized(stores, cross, tmp_path):
    outputs = tmp_path / "outputs"
    store_to_outputs("mesh_warp", stores["fashionvideo"], outputs, cross)
    small = tmp_path / "small" / "pair"
    small.mkdir(parents=True)
    for path in (outputs / "frames" / "pair").iterdir():
        write_image(small / path.name, read_image(path)[::2, ::2].copy())
    settings = vptbench.score.ScoreSettings(
        metrics=("fid-v1",), networks=Networks("random"), resize="bilinear"
    )
    scores = vptbench.score.outputs_to_scorefile(
        tmp_path / "small", tmp_path / "s", settings, store=stores["fashionvideo"], benchmark=cross
    )
    assert scores.metrics["fid-v1@random"].value > 0
    assert scores.resize == {"method": "bilinear"}


def test_outputs_of_another_source_are_refused(stores, warped, tmp_path):
    document = json.loads((files("vptbench.benchmarks") / f"{BENCHMARK}.json").read_text())
    (tmp_path / "mine.json").write_text(json.dumps({**document, "id": "mine-v1", "source": {"index": 3}}))
    with pytest.raises(OutputError, match=r"expected source \{.*'frame': 3\}, found \{.*'frame': 0\}"):
        vptbench.score.run(
            warped, tmp_path / "s", store=stores["fashionvideo"], benchmark=tmp_path / "mine.json",
            metrics=("l1-v1",), weights="random",
        )  # fmt: skip


def test_missing_networks_are_all_named_at_once(stores, warped, tmp_path):
    with pytest.raises(WeightsError) as info:
        vptbench.score.run(
            warped, tmp_path / "s", store=stores["fashionvideo"], benchmark=BENCHMARK, weights_dir=tmp_path
        )
    for network in ("alexnet", "inception-fid", "i3d-kinetics400"):
        assert f"{network}: expected its weights at" in str(info.value)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("name", ["lpips-v1", "fid-v1", "fvd-v1", "fid-bdmm-v1"])
def test_a_gpu_gives_the_figures_of_the_processor(name):
    frames = np.random.default_rng(0).integers(0, 256, (2, 16, 64, 64, 3), np.uint8)
    here, there = (load(name, Networks("random", device=device)) for device in ("cpu", "cuda"))
    if hasattr(here, "per_frame"):
        values = [metric.per_frame(generated=frames[0], target=frames[1]) for metric in (here, there)]
    else:
        values = [metric.features(frames[0]) for metric in (here, there)]
    np.testing.assert_allclose(values[1], values[0], rtol=1e-3, atol=1e-3 * np.abs(values[0]).max())
