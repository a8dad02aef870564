"""`seed_to_raw` with other backgrounds: what changes, and what must not."""

import json
from dataclasses import fields

import cv2
import numpy as np
import pytest

from vptbench.body.asset import load_body
from vptbench.errors import StoreError, UsageError
from vptbench.manifest import file_to_sha256
from vptbench.prepare.build import source_to_manifest, source_to_store
from vptbench.prepare.settings import PrepareSettings
from vptbench.prepare.sources import load_dataset
from vptbench.store.reader import open_store
from vptbench.store.writer import write_store_manifest
from vptbench.synth.build import LAYOUTS, MANIFEST, UNFINISHED, _film, _shot, seed_to_raw
from vptbench.synth.figure import seed_to_person
from vptbench.synth.motion import MOTIONS
from vptbench.synth.render import actor_to_film, person_to_actor
from vptbench.synth.scene import location, studio
from vptbench.video import video_to_frames

SMALL = {"clips": 6, "frames": 3, "size": 64, "seed": 5}
FIRST = {"format": "vptbench-synth", "version": 1, "layout": "fashionvideo", **SMALL}
"""The manifest from before there was a choice."""

OWN = {"fashionvideo": ("plain", studio), "iper": ("textured", location), "tiktok": ("textured", location)}


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """FashionVideo-like data with every background."""
    folders = {name: tmp_path_factory.mktemp("raw") / name for name in ("own", "plain", "textured", "mixed")}
    for background, out in folders.items():
        seed_to_raw(out, layout="fashionvideo", background=background, **SMALL)
    return folders


@pytest.fixture(scope="module", params=LAYOUTS)
def films(request):
    """A clip of a layout, before each kind of background."""
    how = LAYOUTS[request.param]
    plan = how.plan(4, 5)[1]
    return {name: _film(plan, how, _shot(plan, how, 96, name), 4, 5) for name in ("plain", "textured")}


