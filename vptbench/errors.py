"""The errors of vptbench: one root and flat children.

Every text says what was expected, what came, and what to do. The command line turns any of them
into one line and exit status 2 (`vptbench.cli`).
"""

from collections.abc import Mapping


class VptbenchError(Exception):
    """Root of all errors that a user can cause and mend."""


class UsageError(VptbenchError):
    """A command or a function was called with words that do not fit together."""


class RegistryError(VptbenchError):
    """An id is unknown, or does not follow the grammar."""


class ManifestError(VptbenchError):
    """A folder is not what it should be: no manifest, another format, or an unknown version."""


class ConfigError(VptbenchError):
    """A JSON document does not fit its dataclass."""


class ShapeError(VptbenchError):
    """An array has another shape, dtype or value range than stated."""


class VideoError(VptbenchError):
    """A video or an image cannot be read or written whole."""


class DatasetError(VptbenchError):
    """Raw data are not in the dataset's layout."""


class PoseError(VptbenchError):
    """Keypoints are missing or malformed."""


class PickleError(VptbenchError):
    """A pickle is damaged, or holds or asks for something else than arrays."""


class BodyError(VptbenchError):
    """A body model's file is missing, or is not of the kind that it should be."""


class StoreError(VptbenchError):
    """A clip file or a clip store is damaged, incomplete or of another kind."""


class BenchmarkError(VptbenchError):
    """A frozen protocol is unknown, malformed or does not fit the data."""


class ModelError(VptbenchError):
    """A model is unknown, or gives back what it must not."""


class OutputError(VptbenchError):
    """A model's outputs are incomplete, damaged or do not fit their targets."""


class ExportError(VptbenchError):
    """Inputs written for other people's models are of another kind than asked for, or damaged."""


class RunError(VptbenchError):
    """A training run is damaged, interrupted or of another kind."""


class DownloadError(VptbenchError):
    """A file could not be brought, or what came is another one."""


class WeightsError(VptbenchError):
    """A network's weights are missing or not the pinned ones."""


class MetricError(VptbenchError):
    """The definition of a metric gives no number for what it was given."""


class ScoreError(VptbenchError):
    """Scores cannot be computed, read or compared."""


class ClipsFailedError(VptbenchError):
    """Some clips failed, the others are done and kept: the command line ends with status 1, not 2.

    Attributes:
        failed: Clip id to reason, all of them.
    """

    def __init__(self, text: str, failed: Mapping[str, str]) -> None:
        super().__init__(text)
        self.failed = dict(sorted(failed.items()))


class BoardError(VptbenchError):
    """A leaderboard refuses an entry, or is damaged."""
