"""Tables of ids and what they stand for: grammar, lazy import, did-you-mean.

An extension point is a literal dict ``id -> "module:object"``. Only models and their trainers come from
outside, by entry points. Ids of metrics, benchmarks and crops are ``name-vN``: the code, constants and
preprocessing behind an id are frozen, and what moves a number beyond its stated tolerance gets a new id.
"""

import difflib
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points

from vptbench.errors import ModelError, RegistryError

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
    """Import what `table` holds under `name` ("module:object", or "module"); nothing is imported before.

    Raises:
        RegistryError: The name is not in the table.
    """
    module, _, attribute = table[check_known(name, table, area)].partition(":")
    found: object = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found


def group_to_table(group: str) -> dict[str, str]:
    """The entry points of `group` that are installed, as a table for `id_to_object`."""
    return {point.name: point.value for point in sorted(entry_points(group=group), key=lambda p: p.name)}


@contextmanager
def strangers_import(what: str, place: str) -> Iterator[None]:
    """Import somebody else's code in the block: whatever it raises becomes an error of one line.

    Args:
        what: The thing that is imported ("model dmm").
        place: Where its entry point says it is.

    Raises:
        ModelError: Importing failed.
    """
    try:
        yield
    except (Exception, SystemExit) as error:  # anybody's code runs when it is imported
        raise ModelError(
            f"expected {what} at its entry point {place}, which cannot be imported "
            f"({type(error).__name__}: {error}); install what it needs, or mend the entry point"
        ) from error


def check_callables(found: object, names: Sequence[str], what: str, kind: str, *, see: str) -> None:
    """See that somebody else's class or module has what it must have.

    Args:
        found: The class or module.
        names: What it must have.
        what: The thing, as errors name it ("model dmm (dmm_model.generate:DmmModel)").
        kind: What `names` are ("methods").
        see: Where the contract stands ("vptbench.generate.model").

    Raises:
        ModelError: It lacks some.
    """
    missing = [name for name in names if not callable(getattr(found, name, None))]
    if missing:
        raise ModelError(
            f"expected {what} to have the {kind} {' and '.join(names)}, "
            f"found no {' and no '.join(missing)}; see {see}"
        )
