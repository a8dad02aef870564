"""What plays, and that all its panels show one frame: every frame is of one grey, which tells its number."""

import base64

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.image import write_image
from vptbench.report.album import section_to_album
from vptbench.report.extremes import GAP, MOST, apart, row_to_extremes
from vptbench.report.player import STEPS, choose_clips, clip_to_player
from vptbench.report.table import scores_to_sections
from vptbench.report.values import section_to_lead, section_to_values
from vptbench.scorefile import write_scores

FRAMES = 50


def greys(uri, parts):
    data = np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return [round(float(part.mean())) for part in np.array_split(picture, parts, axis=1)]


@pytest.fixture
def section(tmp_path, make_scores):
    """Two models and an audit; frame n of the clip is grey 2 n, each of them 20 brighter."""
    for place, name in enumerate(("true", "one", "two", "oracle")):
        (tmp_path / name / "a").mkdir(parents=True)
        for number in range(FRAMES):
            grey = np.full((16, 12, 3), 2 * number + 20 * place, np.uint8)
            write_image(tmp_path / name / "a" / f"{number:05d}.png", grey)
    for name in ("one", "two", "oracle"):
        inputs = {"outputs": f"../../{name}", "store": None, "targets": "../../true"}
        kind = "audit" if name == "oracle" else "model"
        scores = make_scores(
            name, clips=("a",), frames=FRAMES - 1, benchmark=None, official=False, inputs=inputs, kind=kind
        )
        write_scores(tmp_path / "scores" / name, scores)
    (found,) = scores_to_sections([tmp_path / "scores" / name for name in ("one", "two", "oracle")])
    return found


def test_panels_of_a_step_show_one_frame(section):
    player = clip_to_player(section_to_album(section), section_to_values(section), "a", "worst", 16)
    assert [label for label, _ in player.panels] == ["target", "one", "two"]  # no audit
    assert player.size == (16, 12)
    assert len(player.steps) == len(player.numbers) == STEPS
    assert (player.numbers[0], player.numbers[-1]) == (1, FRAMES - 1)
    for number, step in list(zip(player.numbers, player.steps, strict=True))[::7]:
        np.testing.assert_allclose(greys(step, 3), [2 * number, 2 * number + 20, 2 * number + 40], atol=2)


def test_a_model_whose_frames_are_gone_has_no_panel(section, tmp_path):
    (tmp_path / "two" / "a" / "00003.png").unlink()
    album = section_to_album(section)
    player = clip_to_player(album, section_to_values(section), "a", "", 16)
    assert [label for label, _ in player.panels] == ["target", "one"]
    assert len(player.problems) == 1
    assert player.problems[0].startswith("two is not shown: ")


def test_worst_and_best_frames_by_their_figures(section):
    album, values = section_to_album(section), section_to_values(section)
    lead = section_to_lead(section, values)
    found = row_to_extremes(album, values, 0, lead, 16)
    numbers, curve = values.frames[0][lead.name, "a"]
    by_number = dict(zip(numbers, curve, strict=True))
    assert found.worst[0].number == min(by_number, key=by_number.get)
    assert found.best[0].number == max(by_number, key=by_number.get)
    assert {len(found.worst), len(found.best)} == {MOST}
    assert not {one.number for one in found.worst} & {one.number for one in found.best}
    first = found.worst[0]
    assert [label for label, _ in first.pictures] == ["target", "generated", "difference"]
    assert abs(greys(first.pictures[1][1], 1)[0] - (2 * first.number + 20)) <= 2


def test_no_two_frames_are_neighbours():
    frames = [
        (0.1, "a", 10),
        (0.2, "a", 11),
        (0.3, "b", 11),
        (0.4, "a", 10 + GAP),
        (0.5, "a", 3),
        (0.6, "c", 0),
    ]
    assert apart(frames) == [frames[0], frames[2], frames[3], frames[5]]


def test_some_clips_are_chosen_by_hand():
    order = [f"{place:02d}" for place in range(10)]
    assert choose_clips(order, 6) == [
        ("00", "worst"), ("01", "2nd worst"), ("02", ""), ("07", ""), ("08", "2nd best"), ("09", "best"),
    ]  # fmt: skip
    assert choose_clips(order[:1], 6) == [("00", "worst")]
    assert choose_clips(order[:2], 6) == [("00", "worst"), ("01", "best")]
    assert choose_clips([], 6) == []
    assert choose_clips(order, 0) == []


@given(st.integers(1, 40), st.integers(1, 12))
def test_choices_keep_to_the_number_and_the_order(clips, most):
    order = [f"{place:02d}" for place in range(clips)]
    chosen = choose_clips(order, most)
    assert len(chosen) == min(clips, most)
    assert [clip for clip, _ in chosen] == sorted(clip for clip, _ in chosen)
    assert chosen[0] == ("00", "worst")
    if min(clips, most) > 1:
        assert chosen[-1] == (order[-1], "best")
