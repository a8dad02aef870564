"""Speed of the metrics beside their peers, called as their users call them, in one run.

    .venv/bin/python benchmarks/metrics.py [--rounds 3] [--frames 50] [--threads 2] [--json FILE]

Ours and the peer take turns on the same frames (256 × 256) and weights (drawn from names); medians
over the rounds, after one warm-up. The last column is the largest difference of the results, relative
to the largest value. Takes some 4 minutes on two quiet processors.
"""

import argparse
import json
import os
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import lpips
import numpy as np
import scipy.linalg
import torch
from numpy.typing import NDArray
from pytorch_fid import inception
from skimage import data
from skimage.metrics import structural_similarity
from torchvision.models.inception import inception_v3

from vptbench.manifest import library_versions
from vptbench.metrics.fid import Fid
from vptbench.metrics.frechet import features_to_statistics, statistics_to_distance
from vptbench.metrics.fvd import WINDOW, Fvd
from vptbench.metrics.i3d import I3D
from vptbench.metrics.lpips import Lpips
from vptbench.metrics.ssim import Ssim
from vptbench.weights import Networks, load_torchscript, random_state

RANDOM = Networks("random")
Result = NDArray[np.floating]
Case = tuple[str, str, int, Callable[[], Result], Callable[[], Result]]


def ssim_case(generated: NDArray[np.uint8], target: NDArray[np.uint8]) -> Case:
    """Against scikit-image, frame by frame."""

    def peer() -> Result:
        return np.array([
            structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
                                  channel_axis=-1, data_range=255)
            for a, b in zip(generated, target, strict=True)
        ])  # fmt: skip

    return "ssim-v1", "pairs", len(target), lambda: Ssim().per_frame(generated=generated, target=target), peer


def lpips_case(generated: NDArray[np.uint8], target: NDArray[np.uint8]) -> Case:
    """Against the package, pair by pair."""
    ours = Lpips.load(RANDOM)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    net.load_state_dict(ours.net.state_dict())

    def peer() -> Result:
        with torch.no_grad():
            pairs = zip(generated, target, strict=True)
            return np.array([net(lpips.im2tensor(a), lpips.im2tensor(b)).item() for a, b in pairs])

    return "lpips-v1", "pairs", len(target), lambda: ours.per_frame(generated=generated, target=target), peer


def fid_case(frames: NDArray[np.uint8], batch: int) -> Case:
    """Against the package's network in batches of its default 50, or of 8."""
    ours = Fid.load(RANDOM)
    with torch.device("meta"):
        shapes = inception_v3(num_classes=1008, aux_logits=False, init_weights=False).state_dict()
    weights = random_state(Fid.network, shapes)
    inception.load_state_dict_from_url = lambda *_, **__: weights
    net = inception.InceptionV3([3]).eval()
    tensors = torch.from_numpy(frames.transpose(0, 3, 1, 2).copy()).float() / 255

    def peer() -> Result:
        with torch.no_grad():
            return torch.cat([net(part)[0].flatten(1) for part in tensors.split(batch)]).numpy()

    return (
        f"fid-v1 features (peer's batch {batch})",
        "frames",
        len(frames),
        lambda: ours.features(frames),
        peer,
    )


def fvd_case(frames: NDArray[np.uint8]) -> Case:
    """Against the same TorchScript network in its own memory layout, window by window."""
    ours, net = Fvd.load(RANDOM), load_torchscript(Fvd.network, RANDOM, I3D)
    starts = range(0, len(frames) - WINDOW + 1, WINDOW)
    windows = [torch.from_numpy(frames[at : at + WINDOW].transpose(3, 0, 1, 2).copy())[None] for at in starts]

    def peer() -> Result:
        with torch.no_grad():
            return torch.cat(
                [net(w, rescale=True, resize=True, return_features=True) for w in windows]
            ).numpy()

    return "fvd-v1 features", "windows", len(windows), lambda: ours.features(frames), peer


def frechet_case(samples: int = 500, width: int = 2048) -> Case:
    """Against the square root of the product of the covariances, from the same features."""
    generator = np.random.default_rng(0)
    a, b = generator.standard_normal((samples, width)), generator.standard_normal((samples, width)) + 0.1

    def ours() -> Result:
        return np.array([statistics_to_distance(features_to_statistics(a), features_to_statistics(b))])

    def peer() -> Result:
        c1, c2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
        root = np.trace(scipy.linalg.sqrtm(c1 @ c2).real)
        return np.array([((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(c1) + np.trace(c2) - 2 * root])

    return f"Fréchet distance, {samples} × {width}", "distances", 1, ours, peer


def measure(case: Case, rounds: int) -> dict[str, str | float]:
    """Median seconds of both sides, taking turns."""
    name, unit, count, ours, peer = case
    found, expected = ours(), peer()
    seconds: dict[str, list[float]] = {"ours": [], "peer": []}
    for _ in range(rounds):
        for side, run in (("ours", ours), ("peer", peer)):
            start = time.perf_counter()
            run()
            seconds[side].append(time.perf_counter() - start)
    ours_s, peer_s = (statistics.median(values) for values in seconds.values())
    return {
        "case": name, "unit": unit, "ours_per_s": count / ours_s, "peer_per_s": count / peer_s,
        "ratio": peer_s / ours_s,
        "difference": float(np.abs(found - expected).max() / np.abs(expected).max()),
    }  # fmt: skip


def main() -> None:
    """Run all cases; print the table, and write it as JSON where asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2, help="of torch; OpenCV runs with one")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(options.threads)
    picture = data.astronaut()
    target = np.stack([picture[100:356, x : x + 256] for x in range(options.frames)])
    generated = np.stack([cv2.GaussianBlur(frame, (0, 0), 1.5) for frame in target])
    cases = [
        lambda: ssim_case(generated, target), lambda: lpips_case(generated, target),
        lambda: fid_case(target, 50), lambda: fid_case(target, 8), lambda: fvd_case(target), frechet_case,
    ]  # fmt: skip
    rows = []
    for case in cases:
        row = measure(case(), options.rounds)
        rows.append(row)
        print(
            f"{row['case']:40} {row['ours_per_s']:9.2f} {row['unit']}/s, peer {row['peer_per_s']:9.2f}, "
            f"ratio {row['ratio']:7.2f}, difference {row['difference']:.1e}", flush=True,
        )  # fmt: skip
    if options.json is not None:
        facts = {"threads": options.threads, "processors": os.cpu_count(), "rounds": options.rounds}
        document = {"cases": rows, **facts, "versions": library_versions()}
        options.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
