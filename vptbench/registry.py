"""Tables of ids and what they stand for: grammar, lazy import, did-you-mean.

An extension point is a literal dict ``id -> "module:object"``. Only models come from outside, by
entry points. Ids of metrics, benchmarks and crops are ``name-vN``: the code, constants and preprocessing
behind an id are frozen, and what moves a number beyond its stated tolerance gets a new id.
"""

import difflib
import importlib
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points

from vptbench.errors import RegistryError

ID_PATTERN = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*-v[1-9][0-9]*")


def check_id(name: str) -> str:
    """Return `name` if it is a versioned id such as ``ssim-v1``.

    Raises:
        RegistryError: It does not follow the grammar ``name-vN``.
    """
    if ID_PATTERN.fullmatch(name) is None:
        raise RegistryError(
            f"expected a versioned id such as 'ssim-v1' (lower case, version last), got {name!r}"
        )
    return name


def check_known(name: str, known: Iterable[str], area: str) -> str:
    """Return `name` if it is one of `known`; `area` names the kind of thing ("metric", "model").

    Raises:
        RegistryError: It is not; the text lists the nearest names.
    """
    names = sorted(known)
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known: {', '.join(names) or 'none'}"
    raise RegistryError(f"expected a known {area}, got {name!r}; {hint}")


def id_to_object(name: str, table: Mapping[str, str], area: str) -> object:
    """Import what `table` holds under `name` ("module:object"); nothing is imported before.

    Raises:
        RegistryError: The name is not in the table.
    """
    module, _, attribute = table[check_known(name, table, area)].partition(":")
    found: object = getattr(importlib.import_module(module), attribute)
    return found


def group_to_table(group: str) -> dict[str, str]:
    """The entry points of `group` that are installed, as a table for `id_to_object`."""
    return {point.name: point.value for point in sorted(entry_points(group=group), key=lambda p: p.name)}
