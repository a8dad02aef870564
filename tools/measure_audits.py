"""Writes docs/experiments/audits.md: what each metric sees of each audit, on a few synthetic clips.

    .venv/bin/python tools/measure_audits.py WORK

WORK is a folder for videos, store, outputs and scores; what is there already is kept. Some minutes.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

from vptbench.generate.run import store_to_outputs
from vptbench.prepare.build import source_to_store
from vptbench.prepare.settings import PrepareSettings
from vptbench.score import ScoreSettings, outputs_to_scorefile
from vptbench.scorefile import Scores
from vptbench.synth.build import seed_to_raw
from vptbench.weights import Networks

PAGE = Path(__file__).parents[1] / "docs" / "experiments" / "audits.md"
CLIPS, FRAMES, SIZE, SEED = 12, 20, 64, 5
NOTHING = 1e-9
"""Distances of equal sets are zero but for rounding."""
BENCHMARK = "synthetic-v1"
METRICS = ("ssim-v1", "psnr-v1", "l1-v1", "lpips-v1", "fid-v1", "fvd-v1", "flicker-v1")
AUDITS = (
    "oracle", "mp4_roundtrip_23", "mp4_roundtrip_35", "brightness_shift", "shuffled_frames", "frozen_frame",
)  # fmt: skip
MODELS = ("copy_source", "keypoint_warp", "mesh_warp")

HEAD = """# What each metric sees of each audit

Audits damage the true frames in one known way; below them, for the scale, are the three models without
weights. {clips} clips of {frames} scored frames at {size}², people who turn, under `{benchmark}`. Networks
have random weights: their figures say what kind of damage such a network sees, and nothing about published
numbers.

```
python tools/measure_audits.py WORK
```

"""


def measure(work: Path) -> dict[str, Scores]:
    """Scores by audit and model."""
    store = work / "store"
    seed_to_raw(work / "raw", layout="fashionvideo", clips=CLIPS, frames=FRAMES, size=SIZE, seed=SEED)
    source_to_store("fashionvideo", work / "raw", store, PrepareSettings(size=SIZE))
    settings = ScoreSettings(metrics=METRICS, networks=Networks(mode="random"))
    found = {}
    for name in (*AUDITS, *MODELS):
        outputs = work / "outputs" / name
        store_to_outputs(name, store, outputs, BENCHMARK)
        found[name] = outputs_to_scorefile(
            outputs, work / "scores" / name, settings, store=store, benchmark=BENCHMARK
        )
    return found


def scores_to_page(found: Mapping[str, Scores]) -> str:
    """The page, but for what is said below its table."""
    first = next(iter(found.values()))
    facts = {
        "clips": len(first.clips), "frames": FRAMES - 1, "size": SIZE, "benchmark": BENCHMARK,
    }  # fmt: skip
    rows = [["", *first.metrics], ["---", *("---:" for _ in first.metrics)]]
    rows += [[name, *(_cell(scores, metric) for metric in first.metrics)] for name, scores in found.items()]
    return HEAD.format_map(facts) + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _cell(scores: Scores, metric: str) -> str:
    value = scores.metrics[metric].value
    if value is None:
        return "–"
    return f"{value:.4g}" if abs(value) > NOTHING else "0"


def main() -> None:
    """Measure, and write the table above the words that stand on the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    page = scores_to_page(measure(parser.parse_args().work))
    _, mark, words = PAGE.read_text(encoding="utf-8").partition("\n## ") if PAGE.exists() else ("", "", "")
    PAGE.write_text(page + mark + words, encoding="utf-8")


if __name__ == "__main__":
    main()
