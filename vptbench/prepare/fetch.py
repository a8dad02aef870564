"""A dataset's files into its folder: what may be downloaded is, and what the user brought is unpacked."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from vptbench.errors import UsageError
from vptbench.manifest import make_folder
from vptbench.prepare.sources import load_dataset
from vptbench.registry import id_to_object

if sys.platform != "win32":
    import fcntl

FETCHERS = {
    "fashionvideo": "vptbench.prepare.links:fetch_fashionvideo",
    "iper": "vptbench.prepare.archive:fetch_iper",
}
"""Datasets whose files can be had, or checked and unpacked; of the others we only say where they are."""

MOST_CONNECTIONS = 8
"""More would be rude to a university's server."""


@dataclass(frozen=True)
class FetchSettings:
    """What of a dataset is wanted.

    Attributes:
        splits: Of "train" and "test"; empty is both.
        limit: Only the first videos of each list; 0 is all.
        connections: Files that are brought at a time.

    Raises:
        UsageError: A number is out of range.
    """

    splits: tuple[str, ...] = ()
    limit: int = 0
    connections: int = 4

    def __post_init__(self) -> None:
        if self.limit < 0 or not 1 <= self.connections <= MOST_CONNECTIONS:
            raise UsageError(
                f"expected a limit of 0 or more and 1 to {MOST_CONNECTIONS} connections, "
                f"got {self.limit} and {self.connections}"
            )


@dataclass(frozen=True)
class FetchReport:
    """What is there now.

    Attributes:
        unit: What is counted: "videos" or "clips".
        listed: How many the lists name, within the settings.
        present: How many of them are there, and whole as far as can be told.
        skipped: Those that were there before.
        failed: What is missing or wrong, with the reason, in a line.
        notes: What else was found or done, a line each.
    """

    unit: str
    listed: int
    present: int
    skipped: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Fetcher(Protocol):
    """How one dataset is had."""

    def __call__(self, raw: Path, settings: FetchSettings) -> FetchReport:
        """Bring or check what belongs into `raw`, and return what is there."""


def fetch(dataset: str, raw: Path, settings: FetchSettings) -> FetchReport:
    """Bring a dataset's files into `raw`, or check and unpack those that the user brought.

    Interrupted, the same call goes on where it stopped; what is there is checked and not brought again.

    Args:
        dataset: Name in `sources.DATASETS`.
        raw: The dataset's folder; made if need be.
        settings: What of it.

    Raises:
        RegistryError: The name is unknown.
        UsageError: Nobody but the user can bring this dataset; the text says where it is. Or the settings are
            none for it, or another process is at it.
        DatasetError: The lists or ``fetched.csv`` are damaged.
        DownloadError: A list cannot be had.

    Example:
        ``fetch("fashionvideo", Path("raw"), FetchSettings(splits=("test",)))``
    """
    source = load_dataset(dataset)
    if dataset not in FETCHERS:
        raise UsageError(
            f"expected a dataset that can be fetched ({', '.join(FETCHERS)}), got {dataset}, which you bring "
            f"yourself: {source.access}"
        )
    make_folder(raw)
    with _alone(raw):
        return cast("Fetcher", id_to_object(dataset, FETCHERS, "dataset"))(raw, settings)


@contextmanager
def _alone(raw: Path) -> Iterator[None]:
    """Keep other processes out of `raw`, where the system can.

    Raises:
        UsageError: Another one is in.
    """
    if sys.platform == "win32":
        yield
        return
    folder = os.open(raw, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems know no locks on folders
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UsageError(
                    f"{raw}: expected to be alone, found another vptbench fetch at work; wait for its end"
                ) from error
        yield
    finally:
        os.close(folder)
