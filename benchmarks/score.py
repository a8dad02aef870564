"""A whole scoring beside its peers, called as their users call them, in one run on the same PNG files.

    .venv/bin/python benchmarks/score.py [--clips 8] [--frames 48] [--threads 2] [--memory] [--json FILE]

Peers: scikit-image frame by frame, `lpips` pair by pair, `pytorch_fid` at its default batch (and at its best
one), an FVD loop of non-overlapping 16-frame windows over the same TorchScript network, and SciPy's matrix
square root. Ours: `vptbench.score.run` of the six metrics, first with an empty cache, then again as a second
model would be. Weights are drawn from names. Frames are 256 × 256. Takes some five minutes on two quiet
processors; `--memory` adds the peak memory of scoring 8 and 64 clips, each in a process of its own, in some
six more.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
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
from PIL import Image
from pytorch_fid import fid_score, inception
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchvision.models.inception import inception_v3

from vptbench import metrics, score
from vptbench.image import write_image
from vptbench.manifest import library_versions
from vptbench.metrics.i3d import I3D
from vptbench.skeleton import missing_keypoints
from vptbench.store import schema
from vptbench.store.writer import (
    ClipParts,
    clip_path,
    clip_to_file,
    write_clips_table,
    write_failures_table,
    write_store_manifest,
)
from vptbench.weights import Networks, load_torchscript, random_state

SIZE = 256
WINDOW = 16
BATCHES = (1, 4, 8, 16, 32)
"""Of the peer's Inception, beside its default 50; the fastest on 48 frames is run whole."""

RANDOM = Networks("random")
os.environ["TQDM_DISABLE"] = "1"  # the peers' bars
BENCHMARK = "synthetic-v1"
SIX = ("ssim-v1", "psnr-v1", "l1-v1", "lpips-v1", "fid-v1", "fvd-v1")
Frames = NDArray[np.uint8]


def clip_to_frames(number: int, frames: int) -> Frames:
    """A window that slides over a photograph, one frame more than is scored (the source frame)."""
    picture = np.concatenate([data.astronaut(), data.astronaut()[:, ::-1]], 1)
    left = 7 * number + 3 * np.arange(frames + 1)
    top = 20 * (number % 12)
    return np.stack([picture[top : top + SIZE, x : x + SIZE] for x in left])


def write_data(root: Path, clips: int, frames: int) -> None:
    """A store, one model's frames and another's, and the same true frames as PNG for the peers."""
    rows = []
    for number in range(clips):
        name, video = f"c{number:03d}", clip_to_frames(number, frames)
        attributes = dict.fromkeys(schema.ATTRIBUTES, "none") | {
            "clip": name, "split": "test", "fps": 25.0, "raw_sha256": name, "crop": "clip-square-v1",
            "crop_box": [0.0, 0.0, 1.0, 1.0], "scale": [1.0, 1.0], "settings": {},
        }  # fmt: skip
        shape = video.shape[:3]
        parts = ClipParts(attributes, shape, [video], missing_keypoints(shape[0]), None, None, {})
        clip_to_file(parts, clip_path(root / "store", "test", name))
        rows.append((name, "test", *shape, 25.0, name))
        for side, blur in (("true", 0.0), ("made", 1.5), ("other", 3.0)):
            (root / side / name).mkdir(parents=True)
            for frame in range(1, frames + 1):
                seen = cv2.GaussianBlur(video[frame], (0, 0), blur) if blur else video[frame]
                write_image(root / side / name / f"{frame:05d}.png", seen.astype(np.uint8))
    write_clips_table(root / "store", rows)
    write_failures_table(root / "store", [])
    write_store_manifest(root / "store", {"dataset": "fashionvideo", "synth": {"seed": 0}, "complete": True})


def read(path: Path) -> Frames:
    """A picture as most scripts read it."""
    return np.array(Image.open(path).convert("RGB"))


def ours(root: Path, made: str, scores: str, chosen: tuple[str, ...]) -> object:
    """Score one model's frames."""
    return score.run(
        root / made, root / scores, store=root / "store", benchmark=BENCHMARK, metrics=chosen,
        weights="random",
    )  # fmt: skip


