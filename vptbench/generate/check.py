"""What is wrong with exported inputs, read to the last byte."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from vptbench.generate.inputs import SOURCE, TABLE, entries_to_csv, open_inputs
from vptbench.manifest import Json, check_relative, path_to_sha256
from vptbench.progress import track


def inputs_to_problems(path: Path) -> list[str]:
    """Compare all files with the manifest; each problem in a line, empty if nothing is wrong.

    Raises:
        VptbenchError: The folder holds no export, or of an unknown version.
    """
    manifest = open_inputs(path)
    failures = cast("Mapping[str, str]", manifest["failures"])
    clips, formats = cast("list[str]", manifest["clips"]), cast("list[str]", manifest["formats"])
    entries = cast("Mapping[str, Mapping[str, Json]]", manifest["entries"])
    problems = [
        f"{clip}: expected inputs, found none ({failures.get(clip, 'not exported yet')}); export again"
        for clip in clips
        if clip not in entries
    ]
    for clip in track(entries, total=len(entries), label="check"):
        files = cast("Mapping[str, Mapping[str, str]]", entries[clip]["files"])
        for part in (SOURCE, *formats):
            problem = _file_to_problem(path, files.get(part), failures.get(clip, "not exported yet"))
            problems += [f"{clip}: {part}: {problem}"] if problem else []
    if not problems:
        text = entries_to_csv({clip: entries.get(clip) for clip in clips}, formats)
        table = path / TABLE
        if not table.is_file() or table.read_bytes() != text.encode():
            problems.append(f"{table}: expected what the manifest says, found none or another; export again")
    return problems


def _file_to_problem(folder: Path, file: Mapping[str, str] | None, why: str) -> str:
    """What is wrong with a part of an item; empty if nothing is."""
    if file is None:
        return f"expected it, found none ({why}); export again"
    place = folder / check_relative(file["path"], "path of an entry")
    if not place.exists():
        return f"expected {place}, found none; export again"
    if path_to_sha256(place) != file["sha256"]:
        return f"expected {place} as it was exported, found it changed; delete it and export again"
    return ""
