"""Which pictures stand in a strip: every frame is of one grey, so that it can be told by its value."""

import base64
import json

import cv2
import numpy as np
import pytest

from vptbench.benchmarks.loader import load_benchmark
from vptbench.config import config_to_json
from vptbench.image import write_image
from vptbench.report.album import DRIVING_LABEL, section_to_album
from vptbench.report.filmstrip import clip_to_filmstrip
from vptbench.report.table import scores_to_sections
from vptbench.report.values import section_to_values
from vptbench.scorefile import write_scores

FRAMES = 9
BASES = {"a": 12, "b/1": 60, "c": 108}
"""Grey of frame 0 of the true clips; each later frame is 4 brighter, more than a lossy picture may be off."""

PLAIN = {
    "format": "vptbench-benchmark", "version": 1, "id": "mine-v1", "dataset": "synthetic", "split": "test",
    "crop": "full-v1", "size": None, "targets": "all", "pooling": "frame", "reference": "test",
    "metrics": ["ssim-v1"],
}  # fmt: skip


def write_greys(folder, clip, values):
    (folder / clip).mkdir(parents=True)
    for number, value in values.items():
        write_image(folder / clip / f"{number:05d}.png", np.full((16, 16, 3), value, np.uint8))


def greys(pictures):
    found = []
    for uri in pictures:
        data = np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8)
        found.append(4 * round(float(cv2.imdecode(data, cv2.IMREAD_COLOR).mean()) / 4))
    return found


def section_to_filmstrips(section):
    album, values = section_to_album(section), section_to_values(section)
    return [clip_to_filmstrip(album, values, clip) for clip in section.rows[0].scores.clips]


@pytest.fixture
def strips(tmp_path, make_scores):
    """A function: scores of `made`, {id: {number: grey}}, under a protocol, to filmstrips by id."""
    for clip, base in BASES.items():
        write_greys(tmp_path / "true", clip, {number: base + 4 * number for number in range(FRAMES)})

    def make(made, scored=None, **protocol):
        for name, values in made.items():
            write_greys(tmp_path / "made", name, values)
        (tmp_path / "mine.json").write_text(json.dumps(PLAIN | protocol))
        scores = make_scores(
            clips=tuple(made), benchmark=config_to_json(load_benchmark(tmp_path / "mine.json")),
            inputs={"outputs": "../made", "store": None, "targets": "../true"},
        )  # fmt: skip
        frames = scores.per_frame
        kept = frames[frames["frame"].isin(scored or [])]
        object.__setattr__(scores, "per_frame", kept)
        write_scores(tmp_path / "scores", scores)
        (section,) = scores_to_sections([tmp_path / "scores"])
        found = {strip.clip: strip for strip in section_to_filmstrips(section)}
        assert not any(strip.problems for strip in found.values())
        return found

    return make


def everything(*clips):
    return {clip: dict.fromkeys(range(FRAMES), 200) for clip in clips}


@pytest.mark.parametrize("frame", [0, 4])
def test_the_source_picture_is_the_frame_of_the_index(strips, frame):
    for clip, strip in strips(everything("a", "b/1"), source={"index": frame}).items():
        assert greys([strip.source]) == [BASES[clip] + 4 * frame]
        assert strip.source_label == f"source, frame {frame}"


def test_the_source_picture_is_the_one_that_was_drawn(strips, tmp_path):
    found = strips(everything("a", "b/1", "c"), source={"random_first": 7, "seed": 1})
    protocol = load_benchmark(tmp_path / "mine.json")
    drawn = {clip: protocol.source_frame(clip, FRAMES) for clip in found}
    assert len(set(drawn.values())) > 1
    assert any(drawn.values())
    for clip, strip in found.items():
        assert greys([strip.source]) == [BASES[clip] + 4 * drawn[clip]]
        assert strip.source_label == f"source, frame {drawn[clip]}"


def test_the_source_picture_is_the_one_of_the_list(strips, tmp_path):
    (tmp_path / "frames.json").write_text('{"a": 3, "b/1": 5}')
    found = strips(everything("a", "b/1"), source={"list": "frames.json"})
    assert greys([found["a"].source, found["b/1"].source]) == [12 + 12, 60 + 20]
    assert [found[clip].source_label for clip in ("a", "b/1")] == ["source, frame 3", "source, frame 5"]


def test_scored_frames_stand_beside_their_targets(strips):
    made = {"a": {number: 100 + 4 * number for number in range(FRAMES)}}
    strip = strips(made, scored=[1, 2, 4], source={"index": 0})["a"]
    assert strip.numbers == (1, 2, 4)
    target, generated, difference = strip.lines
    assert (target.kind, greys(target.pictures)) == ("target", [16, 20, 28])
    assert (generated.kind, greys(generated.pictures)) == ("generated", [104, 108, 116])
    assert (difference.kind, len(difference.pictures)) == ("difference", 3)


def test_cross_driving_shows_what_drove_and_no_difference(strips):
    """Of c, seen in its frame 6, frames 2 to 4 of b/1 are made; a is on the other side and not shown."""
    item = {
        "id": "a", "source": {"clip": "c", "frame": 6}, "driving": {"clip": "b/1", "first": 2, "last": 4},
        "real": {"clip": "a", "first": 0, "last": 1},
    }  # fmt: skip
    strip = strips({"a": {2: 108, 3: 112, 4: 116}}, driving="cross", items=[item])["a"]
    assert strip.numbers == (2, 3, 4)
    assert (greys([strip.source]), strip.source_label) == ([108 + 24], "source, frame 6 of c")
    driving, generated = strip.lines
    assert (driving.label, driving.kind) == (DRIVING_LABEL, "driving")
    assert greys(driving.pictures) == [68, 72, 76]
    assert (generated.kind, greys(generated.pictures)) == ("generated", [108, 112, 116])


def test_self_driving_by_items_shows_the_clip_behind_the_item(strips):
    span = {"clip": "b/1", "first": 2, "last": 4}
    item = {"id": "take/2", "source": {"clip": "b/1", "frame": 7}, "driving": span, "real": span}
    strip = strips({"take/2": {2: 108, 3: 112, 4: 116}}, scored=[2, 4], items=[item])["take/2"]
    assert strip.numbers == (2, 4)
    assert (greys([strip.source]), strip.source_label) == ([60 + 28], "source, frame 7 of b/1")
    target, generated, difference = strip.lines
    assert (target.label, greys(target.pictures)) == ("target", [68, 76])
    assert greys(generated.pictures) == [108, 116]
    assert difference.kind == "difference"


def test_scores_whose_benchmark_lacks_the_item_say_so(strips, tmp_path):
    span = {"clip": "a", "first": 0, "last": 1}
    item = {"id": "x", "source": {"clip": "a", "frame": 0}, "driving": span, "real": span}
    with pytest.raises(AssertionError):
        strips({"y": {0: 1, 1: 2}}, items=[item])
    (section,) = scores_to_sections([tmp_path / "scores"])
    (strip,) = section_to_filmstrips(section)
    assert strip.problems == (
        "Frames are not shown: expected an item y in the benchmark of the scores, found none",
    )
