"""The published generator beside the same network written the plain way, in one process, taking turns.

    .venv/bin/python benchmarks/generator.py [--size 256] [--frames 30] [--repeats 5] [--threads 2] [--json F]

Peer: `peers/naive_generator.py`, with the same weights. Measured are one chunk of six frames (batch 1, source
encoding included) and one training step on it (forward and backward, the loss is a mean); medians after a
round that does not count. Before that, each in a process of its own, a training iteration of ours on a clip
of `--frames`, with a backward pass and an update of Adam for each chunk, activations kept and recomputed:
its peak memory with all of torch, without losses and discriminators, which are other networks. Weights are
drawn so that offsets are about a pixel; grids are smooth, with a background. Takes some four minutes on two
quiet processors.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from peers.naive_generator import NaiveGenerator
from torch import Tensor, nn

from dmm_model.efficiency import peak_memory_mib
from dmm_model.generator import Generator, chunks
from vptbench.manifest import library_versions

ITERATIONS = {"activations kept": False, "activations recomputed": True}


def draw_weights(generator: Generator) -> Generator:
    """Weights under which each layer keeps its input's scale, and offsets are a pixel, not 0."""
    noise = torch.Generator().manual_seed(0)
    for key, tensor in generator.state_dict().items():
        drawn = torch.randn(tensor.shape, generator=noise)
        if key.endswith("kernel"):  # the blur's
            continue
        if "modulation.weight" in key:
            drawn *= 0.5
        elif "offset_conv" in key or "mask_conv" in key:
            drawn *= 0.05
        elif tensor.ndim == 1 or key.endswith("bias"):
            drawn = 0.1 * drawn + float("modulation" in key or (tensor.ndim == 1 and key.endswith("weight")))
        elif tensor.ndim == 4:
            drawn /= math.sqrt(tensor[0].numel())
        tensor.copy_(0.1 * drawn if key == "decoder256.conv.weight" else drawn)
    return generator


