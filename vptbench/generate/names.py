"""Names of files and folders that every system takes, from ids that may hold anything."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable

UNSAFE = re.compile(r"[^A-Za-z0-9._+= -]")
"""Characters that some system refuses, changes, or reads as something else."""

LONGEST = 80
"""Characters of a name; whole paths must fit into 260 on Windows."""

DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{kind}{n}" for kind in ("COM", "LPT") for n in range(10))}
"""Names that Windows keeps for itself, whatever their suffix."""


def ids_to_paths(ids: Iterable[str]) -> dict[str, str]:
    """Each id's relative path with forward slashes: a "/" in an id makes a folder.

    Two ids whose paths differ in nothing but capitals get a mark of their own at the end.
    """
    paths = {name: "/".join(map(part_to_name, name.split("/"))) for name in ids}
    count = Counter(path.casefold() for path in paths.values())
    return {
        name: path if count[path.casefold()] == 1 else f"{path}~{_mark(name)}" for name, path in paths.items()
    }


def part_to_name(part: str) -> str:
    """One part of an id as the name of a file or folder.

    Characters other than ASCII letters, digits, space and ``._+=-`` become %XX, byte by byte of UTF-8, and so
    do a dot or space at the end and the first letter of a name that Windows keeps for itself. What is longer
    than `LONGEST` is cut and marked.
    """
    name = UNSAFE.sub(lambda found: _encode(found[0]), part)
    if name[-1:] in {".", " "}:
        name = name[:-1] + _encode(name[-1])
    if name.split(".")[0].strip().upper() in DEVICES:
        name = _encode(name[0]) + name[1:]
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 9]}~{_mark(part)}"


def _encode(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