def peer_pixels(pairs: list[tuple[Path, Path]], metric: Callable[[Frames, Frames], float]) -> float:
    """A frame metric, frame by frame."""
    return float(np.mean([metric(read(a), read(b)) for a, b in pairs]))


def peer_ssim(generated: Frames, target: Frames) -> float:
    """Scikit-image with the settings of the publication."""
    return float(
        structural_similarity(
            target, generated, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
            channel_axis=-1, data_range=255,
        )
    )  # fmt: skip


def peer_lpips(pairs: list[tuple[Path, Path]], net: torch.nn.Module) -> float:
    """The package, pair by pair."""
    with torch.no_grad():
        values = [
            net(*(lpips.im2tensor(lpips.load_image(str(path))) for path in pair)).item() for pair in pairs
        ]
    return float(np.mean(values))


def peer_inception(files: list[Path], net: torch.nn.Module, batch: int) -> NDArray[np.floating]:
    """The package's own loop over files."""
    activations: NDArray[np.floating] = fid_score.get_activations(
        files, net, batch_size=batch, dims=2048, device="cpu", num_workers=0
    )
    return activations


def peer_i3d(folders: list[Path], net: torch.nn.Module) -> NDArray[np.floating]:
    """Windows one after another."""
    rows = []
    with torch.no_grad():
        for folder in folders:
            video = np.stack([read(path) for path in sorted(folder.iterdir())])
            for start in range(0, len(video) - WINDOW + 1, WINDOW):
                clip = torch.from_numpy(video[start : start + WINDOW]).permute(3, 0, 1, 2)[None].contiguous()
                rows.append(net(clip, rescale=True, resize=True, return_features=True).numpy())
    return np.concatenate(rows)


def peer_distance(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """The formula with the square root of the product of the covariances."""
    c1, c2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.trace(scipy.linalg.sqrtm(c1 @ c2).real)
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(c1) + np.trace(c2) - 2 * root)


def timed(run: Callable[[], object]) -> tuple[float, object]:
    """Seconds, and what came."""
    start = time.perf_counter()
    found = run()
    return time.perf_counter() - start, found


def peers(root: Path, clips: list[str]) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Seconds of each peer, its figure, and our seconds for the two distances on the peer's features."""
    weights = random_state("inception-fid", _shapes())
    inception.load_state_dict_from_url = lambda *_, **__: weights
    net, alex = inception.InceptionV3([3]).eval(), _lpips_net()
    i3d = load_torchscript("i3d-kinetics400", RANDOM, I3D)
    sides = [
        [path for clip in clips for path in sorted((root / side / clip).iterdir())]
        for side in ("made", "true")
    ]
    pairs = list(zip(*sides, strict=True))
    seconds, found, own = {}, {}, {}
    seconds["ssim-v1"], found["ssim-v1"] = timed(lambda: peer_pixels(pairs, peer_ssim))
    seconds["psnr-v1"], found["psnr-v1"] = timed(
        lambda: peer_pixels(pairs, lambda a, b: float(peak_signal_noise_ratio(b, a, data_range=255)))
    )
    seconds["l1-v1"], found["l1-v1"] = timed(
        lambda: peer_pixels(pairs, lambda a, b: float(np.abs(a / 255 - b / 255).mean()))
    )
    seconds["lpips-v1"], found["lpips-v1"] = timed(lambda: peer_lpips(pairs, alex))
    seconds["fid features"], features = timed(lambda: [peer_inception(side, net, 50) for side in sides])
    tried = {batch: timed(lambda b=batch: peer_inception(sides[0][:48], net, b))[0] for batch in BATCHES}
    best = min(tried, key=lambda batch: tried[batch])
    seconds["fid features, best batch"], _ = timed(lambda: [peer_inception(s, net, best) for s in sides])
    seconds["fid distance"], found["fid-v1"] = timed(lambda: peer_distance(*features))
    own["fid distance"] = our_distance("fid-v1", features)
    folders = [[root / side / clip for clip in clips] for side in ("made", "true")]
    seconds["fvd features"], features = timed(lambda: [peer_i3d(side, i3d) for side in folders])
    seconds["fvd distance"], found["fvd-v1"] = timed(lambda: peer_distance(*features))
    own["fvd distance"] = our_distance("fvd-v1", features)
    return seconds, found, own


