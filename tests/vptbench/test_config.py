from dataclasses import dataclass

import pytest

from vptbench.config import config_to_json, json_to_config
from vptbench.errors import ConfigError


@dataclass(frozen=True)
class Settings:
    size: int
    scales: tuple[int, ...]


def test_round_trip():
    settings = Settings(size=3, scales=(1, 2))
    assert config_to_json(settings) == {"size": 3, "scales": [1, 2]}
    assert json_to_config(config_to_json(settings), Settings) == settings


def test_misspelt_and_missing_fields_are_both_named():
    with pytest.raises(ConfigError, match=r"Settings: expected .* missing: scales; unknown: scale"):
        json_to_config({"size": 3, "scale": [1]}, Settings)