def make_clip(frames: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Source, heatmaps and grids: a disc whose inside moves in waves, before a background (−2)."""
    noise = torch.Generator().manual_seed(1)
    source = torch.rand(1, 3, size, size, generator=noise) * 2 - 1
    poses = torch.rand(1, frames, 25, size, size, generator=noise)
    line = (torch.arange(size) + 0.5) * 2 / size - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    grids = []
    for frame in range(frames):
        phase = 0.4 * frame
        moved = (x + 0.2 * torch.sin(3 * y + phase), y + 0.2 * torch.sin(2 * x - phase))
        grids.append(torch.stack(moved, -1).where((x**2 + y**2 < 0.8)[..., None], -2.0))
    return source, poses, torch.stack(grids)[None]


def training_iteration(options: argparse.Namespace) -> dict[str, float]:
    """Seconds and MiB of this process for one iteration."""
    generator = draw_weights(Generator())
    generator.recompute = ITERATIONS[options.iteration]
    learned = [parameter for parameter in generator.parameters() if parameter.requires_grad]
    optimiser = torch.optim.Adam(learned, lr=1e-4, betas=(0.0, 0.999))
    source, poses, grids = make_clip(options.frames, options.size)
    begun, carried = time.perf_counter(), None
    for start, stop in chunks(options.frames, generator.config.frames_per_chunk):
        following = grids[:, min(stop, options.frames - 1)]
        frames, carried = generator.chunk(
            generator.look(source), poses[:, start:stop], grids[:, start:stop], following, carried
        )
        carried = carried.detach()
        optimiser.zero_grad()
        frames.square().mean().backward()
        optimiser.step()
    return {"seconds": time.perf_counter() - begun, "peak_mib": peak_memory_mib("cpu")}


def iteration_apart(name: str, options: argparse.Namespace) -> dict[str, float]:
    """`training_iteration` in a process of its own."""
    facts = [f"--{fact}={getattr(options, fact)}" for fact in ("size", "frames", "threads")]
    command = [sys.executable, __file__, f"--iteration={name}", *facts]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def in_turn(
    networks: dict[str, nn.Module], work: Callable[[nn.Module], object], rounds: int
) -> dict[str, float]:
    """Median seconds of `work` on each network."""
    seconds: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(1 + rounds):
        for name, network in networks.items():
            begun = time.perf_counter()
            work(network)
            seconds[name].append(time.perf_counter() - begun)
    return {name: statistics.median(found[1:]) for name, found in seconds.items()}


def measure(options: argparse.Namespace) -> dict[str, object]:
    """Both networks on one chunk: seconds a frame, how far they are from each other, and how offsets are."""
    ours, peer = draw_weights(Generator()), NaiveGenerator()
    peer.load_state_dict(ours.state_dict())
    networks, made = {"ours": ours, "peer": peer}, {}
    clip = make_clip(ours.config.frames_per_chunk, options.size)

    def generate(network: nn.Module) -> None:
        with torch.inference_mode():
            made[network] = network(*clip)

    def train(network: nn.Module) -> None:
        network.zero_grad()
        network(*clip).square().mean().backward()

    rows = {}
    for name, work in (("generate", generate), ("train", train)):
        seconds = in_turn(networks, work, options.repeats)
        rows[name] = {side: value / ours.config.frames_per_chunk for side, value in seconds.items()}
    with torch.inference_mode():
        exact = draw_weights(Generator()).double()(*(tensor.double() for tensor in clip))
    return {
        "seconds_per_frame": rows,
        "largest_difference_of_frames": (made[ours] - made[peer]).abs().max().item(),
        "largest_difference_from_float64": {
            name: (made[network] - exact).abs().max().item() for name, network in networks.items()
        },
        "relative_difference_of_gradients": gradients_to_difference(ours, peer),
        "mean_offset_px": mean_offset(peer, lambda: generate(peer)),
    }


def gradients_to_difference(ours: nn.Module, peer: nn.Module) -> float:
    """Length of the difference of all gradients, against that of the peer's."""
    own, others = (
        {key: each.grad for key, each in network.named_parameters() if each.grad is not None}
        for network in (ours, peer)
    )
    far = sum(torch.dist(own[key], gradient).item() ** 2 for key, gradient in others.items())
    return math.sqrt(far / sum(gradient.norm().item() ** 2 for gradient in others.values()))


def mean_offset(network: nn.Module, run: Callable[[], object]) -> float:
    """Pixels, the mean of the magnitudes of all offsets while `run` runs `network`."""
    found: list[float] = []
    convolutions = [module for name, module in network.named_modules() if name.endswith("offset_conv")]
    hooks = [
        each.register_forward_hook(lambda _module, _given, offset: found.append(offset.abs().mean().item()))
        for each in convolutions
    ]
    run()
    for hook in hooks:
        hook.remove()
    return statistics.mean(found)


def main() -> None:
    """Measure both; print the figures, and write them as JSON where asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--frames", type=int, default=30, help="of the training iteration's clip")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--iteration", choices=ITERATIONS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.iteration:
        print(json.dumps(training_iteration(options)))
        return
    iterations = {name: iteration_apart(name, options) for name in ITERATIONS}  # while this one is small
    document = {"iteration": iterations, **measure(options)}
    for name, row in document["seconds_per_frame"].items():
        print(f"{name:10} ours {row['ours']:7.3f} s a frame, peer {row['peer']:7.3f} s, "
              f"ratio {row['peer'] / row['ours']:5.2f}")  # fmt: skip
    for name in ("largest_difference_of_frames", "relative_difference_of_gradients", "mean_offset_px"):
        print(f"{name.replace('_', ' ')}: {document[name]:.2g}", flush=True)
    for name, far in document["largest_difference_from_float64"].items():
        print(f"{name}: largest difference of frames from float64 {far:.2g}")
    for name, found in iterations.items():
        print(f"training iteration, {options.frames} frames, {name}: "
              f"{found['peak_mib']} MiB, {found['seconds']:.1f} s")  # fmt: skip
    if options.json is not None:
        facts = {name: getattr(options, name) for name in ("size", "frames", "repeats", "threads")}
        document |= {**facts, "processors": os.cpu_count(), "versions": library_versions()}
        options.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
