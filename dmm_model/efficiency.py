"""What the generator costs: weights and arithmetic, counted; speed and memory, measured on this machine."""

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from dmm_model.config import PRESETS, GeneratorConfig
from dmm_model.generator import Generator
from vptbench.config import config_to_json, json_to_config
from vptbench.errors import ModelError
from vptbench.manifest import Json

REPEATS, SECONDS = 3, 3.0
"""How often and how long a chunk is generated at least, after once unmeasured; the median counts."""

CORNERS = 4
"""Pixels that a bilinear sample is mixed from: as many multiply-adds a value."""

Shape = tuple[int, ...]


def _bag_to_operations(rows: Shape, places: Shape, *_: object, **__: object) -> int:
    """Twice the multiply-adds of a weighted sum of `rows` (P, C) at `places` (N, 4)."""
    return 2 * math.prod(places) * rows[1]


def _grid_to_operations(*_: object, out_shape: Shape, **__: object) -> int:
    """Twice the multiply-adds of the samples of `grid_sample`."""
    return 2 * CORNERS * math.prod(out_shape)


SAMPLERS = {
    torch.ops.aten._embedding_bag: _bag_to_operations,  # noqa: SLF001 - torch has no other name for it
    torch.ops.aten._embedding_bag_forward_only: _bag_to_operations,  # noqa: SLF001
    torch.ops.aten.grid_sampler_2d: _grid_to_operations,
}
"""What torch's counter does not know; deformable convolutions take their samples by embedding bags."""


def measure_efficiency(device: str) -> list[dict[str, Json]]:
    """Count and measure the network of each preset, at its own size; equal networks once.

    One clip of one chunk is generated, as `Generator.forward` does it: the source is encoded for these few
    frames, where a longer clip would share it. Each network is measured in a process of its own.

    Args:
        device: "cpu" or "cuda".

    Returns:
        A row each: ``config`` (name of the preset), ``device``, ``size`` (pixels), ``parameters``,
        ``giga_multiply_adds_per_frame`` (see `count_multiply_adds`), ``frames_per_second``, and
        ``peak_memory_mib``: on a CPU of the whole process, torch's own code included (some hundred MiB,
        which is most of it for small networks), on a GPU what was allocated there; None if unknown.

    Raises:
        ModelError: A network could not be run here, for want of memory perhaps.
    """
    networks: dict[GeneratorConfig, str] = {}
    for name, preset in PRESETS.items():
        networks.setdefault(preset.generator, name)
    return [_network_to_row(name, config, device) for config, name in networks.items()]


def count_multiply_adds(run: Callable[[], object]) -> int:
    """Multiplications with an addition in all that `run` computes, on meta tensors, which cost nothing.

    Counted are convolutions, matrix products and bilinear samples, which the warp of the source and
    deformable convolutions take. What is done number by number (norms, rectifiers) is not.

    Source:
        torch's counter, which takes a multiply-add for two operations; 4 a value of a bilinear sample.
    """
    with FlopCounterMode(display=False, custom_mapping=SAMPLERS) as counter, torch.inference_mode():
        run()
    return int(counter.get_total_flops()) // 2


def config_to_multiply_adds(config: GeneratorConfig) -> int:
    """Of one chunk with its source, at the configuration's size."""
    with torch.device("meta"):
        generator = Generator(config)
    return count_multiply_adds(lambda: generator(*_clip(config, "meta")))


def config_to_costs(config: GeneratorConfig, device: str) -> dict[str, Json]:
    """Frames a second, and the most memory that this process has held so far, MiB."""
    generator = Generator(config).to(device).eval()
    inputs = _clip(config, device)
    seconds: list[float] = []
    with torch.inference_mode():
        while len(seconds) <= REPEATS or sum(seconds) < SECONDS:
            begun = time.perf_counter()
            generator(*inputs)
            if device == "cuda":
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - begun)
    rate = config.frames_per_chunk / statistics.median(seconds[1:])
    return {"frames_per_second": _shortened(rate), "peak_memory_mib": peak_memory_mib(device)}


def peak_memory_mib(device: str) -> int | None:
    """The most memory that this process has held so far, on a GPU that was allocated there; None if unknown.

    On Linux the kernel's high-water mark is asked for, since the figure that `getrusage` gives begins with
    that of the process which started this one.
    """
    if device == "cuda":
        return round(torch.cuda.max_memory_allocated() / 2**20)
    status = Path("/proc/self/status")
    marks = [line.split() for line in status.read_text().splitlines()] if status.exists() else []
    for mark in marks:
        if mark[0] == "VmHWM:":
            return round(int(mark[1]) / 2**10)
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - not on Windows

    unit = 1 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20)


def _network_to_row(name: str, config: GeneratorConfig, device: str) -> dict[str, Json]:
    with torch.device("meta"):
        parameters = sum(parameter.numel() for parameter in Generator(config).parameters())
    giga = config_to_multiply_adds(config) / config.frames_per_chunk / 1e9
    counted: dict[str, Json] = {
        "config": name, "device": device, "size": config.size, "parameters": parameters,
        "giga_multiply_adds_per_frame": _shortened(giga),
    }  # fmt: skip
    return {**counted, **_costs_apart(name, config, device)}


def _costs_apart(name: str, config: GeneratorConfig, device: str) -> dict[str, Json]:
    """`config_to_costs` in a process of its own.

    Raises:
        ModelError: It failed.
    """
    task = {"config": config_to_json(config), "device": device, "threads": torch.get_num_threads()}
    modules = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    process = subprocess.run(  # noqa: S603 - this module itself
        [sys.executable, "-m", "dmm_model.efficiency", json.dumps(task)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": modules},
        text=True,
    )
    if process.returncode != 0:
        reason = next(reversed(process.stderr.splitlines()), f"exit status {process.returncode}")
        raise ModelError(
            f"expected the network of {name} to run on {device} at {config.size} × {config.size}, it failed "
            f"({reason}); free memory there, or take another device"
        )
    return cast("dict[str, Json]", json.loads(process.stdout))


def _clip(config: GeneratorConfig, device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Source, heatmaps and grids of one chunk: noise, and a disc that stays where it is."""
    frames, size = config.frames_per_chunk, config.size
    source = torch.rand(1, 3, size, size, device=device) * 2 - 1
    poses = torch.rand(1, frames, config.keypoints, size, size, device=device)
    still = functional.affine_grid(
        torch.eye(2, 3, device=device)[None], [1, 3, size, size], align_corners=False
    )
    grid = still.where(still.norm(dim=-1, keepdim=True) < 1, -2.0)
    return source, poses, grid[:, None].expand(-1, frames, -1, -1, -1)


def _shortened(value: float) -> float:
    """Four digits."""
    return float(f"{value:.4g}")


def _main(task: str) -> None:
    """Measure what `task` says, JSON, and write it down."""
    asked = json.loads(task)
    torch.set_num_threads(asked["threads"])
    costs = config_to_costs(json_to_config(asked["config"], GeneratorConfig), asked["device"])
    sys.stdout.write(json.dumps(costs))


if __name__ == "__main__":
    _main(sys.argv[1])
