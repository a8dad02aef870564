import pytest

from vptbench.errors import RegistryError, UsageError
from vptbench.prepare.settings import PrepareSettings


def test_settings_are_checked():
    with pytest.raises(UsageError, match="expected a size of at least 16 pixels, got 8"):
        PrepareSettings(size=8)
    for wrong in (
        {"crop": "square"},
        {"poses": "guess"},
        {"body": "guess"},
        {"swaps": "some"},
        {"smoothing": "much"},
        {"compression": "lzma"},
    ):
        with pytest.raises(RegistryError, match="expected a known"):
            PrepareSettings(**wrong)
