"""The whole main line on small synthetic data, offline: what a newcomer runs first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vptbench.errors import ScoreError
from vptbench.generate.run import store_to_outputs
from vptbench.leaderboard.build import build_board
from vptbench.leaderboard.entry import add_entry
from vptbench.manifest import delete
from vptbench.prepare.build import source_to_store
from vptbench.prepare.settings import PrepareSettings
from vptbench.report.page import scores_to_page
from vptbench.robustness.cells import CellFilter
from vptbench.robustness.plan import SweepSettings
from vptbench.robustness.sweep import run_sweep
from vptbench.score import ScoreSettings, outputs_to_scorefile
from vptbench.synth.build import seed_to_raw
from vptbench.trainer import TrainSettings, name_to_trainer
from vptbench.weights import Networks

LAYOUTS = ("fashionvideo", "iper")
MODELS = ("dmm", "mesh_warp", "copy_source", "mp4_roundtrip_23", "oracle")
TRAINED = "dmm"
ITERATIONS = 40
"""Enough to see that it learns, far too few for good pictures."""
BENCHMARK = "synthetic-v1"
NOISY_BENCHMARK = "synthetic-noisy-v1"
NOISY_MODEL, NOISY_CELLS = (
    "mesh_warp",
    CellFilter(kinds=("jitter", "drift"), severities=(1, 3, 5), seeds=(0,)),
)
"""What noisy poses do is shown on a few cells of one layout."""
NOISY_METRICS = ("ssim-v1", "l1-v1", "flicker-v1")


@dataclass(frozen=True)
class DemoResult:
    """Where the demo's results lie.

    Attributes:
        page: The report, one HTML file.
        scores: Folders of scores, by layout and model.
        boards: Leaderboards, one a layout; their pages lie beside them.
        sweep: Curves of a model under noisy poses.
    """

    page: Path
    scores: tuple[Path, ...]
    boards: tuple[Path, ...]
    sweep: Path


def run_demo(
    out: Path, *, clips: int = 6, frames: int = 24, size: int = 128, seed: int = 1, say: Callable[[str], None]
) -> DemoResult:
    """Synthesise, prepare, train, generate, score, rank and report, for both layouts; noisy poses for one.

    Args:
        out: Folder to work in; a second run redoes only what is missing.
        clips: Clips a layout, over both splits.
        frames: Frames a clip.
        size: Height and width of prepared frames.
        seed: Of the synthetic people.
        say: Is told each step in a line.

    Raises:
        ScoreError: A step left clips out.
    """
    scores, boards = [], []
    for layout in LAYOUTS:
        raw, store, board = (out / layout / name for name in ("raw", "store", "leaderboard.csv"))
        say(f"{layout}: synthetic videos")
        seed_to_raw(raw, layout=layout, clips=clips, frames=frames, size=size, seed=seed)
        say(f"{layout}: clips with poses, mask and mesh")
        _check_all(source_to_store(layout, raw, store, PrepareSettings(size=size)).failed)
        say(f"{layout}: {TRAINED}, trained for {ITERATIONS} iterations")
        run = _train(store, out / layout / "run", seed)
        delete(board)
        delete(board.with_name(f"{board.stem}.clips"))
        for model in MODELS:
            say(f"{layout}: {model}, generated and scored")
            folder = _generate_and_score(model, store, out / layout, run if model == TRAINED else None)
            add_entry(folder, board)
            scores.append(folder)
        build_board(board, board.parent)
        boards.append(board)
    say(f"{LAYOUTS[0]}: {NOISY_MODEL} under noisy poses")
    sweep = _sweep(out / LAYOUTS[0])
    page = out / "report.html"
    scores_to_page([*scores, sweep], page)
    return DemoResult(page=page, scores=tuple(scores), boards=tuple(boards), sweep=sweep)


def _sweep(out: Path) -> Path:
    folder = out / "robustness" / NOISY_MODEL
    _check_all(
        run_sweep(
            SweepSettings(
                NOISY_MODEL, out / "store", folder, NOISY_BENCHMARK, NOISY_CELLS, metrics=NOISY_METRICS
            )
        ).failed
    )
    return folder


def _train(store: Path, run: Path, seed: int) -> Path:
    settings = TrainSettings(store, run, config="tiny", iterations=ITERATIONS, seed=seed, resume=True)
    return name_to_trainer(TRAINED).train(settings).run


def _generate_and_score(model: str, store: Path, out: Path, checkpoint: Path | None) -> Path:
    outputs, scores = out / "outputs" / model, out / "scores" / model
    _check_all(store_to_outputs(model, store, outputs, BENCHMARK, checkpoint=checkpoint).failed)
    settings = ScoreSettings(networks=Networks(mode="random"))
    outputs_to_scorefile(outputs, scores, settings, store=store, benchmark=BENCHMARK)
    return scores


def _check_all(failed: Mapping[str, str]) -> None:
    if failed:
        listed = "; ".join(f"{clip}: {reason}" for clip, reason in failed.items())
        raise ScoreError(f"expected every clip of the demo to succeed, these failed: {listed}")
