"""A model's frames on disk: contract 2 between the stages, and other people's folders read as they are."""

from vptbench.outputs.folder import Reading
from vptbench.outputs.reader import Outputs, open_outputs
from vptbench.outputs.recognise import open_folder

__all__ = ["Outputs", "Reading", "open_folder", "open_outputs"]
