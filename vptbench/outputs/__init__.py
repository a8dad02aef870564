"""A model's frames on disk: contract 2 between the stages, and other people's folders read as they are."""

from vptbench.outputs.layouts import open_folder
from vptbench.outputs.reader import Outputs, open_outputs

__all__ = ["Outputs", "open_folder", "open_outputs"]
