"""L1 and SSIM of outputs over the whole frame, over the body, and over what of it the source does not show.

    .venv/bin/python tools/measure_regions.py STORE OUTPUTS OUTPUTS …

OUTPUTS are folders that `vptbench generate` wrote. The regions come from the mesh: where it lies in the
target frame, and where that part of it is hidden in the source frame (`Clip.mesh_flow` with and without
`visible_only`). Means are over a clip's frames, the source frame left out, then over clips.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np

from vptbench import open_store
from vptbench.clip import Clip
from vptbench.mesh.flow import NO_FLOW
from vptbench.metrics.l1 import L1_PERSON
from vptbench.metrics.ssim import SSIM_PERSON
from vptbench.outputs.reader import open_outputs
from vptbench.weights import Networks


def main(store: Path, folders: list[Path]) -> None:
    """Print a table, one line a folder of outputs."""
    clips = open_store(store)
    print(f"{'outputs':24}  {'region':7}  {'share':>6}  {'L1':>7}  {'SSIM':>7}")
    for folder in folders:
        outputs = open_outputs(folder)
        rows = []
        for name in outputs.ids:
            source = cast("Mapping[str, int]", outputs.entry(name)["source"])["frame"]
            numbers = [number for number in outputs.numbers(name) if number != source]
            rows.append(_measure(clips[name], source, numbers, outputs.frames(name, numbers)))
        for region in rows[0]:
            share, l1, ssim = np.nanmean([row[region] for row in rows], axis=0)
            print(f"{folder.name:24}  {region:7}  {share:6.3f}  {l1:7.4f}  {ssim:7.4f}")


def _measure(
    clip: Clip, source: int, numbers: list[int], generated: np.ndarray
) -> dict[str, tuple[float, float, float]]:
    """Share of the pixels, L1 and SSIM by region; NaN where a region is empty in all frames."""
    target = np.stack([np.asarray(clip.frames[number], np.uint8) for number in numbers])
    body, shown = (
        np.stack([clip.mesh_flow(source, n, visible_only=only)[..., 0] != NO_FLOW for n in numbers])
        for only in (False, True)
    )
    found = {}
    for region, mask in (("whole", np.ones_like(body)), ("body", body), ("hidden", body & ~shown)):
        values = [
            metric.load(Networks()).per_frame(generated=generated, target=target, mask=mask)
            for metric in (L1_PERSON, SSIM_PERSON)
        ]
        means = [value[np.isfinite(value)].mean() if np.isfinite(value).any() else np.nan for value in values]
        found[region] = (float(mask.mean()), *map(float, means))
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]])
