"""Running a model, found by its entry point, over the clips of a benchmark; exports for others."""

from vptbench.generate.model import Audit, Model
from vptbench.generate.run import store_to_outputs

__all__ = ["Audit", "Model", "store_to_outputs"]