def our_distance(name: str, features: list[NDArray[np.floating]]) -> float:
    """Seconds from the peer's features to our distance, the better of two."""
    metric = metrics.load(name, RANDOM)
    sides = [{"all": side.astype(np.float32)} for side in features]
    return min(timed(lambda: metric.estimate(*sides))[0] for _ in range(2))


def _shapes() -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        return inception_v3(num_classes=1008, aux_logits=False, init_weights=False).state_dict()


def _lpips_net() -> torch.nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    net.load_state_dict(metrics.load("lpips-v1", RANDOM).net.package.state_dict())
    return net.to(memory_format=torch.contiguous_format)


def peak_memory(clips: int, frames: int) -> int:
    """Bytes that a process of its own holds at most while it scores `clips` clips; fewest clips first."""
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder), clips, frames)
        command = [
            sys.executable, "-m", "vptbench.cli", "score", f"{folder}/made", f"{folder}/scores", "--store",
            f"{folder}/store", "--benchmark", BENCHMARK, "--weights", "random",
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def measure(root: Path, options: argparse.Namespace) -> dict[str, object]:
    """Both sides on one set of frames: rows (what, our seconds, the peer's), and the figures."""
    write_data(root, options.clips, options.frames)
    write_data(root / "warm", 2, WINDOW)
    clips = sorted(path.name for path in (root / "made").iterdir())
    ours(root / "warm", "made", "scores", SIX)  # networks are made before the clock runs, as the peers' are
    first, scored = timed(lambda: ours(root, "made", "first", SIX))
    second, _ = timed(lambda: ours(root, "other", "second", SIX))
    for kept in (root / "store" / "cache").rglob("*.npy"):
        kept.unlink()
    alone = {name: timed(lambda n=name: ours(root, "made", f"s-{n}", (n,)))[0] for name in SIX}
    seconds, found, own = peers(root, clips)
    seconds["fid-v1"] = seconds["fid features"] + seconds["fid distance"]
    seconds["fvd-v1"] = seconds["fvd features"] + seconds["fvd distance"]
    rows = [(name, alone[name], seconds[name]) for name in SIX]
    rows += [
        ("Inception features", alone["fid-v1"] - own["fid distance"], seconds["fid features"]),
        ("  peer's best batch", alone["fid-v1"] - own["fid distance"], seconds["fid features, best batch"]),
        ("I3D features", alone["fvd-v1"] - own["fvd distance"], seconds["fvd features"]),
        *((name, seconds_of_ours, seconds[name]) for name, seconds_of_ours in own.items()),
        ("all six, one pass", first, sum(seconds[name] for name in SIX)),
    ]
    figures = {key.partition("@")[0]: figure.value for key, figure in scored.metrics.items()}
    return {
        "rows": rows, "first_s": first, "second_s": second,
        "figures": {name: [figures[name], value] for name, value in found.items()},
    }  # fmt: skip


def main() -> None:
    """Run both sides; print the table, and write it as JSON where asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", action="store_true", help="also the peak memory at 8 and 64 clips")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)
    document: dict[str, object] = {}
    if options.memory:
        peaks = [peak_memory(clips, options.frames) for clips in (8, 64)]
        print(f"peak memory: 8 clips {peaks[0] / 2**20:.0f} MiB, 64 clips {peaks[1] / 2**20:.0f} MiB, "
              f"ratio {peaks[1] / peaks[0]:.3f}", flush=True)  # fmt: skip
        document["peak_memory_bytes"] = peaks
    with tempfile.TemporaryDirectory() as folder:
        document |= measure(Path(folder), options)
    for name, own, peer in document["rows"]:
        print(f"{name:28} ours {own:8.3f} s, peer {peer:8.3f} s, ratio {peer / own:7.2f}")
    first, second = document["first_s"], document["second_s"]
    print(
        f"a second model on the same store: {second:.2f} s, {first / second:.2f} times as fast as the first"
    )
    for name, (own, peer) in document["figures"].items():
        print(f"{name:10} ours {own:.9g}, peer {peer:.9g}")
    if options.json is not None:
        facts = {name: getattr(options, name) for name in ("clips", "frames", "threads")}
        document |= {**facts, "processors": os.cpu_count(), "versions": library_versions()}
        options.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
