import numpy as np
import pandas as pd
import pytest

from vptbench.figure import Figure
from vptbench.interval import bootstrap_interval
from vptbench.scorefile import clips_to_value, frames_to_clips, write_scores


@pytest.fixture
def folder(tmp_path, make_scores):
    """A function that writes hand-made scores to a folder of its own."""

    def write(model, **fields):
        place = tmp_path / f"scores{len(list(tmp_path.iterdir()))}"
        write_scores(place, make_scores(model, **fields))
        return place

    return write


@pytest.fixture
def by_clip(folder):
    """A function that writes scores of SSIM alone, given clip by clip: the values of each clip's frames."""

    def write(model, clips, *, pooling="clip", **fields):
        rows = [
            (clip, i, "ssim-v1", value) for clip, values in clips.items() for i, value in enumerate(values)
        ]
        per_frame = pd.DataFrame(rows, columns=["clip", "frame", "metric", "value"])
        per_clip = frames_to_clips(per_frame)
        weights = [len(values) if pooling == "frame" else 1 for values in clips.values()]
        ends = bootstrap_interval(per_clip["value"].to_numpy(np.float64), weights=weights)
        low, high = ends if len(clips) > 1 else (None, None)
        figure = Figure(
            "SSIM", "", higher_is_better=True, value=clips_to_value(per_clip, per_frame, "ssim-v1", pooling),
            low=low, high=high, floor=None, pooling=pooling, clips=len(clips), frames=len(rows),
            samples=len(rows), infinite_frames=0, settings={}, reason="",
        )  # fmt: skip
        facts = {
            clip: {"frames": len(values), "size": [64, 64], "generated_sha256": f"{model}{values}",
                   "target_sha256": "e", "truth_sha256": ""}
            for clip, values in clips.items()
        }  # fmt: skip
        return folder(
            model, metrics={"ssim-v1": figure}, networks={}, per_frame=per_frame, per_clip=per_clip,
            clips=facts, pooling=pooling, **fields,
        )  # fmt: skip

    return write
