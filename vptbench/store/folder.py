"""What a clip store and a pose pack have in common: a table of clips, and a file for each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from vptbench.clip import Clip
from vptbench.errors import StoreError
from vptbench.manifest import Json
from vptbench.registry import check_known
from vptbench.store import schema
from vptbench.store.writer import clip_path


@dataclass(frozen=True, eq=False)
class ClipFolder(Mapping[str, Clip]):
    """Ids to lazy clips, in the order of ``clips.csv``.

    Attributes:
        path: The folder.
        manifest: What its JSON file says.
        table: ``clips.csv``, indexed by clip id.
    """

    path: Path
    manifest: Mapping[str, Json]
    table: pd.DataFrame = field(repr=False)

    def __contains__(self, clip: object) -> bool:
        return clip in self.table.index

    def __iter__(self) -> Iterator[str]:
        return iter(self.table.index)

    def __len__(self) -> int:
        return len(self.table)

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Clip ids of one split, or of all."""
        table = self.table if split is None else self.table[self.table["split"] == split]
        return tuple(table.index)

    def file(self, clip: str) -> Path:
        """Where the file of a clip lies.

        Raises:
            RegistryError: The table has no such clip.
            ManifestError: The id is no plain relative name.
        """
        check_known(clip, self.table.index, f"clip of {self.path}")
        return clip_path(self.path, str(self.table.at[clip, "split"]), clip)

    def row_to_problems(self, name: str, clip: Clip) -> list[str]:
        """Where a clip's file says other than its row of the table, in words.

        Args:
            name: Id of the row.
            clip: What was read from the row's file.
        """
        row = self.table.loc[name].to_dict()
        facts = {
            "clip": (clip.id, name),
            "split": (clip.split, row["split"]),
            "frames": (len(clip), int(row["frames"])),
            "size": (clip.size, (int(row["height"]), int(row["width"]))),
            "raw_sha256": (clip.attributes["raw_sha256"], row["raw_sha256"]),
        }
        return [
            f"expected {fact} {listed!r} as in {schema.CLIPS_TABLE}, found {found!r}"
            for fact, (found, listed) in facts.items()
            if found != listed
        ]


def read_clips_table(folder: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """The ``clips.csv`` of a store or a pack, indexed by clip id; it begins with `columns`.

    Raises:
        StoreError: It is damaged, or others have edited it beyond use.
    """
    path = folder / schema.CLIPS_TABLE
    text = dict.fromkeys(("clip", "split", "raw_sha256", "raw_name", "file_sha256"), str)
    try:
        table = pd.read_csv(path, dtype=text, keep_default_na=False)
    except ValueError as error:
        raise StoreError(f"{path}: expected a CSV table, found damage ({error}); prepare again") from error
    if tuple(table.columns[: len(columns)]) != columns:
        raise StoreError(f"{path}: expected the columns {','.join(columns)}, found others")
    _check_table(table, path)
    return table.set_index("clip")


def _check_table(table: pd.DataFrame, path: Path) -> None:
    """Refuse a ``clips.csv`` that others have edited beyond use.

    Raises:
        StoreError: A clip comes twice, a split is unknown, or a number is none.
    """
    numbers = all(pd.api.types.is_integer_dtype(table[name]) for name in ("frames", "height", "width"))
    if len(table) and not (table["clip"].is_unique and table["split"].isin(schema.SPLITS).all() and numbers):
        raise StoreError(
            f"{path}: expected each clip once, in {' or '.join(schema.SPLITS)}, with whole numbers of frames "
            "and pixels, found others; run the same prepare again"
        )
