"""vptbench: datasets, metrics and robustness tests for human pose transfer.

Example:
    ``vptbench.open_store("store")["001/9/1"].mesh_flow(0, 5)``
"""

from vptbench.clip import Clip, PoseClip, SourceFrame
from vptbench.errors import VptbenchError
from vptbench.store.reader import open_store

__all__ = ["Clip", "PoseClip", "SourceFrame", "VptbenchError", "open_store"]
