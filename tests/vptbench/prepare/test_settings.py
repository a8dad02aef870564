import json

import pytest

from vptbench.errors import RegistryError, StoreError, UsageError
from vptbench.prepare.build import source_to_store
from vptbench.prepare.pack import check_asked
from vptbench.prepare.settings import PrepareSettings
from vptbench.store import schema


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


def test_every_setting_that_came_later_says_what_older_stores_had():
    """Without its line there, a new setting would keep every older store from being continued."""
    settings = PrepareSettings().to_json()
    first = {"size", "crop", "poses", "body", "compression"}
    assert {name: value for name, value in settings.items() if name not in first} == schema.LATER_SETTINGS


def test_a_store_from_before_the_newest_settings_is_continued(joined, tmp_path):
    store = tmp_path / "first"
    (store / "clips" / "test" / "b.h5").unlink()
    path = store / "store.json"
    document = json.loads(path.read_text())
    for name in ("swaps", "smoothing", "lost", "smpl_model"):
        del document["settings"][name]
    path.write_text(json.dumps(document))
    with pytest.raises(StoreError, match=r"expected a clip store of lost drop \(found mark\);"):
        source_to_store("fashionvideo", joined.raw, store, PrepareSettings(size=32, lost="drop"))
    report = source_to_store("fashionvideo", joined.raw, store, PrepareSettings(size=32))
    assert (report.done, report.skipped) == (("b",), ("a", "c"))


def test_an_old_pack_has_the_settings_that_it_does_not_state(joined):
    path = joined.pack / "pack.json"
    document = json.loads(path.read_text())
    del document["settings"]["lost"]
    path.write_text(json.dumps(document))
    check_asked(joined.pack, {"lost": "mark"})
    with pytest.raises(UsageError, match=r"got --lost drop \(the pack has mark\)"):
        check_asked(joined.pack, {"lost": "drop"})
