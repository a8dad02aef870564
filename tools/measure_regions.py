"""L1 and SSIM of outputs over the whole frame, over the body, and over what of it the source does not show.

    .venv/bin/python tools/measure_regions.py STORE OUTPUTS OUTPUTS …

OUTPUTS are folders that `vptbench generate` wrote, of clips that were driven by their own poses. The regions
come from the mesh: where it lies in the target frame, and where that part of it is hidden in the source frame
(`difficulty.clip_to_regions`). Means are over the pixels of a region in all of a clip's
frames, the source frame left out, then over clips; where a region is empty, it counts for its share alone.
"""

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from vptbench import open_store
from vptbench.clip import Clip, Frames
from vptbench.metrics.l1 import L1_PERSON
from vptbench.metrics.ssim import SSIM_PERSON
from vptbench.outputs.reader import open_outputs
from vptbench.robustness.difficulty import clip_to_regions
from vptbench.weights import Networks


class Row(NamedTuple):
    """What was found in one region.

    Attributes:
        share: Of the pixels.
        l1: `l1-person-v1` of the region, NaN where it is empty in all frames.
        ssim: `ssim-person-v1` of the region, likewise.
    """

    share: float
    l1: float
    ssim: float


def measure_outputs(store: Path, outputs: Path) -> dict[str, Row]:
    """Means over the clips of a folder of outputs, by region: "whole", "body" and "hidden"."""
    clips, made = open_store(store), open_outputs(outputs)
    rows = []
    for name in made.ids:
        source = cast("Mapping[str, int]", made.entry(name)["source"])["frame"]
        numbers = [number for number in made.numbers(name) if number != source]
        rows.append(measure_clip(clips[name], source, numbers, made.frames(name, numbers)))
    return {region: Row(*(_mean([row[region][i] for row in rows]) for i in range(3))) for region in rows[0]}


def measure_clip(clip: Clip, source: int, numbers: Sequence[int], generated: Frames) -> dict[str, Row]:
    """Means over a region's pixels in a clip's frames `numbers`; `generated` has a row for each of them."""
    target = np.stack([np.asarray(clip.frames[number], np.uint8) for number in numbers])
    body, hidden = map(np.stack, zip(*(clip_to_regions(clip, source, n) for n in numbers), strict=True))
    found = {}
    for region, mask in (("whole", np.ones_like(body)), ("body", body), ("hidden", hidden)):
        l1, ssim = (
            metric.load(Networks()).per_frame(generated=generated, target=target, mask=mask)
            for metric in (L1_PERSON, SSIM_PERSON)
        )
        sizes = mask.sum((1, 2))
        found[region] = Row(float(mask.mean()), _mean(l1, sizes), _mean(ssim, sizes))
    return found


def _mean(values: Sequence[float] | np.ndarray, sizes: np.ndarray | None = None) -> float:
    """Of those that are finite, each as often as its size says; NaN if none is."""
    finite = np.isfinite(values)
    weights = np.ones(len(values)) if sizes is None else sizes
    return (
        float(np.average(np.asarray(values)[finite], weights=weights[finite])) if finite.any() else math.nan
    )


def main(given: Sequence[str] | None = None) -> None:
    """Print a table, three lines a folder of outputs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("store", type=Path, help="the clip store that the outputs were made of")
    parser.add_argument("outputs", type=Path, nargs="+", help="folders that `vptbench generate` wrote")
    options = parser.parse_args(given)
    print(f"{'outputs':24}  {'region':7}  {'share':>6}  {'L1':>7}  {'SSIM':>7}")
    for folder in options.outputs:
        for region, row in measure_outputs(options.store, folder).items():
            print(f"{folder.name:24}  {region:7}  {row.share:6.3f}  {row.l1:7.4f}  {row.ssim:7.4f}")


if __name__ == "__main__":
    main()
