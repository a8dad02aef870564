"""Scores of a model's frames: paired with their targets, measured clip by clip, pooled with intervals."""

from vptbench.score.run import folders_to_scorefile, outputs_to_scorefile

__all__ = ["folders_to_scorefile", "outputs_to_scorefile"]
