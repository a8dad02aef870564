"""What is wrong with a model's outputs, read to the last picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from vptbench.errors import VptbenchError
from vptbench.image import read_image
from vptbench.outputs import schema
from vptbench.outputs.reader import Outputs, open_outputs
from vptbench.progress import track


def outputs_to_problems(path: Path) -> list[str]:
    """Read all pictures; each problem in a line, empty if nothing is wrong.

    Raises:
        VptbenchError: The folder holds no outputs, or of an unknown version.
    """
    outputs = open_outputs(path)
    failures = cast("Mapping[str, str]", outputs.manifest["failures"])
    missing = [clip for clip in cast("list[str]", outputs.manifest["clips"]) if clip not in outputs.ids]
    problems = [
        f"{clip}: expected frames, found none ({failures.get(clip, 'not generated yet')}); generate again"
        for clip in missing
    ]
    for clip in track(outputs.ids, total=len(outputs.ids), label="check"):
        try:
            problems += _clip_to_problems(outputs, clip)
        except VptbenchError as error:
            problems.append(str(error))
    return problems + _surplus_to_problems(outputs)


def _clip_to_problems(outputs: Outputs, clip: str) -> list[str]:
    folder = outputs.folder(clip)
    expected = {schema.number_to_name(number) for number in outputs.numbers(clip)}
    found = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    problems = []
    if expected - found:
        first = min(expected - found)
        problems.append(
            f"{clip}: expected {len(expected)} pictures, found {len(expected & found)} ({first} is missing); "
            f"delete {folder} and generate again"
        )
    size = list(cast("list[int]", outputs.entry(clip)["size"]))
    for name in sorted(expected & found):
        try:
            shape = list(read_image(folder / name).shape[:2])
        except VptbenchError as error:
            problems.append(f"{clip}: {error}; delete {folder} and generate again")
            continue
        if shape != size:
            problems.append(f"{clip}: {name}: expected {size[0]}×{size[1]}, found {shape[0]}×{shape[1]}")
    return problems


def _surplus_to_problems(outputs: Outputs) -> list[str]:
    """Files that no entry names."""
    named = {
        outputs.folder(clip) / schema.number_to_name(number)
        for clip in outputs.ids
        for number in outputs.numbers(clip)
    }
    files = {file for file in (outputs.path / schema.FRAMES_FOLDER).rglob("*") if file.is_file()}
    folders = sorted({file.parent for file in files - named})
    return [
        f"{folder}: holds files that no entry of {schema.MANIFEST} names; delete them" for folder in folders
    ]
