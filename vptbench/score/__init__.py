"""Scores of a model's frames: paired with their targets, measured clip by clip, pooled with intervals."""

from vptbench.score.scoring import ScoreSettings, folders_to_scorefile, outputs_to_scorefile, run

__all__ = ["ScoreSettings", "folders_to_scorefile", "outputs_to_scorefile", "run"]
