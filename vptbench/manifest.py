"""The JSON file that says what a folder is, and writing that is whole or absent.

Each of the things on disk is a folder with one JSON file holding at least ``format`` and
``version``. Every part is written under a temporary name beside its place and renamed when whole.
"""

import hashlib
import json
import math
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeAlias, Union

from vptbench.errors import ManifestError

Json: TypeAlias = Union[bool, int, float, str, Sequence["Json"], Mapping[str, "Json"], None]  # noqa: UP007 - recursive
"""What a JSON document may hold."""

PART_SUFFIX = ".part"
"""Ending of everything that is not whole yet."""

MOST_LEVELS = 64
"""How deep objects and lists of a file may be nested; what is written here has fewer than ten."""

LIBRARIES = ("vptbench", "numpy", "h5py", "opencv-python-headless", "torch", "scipy", "decord", "av")
"""Packages whose versions stand in every manifest, where they are installed."""


def library_versions() -> dict[str, str]:
    """The versions of the packages that can move a number; those that are not installed are left out."""
    found = {}
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):  # decord has no wheel on some platforms
            found[name] = version(name)
    return found


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` when the block ends well.

    The block may write a file or make a folder there. If it raises, what it wrote is deleted and
    `path` is as it was. A folder that stands at `path` is replaced by a folder, never by a file.

    Raises:
        ManifestError: The parent of `path` is a file, a file was written and `path` is a folder, or `path`
            has no name (".").
    """
    if not path.name:
        raise ManifestError(f"expected a path that ends in a name, got {str(path)!r}; name what to write")
    make_folder(path.parent)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{PART_SUFFIX}")
    try:
        yield part
        if path.is_dir():
            if not part.is_dir():
                raise ManifestError(f"expected to write the file {path}, found a folder; give another name")
            shutil.rmtree(path)
        part.replace(path)
    finally:
        delete(part)


def delete(path: Path) -> None:
    """Delete a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def delete_parts(folder: Path) -> None:
    """Delete what an interrupted run left unfinished anywhere below `folder`."""
    for part in list(folder.rglob(f".*{PART_SUFFIX}")):
        delete(part)


def is_part(path: Path) -> bool:
    """Whether a file or folder is named as what an interrupted run left unfinished."""
    return path.name.startswith(".") and path.name.endswith(PART_SUFFIX)


def make_folder(folder: Path) -> None:
    """Make `folder` and its parents.

    Raises:
        ManifestError: Something on the way is a file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        blocker = next(
            path for path in (folder, *folder.parents) if os.path.lexists(path) and not path.is_dir()
        )
        raise ManifestError(
            f"expected a folder at {folder}, but {blocker} is a file; choose another place or move that file"
        ) from error


def json_to_text(document: Json) -> str:
    """JSON as it stands in every file here: sorted keys, two spaces, one trailing newline, no NaN.

    Raises:
        ValueError: A number is NaN or infinite; write None instead.
    """
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8, line feeds) whole or not at all."""
    with written_beside(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def read_json(path: Path) -> dict[str, Json]:
    """Read a JSON object.

    Raises:
        ManifestError: The file is missing, is no JSON (which has neither NaN nor infinities nor halves of
            characters), is nested more than `MOST_LEVELS` deep, or holds something other than an object.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
        _check_writable(document)
    except OSError as error:
        raise ManifestError(
            f"expected a JSON file at {path}, found none that can be read ({error.strerror})"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ManifestError(
            f"{path}: expected JSON, found something else ({error}); restore or delete it"
        ) from error
    if not isinstance(document, dict):
        raise ManifestError(f"{path}: expected a JSON object, found a {type(document).__name__}")
    return document


def _refuse_constant(name: str) -> None:
    """Called for ``NaN``, ``Infinity`` and ``-Infinity``, which Python reads and JSON has not.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"{name}, which is no number of JSON")


def _check_writable(document: Json) -> None:
    """See that what was read could be written again.

    Raises:
        ValueError: A number is too large, a text holds half a character (a lone surrogate, which UTF-8 has no
            bytes for), or objects and lists are nested too deep.
    """
    level: list[Json] = [document]
    for _ in range(MOST_LEVELS):
        level = [inner for outer in level for inner in _members(outer)]
    if level:
        raise ValueError(f"objects and lists nested more than {MOST_LEVELS} deep")
    json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


def _members(document: Json) -> Iterable[Json]:
    if isinstance(document, dict):
        return document.values()
    return document if isinstance(document, list) else ()


def write_manifest(path: Path, *, kind: str, version_number: int, body: Mapping[str, Json]) -> None:
    """Write the manifest of a folder: `body` with ``format`` and ``version`` added."""
    write_text(path, json_to_text({**body, "format": kind, "version": version_number}))


def read_manifest(path: Path, *, kind: str, version_number: int) -> dict[str, Json]:
    """Read the manifest at `path` and check that it is of `kind` and of a version we know.

    Raises:
        ManifestError: It is missing, no JSON, of another format, or of an unknown version.
    """
    if not path.exists():
        raise ManifestError(
            f"{path.parent}: expected a folder with {path.name} ({kind}), found none; "
            "check the path, or make it with the command that writes it"
        )
    document = read_json(path)
    if document.get("format") != kind:
        raise ManifestError(
            f"{path}: expected format {kind!r}, found {document.get('format')!r}; give another folder"
        )
    if type(document.get("version")) is not int or document["version"] != version_number:
        raise ManifestError(
            f"{path}: expected version {version_number} of {kind}, found {document.get('version')!r}; "
            "install the vptbench that wrote it, or make the folder again"
        )
    return document


def file_to_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def path_to_sha256(path: Path) -> str:
    """SHA-256, in hex: of a file's bytes, or of the names and hashes of all files where it is a folder."""
    if path.is_file():
        return file_to_sha256(path)
    files = (file for file in sorted(path.rglob("*")) if file.is_file())
    return json_to_sha256({file.relative_to(path).as_posix(): file_to_sha256(file) for file in files})


def json_to_sha256(document: Json) -> str:
    """SHA-256 of a JSON document in the form of `json_to_text`, in hex."""
    return hashlib.sha256(json_to_text(document).encode()).hexdigest()


def number_to_json(value: float) -> float | None:
    """A number as JSON can hold it: NaN and infinities become None."""
    return value if math.isfinite(value) else None


def relative_path(target: Path, folder: Path) -> str:
    """`target` as seen from `folder`, with forward slashes, so that both may move together."""
    return Path(os.path.relpath(target.resolve(), folder.resolve())).as_posix()


def is_relative(name: str) -> bool:
    """Whether `name` is a plain relative path ("001/9/1"), safe to join to a folder."""
    hidden = any(not part or part.startswith(".") for part in name.split("/"))
    return not hidden and "\\" not in name and "\0" not in name


def check_relative(name: str, what: str) -> str:
    """Return `name` if it is a plain relative path ("001/9/1"), safe to join to a folder.

    Raises:
        ManifestError: It is empty, absolute, or climbs out of its folder.
    """
    if not is_relative(name):
        raise ManifestError(
            f"expected a {what} that is a plain relative name such as '001/9/1', got {name!r}"
        )
    return name