def _hashes(folder):
    return {
        path.relative_to(folder).as_posix(): file_to_sha256(path)
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


def _videos(folder):
    return {path.stem: np.concatenate(list(video_to_frames(path))) for path in folder.glob("t*/*.mp4")}


def _masks(folder):
    return {path.stem: np.load(path, allow_pickle=False)["mask"] for path in folder.glob("truth/*.npz")}


def _shrunk(mask, pixels):
    kernel = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    return np.stack([cv2.erode(each.astype(np.uint8), kernel, borderValue=0) for each in mask]).astype(bool)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_own_is_drawn_as_before_there_was_a_choice(layout):
    """Every stream and the camera written out here, without what chooses a backdrop."""
    how, (_, backdrop) = LAYOUTS[layout], OWN[layout]
    plan = how.plan(4, 5)[1]
    person = seed_to_person(5, plan.person, wardrobe=how.wardrobe, shapes=len(load_body().shape_directions))
    number = list(MOTIONS).index(plan.motion)
    moves = np.random.default_rng(np.random.SeedSequence([5, 2, plan.person, number]))
    place = np.random.default_rng(np.random.SeedSequence([5, 3, plan.person, 0]))
    shot = how.shot(64)
    assert shot.backdrop is backdrop
    expected = actor_to_film(person_to_actor(person), MOTIONS[plan.motion](3, moves), shot, place)
    made = _film(plan, how, _shot(plan, how, 64, "own"), 3, 5)
    np.testing.assert_array_equal(made.backdrop, expected.backdrop)
    np.testing.assert_array_equal(np.stack(list(made.frames())), np.stack(list(expected.frames())))


def test_own_of_a_studio_has_the_bytes_of_plain(raw):
    assert _hashes(raw["own"]) == _hashes(raw["plain"])


def test_only_another_background_stands_in_the_manifest(raw):
    for background, folder in raw.items():
        found = json.loads((folder / MANIFEST).read_text())
        assert found == (FIRST if background == "own" else {**FIRST, "background": background})


def test_truth_does_not_depend_on_what_stands_behind(raw, films):
    told = {
        background: {
            name: digest for name, digest in _hashes(folder).items() if name.startswith(("truth", "openpose"))
        }
        for background, folder in raw.items()
    }
    assert len(told["own"]) == 6 + 6 * 3
    assert told["plain"] == told["textured"] == told["mixed"]
    for field in fields(films["plain"].truth):
        one, other = (getattr(films[name].truth, field.name) for name in ("plain", "textured"))
        np.testing.assert_array_equal(one, other)


def test_rendered_frames_differ_outside_the_person_alone(films):
    plain, textured = (np.stack(list(films[name].frames())).astype(int) for name in ("plain", "textured"))
    mask = films["plain"].truth.mask
    differs = (plain != textured).any(-1)
    assert differs[~mask].mean() > 0.98
    assert np.abs(plain - textured)[~mask].mean() > 20
    # A pixel whose neighbours' centres are all covered is covered as a whole, but where two outlines are
    # nearer than a pixel.
    assert differs[_shrunk(mask, 1)].mean() < 0.005


def test_videos_differ_outside_the_person(raw):
    plain, textured = _videos(raw["plain"]), _videos(raw["textured"])
    assert len(plain) == 6
    for clip, mask in _masks(raw["plain"]).items():
        difference = np.abs(plain[clip].astype(int) - textured[clip]).mean(-1)
        assert difference[~mask].mean() > 20
        assert difference[_shrunk(mask, 2)].mean() < 4  # the codec, which shares colour among four pixels
        assert difference[~mask].mean() > 8 * difference[_shrunk(mask, 2)].mean()


def test_half_of_the_people_of_either_split_have_either_background(raw):
    found, plain, textured = (_hashes(raw[name]) for name in ("mixed", "plain", "textured"))
    kinds = {
        name: "plain" if found[name] == plain[name] else "textured"
        for name in found
        if name.endswith(".mp4") and found[name] in (plain[name], textured[name])
    }
    assert kinds == {
        "train/s0005-000.mp4": "plain", "train/s0005-001.mp4": "textured", "train/s0005-002.mp4": "plain",
        "train/s0005-003.mp4": "textured", "test/s0005-004.mp4": "plain", "test/s0005-005.mp4": "textured",
    }  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_halves_are_equal_to_within_one_person(layout):
    how = LAYOUTS[layout]
    for clips in range(2, 150):
        for split in ("train", "test"):
            people = {plan.person: plan for plan in how.plan(clips, 1) if plan.split == split}
            studios = sum(_shot(plan, how, 64, "mixed").backdrop is studio for plan in people.values())
            assert abs(2 * studios - len(people)) <= 2
            assert len(people) == 1 or 0 < studios < len(people)


def test_all_clips_of_a_person_have_one_background():
    how = LAYOUTS["iper"]
    backdrops = {}
    for plan in how.plan(12, 5):
        backdrops.setdefault(plan.person, []).append(_shot(plan, how, 64, "mixed").backdrop)
    assert all(len(both) == 2 and both[0] is both[1] for both in backdrops.values())
    assert {both[0] for both in backdrops.values()} == {studio, location}


@pytest.mark.parametrize("layout", ["fashionvideo", "iper"])
def test_an_unknown_background_is_refused(layout, tmp_path):
    text = r"background: expected own or plain or textured or mixed, got 'beach'"
    with pytest.raises(UsageError, match=text):
        seed_to_raw(tmp_path / "raw", layout=layout, background="beach", **SMALL)
    assert not (tmp_path / "raw").exists()


def test_folders_from_before_the_argument_are_own_data(raw, tmp_path, monkeypatch):
    old = tmp_path / "raw"
    text = json.dumps(FIRST)
    old.mkdir()
    (old / UNFINISHED).write_text(text)
    seed_to_raw(old, layout="fashionvideo", **SMALL)
    assert _hashes(old) == _hashes(raw["own"])
    (old / MANIFEST).write_text(text)
    monkeypatch.setattr("vptbench.synth.build._film", None)  # nothing may be drawn again
    seed_to_raw(old, layout="fashionvideo", background="own", **SMALL)
    assert (old / MANIFEST).read_text() == text
    with pytest.raises(
        UsageError, match=r"background mixed.*found some with .*background own.*another folder"
    ):
        seed_to_raw(old, layout="fashionvideo", background="mixed", **SMALL)


def test_other_backgrounds_in_the_same_folder_are_refused(raw):
    with pytest.raises(UsageError, match=r"background own.*found some with .*background mixed"):
        seed_to_raw(raw["mixed"], layout="fashionvideo", **SMALL)
    seed_to_raw(raw["mixed"], layout="fashionvideo", background="mixed", **SMALL)


def test_stores_tell_backgrounds_apart_and_keep_old_ones(raw, tmp_path):
    settings = PrepareSettings(size=64)
    source_to_store("fashionvideo", raw["mixed"], tmp_path / "store", settings)
    assert open_store(tmp_path / "store").manifest["synth"]["background"] == "mixed"
    old = source_to_manifest(load_dataset("fashionvideo"), raw["own"], settings.to_json())
    (tmp_path / "old").mkdir()
    write_store_manifest(tmp_path / "old", {**old, "synth": FIRST, "complete": False})
    assert len(source_to_store("fashionvideo", raw["own"], tmp_path / "old", settings).done) == 6
    with pytest.raises(
        StoreError, match=r"expected a clip store of synth .*mixed.*found .*choose another place"
    ):
        source_to_store("fashionvideo", raw["mixed"], tmp_path / "old", settings)
