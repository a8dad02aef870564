"""Frozen dataclasses to JSON and back, strictly: a misspelt or missing field is an error."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar, cast

from vptbench.errors import ConfigError
from vptbench.manifest import Json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Config = TypeVar("Config", bound="DataclassInstance")


def config_to_json(config: "DataclassInstance") -> dict[str, Json]:
    """The fields of a frozen dataclass of plain values, tuples turned into lists."""
    return {name: _plain(value) for name, value in dataclasses.asdict(config).items()}


def json_to_config(document: Mapping[str, Json], kind: type[Config]) -> Config:
    """Make a `kind` from `document`, whose keys must be exactly its fields.

    Raises:
        ConfigError: A field is missing or unknown.
    """
    expected = {field.name for field in dataclasses.fields(kind)}
    surplus, missing = sorted(set(document) - expected), sorted(expected - set(document))
    if surplus or missing:
        raise ConfigError(
            f"{kind.__name__}: expected the fields {', '.join(sorted(expected))}; "
            f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(surplus) or 'none'}"
        )
    return kind(
        **{key: tuple(value) if isinstance(value, list) else value for key, value in document.items()}
    )


def _plain(value: object) -> Json:
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else cast("Json", value)
