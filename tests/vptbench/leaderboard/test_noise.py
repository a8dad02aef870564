import math
import shutil

import numpy as np
import pytest

from vptbench.errors import BoardError
from vptbench.leaderboard import add_entry, rank_board, read_board
from vptbench.leaderboard.noise import Basis, board_to_noise

CLIPS = [f"c{number:02d}" for number in range(30)]
HARD = np.random.default_rng(3).uniform(0.3, 0.9, 30)
"""How hard each clip is: far more than what sets two models apart."""

WOBBLE = np.where(np.arange(30) % 2, 0.02, -0.02)
"""A difference of mean 0 over 30 clips."""


def clips(values):
    return {clip: [float(value)] for clip, value in zip(CLIPS, values, strict=False)}


@pytest.fixture
def board(tmp_path, by_clip):
    """A function that makes a board of entries given by their values clip by clip."""

    def make(**entries):
        path = tmp_path / "b.csv"
        for name, values in entries.items():
            add_entry(by_clip(name, clips(values)), path)
        return path

    return make


def ranks(path):
    return {
        place.name: (place.place, place.ranks.get("ssim-v1")) for place in rank_board(read_board(path)).places
    }


def test_noise_alone_shares_a_rank_and_a_known_difference_is_ranked(board):
    path = board(worse=HARD - 0.01 + WOBBLE / 10, one=HARD, two=HARD + WOBBLE + 0.001)
    found = rank_board(read_board(path))
    assert ranks(path) == {"one": (1, 1.5), "two": (1, 1.5), "worse": (3, 3.0)}
    assert [place.best for place in found.places] == [{"ssim-v1"}, {"ssim-v1"}, frozenset()]
    (note,) = found.notes
    assert note.endswith("leaves out 0, by a paired bootstrap over 30 clips.")
    one, worse = (read_board(path).entries[index].values["ssim-v1"] for index in (1, 0))
    assert one.low < worse.high  # only pairing tells these two apart


def test_without_figures_by_clip_intervals_must_not_overlap(board):
    path = board(worse=HARD - 0.01, one=HARD, far=HARD - 0.25)
    assert ranks(path) == {"one": (1, 1.0), "worse": (2, 2.0), "far": (3, 3.0)}
    shutil.rmtree(path.with_name("b.clips"))
    assert ranks(path) == {"one": (1, 1.5), "worse": (1, 1.5), "far": (3, 3.0)}
    (note,) = rank_board(read_board(path)).notes
    assert note.startswith("SSIM: told apart where the 95 % intervals of two entries do not overlap")


def test_few_clips_rank_by_value(board):
    path = board(one=HARD[:5], two=HARD[:5] - WOBBLE[:5] / 1e3)
    assert ranks(path) == {"one": (2, 2.0), "two": (1, 1.0)}
    (note,) = rank_board(read_board(path)).notes
    assert note.startswith("Over 5 clips noise cannot be judged (that takes 6): figures rank by value alone")


def test_a_metric_without_any_interval_ranks_by_value(folder, tmp_path):
    many = [f"c{number}" for number in range(8)]
    for name, quality in (("a", 0.5), ("b", 0.4)):
        add_entry(folder(name, quality=quality, clips=many), tmp_path / "b.csv")
    notes = rank_board(read_board(tmp_path / "b.csv")).notes
    assert notes[0].startswith("SSIM, PSNR and L1: told apart where the 95 % interval of the difference")
    assert notes[1].startswith("FID: ranked by value alone where no interval is at hand")


def test_naive_reference_with_frames_as_weights(tmp_path, by_clip):
    rng = np.random.default_rng(1)
    made = {
        name: {
            clip: rng.normal(mean, 0.1, size).tolist()
            for clip, size in zip(CLIPS[:7], range(1, 8), strict=True)
        }
        for name, mean in (("a", 0.5), ("b", 0.45))
    }
    for name, values in made.items():
        add_entry(by_clip(name, values, pooling="frame"), tmp_path / "b.csv")
    board = read_board(tmp_path / "b.csv")
    noise = board_to_noise(board)
    generator = np.random.Generator(np.random.PCG64(0))
    differences = []
    for _ in range(10_000):
        drawn = [CLIPS[int(generator.integers(7))] for _ in range(7)]
        sums = [math.fsum(value for clip in drawn for value in made[name][clip]) for name in ("a", "b")]
        differences.append((sums[0] - sums[1]) / sum(len(made["a"][clip]) for clip in drawn))
    found = noise.means["a"]["ssim-v1"] - noise.means["b"]["ssim-v1"]
    np.testing.assert_allclose(found, differences, atol=1e-12)
    differences.sort()
    apart = differences[249] > 0 or differences[9749] < 0  # the ends at 2.5 % and 97.5 %
    assert noise.differ("ssim-v1", *board.entries) == (apart, Basis.PAIRED)


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_rows_does_not_matter(tmp_path, by_clip, seed):
    rng = np.random.default_rng(seed)
    values = {f"e{number}": HARD + rng.normal(number / 200, 0.02, 30) for number in range(5)}
    scores = {name: by_clip(name, clips(each)) for name, each in values.items()}
    found = []
    for turn in range(3):
        path = tmp_path / f"b{turn}.csv"
        for name in rng.permutation(list(scores)):
            add_entry(scores[str(name)], path)
        found.append(ranks(path))
    assert found[0] == found[1] == found[2]


def test_figures_by_clip_that_were_changed_are_refused(board):
    path = board(one=HARD, two=HARD - 0.1)
    (file, _) = sorted(path.with_name("b.clips").iterdir())
    file.write_text(file.read_text().replace("0.", "1.", 1))
    with pytest.raises(BoardError, match=r"expected the figures by clip of '(one|two)' as they were added"):
        rank_board(read_board(path))
